"""docs/log.md names every event that is logged, and no other."""

import ast
import re
from collections.abc import Iterator

from swrhook.model import END_STATES, Outcome
from swrhook.usecases.gate import Verdict
from tests.programs import ROOT

PAGE = (ROOT / "docs" / "log.md").read_text(encoding="utf-8")
EVENT = re.compile(r"[a-z_]+\.[a-z_]+")
# Events whose second word is a value.
FORMATTED = {
    "delivery": [*Outcome],
    "sync": [*END_STATES, "retry"],
    "gate": [*Verdict],
    "notification": ["sent", "retried", "failed"],
    "retention": ["done", "stopped"],
}


def names(call: ast.Call) -> Iterator[str]:
    """Yield the events of a call of a function of swrhook.logs."""
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name not in {"event", "warning", "failure", "write"} or not call.args:
        return
    for node in ast.walk(call.args[0]):
        if isinstance(node, ast.JoinedStr):
            beginning = node.values[0]
            prefix = str(getattr(beginning, "value", ""))
            if re.fullmatch(r"[a-z_]+\.", prefix):
                yield from (f"{prefix}{value}" for value in FORMATTED[prefix.rstrip(".")])
        elif isinstance(node, ast.Constant) and EVENT.fullmatch(str(node.value)):
            yield str(node.value)


def test_the_page_names_every_event() -> None:
    logged = {
        name
        for path in (ROOT / "swrhook").glob("**/*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for name in names(node)
    }
    rows = re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"`([^`]*)`", row)}

    assert logged == documented
