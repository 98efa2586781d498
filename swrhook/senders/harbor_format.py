"""The part of Harbor's default format that harbor, huawei-swr-ee and tencent share."""

from swrhook.senders import payload


def repository_name(data: payload.Json) -> str | None:
    """Return the full name in the event data's repository object, None if there is none."""
    full_name = payload.text(data, "repository", "repo_full_name")
    project = payload.text(data, "repository", "namespace")
    name = payload.text(data, "repository", "name")
    return full_name or (f"{project}/{name}" if project and name else None)
