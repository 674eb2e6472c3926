from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from autogen.agents.agent import load_skills
from autogen.data.rows import Row
from autogen.errors import DataError, UsageError
from autogen.feedback.events import Feedback
from autogen.knowledge.catalogue import Filter
from autogen.skills.recommendation.answering import RecommendationSkill
from autogen.skills.recommendation.exploration import propensities
from autogen.skills.recommendation.item_request import ItemRequest
from autogen.skills.recommendation.kind import RecommendationKind
from autogen.skills.recommendation.settings import SavedRecommendationSettings
from autogen.skills.skill import Action, Observation, Observer, Offer, Reply, Turn
from autogen.tasks.recommendation.clicks import MOST_A_DAY, clicks_from_feedback
from autogen.versions.registry import Versions
from tests.shop import FILMS, NEW
from tests.skills.replies import reply_of


@pytest.fixture
def films(trained_shop: Path) -> Iterator[RecommendationSkill]:
    """Loaded anew for each test: what is clicked in one is not known in another."""
    versions = Versions(trained_shop)
    skill = load_skills(versions.folder / "0001", versions.manifest("0001"))["films"]
    assert isinstance(skill, RecommendationSkill)
    yield skill


def ids(films: RecommendationSkill, request: ItemRequest) -> list[str]:
    return [scored.item.id for scored in films.recommend(request)]


def feedback_on(item: str, rating: float | None = 1.0, user: str = "u0", number: int = 0, minute: int = 0) -> Feedback:
    return Feedback(
        id=f"fb-{number}-{item}",
        response_id="r",
        message="",
        skill="films",
        version="0001",
        intent=None,
        confidence=None,
        rating=rating,
        label=item,
        answer=None,
        comment=None,
        user=user,
        trusted=True,
        source="http",
        created_at=datetime(2026, 1, 1, 0, minute, tzinfo=UTC),
    )


def after(text: str, action: Action, question: str, offered: Iterable[str], user: str | None = None) -> Turn:
    """A turn after this one of the skill's own."""
    return Turn(text, user, state={"question": question, "offered": list(offered)}, last_action=action)


def with_settings(films: RecommendationSkill, **values: object) -> RecommendationSkill:
    return replace(films, settings=films.settings.model_copy(update=values))


def test_each_user_is_shown_what_is_next_in_their_taste(films: RecommendationSkill) -> None:
    """Users of the shop go from one film to the next of their taste."""
    right = sum(ids(films, ItemRequest(user=f"u{user}", count=10))[0][0] == "ch"[user % 2] for user in range(40))
    assert right >= 36


def test_what_a_user_had_is_not_shown_again(films: RecommendationSkill) -> None:
    model = films.live.model
    seen = {model.items[at] for at in model.histories.all_of(model.user_at["u0"])[0]}
    assert seen
    assert not seen & {*ids(films, ItemRequest(user="u0", count=24))}


def test_a_stranger_is_shown_something(films: RecommendationSkill) -> None:
    assert len(ids(films, ItemRequest(user="never seen", count=5))) == 5
    assert ids(films, ItemRequest(user="never seen")) == ids(films, ItemRequest())


def test_a_history_without_a_name_is_enough(films: RecommendationSkill) -> None:
    assert ids(films, ItemRequest(history=("c1", "c2", "c3"), count=3))[0][0] == "c"
    assert ids(films, ItemRequest(history=("h1", "h2", "h3"), count=3))[0][0] == "h"
    assert ids(films, ItemRequest(history=("no such item",), count=3)) == ids(films, ItemRequest(count=3))


def test_scores_are_probabilities_in_order(films: RecommendationSkill) -> None:
    items = films.recommend(ItemRequest(user="u0", count=20))
    scores = [scored.score for scored in items]
    assert scores == sorted(scores, reverse=True)
    assert 0 < sum(scores) <= 1.0001
    assert all(scored.reason for scored in items)


def test_rules_hold_whatever_the_taste(films: RecommendationSkill) -> None:
    first = ids(films, ItemRequest(user="u0"))[0]
    assert first not in ids(with_settings(films, block=[first]), ItemRequest(user="u0", count=20))
    assert ids(with_settings(films, allow=["h1", "h2", "gone"]), ItemRequest(user="u0")) in (["h1", "h2"], ["h2", "h1"])
    last = ids(films, ItemRequest(user="u0", count=20))[-1]
    assert ids(with_settings(films, boost={last: 1e9}), ItemRequest(user="u0"))[0] == last
    stocked = with_settings(films, stock="stock").recommend(ItemRequest(user="u0", count=24))
    assert all(scored.item.values["stock"] > 0 for scored in stocked)  # type: ignore[operator]
    assert first not in ids(films, ItemRequest(user="u0", exclude=(first,), count=20))


def test_filters_hold_and_an_empty_catalogue_after_them_is_no_fault(films: RecommendationSkill) -> None:
    cheap = films.recommend(ItemRequest(user="u0", filters=(Filter("price", at_most=8.0),), count=20))
    assert cheap
    assert all(scored.item.values["price"] <= 8 for scored in cheap)  # type: ignore[operator]
    assert films.recommend(ItemRequest(filters=(Filter("price", at_most=-1.0),))) == []


def prices(films: RecommendationSkill, names: Iterable[str]) -> list[float]:
    return [films.catalogue.numbers("price")[films.catalogue.position[name]] for name in names]


@pytest.mark.parametrize(
    ("text", "taste", "first", "sign"),
    [
        ("the cheapest comedy", "c", 5.0, 1),
        ("cheapest horror over 9 euros", "h", 9.0, 1),
        ("most expensive horror under 12 euros", "h", 12.0, -1),
        ("the oldest comedies", "c", 5.0, 1),
        ("newest horror", "h", 16.0, -1),
    ],
)
def test_superlatives_put_what_fits_in_order(
    films: RecommendationSkill, text: str, taste: str, first: float, sign: int
) -> None:
    reply = reply_of(exploring(films, 1.0, diversity=0.9, new_items=2), Turn(text))
    found_prices = prices(films, dict(reply.alternatives))
    assert {name[0] for name, _ in reply.alternatives} == {taste}
    assert found_prices == sorted(found_prices, key=lambda price: sign * price)
    assert found_prices[0] == first


def test_the_cheapest_of_what_was_shown_may_be_among_it(films: RecommendationSkill) -> None:
    first = reply_of(films, Turn("a comedy"))
    offered = tuple(name for name, _ in first.alternatives)
    cheapest = reply_of(films, after("the cheapest", "answer", "a comedy", offered))
    assert prices(films, dict(cheapest.alternatives))[0] == 5.0
    assert all(name.startswith("c") for name, _ in cheapest.alternatives)
    assert cheapest.about == "a comedy; the cheapest"


@pytest.mark.parametrize("count", [-1, 101])
def test_a_count_beyond_reason_is_refused(films: RecommendationSkill, count: int) -> None:
    with pytest.raises(UsageError, match="1 to 100"):
        films.recommend(ItemRequest(count=count))


def test_a_click_counts_at_once(films: RecommendationSkill) -> None:
    assert isinstance(films, Observer)
    before = ids(films, ItemRequest(user="newcomer", count=10))
    for number in range(4):
        films.observe(
            Observation(
                [feedback_on(f"h{number + 2}", user="newcomer", minute=number)], {f"fb-0-h{number + 2}": "newcomer"}
            )
        )
    after = ids(films, ItemRequest(user="newcomer", count=10))
    assert after != before
    assert after[0][0] == "h"
    assert not {"h2", "h3", "h4", "h5"} & {*after}


def test_what_is_clicked_trends_for_everybody(films: RecommendationSkill) -> None:
    target = ids(films, ItemRequest(count=24))[-1]
    now = films.live.clock()
    before = films.live.counts(now)[1, films.live.place_of[target]]
    for number in range(30):
        films.observe(
            Observation(
                [feedback_on(target, user=f"v{number}", number=number)], {f"fb-{number}-{target}": f"v{number}"}
            )
        )
    assert films.live.counts(films.live.clock() + 1)[5, films.live.place_of[target]] > before
    assert films.live._trend.latest > now - 400 * 86_400


def test_what_is_disliked_is_not_shown_to_that_user(films: RecommendationSkill) -> None:
    first = ids(films, ItemRequest(user="u0"))[0]
    films.observe(Observation([feedback_on(first, rating=0.0)], {f"fb-0-{first}": "u0"}))
    assert first not in ids(films, ItemRequest(user="u0", count=24))
    films.observe(Observation([feedback_on(first, rating=0.0, user="u2")], {f"fb-0-{first}": "someone else"}))
    assert first in ids(films, ItemRequest(user="u4", count=24)) or first in {
        films.live.model.items[at] for at in films.live.model.histories.all_of(films.live.model.user_at["u4"])[0]
    }


def test_one_user_s_flood_is_no_trend_and_one_click_is_one() -> None:
    many = [feedback_on(f"c{number}", number=number) for number in range(MOST_A_DAY + 50)]
    who = {feedback.id: "u0" for feedback in many}
    assert len(clicks_from_feedback(many, who, {})) == MOST_A_DAY
    again = [feedback_on("c1", number=1), feedback_on("c1", number=2)]
    assert len(clicks_from_feedback(again, {feedback.id: "u0" for feedback in again}, {})) == 1
    assert clicks_from_feedback([replace(again[0], label=None)], {again[0].id: "u0"}, {}) == []


def test_an_item_that_nobody_chose_yet_is_found_by_what_it_says(films: RecommendationSkill) -> None:
    like = films.recommend(ItemRequest(like=("c3",), count=24))
    assert NEW in [scored.item.id for scored in like]
    assert like[0].reason.startswith("like ")


def test_similar_items_are_not_the_item_itself(films: RecommendationSkill) -> None:
    assert "c3" not in [scored.item.id for scored in films.similar("c3", 24)]
    with pytest.raises(UsageError, match="an item of the catalogue"):
        films.similar("nothing")


def test_variety_shows_less_of_the_same(films: RecommendationSkill) -> None:
    of_six_kinds = np.eye(6, dtype=np.float16)[np.arange(len(films.catalogue)) % 6]
    films = replace(films, texts=of_six_kinds)

    def kinds(diversity: float) -> int:
        shown = ids(films, ItemRequest(user="u0", count=6, diversity=diversity))
        return len({films.catalogue.position[name] % 6 for name in shown})

    assert kinds(0.0) < kinds(0.9) == 6


def test_wishes_in_words_are_answered_with_cards(films: RecommendationSkill) -> None:
    reply = reply_of(films, Turn("a comedy under 10 euros", user="u1"))
    assert reply.action == "answer"
    assert reply.text.startswith("1. The ")
    assert all(" · price " in line for line in reply.text.splitlines())
    assert all(name.startswith("c") for name, _ in reply.alternatives)
    declined = reply_of(films, Turn("a comedy under 1 euro", user="u1"))
    assert (declined.action, declined.alternatives) == ("decline", ())
    assert "price at most 1" in declined.text
    question = reply_of(films, Turn("recommend", user="u1"))
    assert question.action == "clarify"


def test_a_conversation_goes_on_from_what_was_shown(films: RecommendationSkill) -> None:
    first = reply_of(films, Turn("a comedy", user="u1"))
    offered = tuple(name for name, _ in first.alternatives)
    turn = after("cheaper", "answer", "a comedy", offered, user="u1")
    cheaper = reply_of(films, turn)
    prices = {
        name: films.catalogue.items[films.catalogue.position[name]].values["price"] for name, _ in cheaper.alternatives
    }
    assert prices
    assert all(name.startswith("c") for name in prices)
    assert max(prices.values()) < max(float(f"{5 + number}") for number in range(FILMS))  # type: ignore[type-var]
    assert cheaper.about == "a comedy; cheaper"
    other = reply_of(films, replace(turn, text="something else"))
    assert not {*offered} & {name for name, _ in other.alternatives}


def test_a_word_of_a_title_is_enough_to_find_it(films: RecommendationSkill) -> None:
    reply = reply_of(films, Turn("the one with another"))
    assert next(iter(dict(reply.alternatives))) == NEW
    without_texts = replace(films, texts=None, encoder=None)
    reply = reply_of(without_texts, Turn("the film with wallets"))
    assert {
        films.catalogue.items[films.catalogue.position[name]].title.split()[1] for name, _ in reply.alternatives
    } == {"wallet"}


def test_a_wish_that_nobody_understands_is_answered_as_a_guess_and_says_so(films: RecommendationSkill) -> None:
    reply = reply_of(films, Turn("qwerty asdf"))
    assert reply.action == "answer"
    first, *lines = reply.text.splitlines()
    assert first == "Not understood: qwerty, asdf; what is shown is a guess."
    assert all(line.endswith("(a guess)") for line in lines)
    assert reply.notes == ("not understood: qwerty, asdf; what is shown is a guess",)


def test_what_was_understood_is_told_from_what_was_not(films: RecommendationSkill) -> None:
    reply = reply_of(films, Turn("a comedy with qwerty and a wallet"))
    assert reply.text.startswith("Not understood: qwerty.\n1. ")
    assert reply.notes == ("understood: genres Comedy; wallet", "not understood: qwerty")
    all_understood = reply_of(films, Turn("a comedy under 10 euros"))
    assert all_understood.notes == ("understood: price at most 10; genres Comedy",)


class Conversation:
    """A conversation, as an agent holds it."""

    def __init__(self, films: RecommendationSkill) -> None:
        self.films, self.last = films, Turn("")

    def say(self, text: str) -> Reply:
        reply = reply_of(self.films, replace(self.last, text=text))
        self.last = Turn(text, state=json.loads(json.dumps(reply.state)), last_action=reply.action)
        return reply

    def shown(self, text: str) -> tuple[set[str], list[float]]:
        """Tastes and prices of what is shown for this."""
        reply = self.say(text)
        assert reply.action == "answer", reply.text
        names = [name for name, _ in reply.alternatives]
        return {name[0] for name in names}, prices(self.films, names)


@pytest.mark.parametrize("refused", ["recommend", "over 20 and under 10 euros", "a comedy under 1 euro"])
def test_after_a_wish_that_was_refused_the_last_good_one_is_refined(films: RecommendationSkill, refused: str) -> None:
    conversation = Conversation(films)
    conversation.shown("a comedy")
    reply = conversation.say(refused)
    assert reply.action in ("clarify", "decline")
    assert reply.alternatives and reply.about == "a comedy", "what was shown may still be pointed at"
    tastes, shown_prices = conversation.shown("under 10 euros")
    assert tastes == {"c"} and max(shown_prices) <= 10
    tastes, shown_prices = conversation.shown("the cheapest")
    assert tastes == {"c"} and shown_prices[0] == min(shown_prices)


@pytest.mark.parametrize("refused", ["a comedy over 20 and under 10 euros", "a comedy under 1 euro"])
def test_what_a_first_wish_said_holds_though_it_was_refused(films: RecommendationSkill, refused: str) -> None:
    conversation = Conversation(films)
    assert conversation.say(refused).action in ("clarify", "decline")
    tastes, shown_prices = conversation.shown("under 10 euros")
    assert tastes == {"c"} and max(shown_prices) <= 10


def test_where_nothing_fits_both_the_newer_wish_holds_alone(films: RecommendationSkill) -> None:
    conversation = Conversation(films)
    conversation.say("a comedy under 1 euro")
    assert conversation.shown("horror")[0] == {"h"}
    assert conversation.last.state["question"] == "horror"


def test_a_new_wish_after_an_answer_is_a_new_wish(films: RecommendationSkill) -> None:
    conversation = Conversation(films)
    conversation.shown("a comedy")
    assert conversation.shown("horror")[0] == {"h"}
    conversation.say("recommend")
    assert conversation.shown("under 10 euros")[0] == {"h"}


def exploring(films: RecommendationSkill, share: float, seed: int = 0, **values: object) -> RecommendationSkill:
    explorer = with_settings(films, exploration=share, **values)
    return replace(explorer, chance=np.random.default_rng(seed))


def test_without_exploration_what_is_shown_is_the_best_and_chance_has_no_part(films: RecommendationSkill) -> None:
    shown = films.show(ItemRequest(user="u0"))
    assert shown.exploration is None
    assert [scored.item.id for scored in shown.items] == ids(films, ItemRequest(user="u0"))
    assert shown.confidence == shown.items[0].score
    assert films.best(ItemRequest(user="u0")) == [scored.item.id for scored in shown.items]


def test_with_exploration_everything_of_the_pool_comes_to_be_shown(films: RecommendationSkill) -> None:
    explorer, request = exploring(films, 1.0), ItemRequest(user="u0", count=3)
    seen = {scored.item.id for _ in range(200) for scored in explorer.show(request).items}
    assert seen == {*ids(films, replace(request, count=20))}


def test_propensities_are_kept_with_what_was_asked(films: RecommendationSkill) -> None:
    request = ItemRequest(user="u0", filters=(Filter("price", at_most=14.0, none_of=("x",)),), exclude=("c1",), count=3)
    explorer, best = exploring(films, 0.3), ids(films, replace(request, count=20))
    table = propensities(len(best), 3, 0.3)
    for _ in range(20):
        shown = explorer.show(request)
        assert shown.exploration is not None
        ranks = [best.index(scored.item.id) for scored in shown.items]
        assert shown.exploration.propensities == tuple(table[rank, slot] for slot, rank in enumerate(ranks))
        assert ItemRequest.from_json(json.loads(json.dumps(shown.exploration.request))) == request
        confidence = pytest.approx(films.recommend(request)[0].score, rel=1e-3)  # what trends fades meanwhile
        assert shown.confidence == confidence, "the skill is as sure as of its best item"


def test_exploration_breaks_no_rule(films: RecommendationSkill) -> None:
    model = films.live.model
    seen = {model.items[at] for at in model.histories.all_of(model.user_at["u0"])[0]}
    explorer = exploring(films, 1.0, block=["h1", "c2"], stock="stock")
    request = ItemRequest(user="u0", filters=(Filter("price", at_most=12.0),), exclude=("h3",), count=4)
    shown = [scored.item for _ in range(100) for scored in explorer.show(request).items]
    assert not {scored.id for scored in shown} & {*seen, "h1", "c2", "h3"}
    assert all(scored.values["price"] <= 12 and scored.values["stock"] > 0 for scored in shown)  # type: ignore[operator]


def test_exploration_starts_from_the_varied_order(films: RecommendationSkill) -> None:
    request = ItemRequest(user="u0", count=6, diversity=0.9)
    shown = exploring(films, 1e-9).show(request)
    assert [scored.item.id for scored in shown.items] == ids(films, request)


def test_wishes_are_explored_too_but_not_what_is_only_parsed(films: RecommendationSkill) -> None:
    explorer = exploring(films, 1.0)
    plain = reply_of(films, Turn("a comedy", user="u1"))
    parsed = reply_of(explorer, Turn("a comedy", user="u1", kept=False))
    assert [*dict(parsed.alternatives)] == [*dict(plain.alternatives)]
    assert parsed.log is None
    reply = reply_of(explorer, Turn("a comedy", user="u1"))
    assert reply.log is not None
    assert len(reply.log["propensities"]) == len(reply.alternatives)
    assert all(name.startswith("c") for name, _ in reply.alternatives)


def test_nothing_to_show_is_no_fault_of_exploration(films: RecommendationSkill) -> None:
    shown = exploring(films, 1.0).show(ItemRequest(filters=(Filter("price", at_most=-1.0),)))
    assert (shown.items, shown.exploration, shown.confidence) == ([], None, 0)


def test_a_share_beyond_reason_is_refused() -> None:
    for share in (-0.1, 1.1):
        with pytest.raises(ValueError, match="exploration"):
            RecommendationKind().settings(type="recommendation", interactions=["x.csv"], exploration=share)


def test_versions_from_before_exploration_have_none() -> None:
    record = RecommendationKind().settings(type="recommendation", interactions=["x.csv"]).model_dump()
    record.pop("exploration")
    assert SavedRecommendationSettings.model_validate(record).exploration == 0


def test_a_boost_that_is_no_factor_is_an_error() -> None:
    kind = RecommendationKind()
    settings = kind.settings(type="recommendation", interactions=["x.csv"], boost={"a": 0.0})
    (problem,) = kind.check(settings, Path(), {})
    assert (problem.severity, problem.kind) == ("error", "boost")


def test_training_settings_that_do_nothing_are_said() -> None:
    kind = RecommendationKind()
    settings = kind.settings(
        type="recommendation", interactions=["x.csv"], training={"epochs": 3, "method": "lora", "time_limit": "5m"}
    )
    (problem,) = kind.check(settings, Path(), {})
    assert (problem.severity, problem.kind) == ("warning", "idle-setting")
    assert "found method, time_limit" in problem.message


def test_what_counts_once_a_day_does_so_however_clicks_come_in(films: RecommendationSkill) -> None:
    query, _ = films.live.query("u0")
    before = float(films.live.counts(query.now)[0].sum())
    for number in range(5):
        films.observe(Observation([feedback_on("c3", number=number)], {f"fb-{number}-c3": "u0"}))
    for number in range(MOST_A_DAY + 50):
        films.observe(Observation([feedback_on("c5", number=number)], {f"fb-{number}-c5": "flooder"}))
    assert len(films.live.query("flooder")[0].items) == 1
    assert len(films.live.query("u0")[0].items) == len(query.items) + 1
    assert float(films.live.counts(query.now)[0].sum()) < before + 3


def offer_of(films: RecommendationSkill, turn: Turn) -> Offer:
    (offer,) = films.consider([turn])
    return offer


def test_considering_leaves_nothing_to_chance_and_ranks_nothing(films: RecommendationSkill) -> None:
    explorer = exploring(films, 1.0)
    before = explorer.chance.bit_generator.state
    offers = [offer_of(explorer, Turn("a comedy under 10 euros", user="u1")) for _ in range(3)]
    assert explorer.chance.bit_generator.state == before
    assert len({(offer.in_scope, offer.continues, offer.confidence) for offer in offers}) == 1
    assert offers[0].reply().log is not None and explorer.chance.bit_generator.state != before


@pytest.mark.parametrize(
    "text",
    ["a comedy", "a comedy under 1 euro", "recommend", "qwerty asdf", "the cheapest horror", "over 20 and under 10"],
)
def test_what_is_offered_is_what_is_replied(films: RecommendationSkill, text: str) -> None:
    first = reply_of(films, Turn("a comedy", user="u1"))
    later = Turn(text, "u1", state=first.state, last_action=first.action)
    for turn in (Turn(text, user="u1"), later):
        offer = offer_of(films, turn)
        reply = offer.reply()
        assert offer.in_scope == (reply.action != "decline")
        assert offer.continues == (reply.action == "answer" and reply.about is not None)


def test_of_two_wishes_it_is_surer_of_the_one_it_understands_and_of_none_as_of_an_intent(
    films: RecommendationSkill,
) -> None:
    all_understood = offer_of(films, Turn("a comedy under 10 euros")).confidence
    partly = offer_of(films, Turn("a comedy with a wallet")).confidence
    guessed = offer_of(films, Turn("qwerty asdf")).confidence
    assert 0.1 >= all_understood > partly > guessed == 0


def test_what_is_shown_is_handed_out_and_what_explored_is_not(films: RecommendationSkill) -> None:
    reply = reply_of(exploring(films, 0.5), Turn("a comedy"))
    assert [(item["item"], item["score"]) for item in reply.details["items"]] == list(reply.alternatives)
    assert set(reply.details["items"][0]) == {"item", "title", "score", "reason"}
    assert reply.log is not None and {*reply.log} == {"propensities", "asked"}
    json.dumps([reply.details, reply.state, reply.log])
    assert "propensities" not in json.dumps([reply.details, reply.state])


def test_after_a_refusal_what_was_shown_may_still_be_clicked(films: RecommendationSkill) -> None:
    first = reply_of(films, Turn("a comedy"))
    refused = reply_of(films, Turn("a comedy under 1 euro", state=first.state, last_action="answer"))
    assert refused.action == "decline"
    assert [item["item"] for item in refused.details["items"]] == [name for name, _ in first.alternatives]
    assert reply_of(films, Turn("recommend")).details == {"items": []}


def test_it_predicts_to_the_user_of_each_row(films: RecommendationSkill) -> None:
    predictions = films.predict([Row({"user": name}, "users.csv", at) for at, name in enumerate(["u1", 7])])
    for columns, user in zip(predictions, ("u1", "7"), strict=True):
        best = films.recommend(ItemRequest(user=user, count=10))
        assert columns["prediction"] == best[0].item.id and columns["predictions"] == " ".join(
            scored.item.id for scored in best
        )
        assert columns["confidence"] == pytest.approx(best[0].score, abs=1e-3)
    nothing = with_settings(films, allow=[]).predict([Row({"user": "u1"}, "users.csv", 1)])
    assert nothing == [{"prediction": "", "confidence": 0.0, "predictions": ""}]
    with pytest.raises(DataError, match=r"users\.csv, row 3"):
        films.predict([Row({"user": ""}, "users.csv", 3)])


def test_an_item_that_the_catalogue_does_not_have_is_noted(films: RecommendationSkill) -> None:
    assert films.note_on(feedback_on("c3")) is None
    assert films.note_on(replace(feedback_on("c3"), label=None)) is None
    assert str(films.note_on(feedback_on("nope"))).startswith('the catalogue has no item "nope"')
