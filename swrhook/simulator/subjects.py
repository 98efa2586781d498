"""What faults are matched with: a call, or one of its tags on its way to a target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from swrhook.simulator.values import EVERYWHERE, IAM, Fault


@dataclass(frozen=True, slots=True)
class Subject:
    """A call or a tag of it; those with the same `identity` are told apart by their order alone.

    What the call does not say is None.
    """

    region: str
    operation: str
    namespace: str | None
    repository: str | None
    tags: Sequence[str]
    target_region: str | None
    target_organization: str | None
    identity: tuple[str, ...]


def of_call(
    region: str,
    operation: str,
    names: Mapping[str, str],
    body: object,
    identity: tuple[str, ...],
) -> Subject:
    """Read a call: the names in its path (and query), the tags and the target in its body."""
    fields = body if isinstance(body, Mapping) else {}
    repository, tag = names.get("repository"), names.get("name") or names.get("tag")
    listed = fields.get("imageTag")
    return Subject(
        region=region,
        operation=operation,
        namespace=names.get("namespace"),
        repository=repository and repository.replace("$", "/"),
        tags=listed if isinstance(listed, list) else [tag] if tag else [],
        target_region=fields.get("remoteRegionId"),
        target_organization=fields.get("remoteNamespace"),
        identity=(region, operation, *identity),
    )


def of_tag(call: Subject, tag: str) -> Subject:
    """Take one tag out of a call; it is the same tag whichever other tags come with it."""
    where = (call.namespace, call.repository, tag, call.target_region, call.target_organization)
    return Subject(
        region=call.region,
        operation=call.operation,
        namespace=call.namespace,
        repository=call.repository,
        tags=[tag],
        target_region=call.target_region,
        target_organization=call.target_organization,
        identity=(call.region, "a tag", *map(str, where)),
    )


def matches(fault: Fault, subject: Subject) -> bool:
    """Tell whether a fault is meant for this call or tag."""
    everywhere = fault.region == EVERYWHERE and subject.region != IAM
    wanted = (
        (fault.namespace, subject.namespace),
        (fault.repository, subject.repository),
        (fault.target_region, subject.target_region),
        (fault.target_organization, subject.target_organization),
    )
    return (
        (everywhere or fault.region == subject.region)
        and fault.operation in (EVERYWHERE, subject.operation)
        and all(want in (None, has) for want, has in wanted)
        and (fault.tag is None or fault.tag in subject.tags)
    )
