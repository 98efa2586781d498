"""The regions of Huawei Cloud that have SWR, and their endpoints.

Source: the vendor's Python SDK, huaweicloudsdkswr 3.1.219. Any other region can be configured with
its endpoint: the list only serves to warn of misspelt names.
"""

from swrhook.config.clouds import CLOUDS

KNOWN_REGIONS = (
    "ae-ad-1", "af-north-1", "af-south-1",
    "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
    "cn-east-2", "cn-east-3", "cn-east-4", "cn-east-5",
    "cn-north-1", "cn-north-2", "cn-north-4", "cn-north-9", "cn-north-11", "cn-north-12",
    "cn-south-1", "cn-south-2", "cn-south-4", "cn-southwest-2", "cn-southwest-3",
    "eu-west-0", "eu-west-101", "la-north-2", "la-south-2", "me-east-1", "my-kualalumpur-1",
    "na-mexico-1", "ru-moscow-1", "ru-northwest-2", "sa-brazil-1", "sa-peru-1", "tr-west-1",
)  # fmt: skip

# The only one of these whose hosts are those of another cloud.
_EU = {"eu-west-101": "huawei-eu"}
_DEFAULT_CLOUD = "huawei"


def default_endpoint(region: str, cloud: str | None = None) -> str:
    """Return the endpoint of a region's SWR, for a region that is configured without one.

    Empty if the cloud documents no pattern of its endpoints.
    """
    pattern = CLOUDS[cloud or _EU.get(region, _DEFAULT_CLOUD)].swr
    return "" if pattern is None else pattern.format(region=region)


def registry_of(endpoint: str) -> str:
    """Return the host of a region's registry, which images are pulled from, by its endpoint."""
    return endpoint.partition("://")[2].partition("/")[0].replace("swr-api.", "swr.", 1)
