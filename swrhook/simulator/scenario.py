"""Reading of scenario files and of the control API's bodies."""

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
    """A scenario or a body is invalid; the message has a line for each mistake."""


class Reader:
    """Reads seeds, faults and settings for a simulator with these regions. Raises ScenarioError."""

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
        scenario = Scenario(**_load(ScenarioSchema(), data))
        self._check_regions(scenario.organizations, EVERYWHERE)
        self._check_regions(scenario.tags)
        self._check_faults(scenario.faults)
        return scenario

    def organizations(self, data: object) -> Sequence[SeedOrganization]:
        """Read one organization or a list of organizations."""
        organizations: Sequence[SeedOrganization] = _load(OrganizationSchema(many=True), data)
        self._check_regions(organizations, EVERYWHERE)
        return organizations

    def tags(self, data: object) -> Sequence[SeedTag]:
        """Read one tag or a list of tags."""
        tags: Sequence[SeedTag] = _load(TagSchema(many=True), data)
        self._check_regions(tags)
        return tags

    def faults(self, data: object) -> Sequence[Fault]:
        """Read one fault or a list of faults."""
        faults: Sequence[Fault] = _load(FaultSchema(many=True), data)
        self._check_faults(faults)
        return faults

    def settings(self, data: object) -> Mapping[str, Any]:
        """Read the settings to change."""
        settings: Mapping[str, Any] = _load(SettingsSchema(), data)
        return settings

    def _check_faults(self, faults: Sequence[Fault]) -> None:
        self._check_regions(faults, EVERYWHERE, IAM)
        for fault in faults:
            operations = IAM_OPERATIONS if fault.region == IAM else OPERATIONS
            if fault.operation not in (EVERYWHERE, *operations):
                message = f"{fault.region} has no operation {fault.operation!r}"
                raise ScenarioError(message)

    def _check_regions(
        self, items: Sequence[SeedOrganization | SeedTag | Fault], *others: str
    ) -> None:
        regions = (*self._regions, *others)
        unknown = sorted({item.region for item in items} - set(regions))
        if unknown:
            message = f"unknown region {', '.join(unknown)}; there are {', '.join(regions)}"
            raise ScenarioError(message)


def _load(schema: Schema, data: object) -> Any:  # noqa: ANN401 - as the schema says
    items = [data] if schema.many and isinstance(data, Mapping) else data
    try:
        return schema.load(items)  # type: ignore[arg-type]
    except ValidationError as exc:
        raise ScenarioError("\n".join(_lines(exc.messages, ""))) from exc


def _lines(messages: object, path: str) -> Iterable[str]:
    """Flatten marshmallow's messages to lines such as `tags.0.digest: Not a digest.`."""
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            yield from _lines(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(messages, list):
        for inner in messages:
            yield from _lines(inner, path)
    else:
        yield f"{path}: {messages}" if path else str(messages)
