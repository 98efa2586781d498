"""The names of the operations in the call log and in faults."""

OPERATIONS = (
    "sync_images",
    "tags",
    "tag",
    "repo",
    "repos",
    "namespaces",
    "regions",
    "sync_job",
    "sync_repo",
    "feature_gates",
    "quotas",
    "create_repo",
    "delete_repo",
    "create_tag",
    "delete_tag",
)
IAM_OPERATIONS = (
    "tokens",
    "projects",
    "securitytokens",
    "metadata_token",
    "securitykey",
    "pod_identity",
)
