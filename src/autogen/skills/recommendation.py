"""The skill `recommendation`: of a catalogue's items, those that this person will want next, also by wishes in words;
learns from what is clicked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from autogen.config import CONFIG_NAME, SkillSettings, Sources
from autogen.data.problems import Problem, shown
from autogen.errors import UsageError, VersionDamaged
from autogen.feedback.events import Feedback
from autogen.knowledge.catalogue import Catalogue, Item
from autogen.runtime.recommender import Recommender
from autogen.runtime.text_encoder import TextVectors
from autogen.skills.exploration import explored, pool_size
from autogen.skills.live import Click, LiveRecommender, clicks
from autogen.skills.skill import Need, Reply, Turn
from autogen.skills.wanted import Wanted
from autogen.skills.wishes import Wish, read_wish
from autogen.storage.responses import Exploration
from autogen.tasks.recommendation import WEEK, Floats, top

ITEMS = "items"
CATALOGUE_FILE = "catalogue.json"
TEXTS_FILE = "texts.npy"  # float16 (items, width): what items say of themselves, of length one
TEXT_FOLDER = "text"  # the encoder for wishes
MOST_SHOWN = 100
WISH_WEIGHT = 12.0  # of the cosine of wish and item, beside log-probabilities
PERSONAL_WEIGHT = 0.5  # of the log-probability, where there is a wish
LIKED_WEIGHT = 6.0  # of the cosine with an item that was named
POOL = 100  # best items among which variety is sought
USED = {"epochs", "learning_rate", "train_batch_size", "precision", "seed"}  # of the training settings
TRENDING = 0.99  # quantile of this week's counts from which an item is popular

__all__ = ["Click", "RecommendationSettings", "RecommendationType", "Recommendations", "Wanted", "clicks"]


class RecommendationSettings(SkillSettings):
    type: Literal["recommendation"]
    interactions: Sources
    items: Sources | None = None
    eval: Sources | None = None
    min_rating: float | None = None  # held-out events rated below are not what is to be found
    shown: int = Field(default=5, ge=1, le=MOST_SHOWN)
    diversity: float = Field(default=0.0, ge=0, le=1)
    exploration: float = Field(default=0.0, ge=0, le=1)  # share of what is shown that is left to chance
    allow: list[str] | None = None  # ids: nothing else is shown
    block: list[str] = Field(default_factory=list)  # ids: never shown
    boost: dict[str, float] = Field(default_factory=dict)  # id = how many times as likely
    stock: str | None = None  # the attribute that must be above 0
    decline_text: str = "I have found nothing that fits {wish}. Try asking for less."


class Answering(BaseModel):
    """What a version keeps of the settings."""

    shown: int
    diversity: float
    exploration: float = 0.0
    allow: list[str] | None
    block: list[str]
    boost: dict[str, float]
    stock: str | None
    decline_text: str


class RecommendationType:
    name = "recommendation"
    settings = RecommendationSettings

    def needs(self, settings: RecommendationSettings) -> tuple[Need, ...]:
        return (
            Need(
                ITEMS,
                "recommendation",
                tuple(settings.interactions),
                tuple(settings.eval or ()),
                settings.columns,
                items=tuple(settings.items or ()),
            ),
        )

    def answering(self, settings: RecommendationSettings, project: Path) -> dict[str, Any]:  # noqa: ARG002 the protocol
        return settings.model_dump(include=set(Answering.model_fields))

    def check(
        self,
        settings: RecommendationSettings,
        project: Path,  # noqa: ARG002 as every skill is asked
        labels: Sequence[str],  # noqa: ARG002
    ) -> list[Problem]:
        wrong = [(name, factor) for name, factor in settings.boost.items() if not factor > 0]
        idle = sorted(settings.training.model_fields_set - USED)
        problems = [_idle(idle)] if idle else []
        return [*problems, *(_no_factor(name, factor) for name, factor in wrong)]

    def ready(self, answering: Mapping[str, Any], models: Mapping[str, Any]) -> Recommendations:
        model = models[ITEMS]
        if not isinstance(model, Recommender) or model.folder is None:
            raise ValueError("expected a recommender")
        return Recommendations.load(model, Answering.model_validate(dict(answering)), model.folder)


def _idle(names: Sequence[str]) -> Problem:
    message = f"expected training settings that a recommender has ({', '.join(sorted(USED))}), found {', '.join(names)}"
    return Problem("warning", "idle-setting", CONFIG_NAME, None, message, "take it out: it does nothing here")


def _no_factor(name: str, factor: float) -> Problem:
    message = f"expected a factor above 0 for {shown(name)} in boost, found {factor}"
    fix = "write 2.0 for twice as likely, or put the item into block"
    return Problem("error", "boost", CONFIG_NAME, None, message, fix)


@dataclass(frozen=True, slots=True)
class Recommended:
    """One item: how likely it is that it is wanted (0–1, among all items), and the evidence for it."""

    item: Item
    score: float
    reason: str


@dataclass(frozen=True)
class Shown:
    """One answer to be kept. `confidence`: the score of the best item, whether chance showed it or not."""

    items: list[Recommended]
    confidence: float
    exploration: Exploration | None = None


@dataclass(frozen=True)
class _Ranking:
    """Places in the catalogue, best first, the first `count` being asked for; and what they are the best by."""

    places: list[int]
    count: int
    personal: Floats
    history: NDArray[np.int32]
    counts: Floats


@dataclass(frozen=True)
class Recommendations:
    """Ready to answer. `chance` is what explores."""

    live: LiveRecommender
    catalogue: Catalogue
    settings: Answering
    texts: NDArray[np.float16] | None
    encoder: TextVectors | None
    chance: np.random.Generator = field(default_factory=np.random.default_rng, repr=False)

    @classmethod
    def load(cls, model: Recommender, settings: Answering, folder: Path) -> Recommendations:
        """Raises VersionDamaged."""
        texts = encoder = None
        if (folder / TEXTS_FILE).exists():
            try:
                texts = np.load(folder / TEXTS_FILE, mmap_mode="r", allow_pickle=False)
            except (OSError, ValueError) as error:
                raise VersionDamaged(f"{folder / TEXTS_FILE} cannot be read: {error}") from error
            encoder = TextVectors.load(folder / TEXT_FOLDER)
        return cls(LiveRecommender(model), Catalogue.load(folder / CATALOGUE_FILE), settings, texts, encoder)

    @property
    def models(self) -> Mapping[str, Any]:
        return {ITEMS: self.live.model}

    def observe(self, feedback: Sequence[Feedback], who: Mapping[str, str]) -> None:
        """Learn at once from what people clicked. `who`: the user behind each feedback, by its id."""
        self.live.observe(clicks(feedback, who))

    def reply(self, turns: Sequence[Turn]) -> list[Reply]:
        return [self._answer(turn) for turn in turns]

    def _answer(self, turn: Turn) -> Reply:
        follows = bool(turn.offered) and bool(turn.question)
        before = read_wish(turn.question, self.catalogue) if follows else None
        wish = read_wish(turn.text, self.catalogue, turn.offered, before)
        about = f"{turn.question}; {turn.text}" if follows and wish.follows else None
        if wish.problem:
            return Reply(wish.problem, "clarify", None, 0.0, tuple((name, 0.0) for name in turn.offered), about)
        shown = self.show(_wanted(wish, turn), explore=turn.kept)
        if not shown.items:
            text = self.settings.decline_text.replace("{wish}", wish.describe() or "that")
            return Reply(text, "decline", None, 0.0, (), about)
        ranking = tuple((one.item.id, one.score) for one in shown.items)
        return Reply(
            self._cards(shown.items), "answer", None, shown.confidence, ranking, about, exploration=shown.exploration
        )

    def recommend(self, wanted: Wanted) -> list[Recommended]:
        """The best items, at most as many as asked for; none where nothing passes. Raises UsageError."""
        ranking = self._rank(wanted)
        return self._found(ranking, ranking.places[: ranking.count], wanted)

    def best(self, wanted: Wanted) -> list[str]:
        """The ids of what `recommend` gives."""
        ranking = self._rank(wanted)
        return [self.catalogue.items[at].id for at in ranking.places[: ranking.count]]

    def show(self, wanted: Wanted, explore: bool = True) -> Shown:
        """As `recommend`; with `explore`, chance has as great a share in it as the settings give it. Raises
        UsageError."""
        ranking, share = self._rank(wanted), self.settings.exploration if explore else 0.0
        places = ranking.places
        confidence = float(np.exp(ranking.personal[places[0]])) if places else 0.0
        if not share or not places:
            return Shown(self._found(ranking, places[: ranking.count], wanted), confidence)
        drawn, propensities = explored(places, ranking.count, share, self.chance)
        exploration = Exploration(propensities, replace(wanted, count=ranking.count).to_json())
        return Shown(self._found(ranking, drawn, wanted), confidence, exploration)

    def _rank(self, wanted: Wanted) -> _Ranking:
        count = wanted.count or self.settings.shown
        if not 0 < count <= MOST_SHOWN:
            raise UsageError(f"Expected to be asked for 1 to {MOST_SHOWN} items, found {count}.")
        query, had = self.live.query(wanted.user, wanted.history)
        counts = self.live.counts(query.now)
        personal = self.live.scores(query, counts)[: len(self.catalogue)]
        scores = self._ruled(self._wished(personal, wanted), wanted)
        places = top(scores, max(pool_size(count), POOL), had[had < len(self.catalogue)])
        best = self._varied(places[: max(count, POOL)], scores, count, self._diversity(wanted))
        chosen = {*best}
        rest = [int(at) for at in places if at not in chosen]
        return _Ranking([*best, *rest], count, personal, query.items, counts)

    def _found(self, ranking: _Ranking, places: Sequence[int], wanted: Wanted) -> list[Recommended]:
        personal = ranking.personal
        return [
            Recommended(
                self.catalogue.items[at],
                float(np.exp(personal[at])),
                self._reason(at, ranking.history, ranking.counts, wanted),
            )
            for at in places
        ]

    def similar(self, item: str, count: int | None = None) -> list[Recommended]:
        """Items like this one, whoever asks. Raises UsageError for an item that the catalogue does not have."""
        if item not in self.catalogue.position:
            raise UsageError(f"Expected an item of the catalogue, found {item!r}.")
        return self.recommend(Wanted(history=(item,), like=(item,), count=count))

    def _wished(self, personal: Floats, wanted: Wanted) -> Floats:
        """Personal taste and what was asked for together."""
        if self.texts is None or not (wanted.query or wanted.like or wanted.unlike):
            return personal
        texts = np.asarray(self.texts, np.float32)
        scores = PERSONAL_WEIGHT * personal
        if wanted.query and self.encoder is not None:
            scores = scores + WISH_WEIGHT * (texts @ self.encoder.of([wanted.query])[0])
        for names, weight in ((wanted.like, LIKED_WEIGHT), (wanted.unlike, -LIKED_WEIGHT)):
            for name in names:
                if name in self.catalogue.position:  # what another version was asked may name items of its own
                    scores = scores + weight * (texts @ texts[self.catalogue.position[name]])
        return scores

    def _ruled(self, scores: Floats, wanted: Wanted) -> Floats:
        """What may not be shown at −∞; what is boosted, so many times as likely."""
        position, settings = self.catalogue.position, self.settings
        passing = self.catalogue.mask(wanted.filters)
        if settings.stock is not None:
            passing &= self.catalogue.numbers(settings.stock) > 0
        if settings.allow is not None:
            allowed = np.zeros(len(passing), bool)
            allowed[[position[name] for name in settings.allow if name in position]] = True
            passing &= allowed
        left_out = (*settings.block, *wanted.exclude, *wanted.like, *wanted.unlike)
        passing[[position[name] for name in left_out if name in position]] = False
        boosted = scores.copy()
        for name, factor in settings.boost.items():
            if name in position:
                boosted[position[name]] += np.log(factor)
        return np.where(passing, boosted, -np.inf).astype(np.float32)

    def _diversity(self, wanted: Wanted) -> float:
        return self.settings.diversity if wanted.diversity is None else wanted.diversity

    def _varied(self, places: NDArray[np.int32], scores: Floats, count: int, diversity: float) -> list[int]:
        """Maximal marginal relevance (Carbonell & Goldstein 1998): each next item is the best that is least like those
        before it."""
        if not diversity or self.texts is None or len(places) <= count:
            return [int(at) for at in places[:count]]
        texts, worth = np.asarray(self.texts[places], np.float32), scores[places]
        worth = (worth - worth.min()) / max(float(worth.max() - worth.min()), 1e-9)
        chosen = [0]
        while len(chosen) < count:
            alike = (texts @ texts[chosen].T).max(axis=1)
            value = (1 - diversity) * worth - diversity * alike
            value[chosen] = -np.inf
            chosen.append(int(value.argmax()))
        return [int(places[at]) for at in chosen]

    def _reason(self, at: int, history: NDArray[np.int32], counts: Floats, wanted: Wanted) -> str:
        """The evidence, from the strongest: what was asked for, what the user did, what everybody does."""
        if wanted.like:
            return f"like {self.catalogue.items[self.catalogue.position[wanted.like[0]]].title}"
        because = self.live.because(at, history)
        if because is not None and because < len(self.catalogue):
            return f"because of {self.catalogue.items[because].title}"
        if wanted.query or wanted.filters:
            return "fits what you asked for"
        week = counts[WEEK][: len(self.catalogue)]
        return "popular now" if week[at] > 0 and week[at] >= np.quantile(week, TRENDING) else "may be your taste"

    def _cards(self, found: Sequence[Recommended]) -> str:
        lines = []
        for number, one in enumerate(found, start=1):
            about = self.catalogue.text_of(one.item)
            lines.append(f"{number}. {about if len(about) < 100 else one.item.title} ({one.reason})")
        return "\n".join(lines)


def _wanted(wish: Wish, turn: Turn) -> Wanted:
    return Wanted(
        user=turn.user,
        query=wish.query,
        filters=wish.filters,
        like=wish.like,
        unlike=wish.unlike,
        exclude=turn.offered if wish.follows else (),
    )
