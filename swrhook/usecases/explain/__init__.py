"""Explain why a tag was or was not replicated, from the present rules and the ledger."""

from swrhook.usecases.explain.answer import explain
from swrhook.usecases.explain.model import (
    ExplainedDelivery,
    ExplainedSender,
    ExplainedSync,
    Explanation,
)

__all__ = [
    "ExplainedDelivery",
    "ExplainedSender",
    "ExplainedSync",
    "Explanation",
    "explain",
]
