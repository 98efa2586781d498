"""The screen, or the pipe in its place."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def examples(*lines: str) -> str:
    """Return the last paragraph of a help, a line for each; click does not wrap it."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


# Wide enough for any row: what is piped is neither cut nor wrapped.
_UNLIMITED = 100_000


def screen() -> "Console":
    """Return what prints: as wide as the terminal, or plain and without an end."""
    from rich.console import Console  # noqa: PLC0415  # slow to import; help needs none

    console = Console(highlight=False)
    if console.is_terminal:
        return console
    return Console(highlight=False, width=_UNLIMITED, no_color=True)


def printable(text: str, encoding: str) -> str:
    """Return the text without what could steer a terminal: some of it comes from senders."""
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown.encode(encoding, "replace").decode(encoding)
