"""A configuration, a ledger and a worker; pushes go through the real plan."""

from dataclasses import dataclass, replace
from typing import Any

import yaml

from swrhook import config
from swrhook.config import Config
from swrhook.ledger.database import Database
from swrhook.model import Lane, Outcome, Push, Receipt, StoredDelivery, Target
from swrhook.usecases.explain.answer import explain
from swrhook.usecases.explain.model import Explanation
from swrhook.usecases.receive import plan_again
from tests.factories import write
from tests.worker.harness import WorkerHarness

EAST = Target("cn-east-3", "team")
HONG_KONG = Target("ap-southeast-1", "team-hk")
IMAGE = "team/web/shop:1.0"
RULES: list[dict[str, Any]] = [
    {
        "name": "releases",
        "when": {"namespace": "team", "tag": {"semver": ">=1.0"}, "not": {"tag": "1.3*"}},
        "sync": [{"region": "cn-east-3", "namespace": "team"}],
    },
    {
        "name": "both",
        "when": {"namespace": "team", "tag": "both"},
        "sync": [
            {"region": "cn-east-3", "namespace": "team"},
            {"region": "ap-southeast-1", "namespace": "team-hk", "override": True},
        ],
    },
]


def configuration(*rules: dict[str, Any]) -> Config:
    auth = {"scheme": "bearer", "secrets": ["${SECRET}"]}
    text = yaml.safe_dump(
        {
            "swr": {
                "iam_endpoint": "https://iam.example.com",
                "credentials": {"kind": "token", "token": "${SECRET}"},
                "regions": {"cn-north-4": {}, "cn-east-3": {}, "ap-southeast-1": {}},
            },
            "senders": {
                "ci": {"dialect": "generic", "region": "cn-north-4", "auth": auth},
                "harbor": {
                    "dialect": "harbor",
                    "region": "cn-north-4",
                    "auth": auth,
                    "image": {"strip_prefix": "mirror/", "namespace": "team"},
                },
            },
            "rules": list(rules) or RULES,
        }
    )
    environ = {"SECRET": "a-secret-of-some-length"}
    return config.parse(text.encode(), file="f", environ=environ, read_file=str)


@dataclass
class Scene:
    """A world that tests change and explain."""

    harness: WorkerHarness
    config: Config

    def announce(self, tag: str = "1.0", *, sender: str = "ci", digest: str = "a") -> Receipt:
        """Record a push of team/web/shop as the rules want it now."""
        push = Push(sender, "cn-north-4", "team", "web/shop", tag, f"sha256:{digest * 64}")
        kept = StoredDelivery("", sender, Outcome.IGNORED, None, None, pushes=[push])
        entry = plan_again(
            kept, self.config.senders[sender], self.config, now=self.harness.clock.time
        )
        return write(self.harness.database, entry).receipts[0]

    def hold(self, tag: str = "1.0", digest: str = "a") -> None:
        """Let the sender hold the tag."""
        self.harness.swr.put(tag, f"sha256:{digest * 64}", lane())

    def work(self, target: Target = EAST, *, override: bool = False) -> None:
        """Let the worker look at the lane once."""
        self.harness.run(lane(target, override=override))

    def explain(self, image: str = IMAGE, sender: str | None = None) -> Explanation:
        return explain(image, sender, self.config, self.harness.database, self.harness.clock.time)

    def summary(self, image: str = IMAGE, sender: str | None = None) -> str:
        return self.explain(image, sender).summary


def lane(target: Target = EAST, *, override: bool = False) -> Lane:
    return Lane("cn-north-4", "team", "web/shop", target, override=override)


def scene(database: Database, *rules: dict[str, Any]) -> Scene:
    config = configuration(*rules)
    harness = WorkerHarness(database)
    harness.config = replace(harness.config, senders=config.senders, rules=config.rules)
    return Scene(harness, config)
