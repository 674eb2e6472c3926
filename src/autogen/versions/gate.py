"""The gate, a pure function: scores of champion and candidate on the same rows in, a verdict with reasons out. It
judges every task alike, and knows none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from autogen.config.project import GateSettings
from autogen.config.settings import RESERVED_LABEL
from autogen.versions.comparison import Comparison, PairedScores, groups_that_draw, rows_needed, worse_groups
from autogen.versions.scores import Flags, Scores
from autogen.versions.standard import Standard, resolved_margin
from autogen.versions.verdict import BETTER, Check, Verdict

NEW_LABEL_ROWS = 3  # held-out rows of a new label before learning it counts as being better
NEW_LABEL_RIGHT = 0.5
CROSS_FITTED_MARGIN = 1.5  # of the margin that so many rows can resolve: docs/decisions/0025-gate-for-few-rows.md
CROSS_FITTED_LEVEL = 0.2  # of the level: a quick model that learns many rows of one group loses some of its neighbours


@dataclass(frozen=True)
class CandidateFigures:
    """What the gate judges besides the scores of rows: latency, size, parity, what is said. Ratios are candidate ÷
    champion."""

    latency_ratio: float
    size_ratio: float
    parity: float  # largest difference of an output between the trained and the exported candidate
    parity_unit: str = "logits"
    same_model: bool = False  # the same weights and form: then no row can be answered worse
    answers_changed: tuple[str, ...] = ()  # what else people are answered with and has changed: texts, settings


@dataclass(frozen=True)
class Batch:
    """What the gate is told of the rows that the candidate has learnt anew.

    `strangers`: how many of the feedback behind them are neither the owner's nor reviewed. `cross_fitted`: older train
    rows, answered by quick models that have not learnt the row: without the batch as champion, with it as candidate;
    None where the task cannot tell, or the eval rows are many. `look`: which verdict on these eval rows this is, from 1
    on."""

    strangers: int = 0
    cross_fitted: PairedScores | None = None
    look: int = 1


def judge(
    paired: Sequence[PairedScores],
    protected: Sequence[Scores],
    figures: CandidateFigures,
    settings: GateSettings,
    batch: Batch = Batch(),
) -> Verdict:
    """One need's verdict. `paired`: its scores, the main one first, on rows that neither model has learnt from;
    `protected`: the candidate's on protected rows. Every check is made and reported, also after one has failed."""
    standard, main = Standard(settings, batch.look), paired[0]
    checks = (
        _check_row_count(main, standard),
        *(
            check
            for scores in paired
            for check in _check_all_not_inferior(scores, scores is main, figures, standard, batch)
        ),
        *_check_cross_fitted(batch.cross_fitted, figures, standard),
        _check_better(paired, figures.answers_changed),
        *(_check_groups(_named("no {group} worse", scores, scores is main), scores, settings) for scores in paired),
        _check_protected(protected),
        _check_ratio("latency", figures.latency_ratio, settings.latency_ratio),
        _check_ratio("size", figures.size_ratio, settings.size_ratio),
        Check(
            "parity",
            True,  # a candidate that disagrees with its trained model is never made into a version
            f"the exported model agrees with the trained one ({figures.parity_unit} within {figures.parity:.2g})",
            {"largest_difference": figures.parity},
        ),
    )
    failed = [check for check in checks if not check.passed]
    if failed:
        summary = f"Rejected: {'; '.join(check.finding for check in failed)}."
    else:
        summary = f"Accepted: {_summarise(main, standard)}."
    return Verdict(not failed, summary, len(main), checks)


def _summarise(paired: PairedScores, standard: Standard) -> str:
    comparison = standard.compare(paired)
    if paired.candidate.statistic == "share":
        right, unit = paired.candidate.right_means, paired.candidate.unit
        return f"{right} on {comparison.candidate:.1%} of {comparison.rows} {unit}, champion {comparison.champion:.1%}"
    return _describe(paired, comparison, standard)


def _describe(paired: PairedScores, comparison: Comparison, standard: Standard) -> str:
    """Both values, and how the difference stands to the margin."""
    share, rows = paired.candidate.statistic == "share", f"{comparison.rows} {paired.candidate.unit}"
    lower, margin = comparison.lower, standard.margin(comparison.rows)
    if share:
        changes = f"({comparison.gained} gained, {comparison.lost} lost)"
        values = f"{comparison.candidate:.1%} against {comparison.champion:.1%} on {rows} {changes}"
    else:
        metric = paired.candidate.metric
        values = f"{metric} {comparison.candidate:.4f} against {comparison.champion:.4f} on {rows}"
    at_worst, limit = (f"{lower:+.2%}", f"{-margin:+.2%}") if share else (f"{lower:+.4f}", f"{-margin:+.4f}")
    within = "within" if lower >= -margin else "beyond"
    shared = f", divided by {standard.look}, for it is verdict {standard.look} on them" if standard.look > 1 else ""
    resolved = "" if standard.settings.margin is not None else f" that {rows} can resolve{shared}"
    words = f"{values}; at worst {at_worst}, {within} the margin of {limit}{resolved}"
    if lower >= -margin and not standard.is_not_inferior(paired, comparison):
        words += ", but shown to be worse"
    return words


def _named(name: str, paired: PairedScores, main: bool) -> str:
    """A check's name: the main score's, or with the metric of another."""
    name = name.format(group=paired.candidate.group)
    return name if main else f"{name}, {paired.candidate.metric}"


def _check_row_count(paired: PairedScores, standard: Standard) -> Check:
    rows, unit, needed = len(paired), paired.candidate.unit, standard.settings.min_rows
    enough = rows >= needed
    finding = f"{rows} {unit} to judge by; asked at {standard.spent:.1%} confidence"
    if standard.look > 1:
        finding += f", for it is verdict {standard.look} on these {unit}"
    if not enough:
        lacking = needed - rows
        finding = f"too few {unit} for a verdict ({rows} of {needed}): {lacking} more eval rows are needed"
    figures = {"rows": rows, "needed": needed, "look": standard.look, "confidence": standard.spent}
    return Check("enough rows", enough, finding, figures)


def _check_all_not_inferior(
    paired: PairedScores, main: bool, figures: CandidateFigures, standard: Standard, batch: Batch
) -> Iterator[Check]:
    """Over all rows, and over those that this batch of feedback has not brought: it may not vote for itself."""
    yield _check_not_inferior(_named("overall", paired, main), paired, figures, standard)
    yield _check_held_out_before(
        _named("held out before", paired, main), paired.where(paired.from_earlier_eval), figures, standard, batch
    )


def _check_not_inferior(name: str, paired: PairedScores, figures: CandidateFigures, standard: Standard) -> Check:
    check, rows = f"not inferior, {name}", len(paired)
    if figures.same_model:
        return Check(check, True, f"{name}: the same model as the champion's", {"rows": rows})
    if not rows:
        finding = f"no rows {name}: add eval data, so that a batch of feedback cannot vote for itself"
        return Check(check, False, finding, {"rows": 0}, tested=False)
    comparison = standard.compare(paired)
    passed = standard.is_not_inferior(paired, comparison)
    words = _describe(paired, comparison, standard)
    is_named = paired.candidate.statistic != "share" and name == "overall"
    finding = words if is_named else f"{name}: {words}"
    if not passed and (needed := _rows_to_tell(paired, comparison, standard)):
        finding += f" (too few rows to tell: about {needed:,} are needed)"
    return Check(check, passed, finding, comparison.figures() | {"margin": standard.margin(rows)})


def _rows_to_tell(paired: PairedScores, comparison: Comparison, standard: Standard) -> int | None:
    """How many rows like these would tell, where it is their number that is lacking. Of a few rows it says nothing:
    that they are too few is another check's word."""
    too_few = len(paired) < standard.settings.min_rows
    if too_few or paired.candidate.statistic != "share" or standard.is_within(comparison):
        return None
    return rows_needed(comparison, standard.spent, standard.margin)


def _check_held_out_before(
    name: str, paired: PairedScores, figures: CandidateFigures, standard: Standard, batch: Batch
) -> Check:
    """Strangers' rows must be shown to do no harm where they have no vote. The owner is believed, and what was
    cross-fitted has shown it already: then it is enough that these few rows do not show harm."""
    shown_elsewhere = batch.cross_fitted is not None
    is_proof_asked = standard.settings.margin is not None or (batch.strangers > 0 and not shown_elsewhere)
    if figures.same_model or is_proof_asked:
        return _check_not_inferior(name, paired, figures, standard)
    check = f"not inferior, {name}"
    if not len(paired):
        because = "what was cross-fitted speaks for it" if shown_elsewhere else "the batch is the owner's own"
        return Check(check, True, f"no rows {name}; {because}", {"rows": 0}, tested=False)
    worse = standard.is_worse(paired)
    comparison = standard.compare(paired)
    values = _describe(paired, comparison, standard).partition(";")[0]
    finding = f"{name}: {values}, {'shown' if worse else 'not shown'} to be worse"
    return Check(check, not worse, finding, comparison.figures() | {"margin": standard.margin(len(paired))})


def _check_cross_fitted(paired: PairedScores | None, figures: CandidateFigures, standard: Standard) -> Iterator[Check]:
    """What learning the batch does to older rows, by quick models: evidence where eval rows are few. It accepts nothing
    by itself, so it is asked alike every time, and of quick models a wider margin."""
    if paired is None or figures.same_model or not len(paired):
        return
    margin = CROSS_FITTED_MARGIN * resolved_margin(len(paired))
    wider = Standard(standard.settings.model_copy(update={"margin": margin}))
    comparison = wider.compare(paired)
    yield Check(
        "not inferior, cross-fitted",
        wider.is_within(comparison),
        f"older rows, by quick models learnt with the batch and without it: {_describe(paired, comparison, wider)}",
        comparison.figures() | {"margin": margin},
    )
    name = f"no {paired.candidate.group} worse, cross-fitted"
    check = _check_groups(name, paired, standard.settings, CROSS_FITTED_LEVEL)
    drawing = groups_that_draw(paired, CROSS_FITTED_LEVEL * (1 - standard.settings.confidence))
    if drawing:
        words = f"{check.finding}; significantly more rows are wrongly taken for {', '.join(drawing)}"
        check = replace(check, passed=False, finding=words, tested=True)
    yield check


def _check_better(paired: Sequence[PairedScores], answers_changed: Sequence[str]) -> Check:
    """Better at something: overall, at a new label, at out-of-scope rows, or in what it says, which rows do not measure
    and its owner has changed. That it is no worse elsewhere, and not by chance, is for the other checks to say."""
    reasons = [reason for scores in paired for reason in _gains(scores)]
    if answers_changed:
        reasons.append(f"answers changed: {', '.join(answers_changed)}")
    finding = f"better: {'; '.join(reasons)}" if reasons else "better at nothing"
    gained, lost = paired[0].balance
    figures: dict[str, float] = {"gained": gained, "lost": lost}
    if paired[0].candidate.statistic != "share":
        figures = {"difference": paired[0].candidate.value - paired[0].champion.value}
    return Check(BETTER, bool(reasons), finding, figures)


def _gains(paired: PairedScores) -> Iterator[str]:
    gained, lost = paired.balance
    difference = paired.candidate.value - paired.champion.value
    if paired.candidate.statistic == "share" and gained > lost:
        yield f"overall ({gained} {paired.candidate.unit} gained, {lost} lost)"
    if paired.candidate.statistic != "share" and difference > 0:
        yield f"{paired.candidate.metric} by {difference:+.4f}"
    out_of_scope = paired.where(np.array([name == RESERVED_LABEL for name in paired.candidate.groups], bool))
    out_gained, out_lost = out_of_scope.balance
    if out_gained > out_lost:
        yield f"out of scope ({out_gained} {paired.candidate.unit} gained, {out_lost} lost)"
    if learnt := _groups_learnt(paired):
        yield f"new {paired.candidate.group}s ({', '.join(learnt)})"


def _groups_learnt(paired: PairedScores) -> list[str]:
    """The groups that the champion cannot know and the candidate has learnt."""
    new_rows = paired.where(paired.champion.beyond).candidate
    names = np.array(new_rows.groups, object)
    right = {name: new_rows.right[names == name] for name in dict.fromkeys(new_rows.groups) if name}
    for name in paired.candidate.known_groups - paired.champion.known_groups:
        right[name] = _right_within_rows(paired.candidate, name)
    return sorted(
        name
        for name, rows in right.items()
        if len(rows) >= NEW_LABEL_ROWS and rows.sum() >= NEW_LABEL_RIGHT * len(rows)
    )


def _right_within_rows(scores: Scores, name: str) -> Flags:
    """Of the rows that belong to a group, whether all that is of the group is right."""
    counts = scores.of_group(name)[scores.in_groups([name])]
    return np.asarray((counts == counts[:, :1]).all(axis=1))


def _check_groups(name: str, paired: PairedScores, settings: GateSettings, share: float = 1.0) -> Check:
    """An exact one-sided paired test for each group; groups with few rows are asked together. `share` of the level."""
    group = paired.candidate.group
    worse = worse_groups(paired, settings.label_rows, share * (1 - settings.confidence))
    if worse.names:
        words = f"significantly worse at {', '.join(worse.names)}"
    elif not worse.tested:
        words = f"no {group} had rows enough to test"
    else:
        words = f"no {group} worse ({worse.tested} tested)"
    if worse.pooled and worse.tested and not worse.names:
        words += f"; {worse.pooled} of fewer than {settings.label_rows} rows taken together"
    figures: dict[str, float] = {"tested": worse.tested, "worse": len(worse.names), "pooled": worse.pooled}
    return Check(name, not worse.names, words, figures, tested=worse.tested > 0)


def _check_protected(protected: Sequence[Scores]) -> Check:
    rows = sum(len(scores) for scores in protected)
    wrong = sum(int((~scores.right).sum()) for scores in protected)
    finding = f"{wrong} of {rows} protected rows wrong" if wrong else f"all {rows} protected rows right"
    if not rows:
        finding = "no protected rows"
    return Check("protected rows", not wrong, finding, {"rows": rows, "wrong": wrong}, tested=rows > 0)


def _check_ratio(name: str, ratio: float, limit: float) -> Check:
    passed = ratio <= limit
    words = "at most" if passed else "more than the allowed"
    finding = f"{name} {ratio:.2f}× the champion's, {words} {limit:g}×"
    return Check(name, passed, finding, {"ratio": ratio, "limit": limit})
