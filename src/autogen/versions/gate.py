"""The gate, a pure function: scores of champion and candidate on the same rows in, a verdict with reasons out. It
judges every task alike, and knows none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from autogen.config.project import GateSettings
from autogen.config.settings import RESERVED_LABEL
from autogen.versions.comparison import Comparison, PairedScores, compare, rows_needed, worse_groups
from autogen.versions.off_policy import ExpectedClicks
from autogen.versions.scores import Flags, Scores

NEW_LABEL_ROWS = 3  # held-out rows of a new label before learning it counts as being better
NEW_LABEL_RIGHT = 0.5
BETTER = "better at something"


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
class Check:
    """One question the gate asks, answered in words with its figures."""

    name: str
    passed: bool
    finding: str
    figures: dict[str, float]


@dataclass(frozen=True)
class Verdict:
    passed: bool
    summary: str
    rows: int
    checks: tuple[Check, ...]
    off_policy: Mapping[str, Any] = field(default_factory=dict)  # by skill; it is said, and decides nothing

    def to_json(self) -> dict[str, Any]:
        values = asdict(self)
        if not self.off_policy:
            del values["off_policy"]
        return values


def judge(
    paired: Sequence[PairedScores], protected: Sequence[Scores], figures: CandidateFigures, settings: GateSettings
) -> Verdict:
    """One need's verdict. `paired`: its scores, the main one first, on rows that neither model has learnt from;
    `protected`: the candidate's on protected rows. Every check is made and reported, also after one has failed."""
    main = paired[0]
    checks = (
        _check_row_count(main, settings),
        *(check for scores in paired for check in _check_all_not_inferior(scores, scores is main, figures, settings)),
        _check_better(paired, figures.answers_changed),
        *(_check_groups(scores, scores is main, settings) for scores in paired),
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
        summary = f"Accepted: {_summarise(main, compare(main, settings.confidence), settings)}."
    return Verdict(not failed, summary, len(main), checks)


def _summarise(paired: PairedScores, comparison: Comparison, settings: GateSettings) -> str:
    if paired.candidate.statistic == "share":
        unit = paired.candidate.unit
        return f"right on {comparison.candidate:.1%} of {comparison.rows} {unit}, champion {comparison.champion:.1%}"
    return _describe_values(paired, comparison, settings)


def _describe_values(paired: PairedScores, comparison: Comparison, settings: GateSettings) -> str:
    within = "within" if comparison.lower >= -settings.margin else "beyond"
    return (
        f"{paired.candidate.metric} {comparison.candidate:.4f} against {comparison.champion:.4f} on {comparison.rows} "
        f"{paired.candidate.unit}; at worst {comparison.lower:+.4f}, {within} the margin of {-settings.margin:+.4f}"
    )


def _describe_shares(paired: PairedScores, comparison: Comparison, settings: GateSettings) -> str:
    within = "within" if comparison.lower >= -settings.margin else "beyond"
    return (
        f"{comparison.candidate:.1%} against {comparison.champion:.1%} on {comparison.rows} {paired.candidate.unit} "
        f"({comparison.gained} gained, {comparison.lost} lost); at worst {comparison.lower:+.2%}, {within} the margin "
        f"of {-settings.margin:+.2%}"
    )


def add_expected_clicks(verdict: Verdict, skill: str, clicks: ExpectedClicks) -> Verdict:
    """The verdict, which stays as it is, with what the skill's candidate would have been clicked."""
    return replace(verdict, summary=f"{verdict.summary} {clicks.summary}", off_policy={skill: clicks.to_json()})


def reject_incomparable(reason: str) -> Verdict:
    """The verdict on a candidate that cannot be set against the champion: a no, for that reason."""
    return Verdict(False, f"Rejected: {reason}.", 0, (Check("comparable", False, reason, {}),))


def combine_verdicts(verdicts: Mapping[str, Verdict], new_skills: Sequence[str] = ()) -> Verdict:
    """One verdict of several skills': each must pass every check, but it is enough that one is better at something, for
    feedback on one skill does not better the others. A new skill, which the champion does not have, is something."""
    if len(verdicts) == 1 and not new_skills:
        return next(iter(verdicts.values()))
    better = bool(new_skills) or any(
        check.passed for verdict in verdicts.values() for check in verdict.checks if check.name == BETTER
    )
    checks = tuple(
        replace(check, name=f"{skill}: {check.name}", passed=check.passed or (better and check.name == BETTER))
        for skill, verdict in verdicts.items()
        for check in verdict.checks
    )
    failed = [f"{check.name.partition(':')[0]}: {check.finding}" for check in checks if not check.passed]
    accepted = "".join(f"New skill {skill}. " for skill in new_skills)
    accepted += "; ".join(f"{skill}: {verdict.summary}" for skill, verdict in verdicts.items() if verdict.passed)
    summary = f"Rejected: {'; '.join(failed)}." if failed else f"Accepted. {accepted}"
    off_policy = {skill: estimate for verdict in verdicts.values() for skill, estimate in verdict.off_policy.items()}
    not_told = [verdict for verdict in verdicts.values() if failed or not verdict.passed]
    words = [f"{skill}: {estimate['said']}" for verdict in not_told for skill, estimate in verdict.off_policy.items()]
    summary = " ".join([summary, *words])
    return Verdict(not failed, summary, sum(verdict.rows for verdict in verdicts.values()), checks, off_policy)


def _check_row_count(paired: PairedScores, settings: GateSettings) -> Check:
    rows, unit = len(paired), paired.candidate.unit
    enough = rows >= settings.min_rows
    finding = f"{rows} {unit} to judge by"
    if not enough:
        lacking = settings.min_rows - rows
        finding = f"too few {unit} for a verdict ({rows} of {settings.min_rows}): {lacking} more eval rows are needed"
    return Check("enough rows", enough, finding, {"rows": rows, "needed": settings.min_rows})


def _check_all_not_inferior(
    paired: PairedScores, main: bool, figures: CandidateFigures, settings: GateSettings
) -> Iterator[Check]:
    """Over all rows, and over those that this batch of feedback has not brought: it may not vote for itself."""
    suffix = "" if main else f", {paired.candidate.metric}"
    yield _check_not_inferior(f"overall{suffix}", paired, figures, settings)
    yield _check_not_inferior(f"held out before{suffix}", paired.where(paired.from_earlier_eval), figures, settings)


def _check_not_inferior(name: str, paired: PairedScores, figures: CandidateFigures, settings: GateSettings) -> Check:
    check, rows = f"not inferior, {name}", len(paired)
    if figures.same_model:
        return Check(check, True, f"{name}: the same model as the champion's", {"rows": rows})
    if not rows:
        finding = f"no rows {name}: add eval data, so that a batch of feedback cannot vote for itself"
        return Check(check, False, finding, {"rows": 0})
    comparison = compare(paired, settings.confidence)
    passed = comparison.lower >= -settings.margin
    if paired.candidate.statistic != "share":
        prefix = "" if name == "overall" else f"{name}: "
        return Check(check, passed, f"{prefix}{_describe_values(paired, comparison, settings)}", comparison.figures())
    finding = f"{name}: {_describe_shares(paired, comparison, settings)}"
    # of a few rows it says nothing: that they are too few is another check's word
    enough_rows_to_plan = not passed and comparison.rows >= settings.min_rows
    needed = rows_needed(comparison, settings.confidence, settings.margin) if enough_rows_to_plan else None
    if needed is not None:
        finding += f" (too few rows to tell: about {needed:,} are needed)"
    return Check(check, passed, finding, comparison.figures())


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


def _check_groups(paired: PairedScores, main: bool, settings: GateSettings) -> Check:
    """An exact one-sided paired test for each group with enough rows, Holm-corrected."""
    group = paired.candidate.group
    worse, tested = worse_groups(paired, settings.label_rows, 1 - settings.confidence)
    finding = f"significantly worse at {', '.join(worse)}" if worse else f"no {group} worse ({tested} tested)"
    name = f"no {group} worse" if main else f"no {group} worse, {paired.candidate.metric}"
    return Check(name, not worse, finding, {"tested": tested, "worse": len(worse)})


def _check_protected(protected: Sequence[Scores]) -> Check:
    rows = sum(len(scores) for scores in protected)
    wrong = sum(int((~scores.right).sum()) for scores in protected)
    finding = f"{wrong} of {rows} protected rows wrong" if wrong else f"all {rows} protected rows right"
    return Check("protected rows", not wrong, finding, {"rows": rows, "wrong": wrong})


def _check_ratio(name: str, ratio: float, limit: float) -> Check:
    passed = ratio <= limit
    words = "at most" if passed else "more than the allowed"
    finding = f"{name} {ratio:.2f}× the champion's, {words} {limit:g}×"
    return Check(name, passed, finding, {"ratio": ratio, "limit": limit})
