"""A batch has parts: by who gave it, how it came, what it says, and what it looks like."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from autogen.feedback.curation import curate
from autogen.feedback.events import Feedback
from autogen.feedback.left_out import LeftOut
from autogen.feedback.parts import Part, groups_of, split_batch
from tests.feedback.test_curation import feedback
from tests.feedback.test_evidence import TRUSTED, asked
from tests.feedback.test_groups import LABELS, champion, curated


def given(count: int, first: int, label: str | None = None, **changes: object) -> list[Feedback]:
    """The owner's corrections, right unless a label is given."""
    chance = random.Random(first)
    topics = [chance.choice(LABELS) for _ in range(count)]
    return [
        feedback(first + n, f"{asked(topic, chance)} {first + n}", label=label or topic, **changes)
        for n, topic in enumerate(topics)
    ]


def parts_of(items: Sequence[Feedback]) -> dict[str, Part]:
    curation = curated(items)
    examples = (*curation.train, *curation.evaluation)
    ids = {item.id for item in items}
    waiting = curated(items, left_out=dict.fromkeys(ids, LeftOut("", "", "")))
    by_id = {item.id: item for item in items}
    return {part.title: part for part in split_batch(examples, by_id, groups_of(waiting, ids))}


def test_there_is_a_part_of_every_user_source_and_label_with_a_few_rows() -> None:
    items = [*given(40, 1, user="ann"), *given(30, 100, user="eve", source="http"), *given(3, 200, user="few")]
    parts = parts_of(items)
    assert len(parts["all by ann"].feedback) == 40 and len(parts["all by eve"].texts) == 30
    assert "all by few" not in parts
    assert {f'all as "{label}"' for label in LABELS} <= parts.keys()
    assert {name for part in parts.values() for name in part.feedback} <= {item.id for item in items}


def test_rows_that_all_go_to_one_label_are_a_part_as_a_reviewer_would_be_shown_them() -> None:
    items = [*given(40, 1), *given(30, 100, label=LABELS[0])]
    parts = parts_of(items)
    moved = [part for title, part in parts.items() if title.startswith("from ") or "many labels" in title]
    assert moved
    wrong = {item.id for item in items[40:]}
    assert all(part.feedback <= wrong for part in moved)


def test_a_set_of_rows_is_one_part_whatever_they_have_in_common() -> None:
    parts = parts_of(given(30, 1, user="ann"))
    assert len({part.texts for part in parts.values()}) == len(parts)
    assert "all by ann" in parts and "all that came by import" not in parts


def test_an_example_that_two_users_gave_is_in_neither_s_part() -> None:
    items = given(20, 1, user="ann")
    items = [*items, *(replace(item, id=f"{item.id}b", user="eve", number=item.number + 500) for item in items[:8])]
    parts = parts_of(items)
    assert len(parts["all by ann"].texts) == 12 and "all by eve" not in parts


def test_how_it_would_be_shown_asks_the_champion_for_the_owner_s_rows_too() -> None:
    items = given(20, 1)
    waiting = curate(
        items,
        {},
        train=TRUSTED,
        eval_texts=frozenset(),
        known_labels=LABELS,
        assess=champion,
        left_out=dict.fromkeys([item.id for item in items], LeftOut("", "", "")),
    )
    (group,) = groups_of(waiting, {item.id for item in items})
    assert group.title == "as the champion answers" and len(group.items) == 20
