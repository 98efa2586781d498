from collections.abc import Callable

import pytest

from swrhook.auth import SCHEMES
from swrhook.config.build import POD_TOKEN_FILE_VARIABLE, POD_URL_VARIABLE
from swrhook.config.sender_schema import ARGUMENTS

Mistakes = Callable[[str | bytes], list[str]]

ORGANIZATION = (
    "use 1 to 64 characters of a-z and 0-9, the first a letter, "
    'with ".", "_", "__" or "-" between them'
)

KINDS = "password, token, aksk, ecs_agency, pod_identity"

# A part of the small configuration, its replacement, and the mistakes that follow.
CASES = [
    # swr
    (
        "swr:",
        "swrs:",
        ["f:1:1: swr: is missing", 'f:1:1: there is no such key: did you mean "swr"?'],
    ),
    (
        "  iam_endpoint: https://iam.example.com\n",
        "",
        [
            (
                "f:1:1: swr.iam_endpoint: is missing: write IAM's address, or name the cloud"
                " (`cloud: huawei`)"
            )
        ],
    ),
    (
        "https://iam.example.com",
        "",
        ["f:2:16: swr.iam_endpoint: is empty: write a value"],
    ),
    (
        "https://iam.example.com",
        "http://iam.example.com",
        [
            (
                "f:2:17: swr.iam_endpoint: must begin with https://: plain http would send"
                " credentials unencrypted"
            )
        ],
    ),
    *(
        (
            "https://iam.example.com",
            f'"{url}"',
            ["f:2:17: swr.iam_endpoint: must be an address like https://host or https://host:port"],
        )
        for url in (
            "iam.example.com",
            "ftp://iam.example.com",
            "https://",
            "https://user:sesame@iam.example.com",
            "https://iam.example.com:99999",
            "https://iam.example.com:",
            "https://iam.example.com:0",
            "https://[::1",
            "https://iam example.com",
            "https://iam.example.com\\n",
        )
    ),
    *(
        (
            "https://iam.example.com",
            f'"https://iam.example.com{rest}"',
            [
                (
                    "f:2:17: swr.iam_endpoint: must be only https://host or https://host:port,"
                    " without a path or query"
                )
            ],
        )
        for rest in ("/v3", "?", "?a=b", "#a")
    ),
    (
        "{kind: token, ",
        "{",
        [f"f:3:3: swr.credentials.kind: is missing: known are {KINDS}"],
    ),
    (
        "kind: token",
        "kind: passwort",
        ['f:3:23: swr.credentials.kind: "passwort" is unknown: did you mean "password"?'],
    ),
    (
        "kind: token, token:",
        "kind: aksk, acess_key:",
        [
            "f:3:3: swr.credentials.access_key: is missing",
            "f:3:3: swr.credentials.secret_key: is missing",
            'f:3:29: swr.credentials: there is no such key: did you mean "access_key"?',
        ],
    ),
    (
        'kind: token, token: "${TOKEN}"',
        "kind: ecs_agency, endpoint: http://127.0.0.1",
        ["f:3:35: swr.credentials: there is no such key: known are kind"],
    ),
    (
        'kind: token, token: "${TOKEN}"',
        "kind: pod_identity",
        [
            (
                f"f:3:23: swr.credentials.kind: the environment variable {name} is not set:"
                " associate the pod's service account with an agency, or choose another kind"
            )
            for name in (POD_TOKEN_FILE_VARIABLE, POD_URL_VARIABLE)
        ],
    ),
    (
        "kind: token, token:",
        "kind: password, user: 5, pasword:",
        [
            "f:3:3: swr.credentials.domain: is missing",
            "f:3:3: swr.credentials.password: is missing",
            "f:3:39: swr.credentials.user: must be text, not a number: put it in quotes",
            'f:3:42: swr.credentials: there is no such key: did you mean "password"?',
        ],
    ),
    (
        '{kind: token, token: "${TOKEN}"}',
        "[a]",
        ['f:3:16: swr.credentials: must be a mapping: write "key: value" lines, or {key: value}'],
    ),
    (
        '"${TOKEN}"}',
        "a b}",
        [
            (
                "f:3:37: swr.credentials.token: must be visible ASCII characters, no spaces: it is"
                " sent in a header"
            )
        ],
    ),
    (
        "{cn-north-4: {}, cn-east-3: {}}",
        "{}",
        ["f:4:12: swr.regions: is empty: write at least one name"],
    ),
    (
        "cn-east-3: {}",
        "cn-east-3: ",
        ["f:4:40: swr.regions.cn-east-3: is empty: write a value"],
    ),
    (
        "{cn-north-4: {}",
        "{a.b/c: {}, cn-north-4: {projct: x}",
        [
            (
                'f:4:13: swr.regions: "a.b/c" cannot name a region: use a-z, 0-9 and "-", like'
                " cn-north-4"
            ),
            'f:4:37: swr.regions.cn-north-4: there is no such key: did you mean "project"?',
        ],
    ),
    # senders
    (
        "  harbor: {d",
        "  Harbor: {d",
        [
            (
                'f:6:3: senders: "Harbor" cannot name a sender: use 1 to 63 of a-z, 0-9, ".", "_"'
                ' and "-", the first a letter or digit'
            )
        ],
    ),
    (
        "dialect: harbor",
        "dialect: habor",
        ['f:6:21: senders.harbor.dialect: "habor" is unknown: did you mean "harbor"?'],
    ),
    (
        "region: cn-north-4",
        "region: cn-north-5",
        [
            (
                'f:6:37: senders.harbor.region: "cn-north-5" is not in swr.regions: did you mean'
                ' "cn-north-4"?'
            )
        ],
    ),
    (
        "scheme: bearer",
        "scheme: bear",
        ['f:6:64: senders.harbor.auth.scheme: "bear" is unknown: did you mean "bearer"?'],
    ),
    (
        'scheme: bearer, secrets: ["${TOKEN}"]',
        "scheme: none",
        [
            (
                'f:6:64: senders.harbor.auth.scheme: "none" accepts deliveries from everybody:'
                ' choose another scheme, or write "allow_unauthenticated: true" beside "auth"'
            )
        ],
    ),
    (
        'secrets: ["${TOKEN}"]',
        "secrets: []",
        ["f:6:81: senders.harbor.auth.secrets: is an empty list: write at least one value"],
    ),
    (
        '["${TOKEN}"]',
        '[{value: "${TOKEN}", not_after: 2026-13-01T00:00:00Z}]',
        [
            (
                'f:6:113: senders.harbor.auth.secrets[0].not_after: "2026-13-01T00:00:00Z" is not a'
                " time like 2026-01-31T00:00:00Z"
            )
        ],
    ),
    (
        'bearer, secrets: ["${TOKEN}"]',
        'path, secrets: "a/${TOKEN}"',
        [
            (
                "f:6:79: senders.harbor.auth.secrets: must consist of A-Z, a-z, 0-9 and . _ ~ -: it"
                " is a part of a URL"
            )
        ],
    ),
    (
        "scheme: bearer,",
        "scheme: hmac, header: 'a b', algorithm: md5,",
        [
            'f:6:78: senders.harbor.auth.header: "a b" cannot name an HTTP header',
            (
                'f:6:96: senders.harbor.auth.algorithm: "md5" is unknown: known are sha1, sha256,'
                " sha512"
            ),
        ],
    ),
    (
        "scheme: bearer,",
        "scheme: basic, username: 'a:b',",
        [
            (
                'f:6:81: senders.harbor.auth.username: must not contain ":": basic authentication'
                " ends the name with it"
            )
        ],
    ),
    (
        "{dialect: harbor,",
        "{dialect: harbor, image: {namespace: A, strip_prefix: 1},",
        [
            (
                'f:6:48: senders.harbor.image.namespace: SWR allows no organization named "A":'
                f" {ORGANIZATION}"
            ),
            (
                "f:6:65: senders.harbor.image.strip_prefix: must be text, not a number: put it in"
                " quotes"
            ),
        ],
    ),
    (
        "{dialect: harbor,",
        "{dialect: harbor, allow_unauthenticated: 1, rate_limit: 0/s, expect_every: ,",
        [
            "f:6:52: senders.harbor.allow_unauthenticated: must be true or false, without quotes",
            ('f:6:67: senders.harbor.rate_limit: "0/s" is not a rate like 100/s (/s, /m or /h)'),
            "f:6:86: senders.harbor.expect_every: is empty: write a value",
        ],
    ),
    (
        "dialect: harbor",
        "dialect: [harbor]",
        ["f:6:21: senders.harbor.dialect: must be text, not a list"],
    ),
    (
        "dialect: harbor",
        "dialect: {harbor: 1}",
        ["f:6:21: senders.harbor.dialect: must be text, not a mapping"],
    ),
    # rules
    (
        "  - name: all\n    when",
        "  - when",
        ["f:8:5: rules[0].name: is missing"],
    ),
    (
        "name: all",
        r'name: "a\nb"',
        [
            "f:8:11: rules[0].name: must be at most 100 printable characters, on one line",
        ],
    ),
    (
        "{sender: harbor}",
        "{sendr: harbor, tag: [v1, 1.0], repository: '', namespace: []}",
        [
            'f:9:12: rules[0].when: there is no such key: did you mean "sender"?',
            "f:9:37: rules[0].when.tag[1]: must be text, not a number: put it in quotes",
            "f:9:55: rules[0].when.repository: is empty: write a value",
            "f:9:70: rules[0].when.namespace: is an empty list: write at least one value",
        ],
    ),
    (
        "{sender: harbor}",
        "{tag: {sember: 1}, namespace: {semver: '1'}, not: {tag: [{regex: '(a'}], not: {}}}",
        [
            "f:9:17: rules[0].when.tag: must be a glob or a pattern {regex: …} or {semver: …}",
            "f:9:42: rules[0].when.namespace: is only for tag: other fields have no version",
            (
                'f:9:76: rules[0].when.not.tag[0].regex: "(a" is not valid in RE2 from'
                " character 1 on: missing )"
            ),
            (
                "f:9:84: rules[0].when.not: there is no such key: known are sender, namespace,"
                " repository, tag"
            ),
        ],
    ),
    (
        "{sender: harbor}",
        ("{tag: [{semver: 1.2}, {semver: '>1 - 2', varaint: a}]}"),
        [
            "f:9:27: rules[0].when.tag[0].semver: must be text, not a number: put it in quotes",
            'f:9:52: rules[0].when.tag[1]: there is no such key: did you mean "variant"?',
        ],
    ),
    (
        "{sender: harbor}",
        "{tag: {semver: '>1 - 2'}}",
        [
            (
                'f:9:26: rules[0].when.tag.semver: ">1 - 2" is not a range from character 4 on:'
                ' write ">=1.2 <=1.4" instead of "1.2 - 1.4"'
            )
        ],
    ),
    (
        "[{region: cn-east-3, namespace: team-a}]",
        "[]",
        ["f:10:11: rules[0].sync: is an empty list: write at least one value"],
    ),
    (
        "[{region: cn-east-3, namespace: team-a}]",
        "{region: cn-east-3, namespace: team-a}",
        ["f:10:11: rules[0].sync: must be a list: write [ … ]"],
    ),
    (
        "region: cn-east-3,",
        "region: cn-north-4,",
        [
            (
                "f:10:21: rules[0].sync[0].region: is the region that the images come from: they"
                " are there already"
            )
        ],
    ),
    (
        "[{region: cn-east-3,",
        "[{region: cn-east-3, namespace: team-a}, {region: cn-east-3,",
        ["f:10:52: rules[0].sync[1]: is the same target as sync[0]: keep one"],
    ),
    (
        "region: cn-east-3, namespace: team-a}",
        'region: us-east-1, namespace: "{team}", override: "yes"}',
        [
            (
                'f:10:21: rules[0].sync[0].region: "us-east-1" is not in swr.regions: did you mean'
                ' "cn-east-3"?'
            ),
            (
                'f:10:43: rules[0].sync[0].namespace: "{team}" contains an unknown variable: known'
                " are {namespace} and {repository}"
            ),
            "f:10:63: rules[0].sync[0].override: must be true or false, without quotes",
        ],
    ),
    (
        "namespace: team-a}",
        'namespace: "-{namespace}"}',
        [
            (
                "f:10:43: rules[0].sync[0].namespace: SWR allows no organization named"
                f' "-{{namespace}}": {ORGANIZATION}'
            )
        ],
    ),
    (
        "rules:\n",
        (
            "rules:\n"
            "  - {name: all, when: {}, sync: [{region: cn-east-3, namespace: a}], shadow: 1}\n"
        ),
        [
            "f:8:78: rules[0].shadow: must be true or false, without quotes",
            "f:9:11: rules[1].name: is the same as rules[0]'s: it must be unique",
        ],
    ),
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


@pytest.mark.parametrize("value", ["automatic", "Auto", '"20"', "20.0", "true", "[20]", "off"])
def test_the_pace_is_a_number_or_auto(value: str, small: str, mistakes: Mistakes) -> None:
    assert mistakes(f"{small}settings: {{pace: {{per_second: {value}}}}}\n") == [
        "f:11:31: settings.pace.per_second: must be a whole number, without quotes, or auto"
    ]


@pytest.mark.parametrize("value", [-1, 0, 10_001])
def test_the_pace_has_bounds(value: int, small: str, mistakes: Mistakes) -> None:
    assert mistakes(f"{small}settings: {{pace: {{per_second: {value}}}}}\n") == [
        "f:11:31: settings.pace.per_second: must be from 1 to 10000"
    ]


@pytest.mark.parametrize(("old", "new", "expected"), CASES)
def test_each_mistake_has_a_position_and_a_remedy(
    small: str, mistakes: Mistakes, old: str, new: str, expected: list[str]
) -> None:
    assert old in small
    assert mistakes(small.replace(old, new, 1)) == expected


def test_mistakes_of_every_kind_are_reported_at_once(small: str, mistakes: Mistakes) -> None:
    text = (
        small.replace("https://iam", "http://iam")
        .replace('"${TOKEN}"}', '"${UNSET}"}')
        .replace("cn-east-3, n", "cn-east-9, n")
        .replace("{sender", "{sender: harbor, sender")
    )

    assert mistakes(text) == [
        (
            "f:2:17: swr.iam_endpoint: must begin with https://: plain http would send credentials"
            " unencrypted"
        ),
        (
            "f:3:37: swr.credentials.token: the environment variable UNSET is not set: set it for"
            " this process"
        ),
        "f:9:28: this key stands in line 9 already: keep one",
        (
            'f:10:21: rules[0].sync[0].region: "cn-east-9" is not in swr.regions: did you mean'
            ' "cn-east-3"?'
        ),
    ]


@pytest.mark.parametrize("text", ["a", "[]", "5"])
def test_a_file_that_is_no_mapping_is_refused(text: str, mistakes: Mistakes) -> None:
    assert mistakes(text) == ['f:1:1: must be a mapping: write "key: value" lines, or {key: value}']


@pytest.mark.parametrize(
    "text",
    [
        "~",
        "{}",
        "{swr: 1, senders: 2, rules: 3, access: [], a: }",
        "{swr: {regions: [1]}, senders: {a: {region: [b], auth: [c]}}, rules: [{sync: [{}]}]}",
        "{senders: {a: 1}, access: {tokens: [{name: []}]}, rules: [{sync: [{region: {}}]}, [], 1]}",
    ],
)
def test_wrong_types_anywhere_are_mistakes(text: str, mistakes: Mistakes) -> None:
    assert mistakes(text)


def test_every_argument_of_every_scheme_has_a_field() -> None:
    arguments = {name for scheme in SCHEMES.values() for name in scheme.required + scheme.optional}

    assert arguments == set(ARGUMENTS)


def test_text_has_a_maximum_length(small: str, mistakes: Mistakes) -> None:
    lines = mistakes(small.replace("{sender: harbor}", f"{{tag: {'x' * 1025}}}"))

    assert lines == ["f:9:17: rules[0].when.tag: is longer than 1024 characters"]


def test_a_long_list_of_known_names_is_cut(small: str, mistakes: Mistakes) -> None:
    regions = ", ".join(f"r{n}: {{}}" for n in range(30))
    text = small.replace("cn-north-4: {}", f"cn-north-4: {{}}, {regions}")
    (mistake,) = mistakes(text.replace("region: cn-east-3", "region: nowhere"))

    assert mistake.endswith("r17, r18, …")


def test_odd_keys_are_mistakes_on_one_line(mistakes: Mistakes) -> None:
    lines = mistakes('{"swr": {"_schema": 1}, "_schema": 2, "senders": {"a b\\nc": {}}}')

    assert all("\n" not in line for line in lines)
    assert any('"a b·c" cannot name a sender' in line for line in lines)
