"""Feedback on entities: what is learnt, what is measured on, what waits, and why."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from autogen import Agent, Project
from autogen.data.rows import Row
from autogen.errors import UsageError
from autogen.feedback.curation import Curation
from autogen.feedback.entities import EntitySpan
from autogen.tasks.task import FeedbackOn
from autogen.tasks.token_classification import TASK
from autogen.tasks.token_classification.data import TokenData, annotated_rows, split_rows
from tests.tasks.token_classification.annotated import annotated, write_rows

Rows = Sequence[Mapping[str, object]]

THIEF = "the thief"
SPAN = {"start": 4, "end": 9, "label": "lost_card"}
OTHER = {"start": 0, "end": 3, "label": "top_up"}


def stranger(text: str, *entities: Mapping[str, object], user: str = "someone") -> dict[str, object]:
    return {"text": text, "entities": [*entities], "user": user}


def owner(text: str, *entities: Mapping[str, object]) -> dict[str, object]:
    return {"text": text, "entities": [*entities]}


def first_row(project: Path, name: str) -> tuple[str, list[dict[str, object]]]:
    row = json.loads((project / name).open(encoding="utf-8").readline())
    return row["text"], row["entities"]


def imported(project: Path, rows: Rows) -> Project:
    opened = Project.open(project)
    opened.import_feedback(write_rows(project / "feedback.jsonl", [dict(row) for row in rows]))
    return opened


def joined(project: Path) -> TokenData:
    """The project's rows with the feedback that there is."""
    files = [[json.loads(line) for line in (project / name).open()] for name in ("train.jsonl", "eval.jsonl")]
    train, eval_rows = (annotated_rows([Row(row, "rows", at) for at, row in enumerate(rows)], {}) for rows in files)
    data: TokenData = TASK.with_feedback(
        split_rows(train, eval_rows, 0), FeedbackOn(Project.open(project).memory, "finder"), None
    )
    return data


def corrected(project: Path, rows: Rows) -> TokenData:
    imported(project, rows)
    return joined(project)


def curated(project: Path, rows: Rows) -> Curation:
    return imported(project, rows).curation()


def reasons(curation: Curation) -> list[str]:
    return [str(item.reason) for item in (*curation.waiting, *curation.ignored)]


def learnt(data: TokenData, text: str) -> list[dict[str, object]] | None:
    """The entities of a text as they are learnt or measured on; None where it is neither."""
    for example in (*data.train.examples, *data.eval_feedback.examples):
        if example.text == text:
            return [{"start": span.start, "end": span.end, "label": span.label} for span in example.spans]
    return None


def test_the_owners_corrections_teach_and_a_share_of_them_is_set_aside(project: Path) -> None:
    rows = annotated(20, seed=5)
    data = corrected(project, rows)
    assert len(data.feedback) == len(rows)
    taught = {*data.train.texts} & {row["text"] for row in rows}
    assert 0 < len(data.eval_feedback) < len(taught)
    assert not {*data.eval_feedback.texts} & {*data.train.texts}
    assert data.corrections_of_eval == 0 and data.waiting == 0


def test_the_last_correction_of_a_text_counts(project: Path) -> None:
    data = corrected(project, [owner(THIEF, OTHER), owner(THIEF, SPAN)])
    assert learnt(data, THIEF) == [SPAN] and len(data.feedback) == 2


def test_a_correction_takes_the_place_of_its_train_row_and_is_never_set_aside(project: Path) -> None:
    lines = (project / "train.jsonl").read_text("utf-8").splitlines()[:20]
    rows = [owner(json.loads(line)["text"]) for line in lines]
    data = corrected(project, rows)
    assert not len(data.eval_feedback)
    assert all(learnt(data, str(row["text"])) == [] for row in rows)


def test_a_correction_that_says_what_its_train_row_says_is_known_already(project: Path) -> None:
    text, entities = first_row(project, "train.jsonl")
    curation = curated(project, [owner(text, *entities), stranger(text, *entities)])
    assert reasons(curation) == ["already-known"] * 2 and not curation.train


def test_a_correction_of_an_eval_row_is_counted_and_not_learnt(project: Path) -> None:
    text, _ = first_row(project, "eval.jsonl")
    data = corrected(project, [owner(text)])
    assert data.corrections_of_eval == 1 and not data.feedback and text not in data.train.texts


def test_what_strangers_say_waits_with_its_reason(project: Path) -> None:
    text, _ = first_row(project, "train.jsonl")
    rows = [stranger(THIEF, SPAN), owner("thief now", OTHER), stranger("thief now", user="ann"), stranger(text)]
    curation = curated(project, rows)
    assert reasons(curation) == ["untrusted", "conflict", "conflicts-with-training"]
    assert [example.text for example in (*curation.train, *curation.evaluation)] == ["thief now"]
    assert 'the owner says "top_up: thi"' in curation.waiting[1].explanation
    assert joined(project).waiting == 3
    assert "Feedback on entities that waits for `autogen review`: 3." in joined(project).summary().lines


def test_what_waits_is_shown_with_what_the_champion_finds_now(project: Path) -> None:
    (item,) = imported(project, [stranger(THIEF, OTHER)]).review()
    assert item.proposed_entities == (EntitySpan(0, 3, "top_up"),)
    assert item.predicted_entities == (EntitySpan(4, 9, "lost_card"),)
    assert (item.proposal, item.champion_says, item.user) == ("top_up: the", "lost_card: thief", "someone")


def test_a_stranger_who_says_what_the_owner_says_need_not_be_asked_about(project: Path) -> None:
    assert reasons(curated(project, [owner(THIEF, SPAN), stranger(THIEF, SPAN)])) == ["already-known"]


def test_entities_that_overlap_wait_though_they_are_the_owners(project: Path) -> None:
    overlapping = [{"start": 0, "end": 5, "label": "lost_card"}, {"start": 2, "end": 7, "label": "top_up"}]
    curation = curated(project, [owner("thief and", *overlapping)])
    assert reasons(curation) == ["bad-entities"]
    assert "expected entities apart from each other" in curation.waiting[0].explanation
    assert not joined(project).feedback


def test_what_was_accepted_or_put_right_in_review_is_learnt_and_what_was_dropped_is_not(project: Path) -> None:
    rows = [stranger("a thief", OTHER), stranger("my thief", OTHER), stranger("his thief", OTHER)]
    opened = imported(project, rows)
    accepted, other, dropped = (item.feedback_id for item in opened.review())
    opened.decide(accepted, "accept")
    opened.decide(other, "relabel", entities=[EntitySpan(3, 8, "lost_card")])
    opened.decide(dropped, "drop")
    assert opened.review() == []
    data = joined(project)
    assert learnt(data, "a thief") == [OTHER]
    assert learnt(data, "my thief") == [{"start": 3, "end": 8, "label": "lost_card"}]
    assert learnt(data, "his thief") is None
    assert set(data.feedback) == {accepted, other}


def test_a_review_also_decides_what_others_said_before_it_and_a_later_one_takes_its_place(project: Path) -> None:
    opened = imported(project, [stranger(THIEF, SPAN), stranger(THIEF, OTHER, user="ann")])
    first, second = (item.feedback_id for item in opened.review())
    opened.decide(first, "accept")
    assert opened.review() == [] and learnt(joined(project), THIEF) == [SPAN]
    opened.decide(second, "accept")
    assert learnt(joined(project), THIEF) == [OTHER]


@pytest.mark.parametrize(
    ("label", "entities", "message"),
    [
        ("lost_card", None, "is on entities, not on a label"),
        (None, [EntitySpan(0, 10, "lost_card")], "within the 9 characters of the text"),
        (None, [EntitySpan(0, 5, "a"), EntitySpan(4, 9, "b")], "expected entities apart from each other"),
        (None, [EntitySpan(3, 4, "a")], "expected characters from 3 to 4"),
    ],
)
def test_a_review_from_which_no_row_can_be_made_is_refused(
    project: Path, label: str | None, entities: list[EntitySpan] | None, message: str
) -> None:
    opened = imported(project, [stranger(THIEF, SPAN)])
    (item,) = opened.review()
    with pytest.raises(UsageError, match=message):
        opened.decide(item.feedback_id, "relabel", label, entities)
    assert opened.review() == [item]


def test_overlapping_entities_cannot_be_accepted(project: Path) -> None:
    opened = imported(project, [stranger(THIEF, {**SPAN, "start": 0}, OTHER)])
    (item,) = opened.review()
    with pytest.raises(UsageError, match="expected entities apart from each other"):
        opened.decide(item.feedback_id, "accept")


# Ratings


def rated(project: Path, text: str, rating: str, user: str | None = None) -> str:
    """Ask the agent, and rate its answer: the id of the feedback."""
    agent = Agent.load(project)
    return agent.feedback(agent.respond(text).id, rating=rating, user=user).id


def test_a_good_rating_of_the_owner_teaches_the_entities_that_were_answered(project: Path) -> None:
    feedback = rated(project, THIEF, "up")
    data = joined(project)
    assert learnt(data, THIEF) == [SPAN] and data.feedback == (feedback,)


def test_a_good_rating_of_a_stranger_waits(project: Path) -> None:
    feedback = rated(project, THIEF, "up", user="ann")
    opened = Project.open(project)
    (item,) = opened.review()
    assert (item.feedback_id, item.reason, item.proposal) == (feedback, "untrusted", "lost_card: thief")
    assert learnt(joined(project), THIEF) is None
    opened.decide(feedback, "accept")
    assert learnt(joined(project), THIEF) == [SPAN]


def test_the_other_thumb_takes_a_good_rating_back_and_waits_for_the_right_entities(project: Path) -> None:
    agent = Agent.load(project)
    response = agent.respond(THIEF).id
    agent.feedback(response, rating="up")
    down = agent.feedback(response, rating="down")
    assert learnt(joined(project), THIEF) is None
    opened = Project.open(project)
    (item,) = opened.review()
    assert (item.feedback_id, item.reason, item.proposal) == (down.id, "down-rated", "")
    with pytest.raises(UsageError, match="names no entities, so there is nothing to accept"):
        opened.decide(down.id, "accept")
    opened.decide(down.id, "relabel", entities=[])
    assert learnt(joined(project), THIEF) == []


def test_a_correction_counts_though_the_same_person_likes_the_answer_later(project: Path) -> None:
    agent = Agent.load(project)
    response = agent.respond(THIEF).id
    agent.feedback(response, entities=[EntitySpan(0, 3, "top_up")])
    agent.feedback(response, rating="up")
    assert learnt(joined(project), THIEF) == [OTHER]


def test_a_good_rating_of_a_refusal_and_a_comment_teach_nothing(project: Path) -> None:
    agent = Agent.load(project)
    response = agent.respond("please tell me about it")
    assert response.action == "decline"
    agent.feedback(response.id, rating="up")
    agent.feedback(response.id, comment="thanks", user="ann")
    curation = Project.open(project).curation()
    assert reasons(curation) == ["nothing-to-learn"] * 2 and not curation.train


def test_the_excess_of_one_strangers_entities_waits_as_a_flood(project: Path) -> None:
    rows = [stranger(f"{THIEF} came {number} times", SPAN) for number in range(52)]
    padding = [{"text": f"padding {number}", "comment": "hm", "user": "someone"} for number in range(60)]
    waiting = curated(project, [*padding, *rows]).waiting
    assert [str(item.reason) for item in waiting].count("flood") == 2


def test_users_who_are_vouched_for_teach_entities_where_two_agree_and_the_project_wants_it_so(project: Path) -> None:
    agreed, alone = f"{THIEF} again", f"{THIEF} alone"
    rows = [
        stranger(agreed, SPAN, user="ann"),
        stranger(agreed, SPAN, user="bob"),
        stranger(agreed, OTHER, user="eve"),
        stranger(alone, SPAN, user="ann"),
        stranger(alone, SPAN, user="ann"),
    ]
    assert [learnt(corrected(project, rows), text) for text in (agreed, alone)] == [None, None]
    learn_from(project, "trusted-users")
    curation = Project.open(project).curation()
    (example,) = curation.train
    assert (example.text, example.users, example.trusted) == (agreed, ("ann", "bob"), False)
    assert [str(item.reason) for item in curation.waiting] == ["conflict", "untrusted", "untrusted"]
    learn_from(project, "owner")
    curation = Project.open(project).curation()
    assert not curation.train and not curation.waiting
    assert {item.reason for item in curation.ignored} == {"not-the-owner"}


def test_what_waits_though_it_was_decided_is_not_asked_again(project: Path) -> None:
    row = {**owner(THIEF, SPAN, {**SPAN, "start": 2}), "decision": "accept"}
    (waiting,) = curated(project, [row]).waiting
    assert (waiting.reason, waiting.decided) == ("bad-entities", True)
    assert not Project.open(project).review()


def learn_from(project: Path, whom: str) -> None:
    file = project / "agent.toml"
    kept = file.read_text("utf-8").partition("\n[feedback]")[0]
    file.write_text(f'{kept}\n[feedback]\nlearn_from = "{whom}"\n', "utf-8")
