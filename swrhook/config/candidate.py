"""Read a proposed configuration for what-if: rules, defaults, region and sender names only.

These parts decide where pushes go, and none of them is a secret. The excerpt of a file that holds
only them has the shape of the file itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from swrhook.config import validators
from swrhook.config.build import build_namespaces, build_rules
from swrhook.config.cross_checks import check_references
from swrhook.config.diagnostics import Expanded
from swrhook.config.diff import make_rules_fingerprint
from swrhook.config.fields import Text
from swrhook.config.interpolation import ReadFile, expand, has_reference
from swrhook.config.loader import check_structure, open_document
from swrhook.config.model import Config
from swrhook.config.nodes import Data, NodePath, mapping_at, texts_in
from swrhook.config.rule_lint import lint_rules
from swrhook.config.rule_schema import DefaultsSection, RuleSection
from swrhook.config.sections import Items, Named, Part, Section
from swrhook.config.sender_schema import AllowSection, ImageSection
from swrhook.rules.namespaces import Namespaces
from swrhook.rules.rulebook import Rulebook
from swrhook.senders.sender import ImageSettings, Origin


class _RegionSection(Section):
    """A region without its settings."""


class _SwrSection(Section):
    """The regions."""

    regions = Named(validators.region_name, Part(_RegionSection), may_be_empty=False)


class _OriginSection(Section):
    """A sender's region, how its image names become SWR's, and where it may push to."""

    region = Text(required=True)
    image = Part(ImageSection)
    allow = Part(AllowSection)


class _CandidateSection(Section):
    """The excerpt."""

    swr = Part(_SwrSection, required=True)
    senders = Named(validators.sender_name, Part(_OriginSection), may_be_empty=True)
    rules = Items(Part(RuleSection), required=True)
    defaults = Part(DefaultsSection)


_CANDIDATE = _CandidateSection()


@dataclass(frozen=True, slots=True)
class Candidate:
    """The parts of a configuration that decide where pushes go, and the warnings about them.

    `fingerprint` identifies rules and defaults.
    """

    origins: Mapping[str, Origin]
    rules: Rulebook
    warnings: Sequence[str] = ()
    fingerprint: str = ""


def extract_excerpt(
    text: bytes, *, file: str, environ: Mapping[str, str], read_file: ReadFile
) -> dict[str, Data]:
    """Return the excerpt of a whole file. Raises BadConfiguration.

    The whole file is checked, but references are replaced only in the excerpt: no secret is read,
    and every other value with a reference counts as valid.
    """
    document, diagnostics = open_document(text, file)
    part = expand(_excerpt(document), diagnostics, environ, read_file)
    whole = _merge(document, part)
    for path in _references(whole):
        diagnostics.assume_valid(path)
    check_structure(whole, diagnostics)
    check_references(whole, diagnostics)
    diagnostics.raise_mistakes()
    return dict(part)


def read_candidate(text: bytes, current: Mapping[str, Data]) -> Candidate:
    """Read an excerpt, or the excerpt of a whole file. Raises BadConfiguration.

    Where the text has no regions or senders, those of the current excerpt are used. A
    reference is a mistake: a client of the API must not read this machine's files and environment.
    """
    document, diagnostics = open_document(text, "candidate")
    part = _excerpt(document)
    for path in _references(part):
        diagnostics.suppress_below(path, '"${…}" is not replaced here: write the value itself')
    data = {**current, **part} if isinstance(part, dict) else part
    checked = check_structure(data, diagnostics, _CANDIDATE)
    check_references(data, diagnostics)
    diagnostics.raise_mistakes()
    rules = build_rules(checked["rules"], checked.get("defaults", {}))
    lint_rules(rules, diagnostics)
    origins = {
        name: Origin(
            name,
            sender["region"],
            ImageSettings(**sender.get("image", {})),
            build_namespaces(sender.get("allow", {})),
        )
        for name, sender in checked["senders"].items()
    }
    fingerprint = make_rules_fingerprint(checked)
    return Candidate(origins, rules, tuple(diagnostics.warnings), fingerprint)


def read_fingerprint(text: bytes, current: Mapping[str, Data]) -> str:
    """Return the fingerprint of the rules in an excerpt. Raises BadConfiguration."""
    return read_candidate(text, current).fingerprint


def _excerpt(data: Data) -> Data:
    """Return the excerpt of a document. A value of the wrong type stays in it, to be reported."""
    if not isinstance(data, dict):
        return data
    part = {key: data[key] for key in ("defaults", "rules", "senders") if key in data}
    senders = mapping_at(data, "senders")
    if senders is not None:
        part["senders"] = {name: _origin(sender) for name, sender in senders.items()}
    regions = mapping_at(data, "swr", "regions")
    if regions is not None:
        part["swr"] = {"regions": {name: {} for name in regions}}
    return part


def _origin(sender: Data) -> Data:
    if not isinstance(sender, dict):
        return sender
    return {key: sender[key] for key in ("region", "image", "allow") if key in sender}


def _merge(whole: Data, part: Data) -> Data:
    """Return the whole document with the expanded values of the excerpt."""
    if not isinstance(part, dict):
        return part
    if not isinstance(whole, dict):
        return whole  # a region's value is left out of the excerpt, whatever it is
    return {**whole, **{key: _merge(whole[key], part[key]) for key in part}}


def _references(data: Data) -> Iterator[NodePath]:
    """Yield the path of each text that has a reference in it which is not replaced."""
    for path, text in texts_in(data):
        if not isinstance(text, Expanded) and has_reference(text):
            yield path


def excerpt_of(config: Config) -> Mapping[str, Data]:
    """Return the regions and senders of a configuration, as they would be written."""
    return {
        "swr": {"regions": {name: {} for name in config.swr.regions}},
        "senders": {
            name: {
                "region": sender.region,
                "image": {key: text for key, text in asdict(sender.image).items() if text},
                **_allow(sender),
            }
            for name, sender in config.senders.items()
        },
    }


def _allow(sender: Origin) -> Mapping[str, Data]:
    allowed = sender.allow_namespaces
    if not isinstance(allowed, Namespaces):
        return {}
    return {"allow": {"namespaces": [str(pattern) for pattern in allowed.patterns]}}
