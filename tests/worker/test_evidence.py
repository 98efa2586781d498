"""Comparison of the images of an index at source and target."""

import pytest

from swrhook.syncs.evidence import IndexComparison
from swrhook.worker.evidence import compare_images
from tests.factories import A, B, C

SOURCE = frozenset({f"linux/amd64 {A}", f"linux/arm64 {B}"})


def test_the_same_images_are_the_same_whatever_their_order() -> None:
    comparison = compare_images(SOURCE, sorted(SOURCE, reverse=True))

    summary = "SWR wrote the index anew, with the same images, by digest: linux/amd64, linux/arm64"
    assert comparison == IndexComparison(is_same=True, summary=summary)


@pytest.mark.parametrize(
    ("target", "platforms"),
    [
        ({f"linux/amd64 {A}", f"linux/arm64 {C}"}, "linux/arm64"),
        ({f"linux/amd64 {A}"}, "linux/arm64"),
        ({f"linux/amd64 {C}", f"linux/arm64 {A}"}, "linux/amd64, linux/arm64"),
    ],
)
def test_other_images_are_named_by_their_platforms(target: set[str], platforms: str) -> None:
    comparison = compare_images(SOURCE, target)

    summary = f"its images differ, by digest: {platforms}"
    assert comparison == IndexComparison(is_same=False, summary=summary)


@pytest.mark.parametrize(("source", "target"), [(SOURCE, None), (None, SOURCE)])
def test_images_that_are_not_shown_are_not_compared(
    source: frozenset[str] | None, target: frozenset[str] | None
) -> None:
    comparison = compare_images(source, target)

    assert not comparison.is_same
    assert comparison.summary.endswith("not compared")
