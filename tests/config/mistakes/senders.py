"""Mistakes in `senders`: names, authentication and images.

Each is a part of the small configuration, its replacement, and the messages that follow.
"""

ORGANIZATION = (
    "use 1 to 64 characters of a-z and 0-9, the first a letter, "
    'with ".", "_", "__" or "-" between them'
)

CASES: list[tuple[str, str, list[str]]] = [
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
    (  # in UTC, it would be in the year 0
        '["${TOKEN}"]',
        '[{value: "${TOKEN}", not_after: 0001-01-01T00:00:00+01:00}]',
        [
            (
                'f:6:113: senders.harbor.auth.secrets[0].not_after: "0001-01-01T00:00:00+01:00" is'
                " not a time like 2026-01-31T00:00:00Z"
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
]
