"""Check that IAM and SWR's regions belong to one cloud, and that it synchronizes between them.

Like cross_checks, these checks work on the unchecked document.
"""

from collections.abc import Mapping, Sequence

from swrhook.config.clouds import CLOUDS, SYNC_REGIONS, cloud_of
from swrhook.config.diagnostics import Diagnostics, did_you_mean, quote
from swrhook.config.nodes import Data, NodePath, mapping_at, value_at
from swrhook.config.regions import KNOWN_REGIONS, default_endpoint

_HUAWEI = ("huawei", "huawei-eu")


def check_clouds(data: Data, diagnostics: Diagnostics) -> None:
    """Check the regions against the cloud, named or by the host of IAM."""
    name = value_at(data, "swr", "cloud")
    cloud = name if isinstance(name, str) and name in CLOUDS else None
    iam = value_at(data, "swr", "iam_endpoint")
    iam_cloud = cloud_of(iam) if isinstance(iam, str) else cloud
    if cloud and iam_cloud not in (None, cloud):
        message = f"is not the IAM of {quote(cloud)}, whose users are at {CLOUDS[cloud].iam}"
        diagnostics.add_warning(("swr", "iam_endpoint"), message)
    for region, settings in (mapping_at(data, "swr", "regions") or {}).items():
        endpoint = value_at(settings, "endpoint")
        if endpoint is None:
            _check_default(region, cloud, diagnostics)
        _check_region(region, _endpoint(region, endpoint, cloud), iam_cloud, diagnostics)


def check_synchronization(
    data: Data, path: NodePath, sources: Sequence[Data], target: str, diagnostics: Diagnostics
) -> None:
    """Warn of a rule's target region that is not documented to get images from a source region.

    `path` is that of the target.
    """
    if not _is_huawei(data):
        return
    for source in dict.fromkeys(region for region in sources if isinstance(region, str)):
        regions = [region for region in (source, target) if region in KNOWN_REGIONS]
        undocumented = [region for region in regions if region not in SYNC_REGIONS]
        if undocumented and source != target:
            diagnostics.add_warning(
                path,
                f"SWR's documentation names no synchronization from {source} to {target}:"
                f" {' and '.join(undocumented)} is not among its regions;"
                ' "check --online" asks SWR itself',
            )


def _is_huawei(data: Data) -> bool:
    iam, cloud = value_at(data, "swr", "iam_endpoint"), value_at(data, "swr", "cloud")
    return (cloud_of(iam) if isinstance(iam, str) else cloud) in _HUAWEI


def _check_default(region: str, cloud: str | None, diagnostics: Diagnostics) -> None:
    """Check a region without an endpoint of its own."""
    path: NodePath = ("swr", "regions", region)
    if cloud is not None and CLOUDS[cloud].swr is None:
        message = f"needs its endpoint: the hosts of SWR in {quote(cloud)} are not documented"
        diagnostics.add_mistake(path, message)
    elif cloud in (None, *_HUAWEI) and region not in KNOWN_REGIONS:
        message = f"is not a region that swrhook knows: {did_you_mean(region, KNOWN_REGIONS)}"
        diagnostics.add_warning(path, message)


def _endpoint(region: str, endpoint: Data, cloud: str | None) -> str:
    return endpoint if isinstance(endpoint, str) else default_endpoint(region, cloud)


def _check_region(
    region: str, endpoint: str, iam_cloud: str | None, diagnostics: Diagnostics
) -> None:
    """Warn of a region whose cloud does not accept the credentials, or documents no sync."""
    cloud, path = cloud_of(endpoint), ("swr", "regions", region)
    if cloud is None or iam_cloud is None:
        return
    if cloud != iam_cloud:
        diagnostics.add_warning(
            path,
            f"is a region of {quote(cloud)}, whose IAM is {CLOUDS[cloud].iam}: it does not accept"
            f" the credentials of {quote(iam_cloud)}",
        )
    elif not CLOUDS[cloud].has_sync:
        message = f"the documentation of {quote(cloud)} has no sync_images: calls may be refused"
        diagnostics.add_warning(path, message)


def iam_of(swr: Mapping[str, Data]) -> str:
    """Return the address of IAM in a checked section `swr`."""
    endpoint = swr.get("iam_endpoint") or CLOUDS[swr["cloud"]].iam
    return str(endpoint).rstrip("/")
