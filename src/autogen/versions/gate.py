"""The gate, a pure function: per-row outcomes of champion and candidate in, a verdict with reasons out.

Statistics: the paired difference of two proportions with the adjusted Wald interval of Agresti & Min (2005, "Simple
improved confidence intervals for comparing matched proportions"), exact McNemar tests per label (scipy's binomial
test) with Holm's correction.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import fmean, stdev
from typing import Any

from scipy.stats import binomtest, norm

from autogen.config.project import GateSettings
from autogen.config.settings import RESERVED_LABEL
from autogen.versions.off_policy import Estimate

NEW_LABEL_ROWS = 3  # held-out rows of a new label before learning it counts as being better
NEW_LABEL_RIGHT = 0.5
BETTER = "better at something"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row that neither model has learnt from: who answered it rightly, rejection included."""

    label: str
    champion: bool
    candidate: bool
    held_before: bool = True  # held out before this batch of feedback came
    new_label: bool = False  # the champion does not know the label
    protected: bool = False


@dataclass(frozen=True)
class Measured:
    """What is not counted in rows. Ratios are candidate ÷ champion."""

    latency_ratio: float
    size_ratio: float
    parity: float  # largest difference of a logit between the trained and the exported candidate
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


@dataclass(frozen=True)
class Expected:
    """Clicks per answer that candidate and champion would have got on the same logged answers, and by how much the
    candidate is better, with its 95 % interval."""

    candidate: Estimate
    champion: Estimate
    difference: tuple[float, tuple[float, float]]

    @property
    def said(self) -> str:
        if not (self.candidate.enough and self.champion.enough):
            few = min(self.candidate, self.champion, key=lambda one: one.agreeing_clicks)
            return f"Off-policy, clicks per answer: {few.said}."
        better, (low, high) = self.difference
        return (
            f"Off-policy, clicks per answer: {self.candidate.said}, champion {self.champion.said}, difference "
            f"{better:+.3f} ({low:+.3f} to {high:+.3f}), on {self.candidate.answers} answers; it decides nothing."
        )

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"candidate": self.candidate.to_json(), "champion": self.champion.to_json()}
        if self.candidate.enough and self.champion.enough:
            found["difference"] = {"clicks_per_answer": self.difference[0], "interval": self.difference[1]}
        return {"said": self.said, **found}


@dataclass(frozen=True)
class Comparison:
    """Candidate against champion on the same rows; shares in 0–1."""

    rows: int
    champion: float
    candidate: float
    gained: int
    lost: int
    lower: float  # one-sided lower bound of candidate − champion

    @property
    def difference(self) -> float:
        return self.candidate - self.champion


def compare(outcomes: Sequence[Outcome], confidence: float) -> Comparison:
    """Paired comparison. The bound adds half a row to each cell of the 2×2 table: that keeps it honest for few rows."""
    rows = len(outcomes)
    gained = sum(o.candidate and not o.champion for o in outcomes)
    lost = sum(o.champion and not o.candidate for o in outcomes)
    return Comparison(
        rows=rows,
        champion=sum(o.champion for o in outcomes) / max(rows, 1),
        candidate=sum(o.candidate for o in outcomes) / max(rows, 1),
        gained=gained,
        lost=lost,
        lower=paired_bounds(gained, lost, rows, confidence)[0],
    )


def paired_bounds(gained: int, lost: int, rows: int, confidence: float) -> tuple[float, float]:
    """The one-sided lower and upper bounds of a paired difference of shares, each at `confidence`."""
    difference = (gained - lost) / (rows + 2)
    spread = ((gained + lost + 1) - (gained - lost) ** 2 / (rows + 2)) ** 0.5 / (rows + 2)
    reach = float(norm.ppf(confidence)) * spread
    return difference - reach, difference + reach


def judge(outcomes: Sequence[Outcome], measured: Measured, settings: GateSettings) -> Verdict:
    """Every check is made and reported, also after one has failed."""
    judged = [outcome for outcome in outcomes if not outcome.protected]
    known = [outcome for outcome in judged if not outcome.new_label]
    checks = (
        _enough(judged, settings),
        _not_inferior("overall", judged, measured, settings),
        _not_inferior("held out before", [o for o in judged if o.held_before], measured, settings),
        _better(judged, measured.answers_changed),
        _labels(known, settings),
        _protected([outcome for outcome in outcomes if outcome.protected]),
        _at_most("latency", measured.latency_ratio, settings.latency_ratio),
        _at_most("size", measured.size_ratio, settings.size_ratio),
        Check(
            "parity",
            True,  # a candidate that disagrees with its trained model is never made into a version
            f"the exported model agrees with the trained one (logits within {measured.parity:.2g})",
            {"largest_difference": measured.parity},
        ),
    )
    failed = [check for check in checks if not check.passed]
    passed = not failed
    if passed:
        overall = compare(judged, settings.confidence)
        summary = f"Accepted: right on {overall.candidate:.1%} of {overall.rows} rows, champion {overall.champion:.1%}."
    else:
        summary = f"Rejected: {'; '.join(check.finding for check in failed)}."
    return Verdict(passed, summary, len(judged), checks)


def judge_ranking(
    candidate: Sequence[float], champion: Sequence[float], measured: Measured, settings: GateSettings
) -> Verdict:
    """As `judge`, for rankings: the gain (NDCG@10, 0–1) of each query, by candidate and by champion, in pairs."""
    rows = len(candidate)
    differences = [now - was for now, was in zip(candidate, champion, strict=True)]
    difference = fmean(differences) if rows else 0.0
    spread = stdev(differences) / rows**0.5 if rows > 1 else 1.0
    lower = difference - float(norm.ppf(settings.confidence)) * spread
    means = (fmean(candidate), fmean(champion)) if rows else (0.0, 0.0)
    within = "within" if lower >= -settings.margin else "beyond"
    compared = (
        f"ndcg_at_10 {means[0]:.4f} against {means[1]:.4f} on {rows} queries; at worst {lower:+.4f}, {within} the "
        f"margin of {-settings.margin:+.4f}"
    )
    figures = {"rows": rows, "candidate": means[0], "champion": means[1], "lower_bound": lower}
    better = difference > 0 or bool(measured.answers_changed)
    said = f"better: ndcg_at_10 by {difference:+.4f}" if difference > 0 else "better at nothing"
    if measured.answers_changed:
        said = f"better: answers changed: {', '.join(measured.answers_changed)}"
    enough = rows >= settings.min_rows
    needed = f"{rows} queries to judge by" + ("" if enough else f" (of {settings.min_rows} needed): more eval data")
    checks = (
        Check("enough rows", enough, needed, {"rows": rows, "needed": settings.min_rows}),
        Check("not inferior, overall", lower >= -settings.margin or measured.same_model, compared, figures),
        Check(BETTER, better, said, {"difference": difference}),
        _at_most("latency", measured.latency_ratio, settings.latency_ratio),
        _at_most("size", measured.size_ratio, settings.size_ratio),
    )
    failed = [check for check in checks if not check.passed]
    words = f"Rejected: {'; '.join(check.finding for check in failed)}." if failed else f"Accepted: {compared}."
    return Verdict(not failed, words, rows, checks)


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


def _enough(outcomes: Sequence[Outcome], settings: GateSettings) -> Check:
    rows = len(outcomes)
    enough = rows >= settings.min_rows
    finding = f"{rows} rows to judge by"
    if not enough:
        more = settings.min_rows - rows
        finding = f"too few rows for a verdict ({rows} of {settings.min_rows}): {more} more eval rows are needed"
    return Check("enough rows", enough, finding, {"rows": rows, "needed": settings.min_rows})


def _not_inferior(name: str, outcomes: Sequence[Outcome], measured: Measured, settings: GateSettings) -> Check:
    if measured.same_model:
        return Check(
            f"not inferior, {name}", True, f"{name}: the same model as the champion's", {"rows": len(outcomes)}
        )
    if not outcomes:
        finding = f"no rows {name}: add eval data, so that a batch of feedback cannot vote for itself"
        return Check(f"not inferior, {name}", False, finding, {"rows": 0})
    found = compare(outcomes, settings.confidence)
    passed = found.lower >= -settings.margin
    finding = (
        f"{name}: {found.candidate:.1%} against {found.champion:.1%} on {found.rows} rows "
        f"({found.gained} gained, {found.lost} lost); at worst {found.lower:+.2%}, "
        f"{'within' if passed else 'beyond'} the margin of {-settings.margin:+.2%}"
    )
    # of a few rows it says nothing: that they are too few is another check's word
    needed = None if passed or found.rows < settings.min_rows else rows_needed(found, settings)
    if needed is not None:
        finding += f" (too few rows to tell: about {needed:,} are needed)"
    return Check(f"not inferior, {name}", passed, finding, _figures(found))


def rows_needed(found: Comparison, settings: GateSettings) -> int | None:
    """How many rows like these would show that the candidate is not inferior; None where no number (within a million)
    would, because it is."""
    gained, lost = found.gained / found.rows, found.lost / found.rows
    rows = found.rows
    while rows < 1_000_000:
        rows += max(1, rows // 100)
        if paired_bounds(round(gained * rows), round(lost * rows), rows, settings.confidence)[0] >= -settings.margin:
            return rows
    return None


def _better(outcomes: Sequence[Outcome], answers_changed: Sequence[str]) -> Check:
    """Better at something: overall, at a new label, at out-of-scope rows, or in what it says, which rows do not measure
    and its owner has changed. That it is no worse elsewhere, and not by
    chance, is for the other checks to say."""
    reasons = []
    gained, lost = _balance(outcomes)
    if gained > lost:
        reasons.append(f"overall ({gained} rows gained, {lost} lost)")
    out_gained, out_lost = _balance([o for o in outcomes if o.label == RESERVED_LABEL])
    if out_gained > out_lost:
        reasons.append(f"out of scope ({out_gained} rows gained, {out_lost} lost)")
    learnt = _learnt(outcomes)
    if learnt:
        reasons.append(f"new labels ({', '.join(learnt)})")
    if answers_changed:
        reasons.append(f"answers changed: {', '.join(answers_changed)}")
    finding = f"better: {'; '.join(reasons)}" if reasons else "better at nothing"
    return Check(BETTER, bool(reasons), finding, {"gained": gained, "lost": lost})


def _balance(outcomes: Iterable[Outcome]) -> tuple[int, int]:
    counts = Counter((outcome.candidate, outcome.champion) for outcome in outcomes)
    return counts[True, False], counts[False, True]


def _learnt(outcomes: Sequence[Outcome]) -> list[str]:
    new: dict[str, list[bool]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.new_label:
            new[outcome.label].append(outcome.candidate)
    enough = {label: right for label, right in new.items() if len(right) >= NEW_LABEL_ROWS}
    return sorted(label for label, right in enough.items() if sum(right) >= NEW_LABEL_RIGHT * len(right))


def _labels(outcomes: Sequence[Outcome], settings: GateSettings) -> Check:
    """Exact one-sided McNemar test for each label with enough rows, Holm-corrected."""
    by_label: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_label[outcome.label].append(outcome)
    tested = {label: rows for label, rows in by_label.items() if len(rows) >= settings.label_rows}
    chances = {label: _chance_of_loss(*_balance(rows)) for label, rows in tested.items()}
    worse = holm(chances, 1 - settings.confidence)
    finding = f"significantly worse at {', '.join(worse)}" if worse else f"no label worse ({len(tested)} tested)"
    return Check("no label worse", not worse, finding, {"tested": len(tested), "worse": len(worse)})


def _chance_of_loss(gained: int, lost: int) -> float:
    return float(binomtest(lost, gained + lost, 0.5, alternative="greater").pvalue) if gained + lost else 1.0


def holm(chances: dict[str, float], level: float) -> list[str]:
    """The names whose p-values are significant at `level` after Holm's step-down correction."""
    ordered = sorted(chances, key=lambda name: chances[name])
    found = []
    for at, name in enumerate(ordered):
        if chances[name] > level / (len(ordered) - at):
            break
        found.append(name)
    return found


def _protected(outcomes: Sequence[Outcome]) -> Check:
    wrong = sum(not outcome.candidate for outcome in outcomes)
    finding = (
        f"{wrong} of {len(outcomes)} protected rows wrong" if wrong else f"all {len(outcomes)} protected rows right"
    )
    return Check("protected rows", not wrong, finding, {"rows": len(outcomes), "wrong": wrong})


def _at_most(name: str, ratio: float, limit: float) -> Check:
    passed = ratio <= limit
    words = "at most" if passed else "more than the allowed"
    finding = f"{name} {ratio:.2f}× the champion's, {words} {limit:g}×"
    return Check(name, passed, finding, {"ratio": ratio, "limit": limit})


def _figures(found: Comparison) -> dict[str, float]:
    return {
        "rows": found.rows,
        "champion": found.champion,
        "candidate": found.candidate,
        "difference": found.difference,
        "lower_bound": found.lower,
        "gained": found.gained,
        "lost": found.lost,
    }
