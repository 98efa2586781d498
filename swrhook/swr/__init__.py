"""SWR and IAM: what they are asked, what their answers mean, and the one way out to them."""
