"""Why a tag was, or was not, replicated: what the rules say now, and what the ledger knows."""

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
