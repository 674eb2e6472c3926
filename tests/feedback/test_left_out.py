"""What was left out of a batch waits, with its evidence, until a person decides, and teaches nothing before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from autogen.feedback.curated import Curation
from autogen.feedback.events import Feedback
from autogen.feedback.forgetting import erase_person
from autogen.feedback.groups import group_waiting
from autogen.feedback.left_out import LeftOut
from autogen.feedback.memory import Memory
from autogen.feedback.review import review_items
from autogen.storage.database import Database
from tests.feedback.test_curation import curated, decide, feedback, stranger

WHY = LeftOut("all by eve", "Learning it makes 9 of 80 trusted rows wrong.", "0002")


def kept(tmp_path: Path) -> tuple[Memory, list[Feedback]]:
    memory = Memory(Database.open(tmp_path / "agent.db"))
    items = [feedback(n, f"row {n}", label="refund", user="eve" if n > 2 else None) for n in range(1, 6)]
    memory.feedback.add_many(items)
    return memory, items


def waiting(curation: Curation) -> Sequence[str]:
    return [item.feedback.id for item in curation.waiting if item.reason == "left-out"]


def test_what_was_left_out_survives_and_is_undecided_until_a_person_decides(tmp_path: Path) -> None:
    memory, items = kept(tmp_path)
    memory.feedback.decide(items[2].id, "accept")  # before it was known to harm
    memory.left_out.add([items[2].id, items[3].id], "all by eve", "It harms.", "0002")
    memory = Memory(Database.open(tmp_path / "agent.db"))
    assert {*memory.undecided_left_out(())} == {items[2].id, items[3].id}
    assert memory.undecided_left_out(())[items[2].id].evidence == "It harms."
    memory.feedback.decide(items[2].id, "accept")
    memory.feedback.decide(items[3].id, "drop")
    assert not memory.undecided_left_out(())
    assert memory.decided_left_out() == {items[2].id, items[3].id}


def test_what_is_left_out_again_waits_again(tmp_path: Path) -> None:
    memory, items = kept(tmp_path)
    memory.left_out.add([items[3].id], "all by eve", "It harms.", "0002")
    memory.feedback.decide(items[3].id, "accept")
    memory.left_out.add([items[3].id], 'all as "refund"', "It harms more.", "0004")
    assert memory.undecided_left_out(())[items[3].id].version == "0004"


def test_what_a_promoted_version_has_learnt_all_the_same_is_not_left_out_any_more(tmp_path: Path) -> None:
    memory, items = kept(tmp_path)
    memory.left_out.add([items[3].id, items[4].id], "all by eve", "It harms.", "0002")
    assert {*memory.undecided_left_out({items[3].id})} == {items[4].id}


def test_forgetting_a_person_erases_why_their_feedback_was_left_out(tmp_path: Path) -> None:
    memory, items = kept(tmp_path)
    memory.left_out.add([items[3].id, items[4].id], "all by eve", "It harms.", "0002")
    assert erase_person(memory.database, "eve")
    assert not memory.left_out.all()


def test_feedback_that_was_left_out_teaches_nothing_whoever_gave_it() -> None:
    items = [feedback(n, f"row {n}", label="refund") for n in range(1, 9)]
    curation = curated(items, left_out={items[0].id: WHY, items[1].id: WHY})
    assert waiting(curation) == [items[0].id, items[1].id]
    learnt = {name for example in (*curation.train, *curation.evaluation) for name in example.feedback_ids}
    assert learnt == {item.id for item in items[2:]}


def test_it_is_asked_about_though_it_was_accepted_before_the_evidence() -> None:
    items = [stranger(n, f"row {n}", label="refund") for n in range(1, 4)]
    decisions = {item.id: decide("accept") for item in items}
    curation = curated(items, left_out={items[0].id: WHY}, decisions=decisions)
    (item,) = review_items(curation)
    assert item.feedback_id == items[0].id and item.reason == "left-out" and WHY.evidence in item.explanation


def test_it_has_no_voice_against_others_on_the_same_text() -> None:
    items = [feedback(1, "where is it", label="refund"), feedback(2, "where is it", label="lost_card")]
    curation = curated(items, left_out={items[0].id: WHY})
    assert [example.label for example in (*curation.train, *curation.evaluation)] == ["lost_card"]
    assert waiting(curation) == [items[0].id]


def test_it_counts_for_the_limit_of_its_source_so_that_nothing_moves_up_behind_it() -> None:
    items = [feedback(n, f"row {n}", label="refund", user="eve") for n in range(1, 61)]
    without, with_left_out = curated(items), curated(items, left_out={item.id: WHY for item in items[:50]})
    assert [i.feedback.id for i in without.waiting if i.reason == "flood"] == [item.id for item in items[50:]]
    assert [i.feedback.id for i in with_left_out.waiting if i.reason == "flood"] == [item.id for item in items[50:]]
    assert not with_left_out.train and not with_left_out.evaluation


def test_it_is_one_group_in_review_with_what_it_harms() -> None:
    items = [stranger(n, f"row {n}", label="refund", user="eve") for n in range(1, 31)]
    left_out = {item.id: WHY for item in items[:25]}
    groups = group_waiting(curated(items, left_out=left_out))
    assert [(group.title, len(group.items)) for group in groups][:1] == [("left out of version 0002: all by eve", 25)]
    assert groups[0].evidence[0] == WHY.evidence
    assert groups[0].to_json()["reasons"] == {"left-out": 25}


def test_two_parts_of_one_batch_are_two_groups() -> None:
    items = [stranger(n, f"row {n}", label="refund", user="eve") for n in range(1, 7)]
    other = replace(WHY, part='all as "refund"')
    left_out = {item.id: WHY if at < 3 else other for at, item in enumerate(items)}
    assert sorted(len(group.items) for group in group_waiting(curated(items, left_out=left_out))) == [3, 3]
