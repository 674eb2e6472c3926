from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from autogen.config.project import load_config
from autogen.data.rows import Row
from autogen.errors import ConfigError, DataError
from autogen.feedback.events import Feedback
from autogen.plugins import skill_settings, skills
from autogen.skills.customer_service.answering import CustomerService
from autogen.skills.customer_service.kind import CustomerServiceKind
from autogen.skills.customer_service.responses import label_text, read_responses
from autogen.skills.customer_service.settings import CustomerServiceSettings
from autogen.skills.skill import Reply, Turn
from autogen.tasks.text_classification.model import TunedModel
from autogen.tasks.text_classification.rows import LabelledRows, LabelledText, LearningData
from tests.skills.replies import replies_of, reply_of
from tests.tiny import TOPICS, rows

KIND = CustomerServiceKind()


def learnt(labels: Iterable[str]) -> dict[str, LearningData]:
    """The data of the skill's need, with train rows of these labels."""
    examples = tuple(LabelledText(f"about {label}", label) for label in labels)
    rows = tuple(Row({"text": example.text, "label": example.label}, "train.csv", 2) for example in examples)
    return {"intent": LearningData(LabelledRows(examples, rows), LabelledRows(), "")}


LOST = "my card is lost stolen missing block"
BETWEEN = "lost missing exchange currency"


@pytest.fixture(scope="module")
def model(trained: Path) -> TunedModel:
    return TunedModel.load(trained / ".autogen/versions/0001/models/support/intent")


def settings(**values: Any) -> CustomerServiceSettings:
    table = {"type": "customer-service", "train": "train.csv", **values}
    return CustomerServiceSettings.model_validate(table)


def skill(model: TunedModel, responses: dict[str, list[str]] | None = None, **values: Any) -> CustomerService:
    """Ready to answer; it rejects nothing unless told to."""
    record = KIND.keeps(settings(**{"threshold": -1000.0, **values}), Path())
    return KIND.ready({**record, "responses": responses or {}}, {"intent": model})


def say(ready: CustomerService, text: str, last_reply: tuple[Any, ...] | None = None) -> Reply:
    return reply_of(ready, turn(text, last_reply))


def turn(text: str, last_reply: tuple[Any, ...] | None = None) -> Turn:
    """`last_reply`: the last action, what it was about, and what was offered."""
    if last_reply is None:
        return Turn(text)
    action, question, offered = last_reply
    return Turn(text, state={"question": question, "offered": list(offered)}, last_action=action)


def difference(model: TunedModel, text: str) -> float:
    """Of the two likeliest intents' probabilities, as the skill of these tests has them."""
    (_, first), (_, second) = skill(model).model.predict([text])[0].ranking[:2]
    return first - second


def test_a_clear_intent_gets_the_response_written_for_it(model: TunedModel) -> None:
    reply = say(skill(model, {"lost_card": ["We have blocked it."]}, clarify_margin=0), LOST)
    assert (reply.text, reply.action, reply.intent) == ("We have blocked it.", "answer", "lost_card")
    assert reply.alternatives[0] == ("lost_card", reply.confidence) and reply.about is None


def test_of_several_responses_each_is_given_now_and_then(model: TunedModel) -> None:
    ready = skill(model, {"lost_card": ["one", "two", "three"]}, clarify_margin=0)
    assert {reply.text for reply in replies_of(ready, [Turn(LOST)] * 100)} == {"one", "two", "three"}


def test_without_a_response_the_intent_is_named(model: TunedModel) -> None:
    assert say(skill(model, clarify_margin=0), LOST).text == "This is about: lost card."


def test_two_intents_closer_than_the_margin_make_it_ask_back(model: TunedModel) -> None:
    near = difference(model, BETWEEN)
    reply = say(skill(model, clarify_margin=near + 1e-6), BETWEEN)
    first, second = reply.alternatives[:2]
    assert reply.action == "clarify" and reply.intent == first[0]
    assert reply.text == f"Did you mean (1) {label_text(first[0])} or (2) {label_text(second[0])}?"
    assert say(skill(model, clarify_margin=near - 1e-6), BETWEEN).action == "answer"
    assert say(skill(model, clarify_margin=0), BETWEEN).action == "answer"


def test_the_question_is_asked_in_the_words_of_the_project(model: TunedModel) -> None:
    reply = say(skill(model, clarify_margin=1, clarify_text="{x} {choices} {choices}!"), BETWEEN)
    assert reply.text.startswith("{x} (1) ") and reply.text.count("(2)") == 2


OFFERED = ("clarify", "what was asked", ("lost_card", "top_up", "exchange_rate"))


@pytest.mark.parametrize(
    ("message", "intent"),
    [
        ("1", "lost_card"),
        ("2", "top_up"),
        ("(2)", "top_up"),
        ("the second", "top_up"),
        ("The first one.", "lost_card"),
        (" 2. ", "top_up"),
        ("top up", "top_up"),
        ("Top_Up", "top_up"),
        ("LOST  CARD!", "lost_card"),
        ("１", "lost_card"),
    ],
)
def test_a_person_chooses_by_number_or_by_name(model: TunedModel, message: str, intent: str) -> None:
    reply = say(skill(model, {intent: ["chosen"]}), message, OFFERED)
    assert (reply.text, reply.action, reply.intent, reply.confidence) == ("chosen", "answer", intent, 1.0)
    assert reply.about == "what was asked" and reply.alternatives == ((intent, 1.0),)


@pytest.mark.parametrize("message", ["3", " (0) "])
def test_a_number_that_no_choice_has_is_asked_once_more(model: TunedModel, message: str) -> None:
    ready = skill(model, clarify_margin=1)
    again = say(ready, message, ("clarify", BETWEEN, OFFERED[2]))
    first = say(ready, BETWEEN)
    assert first.action == "clarify"
    assert again == replace(first, about=BETWEEN)


@pytest.mark.parametrize("message", ["exchange rate", "yes", "3 cards"])
def test_what_was_not_offered_is_a_new_message(model: TunedModel, message: str) -> None:
    reply = say(skill(model, clarify_margin=0), message, OFFERED)
    assert reply.about is None
    assert reply == say(skill(model, clarify_margin=0), message)


@pytest.mark.parametrize("action", ["answer", "decline", None])
def test_a_number_chooses_nothing_when_nothing_was_asked(model: TunedModel, action: str | None) -> None:
    assert say(skill(model), "1", (action, *OFFERED[1:])).about is None


def test_a_text_that_scores_below_the_threshold_is_declined(model: TunedModel) -> None:
    reply = say(skill(model, threshold=1000.0, decline_text="No idea."), LOST)
    assert (reply.text, reply.action, reply.intent) == ("No idea.", "decline", None)
    assert reply.alternatives[0][0] == "lost_card"


def test_a_threshold_of_its_own_takes_the_place_of_the_calibrated_one(model: TunedModel) -> None:
    calibrated = skill(model, threshold=None)
    assert calibrated.models["intent"].task.threshold == model.task.threshold
    assert skill(model, threshold=1.5).models["intent"].task.threshold == 1.5


def test_several_turns_are_answered_as_they_are_one_by_one(model: TunedModel) -> None:
    ready = skill(model, clarify_margin=0.5)
    turns = [Turn(text) for text, _ in rows(3, seed=9, oos=2)]
    turns.insert(2, turn("2", OFFERED))
    turns.append(turn("lost card", OFFERED))
    for single_turn, reply in zip(turns, replies_of(ready, turns), strict=True):
        reply_alone = reply_of(ready, single_turn)
        assert (reply.text, reply.action, reply.intent, reply.about) == (
            reply_alone.text,
            reply_alone.action,
            reply_alone.intent,
            reply_alone.about,
        )
    assert ready.consider([]) == []


def test_it_needs_one_classifier_learnt_from_its_data() -> None:
    (need,) = KIND.needs(settings(train=["a.csv", "b.csv"], eval="e.csv", columns={"text": "utterance"}), "minilm")
    assert (need.task, need.source("train"), need.source("eval"), need.columns) == (
        "text-classification",
        ("a.csv", "b.csv"),
        ("e.csv",),
        {"text": "utterance"},
    )
    assert KIND.needs(settings(), "minilm")[0].source("eval") == ()
    assert skills()[KIND.name].needs(settings(), "minilm") == KIND.needs(settings(), "minilm")


def write(folder: Path, text: str) -> Path:
    (folder / "responses.toml").write_text(text, "utf-8")
    return folder / "responses.toml"


def test_responses_are_a_text_or_a_list_of_texts(tmp_path: Path) -> None:
    path = write(tmp_path, 'a = "one"\nb = ["one", "two"]\n"c d" = """\nmany\nlines"""\n')
    assert read_responses(path) == {"a": ["one"], "b": ["one", "two"], "c d": ["many\nlines"]}
    assert KIND.keeps(settings(responses="responses.toml"), tmp_path)["responses"] == read_responses(path)
    assert read_responses(write(tmp_path, "")) == {}


def test_every_response_that_is_none_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, 'a = 3\nb = []\nc = ["fine"]\nd = [" "]\ne = ["x", 1]\n[f]\ntext = "x"\n')
    with pytest.raises(DataError, match="found something else for a, b, d, e, f"):
        read_responses(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"a = ", "not valid TOML"), (b'a = "caf\xe9"', "UTF-8"), (None, "found none")],
)
def test_a_file_of_responses_that_cannot_be_read_is_an_error(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    path = tmp_path / "responses.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=reason):
        read_responses(path)
    problems = KIND.check(settings(responses="responses.toml"), tmp_path, learnt(TOPICS))
    assert [(problem.severity, reason in problem.message) for problem in problems] == [("error", True)]


def test_a_response_for_an_intent_that_no_row_has_is_warned_of_with_the_near_miss(tmp_path: Path) -> None:
    write(tmp_path, 'card_arival = "x"\nexchange_rate = "x"\nlost_card = "x"\ntop_up = "x"\noos = "x"\n')
    problems = KIND.check(settings(responses="responses.toml"), tmp_path, learnt([*TOPICS, "oos"]))
    sentences = [str(problem) for problem in problems]
    assert {problem.severity for problem in problems} == {"warning"}
    assert len(sentences) == 3
    assert '"card_arival", which no training row has' in sentences[0] and 'Did you mean "card_arrival"?' in sentences[0]
    assert '"oos"' in sentences[1]
    assert "found none for card_arrival" in sentences[2]


def test_with_a_response_for_every_intent_there_is_nothing_to_say(tmp_path: Path) -> None:
    write(tmp_path, "".join(f'{name} = "x"\n' for name in TOPICS))
    assert KIND.check(settings(responses="responses.toml"), tmp_path, learnt([*TOPICS, "oos"])) == []
    assert KIND.check(settings(), tmp_path, learnt(TOPICS)) == []


@pytest.mark.parametrize(
    "line",
    [
        "clarify_margin = 2",
        "rejection_loss = -0.1",
        'threshold = "high"',
        "threshold = inf",
        "threshold = nan",
        "responses = 3",
    ],
)
def test_a_setting_that_cannot_be_is_refused(tmp_path: Path, line: str) -> None:
    text = f'[agent]\nname = "x"\n[skills.s]\ntype = "customer-service"\ntrain = "t.csv"\n{line}\n'
    (tmp_path / "agent.toml").write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=f"`{line.split()[0]}`"):
        load_config(tmp_path, skill_settings())


def test_a_label_is_spoken_with_spaces() -> None:
    assert label_text("card_arrival") == label_text("card-arrival") == "card arrival"


def test_it_considers_without_choosing_words_and_says_how_sure_it_is(model: TunedModel) -> None:
    (clear, choice, nowhere) = skill(model, clarify_margin=0).consider(
        [Turn(LOST), turn("2", OFFERED), turn("3", ("clarify", LOST, OFFERED[2]))]
    )
    assert clear.in_scope and not clear.continues and clear.confidence == clear.reply().confidence
    assert (choice.in_scope, choice.continues, choice.confidence) == (True, True, 1.0)
    assert nowhere.continues and nowhere.reply().about == LOST, "a number that no choice has is for whoever asked"
    (declined,) = skill(model, threshold=1000.0).consider([Turn(LOST)])
    assert not declined.in_scope and declined.stream is None


def test_what_it_offered_comes_back_as_its_state(model: TunedModel) -> None:
    ready = skill(model, clarify_margin=1)
    clarification = say(ready, BETWEEN)
    assert clarification.state == {"question": BETWEEN, "offered": [name for name, _ in clarification.alternatives[:2]]}
    answer = reply_of(ready, Turn("2", state=json.loads(json.dumps(clarification.state)), last_action="clarify"))
    assert (answer.intent, answer.about, answer.state) == (clarification.alternatives[1][0], BETWEEN, {})


def test_it_predicts_rows_of_a_file_as_the_model_does(model: TunedModel) -> None:
    texts = [text for text, _ in rows(3, seed=9, oos=2)]
    pairs = ["and another" if number % 2 else None for number in range(len(texts))]
    ready = skill(model, threshold=0.5)
    for values in ({}, {"text_pair": pairs}):
        table = [
            {"text": text, **{name: column[at] for name, column in values.items()}} for at, text in enumerate(texts)
        ]
        answers = ready.predict([Row(row, "questions.csv", at) for at, row in enumerate(table)])
        seconds = [pair or "" for pair in pairs] if values else None
        expected = ready.models["intent"].predict(texts, seconds)
        assert answers == [
            {"prediction": prediction.decided, "confidence": round(prediction.confidence, 6)} for prediction in expected
        ]
    assert ready.predict([]) == []
    with pytest.raises(DataError, match=r"row 1: .*\n.*row 2: "):
        ready.predict([Row({"text": text}, "questions.csv", at) for at, text in enumerate(["fine", " ", None])])


def test_a_label_that_is_no_intent_yet_is_noted(model: TunedModel) -> None:
    ready, correction = skill(model), feedback("lost_crad")
    assert "is no intent yet" in str(ready.note_on(correction)) and 'Did you mean "lost_card"?' in str(
        ready.note_on(correction)
    )
    assert [ready.note_on(feedback(name)) for name in ("lost_card", "oos", None)] == [None, None, None]


def feedback(label: str | None) -> Feedback:
    fields = {"id": "f", "response_id": None, "message": "m", "skill": "s", "version": None, "intent": None}
    other_fields = {"confidence": None, "rating": 1.0, "label": label, "answer": None, "comment": None, "user": None}
    return Feedback(**fields, **other_fields, trusted=True, source="cli", created_at=datetime.now(UTC))  # type: ignore[arg-type]
