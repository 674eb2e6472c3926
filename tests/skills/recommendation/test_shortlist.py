"""A catalogue too large to score whole, against scoring it whole."""

import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from autogen.data.rows import Row
from autogen.knowledge.catalogue import Catalogue, Filter
from autogen.knowledge.vector_index import INDEX_FROM, VectorIndex
from autogen.skills.recommendation.answering import RecommendationSkill, SavedRecommendationSettings
from autogen.skills.recommendation.item_request import ItemRequest
from autogen.skills.recommendation.live import LiveRecommender
from autogen.skills.recommendation.shortlist import Shortlist
from autogen.tasks.recommendation.clicks import Click
from autogen.tasks.recommendation.indexes import TEXT_INDEX, TEXTS_FILE, build_indexes, is_large
from autogen.tasks.recommendation.interactions import Interactions, interactions_of
from autogen.tasks.recommendation.learning.linear import fit_linear
from autogen.tasks.recommendation.model import Recommender, RecommenderCard

ITEMS, WIDTH, KINDS = 30_000, 16, 100
SOLD = ITEMS - 5  # the last ones nobody has chosen
SETTINGS = SavedRecommendationSettings.model_validate(
    {"shown": 20, "diversity": 0, "allow": None, "block": ["7"], "boost": {}, "stock": None, "decline_text": ""}
)


class Shop(NamedTuple):
    whole: RecommendationSkill
    short: RecommendationSkill


def bought() -> Interactions:
    chance = np.random.default_rng(0)
    places = (SOLD * chance.random(8_000) ** 3).astype(int)
    return interactions_of(
        ((f"u{at % 400}", str(place), 1e9 + at * 60, float("nan")) for at, place in enumerate(places)),
        items=[str(at) for at in range(ITEMS)],
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("shop")
    chance = np.random.default_rng(1)
    texts = np.random.default_rng(2).normal(size=(KINDS, WIDTH))[np.arange(ITEMS) % KINDS]
    texts = texts + 0.3 * chance.normal(size=texts.shape)
    np.save(folder / TEXTS_FILE, (texts / np.linalg.norm(texts, axis=1, keepdims=True)).astype(np.float16))
    built = build_indexes(folder)
    assert built[TEXT_INDEX].recall > 0.95
    rows = (Row({"item": str(at), "title": f"Thing {at}", "price": at % 100}, "items", at) for at in range(ITEMS))
    catalogue, _ = Catalogue.from_rows(rows)
    events = bought()
    ended = float(events.time[-1])
    lag = time.time() - ended  # as if all of it had just happened
    card = RecommenderCard("recommendation", "minilm", ITEMS, 400, ("trend",), 0, ITEMS, ended, lag)
    model = Recommender(card, events, fit_linear(events, ITEMS, 200.0), None, None)
    texts_on_disk = np.load(folder / TEXTS_FILE, mmap_mode="r")
    live = LiveRecommender(model)
    whole = RecommendationSkill(live, catalogue, SETTINGS, texts_on_disk, None)
    return Shop(whole, replace(whole, shortlist=Shortlist.load(live, folder, texts_on_disk)))


def shared_share(shop: Shop, request: ItemRequest) -> float:
    """Of what scoring everything shows, the share that the shortlist shows."""
    whole, short = shop.whole.best(request), shop.short.best(request)
    assert len(short) == len(whole) == 20
    return len({*whole} & {*short}) / 20


def test_of_a_whole_catalogue_the_shortlist_shows_what_scoring_everything_does(shop: Shop) -> None:
    assert np.mean([shared_share(shop, ItemRequest(user=f"u{at}")) for at in range(20)]) > 0.95


def test_what_is_like_something_is_found_by_the_index(shop: Shop) -> None:
    assert np.mean([shared_share(shop, ItemRequest(like=(str(at),))) for at in range(50, 70)]) > 0.95


def test_filters_and_rules_hold(shop: Shop) -> None:
    cheap = Filter("price", at_most=3)
    for request in (ItemRequest(filters=(cheap,)), ItemRequest(like=("107",), filters=(cheap,), exclude=("101",))):
        shown = shop.short.best(request)
        assert shown == shop.whole.best(request), "few pass, and all of them are scored"
        assert all(int(name) % 100 <= 3 for name in shown)
    assert "7" not in shop.short.best(ItemRequest())
    most = Filter("price", at_most=60)
    assert shared_share(shop, ItemRequest(like=("107",), filters=(most,))) > 0.9


def test_probabilities_are_about_those_of_scoring_everything(shop: Shop) -> None:
    whole, short = (skill.recommend(ItemRequest(user="u3", count=5)) for skill in shop)
    assert [scored.item.id for scored in short] == [scored.item.id for scored in whole]
    assert [scored.score for scored in short] == pytest.approx([scored.score for scored in whole], rel=0.15)
    assert len({scored.score for scored in whole}) > 2
    assert [scored.reason for scored in short] == [scored.reason for scored in whole]


def test_what_is_clicked_now_is_on_the_shortlist_at_once(shop: Shop) -> None:
    new = str(SOLD - 7)
    assert new not in shop.short.best(ItemRequest())
    now = time.time()
    shop.short.live.observe([Click(f"w{at}", new, now, True, f"f{at}") for at in range(200)])
    assert shop.short.best(ItemRequest())[0] == new


def test_an_item_that_stands_for_others_does_so_only_while_nothing_speaks_for_it(shop: Shop) -> None:
    assert isinstance(shop.short.shortlist, Shortlist)
    by_chance = shop.short.shortlist.by_chance
    drawn, now = str(by_chance[by_chance < SOLD - 10][-1]), time.time()
    shop.short.live.observe([Click(f"x{at}", drawn, now, True, f"x{at}") for at in range(400)])
    whole, short = (skill.recommend(ItemRequest(count=1))[0] for skill in shop)
    assert whole.item.id == short.item.id == drawn
    assert short.score == pytest.approx(whole.score, rel=0.1)


def test_what_is_boosted_is_on_the_shortlist(shop: Shop) -> None:
    settings = SETTINGS.model_copy(update={"boost": {str(SOLD - 1): 1e9}})
    for skill in shop:
        assert replace(skill, settings=settings).best(ItemRequest())[0] == str(SOLD - 1)


def test_new_items_have_their_place_in_a_large_catalogue_too(shop: Shop) -> None:
    settings = SETTINGS.model_copy(update={"new_items": 2})
    whole, short = (replace(skill, settings=settings).best(ItemRequest(user="u9")) for skill in shop)
    assert {*short[-2:]} == {*whole[-2:]}
    assert all(shop.short.live.never_chosen()[int(name)] for name in short[-2:])


def test_a_small_catalogue_needs_no_index(shop: Shop, tmp_path: Path) -> None:
    assert not is_large(INDEX_FROM - 1)
    assert Shortlist.load(shop.whole.live, tmp_path, None) is None
    assert isinstance(shop.short.shortlist, Shortlist)
    assert isinstance(shop.short.shortlist.texts, VectorIndex)
