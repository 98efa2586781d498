"""Why a tag was, or was not, replicated: what the rules say now, and what the ledger knows."""

from swrhook.explain.answer import explain
from swrhook.explain.values import (
    ExplainedDelivery,
    ExplainedSource,
    ExplainedSync,
    Explanation,
)

__all__ = [
    "ExplainedDelivery",
    "ExplainedSource",
    "ExplainedSync",
    "Explanation",
    "explain",
]
