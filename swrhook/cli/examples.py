"""How the examples of a command stand in its help."""


def examples(*lines: str) -> str:
    """Return the last paragraph of a help, a line for each; click does not wrap it."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])
