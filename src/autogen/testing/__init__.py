"""Contract tests: `check_task` and `check_skill` tell whether a task or a skill is as AutoGen expects it, our own and
those of other packages, as scikit-learn's `check_estimator` does for estimators.

Each raises an AssertionError that says what was expected, what was found, and which part of the contract says so.
"""

from autogen.testing.skills import check_skill
from autogen.testing.tasks import check_task

__all__ = ["check_skill", "check_task"]
