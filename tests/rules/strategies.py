"""Strategies: pushes, patterns and rules of every kind."""

from collections.abc import Sequence

from hypothesis import strategies as st

from swrhook.model import Push
from swrhook.rules.glob import Glob
from swrhook.rules.match import Pattern, Rule, RuleTarget
from swrhook.rules.regex import Regex
from swrhook.rules.version_ranges import Semver

SIGNATURE = f"sha256-{'ab' * 32}.sig"
TAGS = ["1.2.0", "v1.3.0-rc1", "2.0-alpine", "latest", SIGNATURE]
pushes = st.builds(
    Push,
    st.sampled_from(["harbor", "ci"]),
    st.sampled_from(["cn-north-4", "cn-east-3"]),
    st.sampled_from(["team-a", "team-b", "library"]),
    st.sampled_from(["web/shop", "web/api/v2", "tool", "base"]),
    st.sampled_from(TAGS),
)
globs = st.one_of(
    st.sampled_from(["**", "*", "team-*", "team-a", "*-a", "web/*", "web/*p", "**/v2"]),
    st.sampled_from(["*o*l", "1.*", "v1.3.0-rc1", "lat*", "?ool"]),
).map(Glob)
regexes = st.sampled_from(["team-[ab]", ".*o.*", "web/.*", "(?:1|2)\\..*", "[^v].*"]).map(Regex)
ranges = st.sampled_from([">=1", "<2", "^2 || 1.3.0-rc1"]).map(Semver)
names: st.SearchStrategy[Pattern] = st.one_of(globs, regexes)
any_of_names = st.lists(names, min_size=1, max_size=3)
clauses = st.fixed_dictionaries(
    {},
    optional={
        "sender": st.lists(
            st.sampled_from(["harbor", "ci", "h*"]).map(Glob), min_size=1, max_size=2
        ),
        "namespace": any_of_names,
        "repository": any_of_names,
        "tag": st.lists(st.one_of(names, ranges), min_size=1, max_size=3),
    },
)
targets = st.builds(
    RuleTarget,
    st.sampled_from(["cn-east-3", "ap-southeast-1"]),
    st.sampled_from(["team", "{namespace}", "{repository}"]),
    st.booleans(),
)
unnamed = st.builds(
    Rule,
    st.just(""),
    clauses,
    clauses | st.just({}),
    st.lists(targets, min_size=1, max_size=2),
    st.booleans() | st.just(value=True),
    st.booleans(),
    st.booleans(),
)


def named(rules: Sequence[Rule]) -> list[Rule]:
    return [
        Rule(
            f"rule-{place}",
            rule.when,
            rule.unless,
            rule.sync,
            rule.enabled,
            rule.shadow,
            rule.skip_attachments,
        )
        for place, rule in enumerate(rules)
    ]


rulebooks = st.lists(unnamed, max_size=12).map(named)
