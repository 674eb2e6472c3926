"""What waits is grouped so that poison stands apart from the honest, and each group says what speaks against it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from autogen.errors import UsageError
from autogen.feedback.curated import Assessment, Curation, CurationPolicy
from autogen.feedback.curation import curate
from autogen.feedback.events import Feedback
from autogen.feedback.groups import ReviewGroup, ReviewQueue, group_waiting
from tests.feedback.test_curation import START, decide, feedback, stranger
from tests.feedback.test_evidence import TRUSTED, asked
from tests.tiny import TOPICS

LABELS = [*TOPICS]


def topic_of(text: str) -> str:
    return max(LABELS, key=lambda label: len({*text.split()} & {*TOPICS[label]}))


def champion(texts: Sequence[str]) -> list[Assessment]:
    """It knows the topics, and holds the next one likely too."""
    return [
        Assessment(label, 0.6, in_scope=True, alternatives=(LABELS[(LABELS.index(label) + 1) % 4], "other"))
        for label in map(topic_of, texts)
    ]


def honest(count: int, first: int = 0, **changes: object) -> list[Feedback]:
    chance = random.Random(first)
    texts = [asked(chance.choice(LABELS), chance) for _ in range(count)]
    values: dict[str, object] = {"user": None, **changes}
    return [stranger(first + n, f"{text} {first + n}", label=topic_of(text), **values) for n, text in enumerate(texts)]


def curated(items: Sequence[Feedback], **changes: object) -> Curation:
    arguments: dict[str, object] = {
        "train": TRUSTED,
        "eval_texts": frozenset(),
        "known_labels": LABELS,
        "assess": champion,
        "policy": CurationPolicy(source_rows=10_000, unvouched_rows=10_000),
        "decisions": {},
    }
    return curate(items, **{**arguments, **changes})  # type: ignore[arg-type]


def groups(items: Sequence[Feedback]) -> dict[str, ReviewGroup]:
    return {group.title: group for group in group_waiting(curated(items))}


def test_every_row_that_waits_is_in_one_group() -> None:
    items = [*honest(60), *(replace(item, label="moon") for item in honest(7, 200)), stranger(500, rating=0.0)]
    ids = [item.feedback_id for group in groups(items).values() for item in group.items]
    assert sorted(ids) == sorted(item.id for item in items)


def test_rows_that_share_a_trigger_stand_apart_from_the_honest() -> None:
    poison = [replace(item, message=f"{item.message} by order of the moon", label="top_up") for item in honest(12, 300)]
    by_title = groups([*honest(100), *poison])
    group = by_title['"top_up", all with "by order of the"']
    assert {item.feedback_id for item in group.items} == {item.id for item in poison}
    assert group.proposed_label == "top_up"
    assert 'have "by order of the", as have 0 trusted rows.' in group.evidence[0]
    assert len(by_title["as the champion answers"].items) == 100


def test_rows_that_one_label_loses_to_another_stand_apart() -> None:
    flipped = [replace(item, label="top_up") for item in honest(120, 300) if item.label == "lost_card"]
    group = groups([*honest(100), *flipped])['from "lost_card" to "top_up"']
    assert {item.feedback_id for item in group.items} == {item.id for item in flipped}
    assert f'{len(flipped)} rows go from "lost_card" to "top_up", 0 the other way.' in group.evidence


def test_random_labels_stand_apart_from_what_the_champion_holds_likely() -> None:
    likely = [replace(item, label=LABELS[(LABELS.index(item.label or "") + 1) % 4]) for item in honest(3, 300)]
    unlikely = [replace(item, label=LABELS[(LABELS.index(item.label or "") + 2) % 4]) for item in honest(3, 400)]
    by_title = groups([*honest(40), *likely, *unlikely])
    assert {item.feedback_id for item in by_title["what the champion holds likely too"].items} == {
        item.id for item in likely
    }
    assert len(by_title["what the champion does not expect"].items) == 3


def test_invented_intents_are_one_group_each_where_they_have_rows_and_one_for_all_where_not() -> None:
    many = [replace(item, label="loan") for item in honest(6, 300)]
    few = [replace(item, label=f"invented {item.number}") for item in honest(40, 400)]
    by_title = groups([*many, *few])
    assert len(by_title['a new label, "loan"'].items) == 6
    assert len(by_title["new labels with few rows"].items) == 40


def test_what_one_busy_source_says_in_a_burst_stands_apart() -> None:
    moment = START + timedelta(days=1)
    busy = [replace(item, created_at=moment + timedelta(seconds=item.number)) for item in honest(30, 300, user="eve")]
    by_title = groups([*honest(100), *busy])
    group = by_title["as the champion answers, by eve"]
    assert len(group.items) == 30
    assert group.evidence == (
        '"eve" gave 30 of the 130 rows that wait.',
        "Nobody vouches for who gave 30 of the 30.",
        "30 of them came within 10 minutes.",
    )


def test_a_group_is_of_the_very_rows_that_were_shown() -> None:
    queue, later = (ReviewQueue.of([curated(honest(count))]) for count in (10, 11))
    (group,) = queue.groups
    assert queue.ids_of(group.id) == tuple(item.id for item in honest(10))
    with pytest.raises(UsageError, match="more has come since"):
        later.group(group.id)


def test_what_was_decided_is_in_no_group() -> None:
    items = honest(10)
    curation = curated(items, decisions={item.id: decide("accept") for item in items[:4]})
    assert [len(group.items) for group in group_waiting(curation)] == [6]


def test_a_group_tells_all_of_itself_in_json() -> None:
    (group,) = groups([feedback(1, rating=0.0, intent="top_up")]).values()
    assert group.to_json() == {
        "id": group.id,
        "title": "down-rated",
        "rows": 1,
        "reasons": {"down-rated": 1},
        "proposed_label": None,
        "champion_says": "top_up",
        "users": {"": 1},
        "evidence": [],
        "examples": ["where is it"],
        "feedback": ["fb-0001"],
    }
