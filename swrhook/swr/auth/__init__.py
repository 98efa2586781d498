"""Authenticates requests to SWR: tokens, access keys, and what to do when one is refused.

authenticator  adds a token or a signature to a request; on a refusal, renews it and retries once
token          supplies the fixed token of the configuration
password       fetches tokens: logs in at IAM with user and password
access_key     supplies the fixed access key of the configuration, and recognizes refused keys
metadata       fetches temporary keys: an ECS server's agency, or a pod's identity
signing        signs a request with an access key (SDK-HMAC-SHA256)
cache          keeps fetched tokens, keys and project ids, and renews them before they expire
lockout        stops a refused credential from being tried again, in any process
"""
