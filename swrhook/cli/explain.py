"""The command `explain`."""

import json
from collections.abc import Iterator

import click
from rich.text import Text
from rich.tree import Tree

from swrhook.cli.client import Item, connect
from swrhook.cli.terminal import examples, printable, screen
from swrhook.rules import Fate, Verdict

_SKIPPED = "dim"
_STYLES = {
    Verdict.WANTED.value: "green",
    Verdict.ATTACHMENT.value: "yellow",
    Verdict.EXCLUDED.value: "yellow",
    Fate.SYNC.value: "green",
    Fate.SHADOW.value: "yellow",
    Fate.REFUSED.value: "red",
}


def trees(explained: Item, encoding: str) -> Iterator[Tree]:
    """Yield what the rules say now, then what the ledger knows. Raises LookupError, TypeError."""
    writer = _Writer(encoding)
    yield writer.rules(explained)
    yield writer.deliveries(explained)
    yield writer.syncs(explained)


class _Writer:
    """Makes branches of texts, for a screen of this encoding."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding

    def rules(self, explained: Item) -> Tree:
        tree = self._tree(f"by the rules in use, {explained['rules_version']}", "bold")
        for each in explained["senders"]:
            told = f"from {each['sender']} in {each['region']}: {each['summary']}"
            sender = self._add(tree, told, "green" if each["wanted"] else "")
            for rule in each["rules"]:
                self._rule(sender, rule)
            if each["rules_left_out"]:
                more = f"{each['rules_left_out']} more rules, further from a match"
                self._add(sender, more, _SKIPPED)
        return tree

    def deliveries(self, explained: Item) -> Tree:
        tree = self._tree("deliveries that announced it", "bold")
        for each in explained["deliveries"]:
            about = each["about"] or (each["original"] and f"repeats {each['original']}")
            told = f"{_second(each['received_at'])} {each['id']} of {each['sender']}: "
            told += each["outcome"] + (f", {about}" if about else "")
            branch = self._add(tree, told + _changed(each))
            if each["digest"]:
                self._add(branch, each["digest"], _SKIPPED)
        if not explained["deliveries"]:
            since = explained["oldest_record_at"]
            self._add(
                tree, f"none since {_second(since)}" if since else "none; the ledger is empty"
            )
        return tree

    def syncs(self, explained: Item) -> Tree:
        tree = self._tree("syncs", "bold")
        for each in explained["syncs"]:
            sync = each["sync"]
            target = f"{sync['target_region']}/{sync['target_namespace']}"
            told = f"{_second(sync['created_at'])} {sync['id']} to {target}: {sync['state']}"
            branch = self._add(tree, told + _changed(sync | each))
            for text in _details(each):
                self._add(branch, text)
            for call in each["calls"]:
                self._add(branch, _call(call), "red" if call["code"] else "")
        if not explained["syncs"]:
            self._add(tree, "none")
        return tree

    def _rule(self, sender: Tree, rule: Item) -> None:
        shadow = ", in shadow" if rule["shadow"] else ""
        branch = self._add(
            sender,
            f"rule {rule['rule']}{shadow}: {rule['verdict']}",
            _STYLES.get(rule["verdict"], ""),
        )
        for clause in rule["clauses"]:
            self._add(branch, _clause(clause), "red" if _says_no(clause) else "")
        for target in rule["targets"]:
            override = ", override" if target["override"] else ""
            told = f"to {target['region']}/{target['namespace']}{override}: {target['fate']}"
            why = f", {target['reason']}" if target["reason"] else ""
            self._add(branch, told + why, _STYLES.get(target["fate"], ""))

    def _tree(self, text: str, style: str) -> Tree:
        return Tree(self._text(text, style), guide_style="dim")

    def _add(self, tree: Tree, text: str, style: str = "") -> Tree:
        return tree.add(self._text(text, style))

    def _text(self, text: str, style: str) -> Text:
        return Text(printable(text, self._encoding), style=style)


def _says_no(clause: Item) -> bool:
    return bool(clause["excludes"]) == bool(clause["matched"])


def _clause(clause: Item) -> str:
    """Say what the value meets or, where it meets nothing, what it had to."""
    matched = [each["pattern"] for each in clause["patterns"] if each["matched"]]
    patterns = matched or [each["pattern"] for each in clause["patterns"]]
    verb = "is" if matched else "is not"
    wanted = " or ".join(f"«{pattern}»" for pattern in patterns)
    excluded = ", which «not» excludes" if clause["excludes"] else ""
    return f"{clause['field']} «{clause['value']}» {verb} {wanted}{excluded}"


def _details(each: Item) -> Iterator[str]:
    sync = each["sync"]
    if each["waiting"]:
        yield each["waiting"]
    elif sync["reason"]:
        yield sync["reason"]
    if sync["error"]:
        yield f"{sync['error']['code']}: {sync['error']['message']}"
        if sync["error"]["remedy"]:
            yield sync["error"]["remedy"]
    if sync["superseded_by"]:
        yield f"{sync['superseded_by']} carries on"
    if sync["verified_at"]:
        yield f"{sync['digest']} was seen there at {_second(sync['verified_at'])}"


def _call(call: Item) -> str:
    told = f"call {call['id']} of {_second(call['started_at'])}: "
    if call["ended_at"] is None:
        return f"{told}no answer yet"
    return told + (f"{call['code']}, {call['message']}" if call["code"] else "accepted")


def _changed(decided: Item) -> str:
    changed = decided["rules_changed"]
    return f" (by other rules, {decided['rules_version']})" if changed else ""


def _second(time: str) -> str:
    return f"{time[:19]}Z"


@click.command(
    epilog=examples(
        "python -m swrhook explain team-a/web/shop:1.4.2",
        "python -m swrhook explain mirror/web/shop:1.4.2 --sender harbor-prod",
        "python -m swrhook explain team-a/web/shop:1.4.2 --json | jq -r .summary",
    )
)
@click.argument("image", metavar="IMAGE:TAG")
@click.option("--sender", help="As this sender announces it, and under its name for it.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole explanation as JSON.")
def explain(image: str, sender: str | None, *, as_json: bool) -> None:
    """Say why IMAGE:TAG was, or was not, replicated.

    The first line is the answer. Below it stand what every rule says now of a push of it, clause by
    clause, the deliveries that announced it, and its syncs with their calls. Without --sender, each
    sender that could announce it is told.
    """
    explained = connect().show("/api/v1/explain", {"image": image, "sender": sender})
    if as_json:
        click.echo(json.dumps(explained))
        return
    console = screen()
    try:
        console.print(printable(explained["summary"], console.encoding), markup=False)
        for tree in trees(explained, console.encoding):
            console.print()
            console.print(tree)
    except (LookupError, TypeError) as exc:
        raise click.ClickException(f"the answer is not as expected: {exc!r}; try --json") from exc
