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
from autogen.versions.off_policy import Expected
from autogen.versions.scores import Scores

NEW_LABEL_ROWS = 3  # held-out rows of a new label before learning it counts as being better
NEW_LABEL_RIGHT = 0.5
BETTER = "better at something"


@dataclass(frozen=True)
class CandidateFigures:
    """What is not counted in rows. Ratios are candidate ÷ champion."""

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
    paired: Sequence[PairedScores], protected: Sequence[Scores], measured: CandidateFigures, settings: GateSettings
) -> Verdict:
    """One need's verdict. `paired`: its scores, the main one first, on rows that neither model has learnt from;
    `protected`: the candidate's on protected rows. Every check is made and reported, also after one has failed."""
    main = paired[0]
    checks = (
        _enough(main, settings),
        *(check for scores in paired for check in _not_inferior_anywhere(scores, scores is main, measured, settings)),
        _better(paired, measured.answers_changed),
        *(_no_group_worse(scores, scores is main, settings) for scores in paired),
        _protected(protected),
        _at_most("latency", measured.latency_ratio, settings.latency_ratio),
        _at_most("size", measured.size_ratio, settings.size_ratio),
        Check(
            "parity",
            True,  # a candidate that disagrees with its trained model is never made into a version
            f"the exported model agrees with the trained one ({measured.parity_unit} within {measured.parity:.2g})",
            {"largest_difference": measured.parity},
        ),
    )
    failed = [check for check in checks if not check.passed]
    if failed:
        summary = f"Rejected: {'; '.join(check.finding for check in failed)}."
    else:
        summary = f"Accepted: {_in_short(main, compare(main, settings.confidence), settings)}."
    return Verdict(not failed, summary, len(main), checks)


def _in_short(paired: PairedScores, found: Comparison, settings: GateSettings) -> str:
    if paired.candidate.statistic == "share":
        unit = paired.candidate.unit
        return f"right on {found.candidate:.1%} of {found.rows} {unit}, champion {found.champion:.1%}"
    return _in_figures(paired, found, settings)


def _in_figures(paired: PairedScores, found: Comparison, settings: GateSettings) -> str:
    within = "within" if found.lower >= -settings.margin else "beyond"
    return (
        f"{paired.candidate.metric} {found.candidate:.4f} against {found.champion:.4f} on {found.rows} "
        f"{paired.candidate.unit}; at worst {found.lower:+.4f}, {within} the margin of {-settings.margin:+.4f}"
    )


def _in_shares(paired: PairedScores, found: Comparison, settings: GateSettings) -> str:
    within = "within" if found.lower >= -settings.margin else "beyond"
    return (
        f"{found.candidate:.1%} against {found.champion:.1%} on {found.rows} {paired.candidate.unit} "
        f"({found.gained} gained, {found.lost} lost); at worst {found.lower:+.2%}, {within} the margin of "
        f"{-settings.margin:+.2%}"
    )


def with_expected(verdict: Verdict, skill: str, found: Expected) -> Verdict:
    """The verdict, which stays as it is, with what the skill's candidate would have been clicked."""
    return replace(verdict, summary=f"{verdict.summary} {found.said}", off_policy={skill: found.to_json()})


def incomparable(reason: str) -> Verdict:
    """The verdict on a candidate that cannot be set against the champion: a no, for that reason."""
    return Verdict(False, f"Rejected: {reason}.", 0, (Check("comparable", False, reason, {}),))


def together(verdicts: Mapping[str, Verdict], new_skills: Sequence[str] = ()) -> Verdict:
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
    said = "".join(f"New skill {skill}. " for skill in new_skills)
    said += "; ".join(f"{skill}: {verdict.summary}" for skill, verdict in verdicts.items() if verdict.passed)
    summary = f"Rejected: {'; '.join(failed)}." if failed else f"Accepted. {said}"
    off_policy = {skill: one for verdict in verdicts.values() for skill, one in verdict.off_policy.items()}
    unsaid = [verdict for verdict in verdicts.values() if failed or not verdict.passed]
    words = [f"{skill}: {one['said']}" for verdict in unsaid for skill, one in verdict.off_policy.items()]
    summary = " ".join([summary, *words])
    return Verdict(not failed, summary, sum(verdict.rows for verdict in verdicts.values()), checks, off_policy)


def _enough(paired: PairedScores, settings: GateSettings) -> Check:
    rows, unit = len(paired), paired.candidate.unit
    enough = rows >= settings.min_rows
    finding = f"{rows} {unit} to judge by"
    if not enough:
        more = settings.min_rows - rows
        finding = f"too few {unit} for a verdict ({rows} of {settings.min_rows}): {more} more eval rows are needed"
    return Check("enough rows", enough, finding, {"rows": rows, "needed": settings.min_rows})


def _not_inferior_anywhere(
    paired: PairedScores, main: bool, measured: CandidateFigures, settings: GateSettings
) -> Iterator[Check]:
    """Over all rows, and over those that this batch of feedback has not brought: it may not vote for itself."""
    of = "" if main else f", {paired.candidate.metric}"
    yield _not_inferior(f"overall{of}", paired, measured, settings)
    yield _not_inferior(f"held out before{of}", paired.where(paired.held_before), measured, settings)


def _not_inferior(name: str, paired: PairedScores, measured: CandidateFigures, settings: GateSettings) -> Check:
    check, rows = f"not inferior, {name}", len(paired)
    if measured.same_model:
        return Check(check, True, f"{name}: the same model as the champion's", {"rows": rows})
    if not rows:
        finding = f"no rows {name}: add eval data, so that a batch of feedback cannot vote for itself"
        return Check(check, False, finding, {"rows": 0})
    found = compare(paired, settings.confidence)
    passed = found.lower >= -settings.margin
    if paired.candidate.statistic != "share":
        of = "" if name == "overall" else f"{name}: "
        return Check(check, passed, f"{of}{_in_figures(paired, found, settings)}", found.figures())
    finding = f"{name}: {_in_shares(paired, found, settings)}"
    # of a few rows it says nothing: that they are too few is another check's word
    few = not passed and found.rows >= settings.min_rows
    needed = rows_needed(found, settings.confidence, settings.margin) if few else None
    if needed is not None:
        finding += f" (too few rows to tell: about {needed:,} are needed)"
    return Check(check, passed, finding, found.figures())


def _better(paired: Sequence[PairedScores], answers_changed: Sequence[str]) -> Check:
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
    outside = paired.where(np.array([name == RESERVED_LABEL for name in paired.candidate.groups], bool))
    out_gained, out_lost = outside.balance
    if out_gained > out_lost:
        yield f"out of scope ({out_gained} {paired.candidate.unit} gained, {out_lost} lost)"
    if learnt := _learnt(paired):
        yield f"new {paired.candidate.group}s ({', '.join(learnt)})"


def _learnt(paired: PairedScores) -> list[str]:
    """The groups that the champion cannot know and the candidate has learnt."""
    new = paired.where(paired.champion.beyond).candidate
    names = np.array(new.groups, object)
    right = {name: new.right[names == name] for name in dict.fromkeys(new.groups) if name}
    return sorted(
        name
        for name, rows in right.items()
        if len(rows) >= NEW_LABEL_ROWS and rows.sum() >= NEW_LABEL_RIGHT * len(rows)
    )


def _no_group_worse(paired: PairedScores, main: bool, settings: GateSettings) -> Check:
    """An exact one-sided paired test for each group with enough rows, Holm-corrected."""
    group = paired.candidate.group
    worse, tested = worse_groups(paired.known, settings.label_rows, 1 - settings.confidence)
    finding = f"significantly worse at {', '.join(worse)}" if worse else f"no {group} worse ({tested} tested)"
    name = f"no {group} worse" if main else f"no {group} worse, {paired.candidate.metric}"
    return Check(name, not worse, finding, {"tested": tested, "worse": len(worse)})


def _protected(protected: Sequence[Scores]) -> Check:
    rows = sum(len(scores) for scores in protected)
    wrong = sum(int((~scores.right).sum()) for scores in protected)
    finding = f"{wrong} of {rows} protected rows wrong" if wrong else f"all {rows} protected rows right"
    return Check("protected rows", not wrong, finding, {"rows": rows, "wrong": wrong})


def _at_most(name: str, ratio: float, limit: float) -> Check:
    passed = ratio <= limit
    words = "at most" if passed else "more than the allowed"
    finding = f"{name} {ratio:.2f}× the champion's, {words} {limit:g}×"
    return Check(name, passed, finding, {"ratio": ratio, "limit": limit})
