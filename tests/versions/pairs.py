"""Scores of a champion and a candidate on the same rows, made of a few words for tests of the gate."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from autogen.versions.comparison import PairedScores
from autogen.versions.scores import Scores, Statistic

_number = count()


@dataclass(frozen=True)
class Row:
    """One row: the sums that each model's metric is made of. `from_earlier_eval`: it was held out before this batch of
    feedback; `beyond`: the champion cannot know its group."""

    group: str
    was: tuple[float, ...]
    now: tuple[float, ...]
    from_earlier_eval: bool = True
    beyond: bool = False


def rows(
    label: str, right: int = 0, gained: int = 0, lost: int = 0, wrong: int = 0, *, from_earlier_eval: bool = True
) -> list[Row]:
    """Rows that both answer rightly, the candidate alone, the champion alone, and neither."""
    kinds = [(1.0, 1.0, right), (0.0, 1.0, gained), (1.0, 0.0, lost), (0.0, 0.0, wrong)]
    return [Row(label, (was, 1.0), (now, 1.0), from_earlier_eval) for was, now, times in kinds for _ in range(times)]


def new_label_rows(label: str, right: int, wrong: int) -> list[Row]:
    """Rows of a label that the champion does not know, which came with feedback."""
    now = [1.0] * right + [0.0] * wrong
    return [Row(label, (0.0, 1.0), (value, 1.0), from_earlier_eval=False, beyond=True) for value in now]


def gains(was: Sequence[float], now: Sequence[float], *, from_earlier_eval: bool = True) -> list[Row]:
    """Queries with what each model gained by them."""
    return [Row("", (before, 1.0), (after, 1.0), from_earlier_eval) for before, after in zip(was, now, strict=True)]


def paired(row_list: Sequence[Row], statistic: Statistic = "share", metric: str = "accuracy") -> PairedScores:
    """Both models' scores of these rows."""
    mean = statistic == "mean"
    names = tuple(f"{next(_number):016x}" for _ in row_list)

    def scores(counts: list[tuple[float, ...]], beyond: list[bool]) -> Scores:
        sums = np.array(counts, np.float64).reshape(len(row_list), 3 if statistic == "ratio" else 2)
        return Scores(
            metric=metric,
            statistic=statistic,
            rows=names,
            counts=sums,
            right=sums[:, 0] > 0,
            groups=tuple(row.group for row in row_list),
            beyond=np.array(beyond, bool),
            from_feedback=np.array([not row.from_earlier_eval for row in row_list], bool),
            unit="queries" if mean else "rows",
            group="group" if mean else "label",
        )

    return PairedScores(
        champion=scores([row.was for row in row_list], [row.beyond for row in row_list]),
        candidate=scores([row.now for row in row_list], [False] * len(row_list)),
        from_earlier_eval=np.array([row.from_earlier_eval for row in row_list], bool),
    )


def labelled_spans(
    *given: dict[str, tuple[tuple[float, ...], tuple[float, ...]]], unknown: Sequence[str] = ()
) -> PairedScores:
    """Rows with spans of several labels: of each label the counts (true positives, predicted, gold) of champion and
    candidate. `unknown`: labels that the champion cannot know."""
    labels = sorted({name for row in given for name in row})
    none = (0.0, 0.0, 0.0)

    def scores(of: int, known: Collection[str]) -> Scores:
        by_group = {name: np.array([row.get(name, (none, none))[of] for row in given], np.float64) for name in labels}
        counts = sum(by_group.values(), np.zeros((len(given), 3)))
        return Scores(
            metric="entity_f1",
            statistic="ratio",
            rows=tuple(f"{at:016x}" for at in range(len(given))),
            counts=counts,
            right=(counts == counts[:, :1]).all(axis=1),
            groups=("",) * len(given),
            beyond=np.array([bool({*row} - {*known}) for row in given], bool),
            from_feedback=np.zeros(len(given), bool),
            by_group=by_group,
            known_groups=frozenset(known),
        )

    champion, candidate = scores(0, {*labels} - {*unknown}), scores(1, labels)
    return PairedScores(champion, candidate, from_earlier_eval=np.ones(len(given), bool))
