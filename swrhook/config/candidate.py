"""A file that is thought of: as much of it as decides where pushes go, and no secret.

What decides are the rules and their defaults, the names of the regions, and of each sender its
region and its names. That excerpt has the shape of the file itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from swrhook.config import validators
from swrhook.config.build import build_rules
from swrhook.config.cross_checks import check_links, check_rules, mapping
from swrhook.config.diagnostics import Expanded
from swrhook.config.fields import Text
from swrhook.config.interpolation import ReadFile, expand, has_reference
from swrhook.config.loader import check_structure, open_document
from swrhook.config.model import Config
from swrhook.config.nodes import Data, NodePath
from swrhook.config.rule_lint import warn_of_rules
from swrhook.config.rule_schema import DefaultsSection, RuleSection
from swrhook.config.sections import Items, Named, Part, Section
from swrhook.config.sender_schema import ImageSection
from swrhook.errors import BadConfiguration
from swrhook.rules import Rulebook
from swrhook.senders.sender import ImageSettings, Origin


class _RegionSection(Section):
    """A region's name alone."""


class _SwrSection(Section):
    """The regions that there are."""

    regions = Named(validators.region_name, Part(_RegionSection), may_be_empty=False)


class _OriginSection(Section):
    """Where a sender's images live, and under which names."""

    region = Text(required=True)
    image = Part(ImageSection)


class _CandidateSection(Section):
    """The excerpt."""

    swr = Part(_SwrSection, required=True)
    senders = Named(validators.sender_name, Part(_OriginSection), may_be_empty=True)
    rules = Items(Part(RuleSection), required=True)
    defaults = Part(DefaultsSection)


_CANDIDATE = _CandidateSection()


@dataclass(frozen=True, slots=True)
class Candidate:
    """What decides where pushes go, and what is odd about it."""

    origins: Mapping[str, Origin]
    rules: Rulebook
    warnings: Sequence[str] = ()


def excerpt(
    text: bytes, *, file: str, environ: Mapping[str, str], read_file: ReadFile
) -> dict[str, Data]:
    """Return what of a whole file decides where pushes go. Raises BadConfiguration.

    The file is checked to its end, but no secret is looked for: a value that comes from elsewhere
    is taken for right. Only in the excerpt itself references are replaced.
    """
    written, findings = open_document(text, file)
    part = expand(_excerpt(written), findings, environ, read_file)
    whole = _joined(written, part)
    for path in _references(whole, ()):
        findings.ignore(path)
    check_structure(whole, findings)
    check_links(whole, findings)
    check_rules(whole, findings)
    if findings.mistakes:
        raise BadConfiguration(findings.mistakes)
    return dict(part)


def read_candidate(text: bytes, in_use: Config, *, file: str = "candidate") -> Candidate:
    """Read an excerpt, or a whole file, of which the rest is left out. Raises BadConfiguration.

    Regions and senders are those in use where the text has none. Nothing is read from elsewhere:
    a reference is a mistake here.
    """
    written, findings = open_document(text, file)
    part = _excerpt(written)
    for path in _references(part, ()):
        findings.suppress_below(path, "«${…}» is not replaced here: write the value itself")
    data = {**_in_use(in_use), **part} if isinstance(part, dict) else part
    checked = check_structure(data, findings, _CANDIDATE)
    check_links(data, findings)
    check_rules(data, findings)
    if findings.mistakes:
        raise BadConfiguration(findings.mistakes)
    rules = build_rules(checked["rules"], checked.get("defaults", {}))
    warn_of_rules(rules, findings)
    origins = {
        name: Origin(name, sender["region"], ImageSettings(**sender.get("image", {})))
        for name, sender in checked["senders"].items()
    }
    return Candidate(origins, rules, tuple(findings.warnings))


def _excerpt(data: Data) -> Data:
    """Return what decides; what is not of the right type is left as it is, to be told of."""
    if not isinstance(data, dict):
        return data
    part = {key: data[key] for key in ("defaults", "rules") if key in data}
    if "senders" in data:
        senders = mapping(data, "senders")
        part["senders"] = data["senders"]
        if senders is not None:
            part["senders"] = {name: _origin(sender) for name, sender in senders.items()}
    regions = mapping(data, "swr", "regions")
    if regions is not None:
        part["swr"] = {"regions": {name: {} for name in regions}}
    return part


def _origin(sender: Data) -> Data:
    if not isinstance(sender, dict):
        return sender
    return {key: sender[key] for key in ("region", "image") if key in sender}


def _joined(written: Data, part: Data) -> Data:
    """Return the whole document with the excerpt's own values in their places."""
    if not isinstance(written, dict):
        return written
    whole = {**written, **{key: part[key] for key in ("defaults", "rules") if key in part}}
    senders = mapping(written, "senders")
    if senders is not None:
        whole["senders"] = {
            name: {**sender, **part["senders"][name]} if isinstance(sender, dict) else sender
            for name, sender in senders.items()
        }
    return whole


def _references(data: Data, path: NodePath) -> Iterator[NodePath]:
    """Yield where a value comes from elsewhere and is not replaced."""
    if isinstance(data, str) and not isinstance(data, Expanded) and has_reference(data):
        yield path
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _references(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _references(value, (*path, index))


def _in_use(config: Config) -> dict[str, Data]:
    return {
        "swr": {"regions": {name: {} for name in config.swr.regions}},
        "senders": {
            name: {
                "region": sender.region,
                "image": {key: text for key, text in asdict(sender.image).items() if text},
            }
            for name, sender in config.senders.items()
        },
    }
