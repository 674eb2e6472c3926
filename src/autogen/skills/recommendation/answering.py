"""The skill `recommendation`: of a catalogue's items, those that this person will want next, also by queries in words;
learns from what is clicked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autogen.data.problems import Problem, quoted, raise_for
from autogen.data.rows import Row, require_label
from autogen.errors import UsageError, VersionDamaged
from autogen.feedback.events import Feedback
from autogen.knowledge.catalogue import Catalogue
from autogen.knowledge.half_precision import as_float32
from autogen.runtime.text_encoder import TextVectors
from autogen.skills.recommendation.cards import ScoredItem
from autogen.skills.recommendation.exploration import Exploration, draw_places, pool_size
from autogen.skills.recommendation.item_request import ItemRequest
from autogen.skills.recommendation.live import LiveRecommender
from autogen.skills.recommendation.ordering import Numbers, by_number, extreme
from autogen.skills.recommendation.query_understanding.conversation import parse_turn, request_of
from autogen.skills.recommendation.query_understanding.notes import (
    is_guessed,
    notes_on,
    share_understood,
    unknown_words,
)
from autogen.skills.recommendation.query_understanding.parsed_query import ParsedQuery
from autogen.skills.recommendation.query_understanding.vocabulary import content_words, vocabulary_of
from autogen.skills.recommendation.replies import ShownItems, prediction, reply_with, reply_without
from autogen.skills.recommendation.settings import MOST_SHOWN, SavedRecommendationSettings
from autogen.skills.recommendation.shortlist import Shortlist, in_catalogue, popular
from autogen.skills.skill import Observation, Offer, Reply, Turn
from autogen.tasks.recommendation.clicks import ClickCounts, apply_reviews, clicks_from_feedback
from autogen.tasks.recommendation.indexes import TEXTS_FILE
from autogen.tasks.recommendation.interactions import Places
from autogen.tasks.recommendation.metrics import TOP
from autogen.tasks.recommendation.model import CATALOGUE_FILE, TEXT_FOLDER, Candidates, Recommender
from autogen.tasks.recommendation.trend import WEEK, Floats, Query, top

ITEMS = "items"
QUERY_WEIGHT = 12.0  # of the cosine of query and item, beside log-probabilities
PERSONAL_WEIGHT = 0.5  # of the log-probability, where there is a query
TITLE_WEIGHT = 6.0  # of a title that alone has all words of the query
LIKED_WEIGHT = 6.0  # of the cosine with an item that was named
VARIED = 100  # best items among which variety is looked for
MOST_SURE = 0.1  # of a query, beside other skills: an intent that is recognised is surer than what may be any words
MAX_USER = 200  # characters


@dataclass(frozen=True)
class _Ranking:
    """Places in the catalogue, best first, the first `count` being asked for; and what they are the best by."""

    places: list[int]
    count: int
    probabilities: Mapping[int, float]  # of each place, that its item is wanted next
    history: NDArray[np.int32]
    trending: frozenset[int]


@dataclass(frozen=True)
class RecommendationSkill:
    """Ready to answer. `chance` is what explores."""

    live: LiveRecommender
    catalogue: Catalogue
    settings: SavedRecommendationSettings
    texts: NDArray[np.float16] | None
    encoder: TextVectors | None
    shortlist: Shortlist | None = None
    chance: np.random.Generator = field(default_factory=np.random.default_rng, repr=False)

    @classmethod
    def load(cls, model: Recommender, settings: SavedRecommendationSettings, folder: Path) -> RecommendationSkill:
        """Raises VersionDamaged."""
        texts = encoder = None
        if (folder / TEXTS_FILE).exists():
            try:
                texts = np.load(folder / TEXTS_FILE, mmap_mode="r", allow_pickle=False)
            except (OSError, ValueError) as error:
                raise VersionDamaged(f"{folder / TEXTS_FILE} cannot be read: {error}") from error
            encoder = TextVectors.load(folder / TEXT_FOLDER)
        live = LiveRecommender(model, settings.join_names)
        shortlist = Shortlist.load(live, folder, texts, settings.index)
        return cls(live, Catalogue.load(folder / CATALOGUE_FILE), settings, texts, encoder, shortlist)

    @property
    def models(self) -> Mapping[str, Any]:
        return {ITEMS: self.live.model}

    def observe(self, observation: Observation) -> None:
        """Learn at once from what people clicked, as far as it counts (see `tasks.recommendation.clicks`)."""
        if observation.anew:
            self.live.counted = ClickCounts()
        feedback = apply_reviews(observation.feedback, observation.decisions)
        clicks = clicks_from_feedback(feedback, observation.who, observation.offered, self.live.counted)
        self.live.observe(clicks, observation.learn_from, observation.anew)

    def consider(self, turns: Sequence[Turn]) -> list[Offer]:
        return [self._offer(turn) for turn in turns]

    def predict(self, rows: Sequence[Row]) -> list[Mapping[str, object]]:
        """To the `user` of each row: the best item, and all that are shown, best first, as `predictions`."""
        users = [require_label(row, "user", MAX_USER) for row in rows]
        raise_for([user for user in users if isinstance(user, Problem)])
        return [prediction(self.recommend(ItemRequest(user=str(user), count=TOP))) for user in users]

    def note_on(self, feedback: Feedback) -> str | None:
        """It may name an item that is none."""
        name = feedback.label
        if name is None or name in self.catalogue.position:
            return None
        return f"the catalogue has no item {quoted(name)}: this is kept, and changes nothing that is recommended"

    def _offer(self, turn: Turn) -> Offer:
        """By what was understood and by what passes; items are ranked, and left to chance, only in the reply."""
        parsed_queries = parse_turn(turn, self.catalogue)
        reply = partial(self._reply, turn, parsed_queries)
        fitting_query = next(
            (query for query in parsed_queries if not query.problem and self._any_passes(request_of(turn, query))), None
        )
        if fitting_query is None:
            return Offer(bool(parsed_queries[0].problem), 0.0, reply)
        confidence = MOST_SURE * share_understood(turn.text, fitting_query)
        return Offer(True, confidence, reply, continues=fitting_query.refines)

    def _any_passes(self, request: ItemRequest) -> bool:
        _, seen = self.live.query(request.user, request.history, request.conversation)
        passing, numbers = self._passing(request, seen), self._numbers(request)
        return bool((passing if numbers is None else passing & ~np.isnan(numbers)).any())

    def _reply(self, turn: Turn, parsed_queries: Sequence[ParsedQuery]) -> Reply:
        for parsed_query in parsed_queries:
            shown_items = (
                ShownItems([], 0.0)
                if parsed_query.problem
                else self.show(request_of(turn, parsed_query), explore=turn.kept)
            )
            if shown_items.items:
                return reply_with(
                    shown_items, turn, parsed_query, self._unknown(parsed_query.free_text), self.catalogue
                )
        unknown = self._unknown(parsed_queries[0].free_text)
        return reply_without(turn, parsed_queries[0], unknown, self.catalogue, self.settings.decline_text)

    def notes_on(self, parsed_query: ParsedQuery) -> tuple[str, ...]:
        """What of it was understood, and what was not."""
        return tuple(notes_on(parsed_query, self._unknown(parsed_query.free_text)))

    def _unknown(self, query: str) -> list[str]:
        return unknown_words(query, self.catalogue, self.encoder)

    def recommend(self, request: ItemRequest) -> list[ScoredItem]:
        """The best items, at most as many as asked for; none where nothing passes. Raises UsageError."""
        ranking = self._rank(request)
        return self._scored_items(ranking, ranking.places[: ranking.count], request)

    def best(self, request: ItemRequest) -> list[str]:
        """The ids of what `recommend` gives."""
        ranking = self._rank(request)
        return [self.catalogue.items[at].id for at in ranking.places[: ranking.count]]

    def show(self, request: ItemRequest, explore: bool = True) -> ShownItems:
        """As `recommend`; with `explore`, chance has as great a share in it as the settings give it, and none where an
        order was asked for. Raises UsageError."""
        ranking, share = self._rank(request), self.settings.exploration if explore and not request.order else 0.0
        places = ranking.places
        confidence = ranking.probabilities[places[0]] if places else 0.0
        if not share or not places:
            return ShownItems(self._scored_items(ranking, places[: ranking.count], request), confidence)
        drawn, propensities = draw_places(places, ranking.count, share, self.chance)
        exploration = Exploration(propensities, replace(request, count=ranking.count).to_json())
        return ShownItems(self._scored_items(ranking, drawn, request), confidence, exploration)

    def _rank(self, request: ItemRequest) -> _Ranking:
        count = request.count or self.settings.shown
        if not 0 < count <= MOST_SHOWN:
            raise UsageError(f"Expected to be asked for 1 to {MOST_SHOWN} items, found {count}.")
        query, seen = self.live.query(request.user, request.history, request.conversation)
        passing, weighted_vectors = self._passing(request, seen), self._weighted_vectors(request)
        numbers = self._numbers(request)
        if numbers is not None and not _in_words(request):
            passing = extreme(passing, numbers, max(pool_size(count), VARIED))
        title_scores = self._title_scores(request)
        part = self._part(query, passing, [vector for vector, weight in weighted_vectors if weight > 0], title_scores)
        at = in_catalogue(len(passing), part)
        counts = self.live.counts(query.now, part)
        personal = self.live.scores(query, counts, part)[: len(at)]
        scores_without_boost = self._add_text_scores(personal, weighted_vectors, at) + title_scores[at]
        scores = np.where(passing[at], self._boost(scores_without_boost, at), -np.inf)
        if numbers is not None:
            scores = by_number(scores, numbers[at], fitting=_in_words(request))
        best = top(scores.astype(np.float32), max(pool_size(count), VARIED))
        varied = self._varied(at[best[: max(count, VARIED)]], scores[best], count, self._diversity(request))
        varied_places = {*varied}
        places = [*varied, *(int(place) for place in at[best] if place not in varied_places)]
        new_items = 0 if request.order else self.settings.new_items
        new_rows = top(np.where(counts[-1][: len(at)] > 0, -np.inf, scores).astype(np.float32), new_items)
        trending = at[best[popular(counts[WEEK][: len(at)], part)[best]]]
        probabilities = {int(at[row]): float(np.exp(personal[row])) for row in (*best, *new_rows)}
        places = _with_new(places, at[new_rows].tolist(), count)
        return _Ranking(places, count, probabilities, query.items, frozenset(trending.tolist()))

    def _title_scores(self, request: ItemRequest) -> Floats:
        """What items gain by the words of their titles that were said, (catalogue,)."""
        if not request.query:
            return np.zeros(len(self.catalogue), np.float32)
        return vocabulary_of(self.catalogue).title_words.rarity_shared(content_words(request.query)) * np.float32(
            TITLE_WEIGHT
        )

    def _part(
        self, query: Query, passing: NDArray[np.bool_], vectors: Sequence[Floats], title_scores: Floats
    ) -> Candidates | None:
        """What is scored of a large catalogue; None: everything."""
        if self.shortlist is None:
            return None
        position = self.catalogue.position
        boosted = [position[name] for name in self.settings.boost if name in position]
        boosted += [int(at) for at in top(np.where(passing & (title_scores > 0), title_scores, -np.inf), VARIED)]
        return self.shortlist.of(query, passing, vectors, boosted, new=self.settings.new_items > 0)

    def _scored_items(self, ranking: _Ranking, places: Sequence[int], request: ItemRequest) -> list[ScoredItem]:
        fits = self._fits(request)
        return [
            ScoredItem(self.catalogue.items[at], ranking.probabilities[at], self._reason(at, ranking, request, fits))
            for at in places
        ]

    def similar(self, item: str, count: int | None = None) -> list[ScoredItem]:
        """Items like this one, whoever asks. Raises UsageError for an item that the catalogue does not have."""
        if item not in self.catalogue.position:
            raise UsageError(f"Expected an item of the catalogue, found {item!r}.")
        return self.recommend(ItemRequest(history=(item,), like=(item,), count=count))

    def _weighted_vectors(self, request: ItemRequest) -> list[tuple[Floats, float]]:
        """What items' texts should be like, (width,) each, and how much that weighs."""
        if self.texts is None:
            return []
        weighted_vectors = []
        if request.query and self.encoder is not None:
            weighted_vectors.append((self.encoder.embed([request.query])[0], QUERY_WEIGHT))
        for names, weight in ((request.like, LIKED_WEIGHT), (request.unlike, -LIKED_WEIGHT)):
            known = [name for name in names if name in self.catalogue.position]  # another version may have known more
            weighted_vectors += [(as_float32(self.texts[self.catalogue.position[name]]), weight) for name in known]
        return weighted_vectors

    def _add_text_scores(
        self, personal: Floats, weighted_vectors: Sequence[tuple[Floats, float]], at: Places
    ) -> Floats:
        """Personal taste and what was asked for together, of the items at these places."""
        if self.texts is None or not weighted_vectors:
            return personal
        direction = np.sum([weight * vector for vector, weight in weighted_vectors], axis=0)
        scores: Floats = PERSONAL_WEIGHT * personal + as_float32(self.texts[at]) @ direction
        return scores

    def _passing(self, request: ItemRequest, seen: Places) -> NDArray[np.bool_]:
        """Which items of the catalogue may be shown, (catalogue,), to whoever has seen those at these places."""
        position, settings = self.catalogue.position, self.settings
        passing = self.catalogue.mask(request.filters)
        if settings.stock is not None:
            passing &= self.catalogue.numbers(settings.stock) > 0
        if settings.allow is not None:
            allowed = np.zeros(len(passing), bool)
            allowed[[position[name] for name in settings.allow if name in position]] = True
            passing &= allowed
        left_out = (*settings.block, *request.exclude, *request.like, *request.unlike)
        passing[[position[name] for name in left_out if name in position]] = False
        passing[seen[seen < len(passing)]] = False
        return passing

    def _boost(self, scores: Floats, at: Places) -> Floats:
        """What is boosted is so many times as likely."""
        position = self.catalogue.position
        known = {position[name]: factor for name, factor in self.settings.boost.items() if name in position}
        if not known:
            return scores
        factors = np.array([known.get(int(place), 1.0) for place in at], np.float32)
        boosted: Floats = scores + np.log(factors)
        return boosted

    def _numbers(self, request: ItemRequest) -> Numbers | None:
        """What items are put in order by, the least first; None where no order was asked for that they have."""
        order = request.order
        if order is None or order.attribute not in self.catalogue.attributes:  # another version may have known more
            return None
        numbers = self.catalogue.numbers(order.attribute)
        return numbers if order.least else -numbers

    def _diversity(self, request: ItemRequest) -> float:
        if request.order:
            return 0.0
        return self.settings.diversity if request.diversity is None else request.diversity

    def _varied(self, places: Places, worth: Floats, count: int, diversity: float) -> list[int]:
        """Maximal marginal relevance (Carbonell & Goldstein 1998): each next item is the best that is least like those
        before it."""
        if not diversity or self.texts is None or len(places) <= count:
            return [int(at) for at in places[:count]]
        texts, worth = as_float32(self.texts[places]), worth[: len(places)]
        worth = (worth - worth.min()) / max(float(worth.max() - worth.min()), 1e-9)
        rows = [0]
        while len(rows) < count:
            alike = (texts @ texts[rows].T).max(axis=1)
            value = (1 - diversity) * worth - diversity * alike
            value[rows] = -np.inf
            rows.append(int(value.argmax()))
        return [int(places[at]) for at in rows]

    def _fits(self, request: ItemRequest) -> str:
        """The reason of what has no better one than that it was asked for; empty where nothing was."""
        if request.filters or request.order:
            return "fits what you asked for"
        if not request.query:
            return ""
        return "a guess" if is_guessed(request.query, self._unknown(request.query)) else "fits what you asked for"

    def _reason(self, at: int, ranking: _Ranking, request: ItemRequest, fits: str) -> str:
        """The evidence, from the strongest: what was asked for, what the user did, what everybody does."""
        if request.like:
            return f"like {self.catalogue.items[self.catalogue.position[request.like[0]]].title}"
        because = self.live.because(at, ranking.history)
        if because is not None and because < len(self.catalogue):
            return f"because of {self.catalogue.items[because].title}"
        if fits:
            return fits
        return "popular now" if at in ranking.trending else "may be your taste"


def _in_words(request: ItemRequest) -> bool:
    """Whether items fit what was asked for more or less, and not just pass it."""
    return bool(request.query or request.like)


def _with_new(ranked: list[int], new: Sequence[int], count: int) -> list[int]:
    """The last of the first `count` make room for new items that are not among them."""
    extra = [place for place in new if place not in ranked[:count]][:count]
    first = ranked[: count - len(extra)]
    return [*first, *extra, *(place for place in ranked[len(first) :] if place not in extra)]
