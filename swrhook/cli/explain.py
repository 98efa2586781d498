"""The command `explain`."""

import json
from collections.abc import Iterable, Iterator, Sequence

import click
from rich.text import Text
from rich.tree import Tree

from swrhook.cli.client import Item, connect
from swrhook.cli.options import command, json_option, text_option
from swrhook.cli.syncs import describe_proof, short_time, target_name
from swrhook.cli.terminal import STYLES, count_of, output_console, printable

_MINOR = "dim"


@command(
    "python -m swrhook explain team-a/web/shop:1.4.2",
    "python -m swrhook explain mirror/web/shop:1.4.2 --sender harbor-prod",
    "python -m swrhook explain team-a/web/shop:1.4.2 --json | jq -r .summary",
)
@click.argument("image", metavar="IMAGE:TAG")
@text_option("--sender", "Explain for this sender; IMAGE may be the sender's own name for it.")
@json_option("Print the whole explanation as JSON.")
def explain(image: str, sender: str | None, *, as_json: bool) -> None:
    """Explain why IMAGE:TAG was, or was not, replicated.

    The first line is the answer. The lines below it show what every rule decides about the tag
    now, clause by clause, the deliveries that announced it, and its syncs with their calls. Without
    --sender, every sender that could announce the tag is shown.
    """
    explanation = connect().show("/api/v1/explain", {"image": image, "sender": sender})
    if as_json:
        click.echo(json.dumps(explanation))
        return
    console = output_console()
    console.print(printable(explanation["summary"]), markup=False)
    for tree in (_rules(explanation), _deliveries(explanation), _syncs(explanation)):
        console.print()
        console.print(tree)


def _node(text: str, style: str = "", children: Iterable[Tree] = ()) -> Tree:
    """Return a line of the explanation, with the lines below it."""
    tree = Tree(Text(printable(text), style=style), guide_style=_MINOR)
    tree.children.extend(children)
    return tree


def _rules(explanation: Item) -> Tree:
    heading = f"by the rules in use, {explanation['rules_version']}"
    # Equal answers of several senders are one.
    answers: dict[str, list[Item]] = {}
    for sender in explanation["senders"]:
        answer = {name: value for name, value in sender.items() if name != "sender"}
        answers.setdefault(json.dumps(answer), []).append(sender)
    return _node(heading, "bold", [_senders(senders) for senders in answers.values()])


def _senders(senders: Sequence[Item]) -> Tree:
    sender = senders[0]
    names = ", ".join(sender["sender"] for sender in senders)
    text = f"from {names} in {sender['region']}: {sender['summary']}"
    rules = [_rule(rule) for rule in sender["rules"]]
    if sender["rules_left_out"]:
        # The API shows the rules that come nearest to a match.
        rules.append(_node(count_of(sender["rules_left_out"], "more rule"), _MINOR))
    return _node(text, "green" if sender["matched"] else "", rules)


def _rule(rule: Item) -> Tree:
    shadow = ", in shadow" if rule["shadow"] else ""
    return _node(
        f"rule {rule['rule']}{shadow}: {rule['result']}",
        STYLES.get(rule["result"], ""),
        [*map(_clause, rule["clauses"]), *map(_target, rule["targets"])],
    )


def _clause(clause: Item) -> Tree:
    """Name the patterns that match or, if none does, all of them."""
    matched = [pattern["pattern"] for pattern in clause["patterns"] if pattern["matched"]]
    patterns = matched or [pattern["pattern"] for pattern in clause["patterns"]]
    verb = "matches" if matched else "does not match"
    alternatives = " or ".join(f'"{pattern}"' for pattern in patterns)
    prefix = "not: " if clause["excludes"] else ""
    is_obstacle = bool(clause["excludes"]) == bool(clause["matched"])
    text = f'{prefix}{clause["field"]} "{clause["value"]}" {verb} {alternatives}'
    return _node(text, "red" if is_obstacle else "")


def _target(target: Item) -> Tree:
    override = ", override" if target["override"] else ""
    reason = f", {target['reason']}" if target["reason"] else ""
    text = f"to {target['region']}/{target['namespace']}{override}: {target['result']}{reason}"
    return _node(text, STYLES.get(target["result"], ""))


def _deliveries(explanation: Item) -> Tree:
    deliveries = [_delivery(delivery) for delivery in explanation["deliveries"]]
    if not deliveries:
        since = explanation["oldest_record_at"]
        deliveries.append(
            _node(f"none since {short_time(since)}" if since else "none; empty ledger")
        )
    return _node("deliveries that announced it", "bold", deliveries)


def _delivery(delivery: Item) -> Tree:
    original = delivery["original"]
    about = delivery["about"] or (original and f"repeats {original}")
    text = (
        f"{short_time(delivery['received_at'])} {delivery['id']} from {delivery['sender']}:"
        f" {delivery['outcome']}{f', {about}' if about else ''}{_other_rules(delivery)}"
    )
    digest = delivery["digest"]
    return _node(text, children=[_node(digest, _MINOR)] if digest else [])


def _syncs(explanation: Item) -> Tree:
    syncs = [_sync(item) for item in explanation["syncs"]]
    return _node("syncs", "bold", syncs or [_node("none")])


def _sync(item: Item) -> Tree:
    sync = item["sync"]
    text = f"{short_time(sync['created_at'])} {sync['id']} to {target_name(sync)}: {sync['state']}"
    details = [_node(detail) for detail in _details(sync, item["waiting"])]
    calls = [_call(call) for call in item["calls"]]
    return _node(text + _other_rules(sync | item), children=[*details, *calls])


def _details(sync: Item, waiting: str | None) -> Iterator[str]:
    if waiting or sync["reason"]:
        yield waiting or sync["reason"]
    if sync["error"]:
        yield f"{sync['error']['code']}: {sync['error']['message']}"
        if sync["error"]["remedy"]:
            yield sync["error"]["remedy"]
    if sync["superseded_by"]:
        yield f"superseded by {sync['superseded_by']}"
    if sync["verified_at"]:
        proof = f"{sync['digest']} verified at {short_time(sync['verified_at'])}"
        yield "; ".join(text for text in (proof, describe_proof(sync)) if text)


def _call(call: Item) -> Tree:
    if call["ended_at"] is None:
        result = "no answer yet"
    else:
        result = f"{call['code']}, {call['message']}" if call["code"] else "accepted"
    text = f"call {call['id']} at {short_time(call['started_at'])}: {result}"
    answer = call["answer"]
    details = [] if answer is None else [_node(line, _MINOR) for line in _answer(answer)]
    return _node(text, "red" if call["code"] else "", details)


def _answer(answer: Item) -> Iterator[str]:
    yield f"answered {answer['status']}, body {answer['body_shape']}"
    for name, value in answer["headers"].items():
        yield f"{name}: {value}"


def _other_rules(decision: Item) -> str:
    if not decision["rules_changed"]:
        return ""
    return f" (by other rules, {decision['rules_version']})"
