"""The client for SWR and IAM: requests, responses, error codes, authentication and transport."""
