"""The setting `reload_guard`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReloadGuard:
    """A change of rules is held if it changes more than so many syncs, or this share of them."""

    syncs: int = 500
    share: float = 0.2
