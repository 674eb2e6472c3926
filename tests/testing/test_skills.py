"""`check_skill` finds what is wrong with a skill, and says what was expected and which part of the contract says so."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autogen.config.project import SkillSettings
from autogen.data.problems import Problem
from autogen.data.rows import Row
from autogen.progress import TrainingProgress
from autogen.project import Project
from autogen.skills.skill import Offer, Reply, Turn
from autogen.tasks.task import Fields, Need, TaskData
from autogen.testing import check_skill
from autogen.testing.skills import check_predictions, check_turns
from autogen_sentiment.answering import Sentiment
from autogen_sentiment.lexicon import Lexicon
from autogen_sentiment.settings import Kept, SentimentSettings
from autogen_sentiment.skill import SKILL, SentimentKind
from tests.plugin import SOURCE, installed

MESSAGES = ("I am livid", "I am thrilled about it", "zzz")
HERE = "tests.testing.test_skills"


@pytest.fixture(scope="module")
def moods(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The example's project with one version, and its package installed."""
    home = tmp_path_factory.mktemp("moods")
    with installed(home):
        folder = Path(shutil.copytree(SOURCE / "project", home / "project"))
        Project.open(folder).train(progress=TrainingProgress(quiet=True))
        yield folder


class WithoutFields(SentimentKind):
    predicts = Fields(())


class CommonSettings(SentimentKind):
    settings = SkillSettings  # type: ignore[assignment]


class WordsThatAreNotKept(SentimentKind):
    wording = frozenset({"replies", "greeting"})


class CommandsOfNobody(SentimentKind):
    commands = f"{HERE}:HERE"


class ForATaskThatIsNone(SentimentKind):
    answers_with = "mind-reading"


class ByItsOwnModelAlone(SentimentKind):
    def needs(self, settings: SentimentSettings, base_model: str) -> tuple[Need, ...]:
        return tuple(replace(need, base_model=base_model) for need in super().needs(settings, base_model))


class NeedsTwice(SentimentKind):
    def needs(self, settings: SentimentSettings, base_model: str) -> tuple[Need, ...]:
        return 2 * super().needs(settings, base_model)


class NeedsWhatIsNone(SentimentKind):
    def needs(self, settings: SentimentSettings, base_model: str) -> tuple[Need, ...]:
        return tuple(replace(need, task="mind-reading") for need in super().needs(settings, base_model))


class KeepsObjects(SentimentKind):
    def keeps(self, settings: SentimentSettings, project: Path) -> dict[str, Any]:
        return {**super().keeps(settings, project), "folder": project}


class NeverContent(SentimentKind):
    def check(self, settings: SentimentSettings, project: Path, data: Mapping[str, TaskData]) -> list[Problem]:  # noqa: ARG002
        return [Problem("error", "mood", "agent.toml", None, "expected more, found less", "try again")]


class WithoutRoutes(SentimentKind):
    routes = f"{HERE}:add_nothing"


def add_nothing(router: object, host: object) -> None:
    """A function of two parameters that adds no route."""


WITHOUT_FIELDS, COMMON_SETTINGS, WORDS = WithoutFields(), CommonSettings(), WordsThatAreNotKept()
NOBODY, NO_TASK, OWN_MODEL, TWICE = CommandsOfNobody(), ForATaskThatIsNone(), ByItsOwnModelAlone(), NeedsTwice()
NONE, OBJECTS, NEVER_CONTENT, WITHOUT_ROUTES = NeedsWhatIsNone(), KeepsObjects(), NeverContent(), WithoutRoutes()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (WITHOUT_FIELDS, "SkillKind.predicts"),
        (COMMON_SETTINGS, "expected SkillSettings of its own"),
        (NOBODY, "expected a function of 2 parameters"),
        (NO_TASK, "found 'mind-reading' (see SkillKind.answers_with)"),
        (TWICE, "expected names of models, each once"),
        (NONE, "found 'mind-reading' (see SkillKind.needs)"),
        (OWN_MODEL, "expected the own base model, found {'agent'}"),
        (OBJECTS, "expected what a version keeps as JSON"),
        (WORDS, "expected ['greeting'] among what it keeps"),
        (NEVER_CONTENT, "expected no error in a good project"),
        (WITHOUT_ROUTES, "expected routes from"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, SentimentKind) else "",
)
def test_a_kind_of_skill_with_one_thing_wrong_is_refused_with_a_sentence(
    kind: SentimentKind, words: str, moods: Path
) -> None:
    with pytest.raises(AssertionError) as raised:
        check_skill(kind, moods, MESSAGES)
    assert words in str(raised.value)


def test_a_good_one_passes_and_its_project_stays_as_it_was(moods: Path) -> None:
    before = sorted(path.relative_to(moods) for path in moods.rglob("*"))
    check_skill(SKILL, moods, MESSAGES, [{"text": "I am livid"}])
    assert sorted(path.relative_to(moods) for path in moods.rglob("*")) == before


@pytest.mark.usefixtures("moods")
def test_a_project_without_such_a_skill_is_no_project_to_check_it_on(untrained: Path) -> None:
    with pytest.raises(AssertionError, match="expected a skill of the type 'sentiment'"):
        check_skill(SKILL, untrained, MESSAGES)


LEXICON = Lexicon(("cross", "glad"), {"livid": 0, "thrilled": 1}, 3 * np.eye(2), np.zeros(2))
GOOD = Sentiment(LEXICON, Kept())


def changed(change: Callable[[Turn, Offer], Offer]) -> Sentiment:
    """The skill with its offers changed."""

    class Changed(Sentiment):
        def consider(self, turns: Sequence[Turn]) -> list[Offer]:
            return [change(*both) for both in zip(turns, super().consider(turns), strict=True)]

    return Changed(LEXICON, Kept())


def saying(**parts: Any) -> Sentiment:
    """The skill with its replies changed."""
    return changed(lambda _, offer: replace(offer, reply=lambda: replace(offer.reply(), **parts)))


def streaming(*texts: str) -> Sentiment:
    def stream() -> Any:
        yield from (Reply(text, "answer", 1.0) for text in texts)

    return changed(lambda _, offer: replace(offer, stream=stream))


class Forgetful(Sentiment):
    def consider(self, turns: Sequence[Turn]) -> list[Offer]:
        return super().consider(turns[:1])


class ByCompany(Sentiment):
    """As sure as there are others to listen."""

    def consider(self, turns: Sequence[Turn]) -> list[Offer]:
        return [replace(offer, confidence=1 / len(turns)) for offer in super().consider(turns)]


class Guessing(Sentiment):
    def predict(self, rows: Sequence[Row]) -> list[Mapping[str, object]]:
        return [{"prediction": "glad", "confidence": 1.0} for _ in rows]


class InPercent(Sentiment):
    def predict(self, rows: Sequence[Row]) -> list[Mapping[str, object]]:
        return [{**prediction, "confidence": 100.0} for prediction in super().predict(rows)]


def test_good_turns_pass() -> None:
    check_turns(GOOD, MESSAGES)
    check_turns(streaming("I", "I see", "I see."), MESSAGES)
    check_predictions(GOOD, [{"text": "I am livid"}])


@pytest.mark.parametrize(
    ("skill", "words"),
    [
        (Forgetful(LEXICON, Kept()), "expected 3 offers, found 1"),
        (ByCompany(LEXICON, Kept()), "expected one offer for 'I am livid', alone or beside others"),
        (changed(lambda _, offer: replace(offer, in_scope=False)), "expected a message in scope"),
        (changed(lambda _, offer: replace(offer, confidence=60.0)), "each in 0–1, found {'confidence': 60.0}"),
        (saying(text=""), "expected a text, found ''"),
        (saying(action="shrug"), "found 'shrug' (see Reply.action)"),
        (saying(details={"lexicon": LEXICON}), "expected details as JSON"),
        (saying(state={"seen": {1, 2}}), "expected state as JSON"),
        (saying(log={"at": float("nan")}), "expected log as JSON"),
        (saying(alternatives=("glad", "cross")), "expected names with their confidence"),
        (streaming("I see", "No"), "expected more than 'I see', found 'No'"),
    ],
    ids=range(11),
)
def test_offers_and_replies_that_are_not_as_they_should_be_are_refused(skill: Sentiment, words: str) -> None:
    with pytest.raises(AssertionError) as raised:
        check_turns(skill, MESSAGES)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("skill", "words"),
    [
        (Guessing(LEXICON, Kept()), "expected a DataError for a row without its fields"),
        (InPercent(LEXICON, Kept()), "each in 0–1, found {'confidence': 100.0}"),
    ],
)
def test_predictions_that_are_not_as_they_should_be_are_refused(skill: Sentiment, words: str) -> None:
    with pytest.raises(AssertionError) as raised:
        check_predictions(skill, [{"text": "I am livid"}])
    assert words in str(raised.value)
