"""A guess at how events name a catalogue's items."""

from __future__ import annotations

import pytest

from autogen.tasks.recommendation.item_names import guess_item_names

TITLES = ["Fine tea", "Blue mug", "Old cup"]


@pytest.mark.parametrize(
    ("names", "ids", "guess"),
    [
        (["015", "001"], ["1", "15", "7"], '"015" is likely the catalogue\'s "15": a number loses its leading zeros'),
        (["7", "12"], ["007", "012"], '"7" is likely the catalogue\'s "007"'),
        (["SKU015", "SKU001"], ["015", "001"], '"SKU015" is likely the catalogue\'s "015": one file has a prefix'),
        (["Tea-1", "Mug-2"], ["tea-1", "mug-2"], "they differ in case"),
        (["http://shop/item/a1", "http://shop/item/b2"], ["a1", "b2"], "only the end"),
        (["fine tea", "OLD CUP"], ["1", "2", "3"], '"fine tea" is a title'),
    ],
)
def test_the_likely_id_is_named_with_what_to_do(names: list[str], ids: list[str], guess: str) -> None:
    assert guess in guess_item_names(names, ids, TITLES)


def test_ids_that_have_nothing_in_common_are_no_guess() -> None:
    assert guess_item_names(["red", "green"], ["a", "b"], ["tea", "mug"]) == ""
    assert guess_item_names([], ["a"], ["tea"]) == ""
