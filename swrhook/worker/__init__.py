"""The work on lanes: read source and target, claim, call SWR, verify, settle; and repairs."""
