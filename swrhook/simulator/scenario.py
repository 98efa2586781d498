"""Reading of scenario files and of the control API's bodies."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from marshmallow import Schema, ValidationError
from marshmallow.exceptions import SCHEMA

from swrhook.simulator import model, schemas
from swrhook.simulator.operations import IAM_OPERATIONS, OPERATIONS
from swrhook.simulator.retention_rule import RetentionRule
from swrhook.simulator.tag_selector import TagSelector

Regional = TypeVar("Regional", model.SeedOrganization, model.SeedTag, RetentionRule, model.Fault)


class ScenarioError(Exception):
    """A scenario or a body is invalid; the message has a line for each mistake."""


class Reader:
    """Reads seeds, faults and settings for a simulator with these regions. Raises ScenarioError."""

    def __init__(self, regions: Sequence[str]) -> None:
        self._regions = tuple(regions)

    def file(self, path: Path) -> model.Scenario:
        """Read a scenario file, YAML or JSON."""
        try:
            data: object = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError as exc:
            raise ScenarioError(f"{path} cannot be read: {exc.strerror}") from exc
        except (UnicodeDecodeError, yaml.YAMLError) as exc:
            raise ScenarioError(f"{path}: {exc}") from exc
        try:
            return self.scenario({} if data is None else data)
        except ScenarioError as exc:
            lines = str(exc).splitlines()
            raise ScenarioError("\n".join(f"{path}: {line}" for line in lines)) from exc

    def scenario(self, data: object) -> model.Scenario:
        """Read a whole scenario."""
        scenario = model.Scenario(**_load(schemas.ScenarioSchema(), data))
        self._check_regions(scenario.organizations, model.EVERYWHERE)
        self._check_regions(scenario.tags)
        self._check_regions(scenario.retention)
        self._check_faults(scenario.faults)
        return scenario

    def organizations(self, data: object) -> Sequence[model.SeedOrganization]:
        """Read one organization or a list of organizations."""
        organizations = _load(schemas.OrganizationSchema(many=True), data)
        return self._check_regions(organizations, model.EVERYWHERE)

    def tags(self, data: object) -> Sequence[model.SeedTag]:
        """Read one tag or a list of tags."""
        return self._check_regions(_load(schemas.TagSchema(many=True), data))

    def retention(self, data: object) -> Sequence[RetentionRule]:
        """Read one rule of retention or a list of them."""
        return self._check_regions(_load(schemas.RetentionSchema(many=True), data))

    def selectors(self, data: object) -> Sequence[TagSelector]:
        """Read what selects tags: one selector or a list of them."""
        selectors: Sequence[TagSelector] = _load(schemas.SelectorSchema(many=True), data)
        return selectors

    def faults(self, data: object) -> Sequence[model.Fault]:
        """Read one fault or a list of faults."""
        return self._check_faults(_load(schemas.FaultSchema(many=True), data))

    def settings(self, data: object) -> Mapping[str, Any]:
        """Read the settings to change."""
        settings: Mapping[str, Any] = _load(schemas.SettingsSchema(), data)
        return settings

    def _check_faults(self, faults: Sequence[model.Fault]) -> Sequence[model.Fault]:
        self._check_regions(faults, model.EVERYWHERE, model.IAM)
        for fault in faults:
            operations = IAM_OPERATIONS if fault.region == model.IAM else OPERATIONS
            if fault.operation not in (model.EVERYWHERE, *operations):
                raise ScenarioError(f"{fault.region} has no operation {fault.operation!r}")
        return faults

    def _check_regions(self, items: Sequence[Regional], *others: str) -> Sequence[Regional]:
        regions = (*self._regions, *others)
        unknown = sorted({item.region for item in items} - set(regions))
        if unknown:
            names = ", ".join(unknown)
            raise ScenarioError(f"unknown region {names}; there are {', '.join(regions)}")
        return items


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
            if key == SCHEMA:
                yield from _lines(inner, path or "scenario")
            else:
                yield from _lines(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(messages, list):
        for inner in messages:
            yield from _lines(inner, path)
    else:
        yield f"{path}: {messages}" if path else str(messages)
