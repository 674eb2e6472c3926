from __future__ import annotations

from autogen.tasks.recommendation.interactions import interactions_of


def test_known_items_keep_their_places() -> None:
    events = interactions_of([("u", "b", 1.0, 5.0), ("u", "new", 2.0, 5.0)], items=["a", "b"])
    assert events.items == ("a", "b", "new")
    assert events.item.tolist() == [1, 2]
