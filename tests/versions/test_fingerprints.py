from __future__ import annotations

from typing import Any

from autogen.versions.fingerprints import EVAL_ROWS_FILE, count_looks, write_fingerprints
from autogen.versions.registry import Versions
from tests.versions.conftest import FAILED, PASSED, manifest

MODEL = "models/support/intent"


def judge_on(versions: Versions, rows: range, **values: Any) -> None:
    """One more version, which was measured on these rows."""
    with versions.draft() as draft:
        (draft / MODEL).mkdir(parents=True)
        write_fingerprints(draft / MODEL / EVAL_ROWS_FILE, [f"{row:016x}" for row in rows])
        versions.publish(draft, manifest(versions.next_name(), **values))


def look(versions: Versions, rows: range) -> int:
    return count_looks(versions, MODEL, [f"{row:016x}" for row in rows])


def test_verdicts_on_largely_the_same_rows_are_counted(versions: Versions) -> None:
    assert look(versions, range(100)) == 1
    judge_on(versions, range(100))
    assert look(versions, range(100)) == 1, "the first version was not judged"
    for verdict in (FAILED, PASSED):
        judge_on(versions, range(100), verdict={**verdict, "rows": 100})
    assert look(versions, range(100)) == look(versions, range(50, 150)) == 3
    assert look(versions, range(51, 151)) == 1, "most of these rows are new"
    judge_on(versions, range(60, 150), verdict={**PASSED, "rows": 90})
    assert look(versions, range(51, 151)) == 2
    assert count_looks(versions, "models/films/ranking", ["0"]) == 1 == count_looks(versions, MODEL, [])


def test_what_could_not_be_compared_was_no_look(versions: Versions) -> None:
    judge_on(versions, range(100), verdict={**FAILED, "rows": 0})
    assert look(versions, range(100)) == 1


def test_a_verdict_on_too_few_rows_was_no_look(versions: Versions) -> None:
    judge_on(versions, range(40), verdict={**FAILED, "rows": 40})
    rows = [f"{row:016x}" for row in range(45)]
    assert [count_looks(versions, MODEL, rows, fewest) for fewest in (40, 50)] == [2, 1]
