"""Rules decide which pushes are copied, and where to. docs/rules.md defines the language.

`glob`, `regex`, `versions` and `version_ranges` are the patterns, `match` evaluates one rule,
`rulebook` finds the rules that a push may match among thousands, `targets` decides on each target,
`plan` makes syncs of pushes, `trace` explains a decision and `lint` finds mistakes in rules.
"""
