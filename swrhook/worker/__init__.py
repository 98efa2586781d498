"""Works on lanes: look at the source, claim, call, settle, look at the target, settle."""
