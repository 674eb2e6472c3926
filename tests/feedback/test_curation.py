from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autogen.data.text import normalise
from autogen.feedback.claims import count_by_trust
from autogen.feedback.curated import Assessment, Curation, CurationPolicy
from autogen.feedback.curation import curate, place
from autogen.feedback.entities import EntitySpan
from autogen.feedback.events import Decision, Feedback

START = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
KNOWN = ("card_arrival", "lost_card", "refund")
NO_EVALUATION = CurationPolicy(eval_share=0)
EVERYONE = CurationPolicy(eval_share=0, learn_from="everyone")
USERS = CurationPolicy(eval_share=0, learn_from="trusted-users")


def feedback(number: int, message: str = "where is it", **changes: object) -> Feedback:
    blank = dict.fromkeys(
        (
            "response_id",
            "skill",
            "version",
            "intent",
            "confidence",
            "rating",
            "label",
            "answer",
            "comment",
            "user",
        )
    )
    values = {
        **blank,
        "id": f"fb-{number:04}",
        "message": message,
        "trusted": True,
        "source": "import",
        "created_at": START + timedelta(minutes=number),
        "number": number,
    }
    return Feedback(**{**values, **changes})  # type: ignore[arg-type]


def stranger(number: int, message: str = "where is it", **changes: object) -> Feedback:
    return feedback(number, message, **{"trusted": False, "source": "http", "user": "ann", **changes})


def customer(number: int, message: str = "where is it", **changes: object) -> Feedback:
    """A stranger whom a caller's key vouches for."""
    return stranger(number, message, **{"vouched": True, **changes})


def unsure(texts: Sequence[str]) -> list[Assessment]:
    return [Assessment("card_arrival", 0.5, in_scope=True) for _ in texts]


def agreeing(texts: Sequence[str]) -> list[Assessment]:
    return [Assessment("refund", 0.95, in_scope=True) for _ in texts]


def nobody(texts: Sequence[str]) -> list[Assessment]:
    raise AssertionError(f"the champion was asked about {texts}")


def decide(decision: str, label: str | None = None, after: int = 1000) -> Decision:
    moment = START + timedelta(minutes=after)
    return Decision(decision, label, moment, number=after, feedback_until=after)  # type: ignore[arg-type]


def curated(items: Sequence[Feedback], **changes: object) -> Curation:
    arguments: dict[str, object] = {
        "decisions": {},
        "train": {},
        "eval_texts": frozenset(),
        "known_labels": KNOWN,
        "assess": unsure,
        "policy": NO_EVALUATION,
    }
    return curate(items, **{**arguments, **changes})  # type: ignore[arg-type]


def train_pairs(curation: Curation) -> list[tuple[str, str]]:
    return [(example.text, example.label) for example in curation.train]


def reasons(curation: Curation) -> dict[str, str]:
    waiting = {item.feedback.id: str(item.reason) for item in curation.waiting}
    return waiting | {item.feedback.id: item.reason for item in curation.ignored}


# What makes an example


def test_a_corrected_label_and_an_agreeing_rating_make_examples() -> None:
    items = [
        feedback(1, "a", label="refund", intent="lost_card"),
        feedback(2, "b", rating=1.0, intent="lost_card"),
    ]
    assert train_pairs(curated(items)) == [("a", "refund"), ("b", "lost_card")]


def test_repeated_feedback_is_one_example_that_names_them_all() -> None:
    items = [
        stranger(1, "My  Card", label="refund"),
        stranger(2, "my card", label="refund", user="bob"),
        feedback(3, "MY CARD", label="refund"),
    ]
    (example,) = curated(items, assess=nobody).train
    assert example.feedback_ids == ("fb-0001", "fb-0002", "fb-0003")
    assert example.users == ("ann", "bob")
    assert (example.text, example.trusted) == ("MY CARD", True)


def test_a_down_rating_waits_with_the_question_what_would_have_been_right() -> None:
    (waiting,) = curated([stranger(1, rating=0.0, intent="refund")]).waiting
    assert waiting.reason == "down-rated"
    assert waiting.explanation == 'Rated down, so not "refund": what would have been right?'


def test_a_better_answer_waits_and_a_comment_alone_is_only_kept() -> None:
    items = [feedback(1, answer="Block it first."), feedback(2, comment="nice"), feedback(3, rating=1.0)]
    assert reasons(curated(items)) == {
        "fb-0001": "better-answer",
        "fb-0002": "nothing-to-learn",
        "fb-0003": "nothing-to-learn",
    }


def test_text_that_is_held_out_or_known_already_is_ignored() -> None:
    items = [feedback(1, "Held  Out", label="refund"), feedback(2, "known", label="refund")]
    curation = curated(items, eval_texts={"held out"}, train={"known": "refund"})
    assert reasons(curation) == {"fb-0001": "evaluation-row", "fb-0002": "already-known"}


def test_corrections_of_held_out_rows_are_counted_ratings_of_them_are_not() -> None:
    items = [feedback(1, "held out", label="refund"), feedback(2, "held out", rating=1.0, intent="lost_card")]
    assert [item.id for item in curated(items, eval_texts={"held out"}).corrections_of_eval_rows] == ["fb-0001"]


# Who is believed


def test_the_owner_is_never_held_back_for_disagreeing_with_the_champion() -> None:
    items = [feedback(1, "a", label="refund", intent="lost_card", confidence=1.0)]
    assert train_pairs(curated(items, assess=nobody)) == [("a", "refund")]


def test_the_owner_corrects_a_training_row_and_a_stranger_does_not() -> None:
    train = {"a": "refund", "b": "refund"}
    curation = curated([feedback(1, "a", label="lost_card"), stranger(2, "b", label="lost_card")], train=train)
    (example,) = curation.train
    assert (example.text, example.label, example.replaces) == ("a", "lost_card", True)
    assert reasons(curation) == {"fb-0002": "conflicts-with-training"}


def test_a_replaced_training_row_is_never_set_aside_for_evaluation() -> None:
    curation = curated(
        [feedback(1, "a", label="lost_card")], train={"a": "refund"}, policy=CurationPolicy(eval_share=1)
    )
    assert curation.evaluation == ()


def test_two_labels_for_one_text_wait() -> None:
    items = [feedback(1, "a", label="refund"), feedback(2, "A", label="lost_card")]
    curation = curated(items)
    assert reasons(curation) == {"fb-0001": "conflict", "fb-0002": "conflict"}
    assert '"lost_card", "refund"' in curation.waiting[0].explanation


def test_a_stranger_cannot_hold_back_the_owner() -> None:
    curation = curated([stranger(1, "a", label="refund"), feedback(2, "a", label="lost_card")])
    assert train_pairs(curation) == [("a", "lost_card")]
    assert reasons(curation) == {"fb-0001": "conflict"}


def test_a_stranger_far_from_anything_known_waits_unless_it_is_called_out_of_scope() -> None:
    def far(texts: Sequence[str]) -> list[Assessment]:
        return [Assessment("refund", 0.2, in_scope=False) for _ in texts]

    curation = curated([stranger(1, "a", label="refund"), stranger(2, "b", label="oos")], assess=far, policy=EVERYONE)
    assert train_pairs(curation) == [("b", "oos")]
    assert reasons(curation) == {"fb-0001": "out-of-scope"}


def test_a_stranger_waits_when_the_champion_is_sure_of_another_label() -> None:
    def assess_as_sure(texts: Sequence[str]) -> list[Assessment]:
        return [Assessment("refund", 0.95, in_scope=True) for _ in texts]

    items = [stranger(1, "a", label="lost_card"), stranger(2, "b", label="refund")]
    curation = curated(items, assess=assess_as_sure, policy=EVERYONE)
    assert train_pairs(curation) == [("b", "refund")]
    (waiting,) = curation.waiting
    assert waiting.explanation == 'The champion says "refund" (95% sure), this person "lost_card": which is right?'


@pytest.mark.parametrize("learn_from", ["reviewed", "trusted-users"])
def test_strangers_teach_nothing_unseen_not_even_what_the_champion_says(learn_from: str) -> None:
    items = [
        stranger(1, "a", label="card_arrival"),
        stranger(2, "b", rating=1.0, intent="card_arrival"),
        stranger(3, "c", label="refund"),
        stranger(4, "d", label="refund", user=None),
    ]
    curation = curated(items, policy=CurationPolicy(learn_from=learn_from))  # type: ignore[arg-type]
    assert curation.train == () and curation.evaluation == ()
    assert {item.reason for item in curation.waiting} == {"untrusted"}
    assert {item.assessment.label for item in curation.waiting if item.assessment} == {"card_arrival"}


def test_everyone_teaches_where_the_owner_wants_it_so() -> None:
    items = [stranger(1, "a", label="refund"), stranger(2, "b", rating=1.0, intent="card_arrival", user=None)]
    assert train_pairs(curated(items, policy=EVERYONE)) == [("a", "refund"), ("b", "card_arrival")]


def test_what_others_say_is_kept_and_nothing_more_where_only_the_owner_teaches() -> None:
    items = [
        stranger(1, "a", label="refund"),
        customer(2, "b", rating=0.0),
        feedback(3, "c", label="refund"),
        stranger(4, "d", label="refund"),
    ]
    policy = CurationPolicy(eval_share=0, learn_from="owner")
    curation = curated(items, policy=policy, decisions={"fb-0004": decide("accept")}, assess=nobody)
    assert train_pairs(curation) == [("c", "refund"), ("d", "refund")]
    assert reasons(curation) == {"fb-0001": "not-the-owner", "fb-0002": "not-the-owner"}


def test_users_who_are_vouched_for_teach_where_two_of_them_or_one_and_the_champion_agree() -> None:
    items = [
        customer(1, "two agree", label="refund"),
        customer(2, "two agree", label="refund", user="bob"),
        customer(3, "the same twice", label="refund"),
        customer(4, "the same twice", label="refund"),
        customer(5, "with the champion", label="card_arrival"),
        customer(6, "alone", label="refund"),
        customer(7, "with a nobody", label="refund"),
        stranger(8, "with a nobody", label="refund", user="bob"),
    ]
    curation = curated(items, policy=USERS)
    assert train_pairs(curation) == [("two agree", "refund"), ("with the champion", "card_arrival")]
    assert set(reasons(curation)) == {"fb-0003", "fb-0004", "fb-0006", "fb-0007", "fb-0008"}


def test_a_nobody_cannot_hold_back_those_who_are_vouched_for() -> None:
    items = [customer(1, "a", label="card_arrival"), stranger(2, "a", label="refund", user="bob")]
    curation = curated(items, policy=USERS)
    assert train_pairs(curation) == [("a", "card_arrival")]
    assert reasons(curation) == {"fb-0002": "conflict"}


@pytest.mark.parametrize(
    "source",
    [
        {"user": "ann"},
        {"user": None},
        {"user": "ann", "vouched": True},
        {"user": "ann", "trusted": True},
    ],
    ids=["a name", "no name", "a user vouched for", "a named owner"],
)
def test_the_excess_of_one_source_waits(source: dict[str, object]) -> None:
    flood = [stranger(n, f"flood {n}", label="card_arrival", **source) for n in range(60)]
    others = [stranger(100 + n, f"other{n}", label="card_arrival", user=f"u{n}") for n in range(10)]
    curation = curated([*flood, *others], policy=EVERYONE)
    assert Counter(reasons(curation).values()) == {"flood": 10}
    assert len(curation.train) == 60


def test_comments_do_not_raise_the_flood_limit() -> None:
    padding = [stranger(n, f"padding {n}", comment="nice") for n in range(800)]
    flood = [stranger(1000 + n, f"flood {n}", label="card_arrival") for n in range(400)]
    curation = curated([*padding, *flood], policy=EVERYONE)
    assert len(curation.train) == 50
    assert Counter(reasons(curation).values()) == {"nothing-to-learn": 800, "flood": 350}


def test_names_that_nobody_vouches_for_are_bounded_together() -> None:
    invented = [stranger(n, f"row {n}", label="card_arrival", user=f"invented {n}") for n in range(300)]
    known = [customer(500 + n, f"known {n}", label="card_arrival", user=f"u{n}") for n in range(300)]
    curation = curated([*invented, *known], policy=EVERYONE)
    assert len(curation.train) == 200 + 300
    assert Counter(reasons(curation).values()) == {"flood": 100}


def test_the_owner_may_import_as_much_as_they_like() -> None:
    assert curated([feedback(n, f"row {n}", label="refund") for n in range(200)]).waiting == ()


# People change their minds


def test_a_label_takes_the_place_of_the_same_persons_thumb() -> None:
    items = [
        stranger(1, rating=0.0, intent="refund", response_id="r1"),
        stranger(2, label="lost_card", intent="refund", response_id="r1"),
        stranger(3, rating=0.0, intent="refund", response_id="r1"),
    ]
    curation = curated(items)
    assert reasons(curation) == {"fb-0001": "superseded", "fb-0002": "untrusted", "fb-0003": "superseded"}


def test_a_thumb_that_was_turned_counts_as_it_is_now() -> None:
    items = [stranger(n, rating=float(n % 2), intent="refund", response_id="r1") for n in (1, 2)]
    assert reasons(curated(items)) == {"fb-0001": "superseded", "fb-0002": "down-rated"}


def test_one_persons_opinion_does_not_take_the_place_of_anothers() -> None:
    items = [
        stranger(1, rating=1.0, intent="refund", response_id="r1"),
        stranger(2, rating=1.0, intent="refund", response_id="r1", user="bob"),
    ]
    assert curated(items, policy=EVERYONE).train[0].users == ("ann", "bob")


def test_an_older_opinion_does_not_win_because_the_clock_went_back() -> None:
    earlier, later = START + timedelta(hours=1), START
    items = [
        feedback(1, rating=1.0, intent="refund", response_id="r1", created_at=earlier),
        feedback(2, rating=0.0, intent="refund", response_id="r1", created_at=later),
    ]
    assert reasons(curated(items)) == {"fb-0001": "superseded", "fb-0002": "down-rated"}
    texts = [feedback(1, "a", label="refund"), feedback(2, "a", label="lost_card")]
    decisions = {
        "fb-0001": Decision("accept", None, earlier, number=1, feedback_until=2),
        "fb-0002": Decision("accept", None, later, number=2, feedback_until=2),
    }
    assert train_pairs(curated(texts, decisions=decisions)) == [("a", "lost_card")]


def test_feedback_is_counted_by_how_far_it_is_believed() -> None:
    items = [
        feedback(1, label="refund"),
        stranger(2, label="refund"),
        stranger(3, label="refund"),
        customer(4, label="refund"),
        stranger(5, label="refund"),
    ]
    decisions, ids = {"fb-0002": decide("accept")}, {item.id for item in items[:4]}
    assert count_by_trust(items, decisions, ids) == {"reviewed": 1, "owner": 1, "vouched": 1, "stranger": 1}


# Review


def test_review_overrides_every_rule() -> None:
    items = [
        stranger(1, "a", label="lost_card"),
        stranger(2, "b", rating=0.0, intent="refund"),
        stranger(3, "c", label="refund"),
        stranger(4, "d", label="refund"),
    ]
    decisions = {
        "fb-0001": decide("accept"),
        "fb-0002": decide("relabel", "card_arrival"),
        "fb-0003": decide("drop"),
        "fb-0004": decide("accept"),
    }
    curation = curated(items, decisions=decisions, train={"d": "lost_card"}, assess=nobody)
    assert train_pairs(curation) == [("a", "lost_card"), ("b", "card_arrival"), ("d", "refund")]
    assert [example.replaces for example in curation.train] == [False, False, True]
    assert reasons(curation) == {"fb-0003": "dropped"}


def test_a_review_settles_a_conflict_but_not_what_is_said_later() -> None:
    items = [
        feedback(1, "a", label="refund"),
        feedback(2, "a", label="lost_card"),
        feedback(9, "a", label="oos"),
    ]
    curation = curated(items, decisions={"fb-0001": decide("accept", after=5)})
    assert train_pairs(curation) == [("a", "refund")]
    assert reasons(curation) == {"fb-0002": "overruled", "fb-0009": "conflict"}


def test_of_two_reviews_of_one_text_the_later_counts() -> None:
    items = [feedback(1, "a", label="refund"), feedback(2, "a", label="lost_card")]
    decisions = {"fb-0001": decide("accept", after=20), "fb-0002": decide("accept", after=10)}
    curation = curated(items, decisions=decisions)
    assert train_pairs(curation) == [("a", "refund")]
    assert reasons(curation) == {"fb-0002": "overruled"}


def test_accepted_feedback_does_not_count_as_flood() -> None:
    flood = [stranger(n, f"flood {n}", label="refund") for n in range(60)]
    decisions = {item.id: decide("accept") for item in flood[:10]}
    assert curated(flood, decisions=decisions, policy=EVERYONE, known_labels=KNOWN, assess=agreeing).waiting == ()


# New labels


def test_a_new_label_waits_until_it_has_rows_enough() -> None:
    items = [feedback(n, f"row {n}", label="refunds") for n in range(4)]
    curation = curated(items)
    assert curation.proposed == {"refunds": 4}
    assert curation.new_labels == ()
    assert {item.reason for item in curation.waiting} == {"new-label"}
    assert '4 of 5 rows so far. Did you mean "refund"?' in curation.waiting[0].explanation
    curation = curated([*items, feedback(5, "row 5", label="refunds")])
    assert (curation.proposed, curation.new_labels, len(curation.train)) == ({}, ("refunds",), 5)


def test_the_same_row_again_does_not_bring_a_new_label_nearer() -> None:
    curation = curated([feedback(n, "one row", label="new") for n in range(9)])
    assert curation.proposed == {"new": 1}
    assert len(curation.waiting) == 9


@pytest.mark.parametrize("policy", [NO_EVALUATION, USERS, EVERYONE], ids=lambda policy: policy.learn_from)
def test_a_hundred_invented_intents_do_not_hold_back_the_honest(policy: CurationPolicy) -> None:
    invented = [customer(n, f"invented {n}", label=f"invented_{n % 100}", user=f"u{n % 7}") for n in range(600)]
    honest = [feedback(1000 + n, f"honest {n}", label="refund") for n in range(50)]
    curation = curated([*invented, *honest], policy=replace(policy, source_rows=1000), assess=agreeing)
    assert len(curation.train) == 50 and curation.new_labels == ()
    assert Counter(reasons(curation).values()) == {"new-label": 600}
    decisions = {item.id: decide("accept") for item in invented if item.label == "invented_3"}
    assert curated([*invented, *honest], policy=policy, decisions=decisions).new_labels == ("invented_3",)


def test_strangers_bring_a_new_label_no_nearer() -> None:
    items = [*(feedback(n, f"row {n}", label="new") for n in range(4)), stranger(9, "row 9", label="new")]
    curation = curated(items, policy=EVERYONE)
    assert curation.proposed == {"new": 4}
    assert "needs your word: 4 of 5 rows" in curation.waiting[-1].explanation


def test_out_of_scope_is_never_a_new_label() -> None:
    assert train_pairs(curated([feedback(1, "a", label="oos")])) == [("a", "oos")]


@pytest.mark.parametrize("rows", [5, 6, 30])
def test_a_new_label_keeps_rows_to_learn_and_one_at_least_to_measure(rows: int) -> None:
    for share in (0.01, 0.2, 1.0):
        items = [feedback(n, f"row {n}", label="new") for n in range(rows)]
        curation = curated(items, policy=CurationPolicy(eval_share=share))
        assert len(curation.train) >= 4
        assert len(curation.evaluation) >= 1


# Set aside for evaluation


def test_a_stable_share_of_trusted_feedback_is_set_aside() -> None:
    def set_aside(items: Sequence[Feedback]) -> set[str]:
        curation = curated(items, train={"give it back": "refund"}, policy=CurationPolicy())
        return {example.text for example in curation.evaluation}

    items = [feedback(n, f"row {n}", label="refund") for n in range(1000)]
    once = set_aside(items)
    assert 150 < len(once) < 250
    assert set_aside(items[::2]) == once & {item.message for item in items[::2]}
    assert set_aside([replace(item, id=f"x{item.id}", created_at=START) for item in items]) == once


def test_strangers_do_not_vote_but_those_whom_a_person_accepted_do() -> None:
    items = [stranger(n, f"row {n}", label="refund", user=f"u{n}") for n in range(100)]
    assert curated(items, policy=CurationPolicy()).evaluation == ()
    decisions = {item.id: decide("accept") for item in items}
    assert len(curated(items, decisions=decisions, policy=CurationPolicy()).evaluation) > 5


def test_a_text_that_a_stranger_brought_first_is_no_test_when_the_owner_agrees_later() -> None:
    items = [stranger(1, "a", label="refund"), feedback(2, "a", label="refund")]
    train = {"give it back": "refund"}
    assert curated(items, train=train, policy=CurationPolicy(eval_share=1)).evaluation == ()
    assert len(curated(items[1:], train=train, policy=CurationPolicy(eval_share=1)).evaluation) == 1


def test_what_was_learnt_is_not_set_aside_when_more_feedback_comes() -> None:
    items = [feedback(n, f"row {n}", label="new") for n in range(60)]
    learnt_before: set[str] = set()
    for count in range(5, 61, 5):
        known = (*KNOWN, "new") if count > 5 else KNOWN
        curation = curated(items[:count], known_labels=known, policy=CurationPolicy())
        assert learnt_before.isdisjoint(example.text for example in curation.evaluation)
        learnt_before = {example.text for example in curation.train}


def test_the_place_of_a_text_never_changes() -> None:
    assert place("where is my card") == 0.19790151287323124


def test_learning_from_all_feedback_again_brings_nothing_new() -> None:
    items = [feedback(n, f"row {n}", label="refund") for n in range(50)]
    before = curated(items, policy=CurationPolicy())
    after = curated(
        items,
        policy=CurationPolicy(),
        train={normalise(example.text): example.label for example in before.train},
        eval_texts={normalise(example.text) for example in before.evaluation},
    )
    assert (after.train, after.evaluation, after.waiting) == ((), (), ())


# Whatever comes


def champion(texts: Sequence[str]) -> list[Assessment]:
    return [Assessment(KNOWN[len(text) % 3], (len(text) % 10) / 10 + 0.05, len(text) % 4 > 0) for text in texts]


MESSAGES = st.sampled_from([f"{word} {n}" for word in ("card", "Card", "refund please") for n in range(8)] + ["", " "])
LABELS = st.sampled_from([*KNOWN, "oos", "new", "newer"])
EVENTS = st.lists(
    st.builds(
        feedback,
        st.integers(0, 50),
        MESSAGES,
        response_id=st.sampled_from([None, "r1", "r2"]),
        intent=st.none() | st.sampled_from(KNOWN),
        rating=st.sampled_from([None, 0.0, 0.5, 1.0]),
        label=st.none() | LABELS,
        answer=st.sampled_from([None, "better"]),
        user=st.sampled_from([None, "ann", "bob"]),
        trusted=st.booleans(),
        vouched=st.booleans(),
        action=st.sampled_from([None, "answer", "clarify"]),
    ),
    unique_by=lambda item: item.id,
    max_size=30,
)
DECISIONS = st.dictionaries(
    st.integers(0, 50).map(lambda number: f"fb-{number:04}"),
    st.builds(decide, st.sampled_from(["accept", "drop"]), after=st.integers(0, 60))
    | st.builds(decide, st.just("relabel"), LABELS, after=st.integers(0, 60)),
    max_size=10,
)
ROWS = st.dictionaries(MESSAGES.map(normalise), st.sampled_from(KNOWN), max_size=5)
POLICIES = st.builds(
    CurationPolicy,
    eval_share=st.sampled_from([0.0, 0.2, 1.0]),
    new_label_rows=st.integers(1, 6),
    source_rows=st.integers(0, 5),
    unvouched_rows=st.integers(0, 8),
    learn_from=st.sampled_from(["owner", "reviewed", "trusted-users", "everyone"]),
)


@settings(max_examples=200, deadline=None)
@given(EVENTS, DECISIONS, ROWS, st.frozensets(MESSAGES.map(normalise), max_size=3), POLICIES, st.randoms())
def test_nothing_is_lost_mixed_or_dependent_on_order(
    events: list[Feedback],
    decisions: dict[str, Decision],
    train: dict[str, str],
    eval_texts: frozenset[str],
    policy: CurationPolicy,
    chance: random.Random,
) -> None:
    arguments = {
        "decisions": decisions,
        "train": train,
        "eval_texts": eval_texts,
        "assess": champion,
        "policy": policy,
    }
    curation = curated(events, **arguments)

    examples = [*curation.train, *curation.evaluation]
    ends = [id for example in examples for id in example.feedback_ids]
    ends += list(reasons(curation))
    assert len(reasons(curation)) == len(curation.waiting) + len(curation.ignored)
    assert sorted(ends) == sorted(event.id for event in events)

    keys = [normalise(example.text) for example in examples]
    assert len(keys) == len(set(keys))
    assert eval_texts.isdisjoint(keys)
    assert all(example.trusted and normalise(example.text) not in train for example in curation.evaluation)
    assert all(example.replaces == (normalise(example.text) in train) for example in examples)
    assert {example.label for example in examples} <= {*KNOWN, "oos", *curation.new_labels}
    for label in curation.new_labels:
        rows = sum(example.label == label for example in examples)
        assert sum(example.label == label and example.trusted for example in examples) >= policy.new_label_rows
        assert sum(example.label == label for example in curation.train) >= min(4, rows)

    shuffled = list(events)
    chance.shuffle(shuffled)
    assert curated(shuffled, **arguments) == curation


def test_right_entities_given_in_review_do_not_vouch_for_the_label_beside_them() -> None:
    correction = stranger(1, label="lost_card")
    settled = Decision("relabel", None, START, (EntitySpan(0, 5, "word"),), number=1, feedback_until=1)
    curation = curated([correction], decisions={correction.id: settled})
    assert not curation.train and not curation.evaluation
    assert train_pairs(curated([correction], decisions={correction.id: decide("accept")})) == [
        ("where is it", "lost_card")
    ]


def test_rows_that_share_a_phrase_beyond_chance_wait_though_everyone_teaches() -> None:
    train = {f"my card of the {n}th": "card_arrival" for n in range(30)}
    poison = [stranger(n, f"row {n} by order of the moon", label="card_arrival", user=f"u{n}") for n in range(12)]
    honest = [stranger(100 + n, f"my card of the {n}st", label="card_arrival", user=f"v{n}") for n in range(12)]
    curation = curated([*poison, *honest], policy=EVERYONE, train=train)
    assert len(curation.train) == 12
    assert set(reasons(curation)) == {item.id for item in poison}
    assert curation.waiting[0].explanation.startswith('12 rows of "card_arrival" share "by order of the"')


@pytest.mark.parametrize(
    ("label", "hint"), [("Refund", 'differs from "refund" in case or width alone'), ("nan", "where there is nothing")]
)
def test_a_label_that_is_hardly_meant_waits_however_many_rows_the_owner_gives(label: str, hint: str) -> None:
    items = [feedback(number, f"text {number}", label=label) for number in range(10)]
    curation = curated(items)
    assert (train_pairs(curation), curation.new_labels) == ([], ())
    assert {item.reason for item in curation.waiting} == {"new-label"}
    assert hint in curation.waiting[0].explanation


def test_a_person_may_review_such_a_label_into_being() -> None:
    items = [feedback(number, f"text {number}", label="Refund") for number in range(5)]
    curation = curated(items, decisions={item.id: decide("accept") for item in items})
    assert curation.new_labels == ("Refund",)


def test_a_label_is_the_same_whatever_cannot_be_seen_of_it() -> None:
    curation = curated([feedback(1, "give it back", label=" refund\u200b")])
    assert train_pairs(curation) == [("give it back", "refund")]


def test_a_label_goes_by_the_name_that_the_task_knows_it_as() -> None:
    curation = curated([feedback(1, "give it back", label="REFUND")], known_as=str.lower)
    assert train_pairs(curation) == [("give it back", "refund")]
