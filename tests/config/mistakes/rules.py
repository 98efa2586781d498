"""Mistakes in `rules`: conditions and targets.

Each is a part of the small configuration, its replacement, and the messages that follow.
"""

ORGANIZATION = (
    "use 1 to 64 characters of a-z and 0-9, the first a letter, "
    'with ".", "_", "__" or "-" between them'
)

CASES: list[tuple[str, str, list[str]]] = [
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
]
