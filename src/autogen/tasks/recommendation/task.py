"""The task `recommendation`, as projects and agents know it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autogen.config.training import TrainingSettings
from autogen.data.rows import Row
from autogen.errors import UsageError
from autogen.knowledge.catalogue import Catalogue
from autogen.markup import DataTable
from autogen.tasks.evaluation import Evaluation
from autogen.tasks.recommendation.admission import admitted_clicks
from autogen.tasks.recommendation.event_files import OPTIONAL, REQUIRED, read_interactions
from autogen.tasks.recommendation.interactions import interactions_of
from autogen.tasks.recommendation.metrics import TOP, QueryScore, RelevantItems
from autogen.tasks.recommendation.model import Recommender
from autogen.tasks.recommendation.ranking import RankingResult, Scorer, popular, rank
from autogen.tasks.recommendation.rows import Behaviour, lag_of, liked_clicks, read_behaviour, with_clicks
from autogen.tasks.recommendation.settings import RecommendationOptions
from autogen.tasks.task import FeedbackOn, Fields, Need, Reads
from autogen.versions.scores import Scores

if TYPE_CHECKING:
    from autogen.reports.drawing import Drawing

TIMED = 30  # queries
MAIN = "ndcg_at_10"


class RecommendationTask:
    name = "recommendation"
    reads: Reads = "events"
    fields = Fields(REQUIRED, OPTIONAL)
    roles = ("train", "eval", "items")
    training = TrainingSettings
    options = RecommendationOptions
    metrics = (
        MAIN,
        "hit_rate_at_10",
        "recall_at_10",
        "cold_hit_rate_at_10",
        "cold_only_hit_rate_at_10",
        "coverage_at_10",
        "novelty_at_10",
        "popularity_bias_at_10",
    )
    learner = "autogen.tasks.recommendation.learning.learner:LEARNER"

    def read(self, project: Path, need: Need) -> Behaviour:
        return read_behaviour(project, need)

    def from_rows(self, rows: Mapping[str, Sequence[Row]], need: Need) -> Behaviour:  # noqa: ARG002 as all are asked
        raise UsageError("Expected events in files: a recommender is learnt in a project.")

    def with_rows(self, project: Path, need: Need, source: str, root: Path) -> Behaviour:  # noqa: ARG002
        eval_events, problems = read_interactions(root, [source], need.columns)
        options = need.options
        assert isinstance(options, RecommendationOptions)
        return Behaviour(
            events=interactions_of(()),
            eval_events=eval_events,
            catalogue=Catalogue.from_rows(())[0],
            split=source,
            problems=tuple(problems),
            has_items=False,
            min_rating=options.min_rating,
            source=source,
        )

    def with_feedback(self, data: Behaviour, feedback: FeedbackOn, champion: Recommender | None) -> Behaviour:
        """Clicks that count for everybody join the events; a fifth of them is set aside. What the champion has learnt,
        a training learns again."""
        lag = lag_of(data.ended, champion.card if champion else None)
        if feedback.only is not None and not feedback.only:
            return replace(data, lag=lag)
        learn_from = feedback.policy.learn_from
        clicks = data.named(liked_clicks(feedback.memory, feedback.skill, feedback.only, learn_from))
        if feedback.only is None:
            known = {*data.events.users, *(champion.user_at if champion else ())}
            clicks = admitted_clicks(clicks, data.events, known, learn_from)
        return replace(with_clicks(data, clicks, lag), feedback=tuple(sorted({click.feedback for click in clicks})))

    def unseen(self, data: Behaviour, learnt: frozenset[str]) -> Behaviour:  # noqa: ARG002 events are held out by time
        return data

    def plan(self, data: Behaviour, need: Need) -> str:  # noqa: ARG002 the readings that answer are chosen by the data
        return ""

    def load(self, folder: Path, threads: int | None = None) -> Recommender:
        return Recommender.load(folder, threads)

    def evaluate(self, model: Recommender, data: Behaviour) -> Evaluation:
        """On held-out events, with this week's most popular beside it."""
        ranked = _ranked(model, data)
        baseline = _ranked(model, data, popular)
        unknown = sum(-1 in query.items for query in ranked.queries)
        warnings = (
            f"{unknown} of {len(ranked.queries)} users want an item that the model does not know; it counts as missed.",
        )
        return Evaluation(
            metrics=ranked.metrics,
            rows=len(ranked.queries),
            source=data.source or data.split,
            intervals=ranked.intervals,
            baselines={"most popular this week": baseline.metrics},
            warnings=warnings if unknown else (),
        )

    def scores(self, model: Recommender, data: Behaviour) -> tuple[Scores, ...]:
        """NDCG@10 of each query."""
        return (_scores(_ranked(model, data), data),)

    def timed(self, model: Recommender, data: Behaviour) -> Sequence[Callable[[], object]]:
        end = float(model.events.time[-1]) if len(model.events) else 0.0
        counts = model.trend().at(end)
        queries = [model.histories.query(model.user_at.get(name, -1), end) for name in data.events.users[:TIMED]]
        return [partial(model.scores, query, counts) for query in queries]

    def how_trained(self, record: Mapping[str, Any], train_rows: int) -> str:
        figures = "; ".join(f"{name} {value:.3f}" for name, value in record["tried"].items())
        choice = f" NDCG@10 on {record['held']} users' last events: {figures}." if figures else " Mixed as before."
        choice = choice if record["parameters"] or figures else ""
        note = f" {record['left_out']}." if record["left_out"] else ""
        return (
            f"{train_rows} events learnt in {record['seconds']:.0f} s ({record['precision']}). "
            f"What answers: {' + '.join(record['readings'])}.{choice}{note}"
        )

    def pictures(self, evaluation: Evaluation, record: Mapping[str, Any]) -> Iterator[Drawing]:
        from autogen.tasks.recommendation.report import drawings

        return drawings(evaluation, record)

    def tables(self, evaluation: Evaluation) -> Iterator[DataTable]:  # noqa: ARG002 the metrics say it all
        yield from ()


def _ranked(model: Recommender, data: Behaviour, scorer: Scorer | None = None) -> RankingResult:
    return rank(model, data.eval_events, data.eval_clicks, min_rating=data.min_rating, scorer=scorer)


def _scores(ranked: RankingResult, data: Behaviour) -> Scores:
    gains = np.array(ranked.gains, np.float64)
    return Scores(
        metric=MAIN,
        statistic="mean",
        rows=data.fingerprints(),
        counts=np.stack([gains, np.ones(len(gains))], axis=1),
        right=np.array([_all_hit(*both) for both in zip(ranked.scores, ranked.queries, strict=True)], bool),
        groups=("",) * len(gains),
        beyond=np.array([query.items == {-1} for query in ranked.queries], bool),
        from_feedback=np.arange(len(gains)) >= len(data.queries()[0]),
        unit="queries",
        group="group",
    )


def _all_hit(score: QueryScore, query: RelevantItems) -> bool:
    """Whether everything that was to be found is among the ten, or fills them."""
    return round(score.recall * len(query.items)) >= min(len(query.items), TOP)
