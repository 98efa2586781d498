"""Measures the cost of many rules: planning a push among 10,000 rules and among 10.

`make bench` prints, for several kinds of rules, the CPU time to plan a push, and the CPU time to
load the whole file. Of several rounds the fastest counts, since other load only slows a round down.
So each push has been planned before.
"""

import time
from collections.abc import Mapping, Sequence
from itertools import cycle, islice

from rich.console import Console
from rich.table import Table

from swrhook import config
from swrhook.config import Config
from swrhook.model import Push
from swrhook.rules.plan import plan

FEW, MANY = 10, 10_000
PUSHES = 500
ROUNDS = 15
HEAD = """\
swr:
  iam_endpoint: https://iam.example.com
  credentials: {kind: token, token: "${TOKEN}"}
  regions: {cn-north-4: {}, cn-east-3: {}}
senders:
  ci: {dialect: generic, region: cn-north-4, auth: {scheme: bearer, secrets: ["${TOKEN}"]}}
rules:
"""
# The condition of each rule, and an image that rule N matches.
KINDS: Mapping[str, tuple[str, str]] = {
    "an organization each": ("namespace: team-{n}, tag: 'v*'", "team-{n}/shop:v1"),
    "a repository each": ("namespace: team, repository: 'app-{n}/*'", "team/app-{n}/web:v1"),
    "100 by 100 names": (
        "namespace: team-{tens}, repository: app-{ones}",
        "team-{tens}/app-{ones}:v1",
    ),
    "an ending each": ("repository: '*-app-{n}'", "team/the-app-{n}:v1"),
    "an expression each": ("repository: {{regex: '.+-(app|job)-{n}'}}", "team/the-job-{n}:v1"),
    "ranges, exclusions": (
        "sender: ci, namespace: team-{n}, tag: {{semver: '>=1.2 <3'}}, not: {{tag: '*-dev'}}",
        "team-{n}/shop:1.4.0",
    ),
}


def main() -> None:
    """Run the benchmark and print a table."""
    table = Table(
        "rules with",
        f"{FEW} rules, µs",
        f"{MANY} rules, µs",
        "ratio",
        "load s",
        title="Planning a push that matches one rule",
    )
    for kind, (when, image) in KINDS.items():
        few, _ = _load(when, FEW)
        many, seconds = _load(when, MANY)
        pushes = {count: _pushes(image, count) for count in (FEW, MANY)}
        costs = [(_cost(few, pushes[FEW]), _cost(many, pushes[MANY])) for _ in range(ROUNDS)]
        small, large = (min(column) * 1e6 for column in zip(*costs, strict=True))
        ratio = large / small
        table.add_row(kind, f"{small:.1f}", f"{large:.1f}", f"{ratio:.2f}", f"{seconds:.2f}")
    Console().print(table)


def _load(when: str, count: int) -> tuple[Config, float]:
    """Return a configuration with so many rules, and the CPU seconds to load it."""
    rules = "".join(
        f"  - name: rule-{n}\n"
        f"    when: {{{when.format(n=n, tens=n // 100, ones=n % 100)}}}\n"
        f"    sync: [{{region: cn-east-3, namespace: '{{namespace}}'}}]\n"
        for n in range(count)
    )
    text = f"{HEAD}{rules}".encode()
    started = time.process_time()
    parsed = config.parse(
        text, file="bench", environ={"TOKEN": "the-token-of-the-benchmark"}, read_file=str
    )
    return parsed, time.process_time() - started


def _pushes(image: str, count: int) -> Sequence[Push]:
    """Return pushes that match rules all over the file."""
    pushes = []
    for n in islice(cycle(range(0, count, max(1, count // 500))), PUSHES):
        name, _, tag = image.format(n=n, tens=n // 100, ones=n % 100).partition(":")
        namespace, _, repository = name.partition("/")
        pushes.append(Push("ci", "cn-north-4", namespace, repository, tag))
    return pushes


def _cost(parsed: Config, pushes: Sequence[Push]) -> float:
    """Return the CPU seconds to plan one of the pushes."""
    started = time.process_time()
    plans = [plan([push], parsed.rules) for push in pushes]
    seconds = time.process_time() - started
    assert plans
    return seconds / len(pushes)


if __name__ == "__main__":
    main()
