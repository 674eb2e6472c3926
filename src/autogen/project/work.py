"""What one run learns of one need, and the record of what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from autogen.data.fingerprints import OF_NOTHING
from autogen.project.needs import SkillNeed
from autogen.tasks.task import FeedbackOn, Fitted, Identity
from autogen.versions.manifest import ModelRecord


@dataclass(frozen=True)
class Work:
    """One need and its data, feedback included. `read`: the same as its files say, without feedback; `before`:
    fingerprints of what the weights that the fit goes on from have learnt; `feedback`: where it came from."""

    need: SkillNeed
    read: Any
    data: Any
    before: frozenset[str]
    feedback: FeedbackOn

    @cached_property
    def identity(self) -> Identity:
        identity: Identity = self.data.identity()
        return identity


def model_record(work: Work, fitted: Fitted, built: Mapping[str, Any]) -> ModelRecord:
    """Eval rows are those that the metrics are of: none where it was cross-validated."""
    identity = work.identity
    measured = not fitted.cross_validated
    return ModelRecord(
        folder=work.need.place,
        task=work.need.need.task,
        train_rows=identity.train_rows,
        train_fingerprint=identity.train,
        held_out_rows=identity.eval_rows if measured else 0,
        held_out_fingerprint=identity.eval if measured else OF_NOTHING,
        cross_validated=fitted.cross_validated,
        metrics=dict(fitted.metrics),
        training={**fitted.record, **built},
    )
