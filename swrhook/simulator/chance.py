"""Chance that is the same in every run: it depends on what is decided, not on when."""

import hashlib
import json


def draw(seed: int, *what: str | int) -> float:
    """Give the number from 0 up to 1 that belongs to a seed and to what is decided."""
    content = json.dumps([seed, *what]).encode()
    return int.from_bytes(hashlib.blake2b(content, digest_size=6).digest()) / 2**48
