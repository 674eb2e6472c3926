"""The skill `recommendation`: of a catalogue's items, those that this person will want next, also by wishes in words;
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
from autogen.skills.recommendation.cards import Recommended
from autogen.skills.recommendation.exploration import Exploration, explored, pool_size
from autogen.skills.recommendation.live import LiveRecommender
from autogen.skills.recommendation.ordering import Numbers, by_number, extreme
from autogen.skills.recommendation.replies import Shown, prediction, reply_with, reply_without
from autogen.skills.recommendation.request import Wanted
from autogen.skills.recommendation.settings import MOST_SHOWN, Answering
from autogen.skills.recommendation.shortlist import Shortlist, in_catalogue, popular
from autogen.skills.recommendation.wishes.conversation import wanted_in, wishes_of
from autogen.skills.recommendation.wishes.understood import is_guessed, notes_on, share_understood, unknown_words
from autogen.skills.recommendation.wishes.vocabulary import telling, vocabulary_of
from autogen.skills.recommendation.wishes.wish import Wish
from autogen.skills.skill import Offer, Reply, Turn
from autogen.tasks.recommendation.clicks import clicks
from autogen.tasks.recommendation.indexes import TEXTS_FILE
from autogen.tasks.recommendation.interactions import Places
from autogen.tasks.recommendation.metrics import TOP
from autogen.tasks.recommendation.model import CATALOGUE_FILE, TEXT_FOLDER, Part, Recommender
from autogen.tasks.recommendation.trend import WEEK, Floats, Query, top

ITEMS = "items"
WISH_WEIGHT = 12.0  # of the cosine of wish and item, beside log-probabilities
PERSONAL_WEIGHT = 0.5  # of the log-probability, where there is a wish
TITLE_WEIGHT = 6.0  # of a title that alone has all words of the wish
LIKED_WEIGHT = 6.0  # of the cosine with an item that was named
VARIED = 100  # best items among which variety is sought
MOST_SURE = 0.1  # of a wish, beside other skills: an intent that is recognised is surer than what may be any words
MAX_USER = 200  # characters


@dataclass(frozen=True)
class _Ranking:
    """Places in the catalogue, best first, the first `count` being asked for; and what they are the best by."""

    places: list[int]
    count: int
    likely: Mapping[int, float]  # of each place, the probability that this is wanted next
    history: NDArray[np.int32]
    trending: frozenset[int]


@dataclass(frozen=True)
class Recommendations:
    """Ready to answer. `chance` is what explores."""

    live: LiveRecommender
    catalogue: Catalogue
    settings: Answering
    texts: NDArray[np.float16] | None
    encoder: TextVectors | None
    shortlist: Shortlist | None = None
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
        live = LiveRecommender(model)
        shortlist = Shortlist.load(live, folder, texts, settings.index)
        return cls(live, Catalogue.load(folder / CATALOGUE_FILE), settings, texts, encoder, shortlist)

    @property
    def models(self) -> Mapping[str, Any]:
        return {ITEMS: self.live.model}

    def observe(self, feedback: Sequence[Feedback], who: Mapping[str, str]) -> None:
        """Learn at once from what people clicked. `who`: the user behind each feedback, by its id."""
        self.live.observe(clicks(feedback, who, self.live.counted))

    def consider(self, turns: Sequence[Turn]) -> list[Offer]:
        return [self._offer(turn) for turn in turns]

    def predict(self, rows: Sequence[Row]) -> list[Mapping[str, object]]:
        """To the `user` of each row: the best item, and all that are shown, best first, as `predictions`."""
        users = [require_label(row, "user", MAX_USER) for row in rows]
        raise_for([user for user in users if isinstance(user, Problem)])
        return [prediction(self.recommend(Wanted(user=str(user), count=TOP))) for user in users]

    def note_on(self, feedback: Feedback) -> str | None:
        """It may name an item that is none."""
        name = feedback.label
        if name is None or name in self.catalogue.position:
            return None
        return f"the catalogue has no item {quoted(name)}: this is kept, and changes nothing that is recommended"

    def _offer(self, turn: Turn) -> Offer:
        """By what was understood and by what passes; items are ranked, and left to chance, only in the reply."""
        wishes = wishes_of(turn, self.catalogue)
        reply = partial(self._reply, turn, wishes)
        fitting = next((wish for wish in wishes if not wish.problem and self._any_passes(wanted_in(turn, wish))), None)
        if fitting is None:
            return Offer(bool(wishes[0].problem), 0.0, reply)
        sure = MOST_SURE * share_understood(turn.text, fitting)
        return Offer(True, sure, reply, continues=fitting.refines)

    def _any_passes(self, wanted: Wanted) -> bool:
        _, had = self.live.query(wanted.user, wanted.history)
        passing, numbers = self._passing(wanted, had), self._numbers(wanted)
        return bool((passing if numbers is None else passing & ~np.isnan(numbers)).any())

    def _reply(self, turn: Turn, wishes: Sequence[Wish]) -> Reply:
        for wish in wishes:
            shown = Shown([], 0.0) if wish.problem else self.show(wanted_in(turn, wish), explore=turn.kept)
            if shown.items:
                return reply_with(shown, turn, wish, self._unknown(wish.query), self.catalogue)
        unknown = self._unknown(wishes[0].query)
        return reply_without(turn, wishes[0], unknown, self.catalogue, self.settings.decline_text)

    def notes_on(self, wish: Wish) -> tuple[str, ...]:
        """What of it was understood, and what was not."""
        return tuple(notes_on(wish, self._unknown(wish.query)))

    def _unknown(self, query: str) -> list[str]:
        return unknown_words(query, self.catalogue, self.encoder)

    def recommend(self, wanted: Wanted) -> list[Recommended]:
        """The best items, at most as many as asked for; none where nothing passes. Raises UsageError."""
        ranking = self._rank(wanted)
        return self._found(ranking, ranking.places[: ranking.count], wanted)

    def best(self, wanted: Wanted) -> list[str]:
        """The ids of what `recommend` gives."""
        ranking = self._rank(wanted)
        return [self.catalogue.items[at].id for at in ranking.places[: ranking.count]]

    def show(self, wanted: Wanted, explore: bool = True) -> Shown:
        """As `recommend`; with `explore`, chance has as great a share in it as the settings give it, and none where an
        order was asked for. Raises UsageError."""
        ranking, share = self._rank(wanted), self.settings.exploration if explore and not wanted.order else 0.0
        places = ranking.places
        confidence = ranking.likely[places[0]] if places else 0.0
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
        passing, sought = self._passing(wanted, had), self._sought(wanted)
        numbers = self._numbers(wanted)
        if numbers is not None and not _in_words(wanted):
            passing = extreme(passing, numbers, max(pool_size(count), VARIED))
        titled = self._titled(wanted)
        part = self._part(query, passing, [vector for vector, weight in sought if weight > 0], titled)
        at = in_catalogue(len(passing), part)
        counts = self.live.counts(query.now, part)
        personal = self.live.scores(query, counts, part)[: len(at)]
        wished = self._wished(personal, sought, at) + titled[at]
        scores = np.where(passing[at], self._boosted(wished, at), -np.inf)
        if numbers is not None:
            scores = by_number(scores, numbers[at], fitting=_in_words(wanted))
        best = top(scores.astype(np.float32), max(pool_size(count), VARIED))
        varied = self._varied(at[best[: max(count, VARIED)]], scores[best], count, self._diversity(wanted))
        chosen = {*varied}
        ranked = [*varied, *(int(place) for place in at[best] if place not in chosen)]
        new_items = 0 if wanted.order else self.settings.new_items
        new = top(np.where(counts[-1][: len(at)] > 0, -np.inf, scores).astype(np.float32), new_items)
        trending = at[best[popular(counts[WEEK][: len(at)], part)[best]]]
        likely = {int(at[one]): float(np.exp(personal[one])) for one in (*best, *new)}
        ranked = _with_new(ranked, at[new].tolist(), count)
        return _Ranking(ranked, count, likely, query.items, frozenset(trending.tolist()))

    def _titled(self, wanted: Wanted) -> Floats:
        """What items gain by the words of their titles that were said, (catalogue,)."""
        if not wanted.query:
            return np.zeros(len(self.catalogue), np.float32)
        return vocabulary_of(self.catalogue).title_words.rarity_shared(telling(wanted.query)) * np.float32(TITLE_WEIGHT)

    def _part(self, query: Query, passing: NDArray[np.bool_], sought: Sequence[Floats], titled: Floats) -> Part | None:
        """What is scored of a large catalogue; None: everything."""
        if self.shortlist is None:
            return None
        position = self.catalogue.position
        boosted = [position[name] for name in self.settings.boost if name in position]
        boosted += [int(at) for at in top(np.where(passing & (titled > 0), titled, -np.inf), VARIED)]
        return self.shortlist.of(query, passing, sought, boosted, new=self.settings.new_items > 0)

    def _found(self, ranking: _Ranking, places: Sequence[int], wanted: Wanted) -> list[Recommended]:
        fits = self._fits(wanted)
        return [
            Recommended(self.catalogue.items[at], ranking.likely[at], self._reason(at, ranking, wanted, fits))
            for at in places
        ]

    def similar(self, item: str, count: int | None = None) -> list[Recommended]:
        """Items like this one, whoever asks. Raises UsageError for an item that the catalogue does not have."""
        if item not in self.catalogue.position:
            raise UsageError(f"Expected an item of the catalogue, found {item!r}.")
        return self.recommend(Wanted(history=(item,), like=(item,), count=count))

    def _sought(self, wanted: Wanted) -> list[tuple[Floats, float]]:
        """What items' texts should be like, (width,) each, and how much that weighs."""
        if self.texts is None:
            return []
        found = []
        if wanted.query and self.encoder is not None:
            found.append((self.encoder.embed([wanted.query])[0], WISH_WEIGHT))
        for names, weight in ((wanted.like, LIKED_WEIGHT), (wanted.unlike, -LIKED_WEIGHT)):
            known = [name for name in names if name in self.catalogue.position]  # another version may have known more
            found += [(as_float32(self.texts[self.catalogue.position[name]]), weight) for name in known]
        return found

    def _wished(self, personal: Floats, sought: Sequence[tuple[Floats, float]], at: Places) -> Floats:
        """Personal taste and what was asked for together, of the items at these places."""
        if self.texts is None or not sought:
            return personal
        wish = np.sum([weight * vector for vector, weight in sought], axis=0)
        found: Floats = PERSONAL_WEIGHT * personal + as_float32(self.texts[at]) @ wish
        return found

    def _passing(self, wanted: Wanted, had: Places) -> NDArray[np.bool_]:
        """Which items of the catalogue may be shown, (catalogue,), to one who had those at these places."""
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
        passing[had[had < len(passing)]] = False
        return passing

    def _boosted(self, scores: Floats, at: Places) -> Floats:
        """What is boosted is so many times as likely."""
        position = self.catalogue.position
        known = {position[name]: factor for name, factor in self.settings.boost.items() if name in position}
        if not known:
            return scores
        factors = np.array([known.get(int(place), 1.0) for place in at], np.float32)
        found: Floats = scores + np.log(factors)
        return found

    def _numbers(self, wanted: Wanted) -> Numbers | None:
        """What items are put in order by, the least first; None where no order was asked for that they have."""
        order = wanted.order
        if order is None or order.attribute not in self.catalogue.attributes:  # another version may have known more
            return None
        numbers = self.catalogue.numbers(order.attribute)
        return numbers if order.least else -numbers

    def _diversity(self, wanted: Wanted) -> float:
        if wanted.order:
            return 0.0
        return self.settings.diversity if wanted.diversity is None else wanted.diversity

    def _varied(self, places: Places, worth: Floats, count: int, diversity: float) -> list[int]:
        """Maximal marginal relevance (Carbonell & Goldstein 1998): each next item is the best that is least like those
        before it."""
        if not diversity or self.texts is None or len(places) <= count:
            return [int(at) for at in places[:count]]
        texts, worth = as_float32(self.texts[places]), worth[: len(places)]
        worth = (worth - worth.min()) / max(float(worth.max() - worth.min()), 1e-9)
        chosen = [0]
        while len(chosen) < count:
            alike = (texts @ texts[chosen].T).max(axis=1)
            value = (1 - diversity) * worth - diversity * alike
            value[chosen] = -np.inf
            chosen.append(int(value.argmax()))
        return [int(places[at]) for at in chosen]

    def _fits(self, wanted: Wanted) -> str:
        """The reason of what has no better one than that it was asked for; empty where nothing was."""
        if wanted.filters or wanted.order:
            return "fits what you asked for"
        if not wanted.query:
            return ""
        return "a guess" if is_guessed(wanted.query, self._unknown(wanted.query)) else "fits what you asked for"

    def _reason(self, at: int, ranking: _Ranking, wanted: Wanted, fits: str) -> str:
        """The evidence, from the strongest: what was asked for, what the user did, what everybody does."""
        if wanted.like:
            return f"like {self.catalogue.items[self.catalogue.position[wanted.like[0]]].title}"
        because = self.live.because(at, ranking.history)
        if because is not None and because < len(self.catalogue):
            return f"because of {self.catalogue.items[because].title}"
        if fits:
            return fits
        return "popular now" if at in ranking.trending else "may be your taste"


def _in_words(wanted: Wanted) -> bool:
    """Whether items fit what was asked for more or less, and not just pass it."""
    return bool(wanted.query or wanted.like)


def _with_new(ranked: list[int], new: Sequence[int], count: int) -> list[int]:
    """The last of the first `count` make room for new items that are not among them."""
    more = [place for place in new if place not in ranked[:count]][:count]
    first = ranked[: count - len(more)]
    return [*first, *more, *(place for place in ranked[len(first) :] if place not in more)]
