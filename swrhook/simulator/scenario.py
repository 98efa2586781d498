"""What a simulator holds at its start, read from a file; and the reading of the control API."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from marshmallow import Schema, ValidationError

from swrhook.simulator.model import (
    EVERYWHERE,
    IAM,
    IAM_OPERATIONS,
    OPERATIONS,
    Fault,
    Scenario,
    SeedOrganization,
    SeedTag,
)
from swrhook.simulator.schemas import (
    FaultSchema,
    OrganizationSchema,
    ScenarioSchema,
    SettingsSchema,
    TagSchema,
)


class ScenarioError(Exception):
    """What was given cannot be used; the message says where and why, a line for each mistake."""


class Reader:
    """Reads seeds, faults and settings for a simulator of these regions."""

    def __init__(self, regions: Sequence[str]) -> None:
        self._regions = tuple(regions)

    def file(self, path: Path) -> Scenario:
        """Read a scenario file, YAML or JSON."""
        try:
            data: object = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
            message = f"{path}: {exc}"
            raise ScenarioError(message) from exc
        try:
            return self.scenario({} if data is None else data)
        except ScenarioError as exc:
            message = "\n".join(f"{path}: {line}" for line in str(exc).splitlines())
            raise ScenarioError(message) from exc

    def scenario(self, data: object) -> Scenario:
        """Read a whole scenario."""
        loaded: dict[str, Any] = _load(ScenarioSchema(), data)
        scenario = Scenario(**loaded)
        self._check_organizations(scenario.organizations)
        self._check_tags(scenario.tags)
        self._check_faults(scenario.faults)
        return scenario

    def organizations(self, data: object) -> Sequence[SeedOrganization]:
        """Read one organization, or a list of them."""
        organizations: Sequence[SeedOrganization] = _load(OrganizationSchema(many=True), data)
        self._check_organizations(organizations)
        return organizations

    def tags(self, data: object) -> Sequence[SeedTag]:
        """Read one tag, or a list of them."""
        tags: Sequence[SeedTag] = _load(TagSchema(many=True), data)
        self._check_tags(tags)
        return tags

    def faults(self, data: object) -> Sequence[Fault]:
        """Read one fault, or a list of them."""
        faults: Sequence[Fault] = _load(FaultSchema(many=True), data)
        self._check_faults(faults)
        return faults

    def settings(self, data: object) -> Mapping[str, Any]:
        """Read the settings that are to change."""
        settings: Mapping[str, Any] = _load(SettingsSchema(), data)
        return settings

    def _check_organizations(self, organizations: Sequence[SeedOrganization]) -> None:
        self._check_regions((item.region for item in organizations), EVERYWHERE)

    def _check_tags(self, tags: Sequence[SeedTag]) -> None:
        self._check_regions(tag.region for tag in tags)

    def _check_faults(self, faults: Sequence[Fault]) -> None:
        self._check_regions((fault.region for fault in faults), EVERYWHERE, IAM)
        for fault in faults:
            known = IAM_OPERATIONS if fault.region == IAM else OPERATIONS
            if fault.operation not in (EVERYWHERE, *known):
                message = f"{fault.region} has no operation {fault.operation!r}"
                raise ScenarioError(message)

    def _check_regions(self, regions: Iterable[str], *others: str) -> None:
        known = (*self._regions, *others)
        unknown = sorted(set(regions) - set(known))
        if unknown:
            message = f"unknown region {', '.join(unknown)}; there are {', '.join(known)}"
            raise ScenarioError(message)


def _load(schema: Schema, data: object) -> Any:  # noqa: ANN401 - as the schema says
    items = [data] if schema.many and isinstance(data, Mapping) else data
    try:
        return schema.load(items)  # type: ignore[arg-type]
    except ValidationError as exc:
        raise ScenarioError("\n".join(_lines(exc.messages, ""))) from exc


def _lines(messages: object, where: str) -> Iterable[str]:
    """Flatten marshmallow's messages to lines such as `tags.0.digest: Not a digest.`."""
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            yield from _lines(inner, f"{where}.{key}" if where else str(key))
    elif isinstance(messages, list):
        for inner in messages:
            yield from _lines(inner, where)
    else:
        yield f"{where}: {messages}" if where else str(messages)
