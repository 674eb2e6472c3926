"""A verdict: what the gate was asked, what it answered, and why, in words and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from autogen.versions.off_policy import ExpectedClicks

BETTER = "better at something"
NOT_TAUGHT = frozenset({"latency", "size", "parity"})
"""Checks of other things than what the batch taught."""
NOT_JUDGED = frozenset({"enough rows", "comparable"})
"""Checks without which there is no judging, whatever was learnt."""


@dataclass(frozen=True)
class Check:
    """One question the gate asks, answered in words with its figures. `tested` is false where there was nothing to ask
    it of: such a check does not fail, and is no proof."""

    name: str
    passed: bool
    finding: str
    figures: dict[str, float]
    tested: bool = True


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


def failed_checks(verdict: Mapping[str, Any]) -> dict[str, list[str]]:
    """Of a verdict as JSON the names of the checks that failed, by skill; by "" where there is but one."""
    failed: dict[str, list[str]] = {}
    for check in verdict["checks"]:
        if not check["passed"]:
            skill, _, name = check["name"].rpartition(": ")
            failed.setdefault(skill, []).append(name)
    return failed


def mark_of(check: Mapping[str, Any]) -> str:
    """✓, ✗, or – of a check as JSON: passed, failed, nothing to test."""
    if not check["passed"]:
        return "✗"
    return "✓" if check.get("tested", True) else "–"


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
