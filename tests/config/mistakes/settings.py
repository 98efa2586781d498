"""Mistakes in `access` and `settings`.

Each is a part of the small configuration, its replacement, and the messages that follow.
"""

CASES: list[tuple[str, str, list[str]]] = [
    # access
    (
        "rules:",
        (
            "access:\n"
            "  tokens:\n"
            "    - {name: a, role: read, token: 0123456789abcdef}\n"
            "    - {name: a, role: root, token: 0123456789abcdef}\n"
            "    - {name: b, role: read, token: short}\n"
            "  metrics: publik\n"
            "rules:"
        ),
        [
            "f:10:14: access.tokens[1].name: is the same as access.tokens[0]'s: it must be unique",
            (
                'f:10:23: access.tokens[1].role: "root" is unknown:'
                " known are ask, read, operate, admin"
            ),
            "f:10:36: access.tokens[1].token: is the same as access.tokens[0]'s: it must be unique",
            (
                "f:11:36: access.tokens[2].token: is shorter than 16 characters: make one with"
                ' "openssl rand -hex 24", or write "allow_weak: true" beside it'
            ),
            'f:12:12: access.metrics: "publik" is unknown: did you mean "public"?',
        ],
    ),
    # settings
    (
        "rules:",
        (
            "settings:\n"
            "  batch: '5'\n"
            "  body_limit: 65MiB\n"
            "  dedup_window: 10\n"
            "  source_deadline: soon\n"
            "  retry: {base: 0s, cap: 1s}\n"
            "  verify: {first: 61s}\n"
            "  pace: {in_flight: 2, per_second: 0}\n"
            "  timeouts: {read: 1}\n"
            "  waits: 17\n"
            "defaults: {overide: 1}\n"
            "rules:"
        ),
        [
            "f:8:10: settings.batch: must be a whole number, without quotes",
            "f:9:15: settings.body_limit: must be from 1KiB to 64MiB",
            (
                "f:10:17: settings.dedup_window: must be a duration like 30s (ms, s, m, h or d; at"
                " most 36500d), not a number"
            ),
            (
                'f:11:20: settings.source_deadline: "soon" is not a duration like 30s (ms, s, m, h'
                " or d; at most 36500d)"
            ),
            "f:12:17: settings.retry.base: must be at least 1ms",
            "f:13:11: settings.verify: first must not be longer than cap",
            "f:14:36: settings.pace.per_second: must be from 1 to 10000",
            (
                "f:15:20: settings.timeouts.read: must be a duration like 30s (ms, s, m, h or d; at"
                " most 36500d), not a number"
            ),
            "f:16:10: settings.waits: must be from 0 to 16",
            'f:17:12: defaults: there is no such key: did you mean "override"?',
        ],
    ),
    (
        "rules:",
        "settings: {pace: {in_flight: 2}, retry: {cap: 1ms}}\nrules:",
        [
            "f:7:18: settings.pace: in_flight_per_target must not be more than in_flight",
            "f:7:41: settings.retry: base must not be longer than cap",
        ],
    ),
]
