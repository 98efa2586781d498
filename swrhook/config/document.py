"""Bytes to a tree: the only reader of the configuration file's syntax, total for any bytes."""

from collections.abc import Iterator

import yaml

from swrhook.config.compose import Document, compose
from swrhook.config.syntax import decoded, explain

# libyaml, where PyYAML has it, is twenty times faster, which counts when a running service reloads
# ten thousand rules.
_FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(content: bytes) -> Document:
    """Read YAML or JSON. Raises NotYaml for anything else, whatever the bytes."""
    text = decoded(content)
    try:
        return compose(_events(_FAST(text)))
    except yaml.YAMLError:
        pass  # the other one says what is wrong
    try:
        return compose(_events(yaml.SafeLoader(text)))
    except yaml.YAMLError as exc:
        raise explain(exc) from None


def _events(loader: yaml.SafeLoader | yaml.CSafeLoader) -> Iterator[yaml.Event]:
    """Return the loader's events; unlike `yaml.parse`, without a step of Python for each."""
    return iter(loader.get_event, None)
