"""The clouds that run SWR, with the hosts of their IAM and SWR as far as they are documented.

Sources: "Endpoints" of the IAM API reference of Huawei Cloud, of its European site (`iam_05_0001`)
and of FlexibleEngine (`iam_01_0004`); the vendor's Python SDK for the hosts of SWR; for OTC its
public documentation and the client library gophertelekomcloud; for SberCloud its Terraform
provider. Synchronization between regions: SWR user guide, `swr_01_0101` (2025-07-30).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Cloud:
    """A cloud: the domain of its hosts, its IAM, and the pattern of SWR's endpoints.

    `swr` is None where no pattern is documented. `has_sync` says whether its documentation has the
    operation sync_images.
    """

    domain: str
    iam: str
    swr: str | None
    has_sync: bool


CLOUDS: Mapping[str, Cloud] = {
    "huawei": Cloud(
        "myhuaweicloud.com",
        "https://iam.myhuaweicloud.com",
        "https://swr-api.{region}.myhuaweicloud.com",
        has_sync=True,
    ),
    "huawei-eu": Cloud(
        "myhuaweicloud.eu",
        "https://iam.myhuaweicloud.eu",
        "https://swr-api.{region}.myhuaweicloud.eu",
        has_sync=True,
    ),
    "otc": Cloud(
        "otc.t-systems.com",
        "https://iam.eu-de.otc.t-systems.com",
        "https://swr-api.{region}.otc.t-systems.com",
        has_sync=False,
    ),
    "flexibleengine": Cloud(
        "prod-cloud-ocb.orange-business.com",
        "https://iam.eu-west-0.prod-cloud-ocb.orange-business.com",
        None,
        has_sync=False,
    ),
    "sbercloud": Cloud(
        "hc.sbercloud.ru",
        "https://iam.ru-moscow-1.hc.sbercloud.ru",
        None,
        has_sync=False,
    ),
}

# The regions between which Huawei Cloud documents the synchronization of images.
SYNC_REGIONS = frozenset(
    {
        "af-south-1", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "cn-east-2",
        "cn-east-3", "cn-north-1", "cn-north-4", "cn-north-9", "cn-south-1", "cn-southwest-2",
    }
)  # fmt: skip


def cloud_of(endpoint: str) -> str | None:
    """Return the name of the cloud that an address belongs to, or None for another host."""
    try:
        host = urlsplit(endpoint).hostname or ""
    except ValueError:
        return None
    return next((name for name, cloud in CLOUDS.items() if host.endswith(f".{cloud.domain}")), None)
