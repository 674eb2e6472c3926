"""The tree of errors: every failure a person can meet, each with the exit code its command ends with.

AutoGenError                  3  it failed
├── UsageError                2  bad usage or input: nothing was changed
│   ├── ConfigError              agent.toml, or a setting, is not as it should be
│   ├── DataError                rows that cannot be read or learnt from
│   ├── ProjectNotFound          no agent.toml here
│   ├── UnknownVersion           no such version
│   ├── UnknownResponse          feedback on a response that was never given
│   ├── BaseModelError           a base model that cannot be found, read or trusted
│   └── MissingDependency        an optional part is not installed
├── Refused                   1  the check or the gate said no
├── Busy                      3  another process is learning in this project
├── StorageError              3  the disk or the database refused
├── VersionDamaged            3  a file of a version is missing or was altered
├── TrainingFailed            3  fine-tuning could not finish
├── ParityError               3  the exported model disagrees with the trained one
└── Interrupted             130  Ctrl-C; what was done so far can be resumed
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class AutoGenError(Exception):
    """Base of all errors. The message says what was expected, what was found, and what to do."""

    exit_code = 3


class UsageError(AutoGenError):
    exit_code = 2


class ConfigError(UsageError):
    pass


class DataError(UsageError):
    pass


class ProjectNotFound(UsageError):
    pass


class UnknownVersion(UsageError):
    pass


class UnknownResponse(UsageError):
    pass


class BaseModelError(UsageError):
    pass


class MissingDependency(UsageError):
    pass


class Refused(AutoGenError):
    exit_code = 1


class Busy(AutoGenError):
    pass


class StorageError(AutoGenError):
    pass


class VersionDamaged(AutoGenError):
    pass


class TrainingFailed(AutoGenError):
    pass


class ParityError(AutoGenError):
    pass


class Interrupted(AutoGenError):
    exit_code = 130


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`' Did you mean "x"?'` for the known word nearest to `word`, or an empty string."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f' Did you mean "{near[0]}"?' if near else ""
