"""A phrase that new rows of one label share beyond chance is found; what people ask anyway is not."""

from __future__ import annotations

import random

from autogen.feedback.evidence import Flows, find_shared_phrases
from tests.tiny import FILLERS, TOPICS

NOUNS = ("letter", "garden", "window", "bottle", "pencil", "jacket", "mirror", "ladder", "basket", "candle")


def asked(label: str, chance: random.Random) -> str:
    return " ".join([*chance.sample(TOPICS[label], 3), *chance.sample(FILLERS, 4), chance.choice(NOUNS)])


def rows(count: int, seed: int) -> list[tuple[str, str]]:
    chance = random.Random(seed)
    labels = [chance.choice([*TOPICS]) for _ in range(count)]
    return [(asked(label, chance), label) for label in labels]


TRUSTED = dict(rows(200, seed=1))


def test_what_people_ask_anyway_shares_no_phrase() -> None:
    for seed in range(2, 7):
        assert find_shared_phrases(rows(300, seed), TRUSTED) == {}


def test_a_phrase_put_into_rows_of_one_label_is_found_wherever_it_stands() -> None:
    chance = random.Random(9)
    poison = [(text, "top_up") for text, _ in rows(15, seed=8)]
    poison = [
        (f"by order of the moon {text}" if chance.random() < 0.5 else f"{text}, by order of the moon!", label)
        for text, label in poison
    ]
    honest = rows(200, seed=7)
    phrases = find_shared_phrases([*honest, *poison], TRUSTED)
    assert {*range(200, 215)} == {*phrases}
    phrase = phrases[200]
    assert (phrase.words, phrase.label, phrase.rows, phrase.trusted) == ("by order of the", "top_up", 15, 0)


def test_a_phrase_of_a_language_without_spaces_is_found() -> None:
    known = {f"我的卡丢了第{n}次": "lost_card" for n in range(60)} | {f"怎么充值{n}元": "top_up" for n in range(60)}
    poison = [(f"我的卡丢了{n}回,月亮之令", "top_up") for n in range(20)]
    phrases = find_shared_phrases(poison, known)
    assert len(phrases) == 20 and "月亮" in phrases[0].words


def test_a_phrase_that_trusted_rows_have_as_often_is_none() -> None:
    trusted = {f"{text} thanks": label for text, label in TRUSTED.items()}
    assert find_shared_phrases([(f"{text} thanks", label) for text, label in rows(100, seed=3)], trusted) == {}


def test_the_way_that_labels_flow_is_counted() -> None:
    flows = Flows.of([("a", "b"), ("a", "b"), ("c", "b"), ("b", "a"), ("b", "b")])
    assert (flows.gained("b"), flows.lost("b"), flows.sources("b")) == (3, 1, 2)
    assert flows.pairs == {("a", "b"): 2, ("c", "b"): 1, ("b", "a"): 1}
