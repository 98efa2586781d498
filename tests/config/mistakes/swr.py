"""Mistakes in `swr`: endpoints, credentials and regions.

Each is a part of the small configuration, its replacement, and the messages that follow.
"""

from swrhook.config.build import POD_TOKEN_FILE_VARIABLE, POD_URL_VARIABLE

KINDS = "password, token, aksk, ecs_agency, pod_identity"

CASES: list[tuple[str, str, list[str]]] = [
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
]
