"""The benchmark scripts start, and one of them runs from rows to a result."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny import rows, write_csv

FOLDER = Path(__file__).parents[2] / "benchmarks"
SHARED = {"measuring.py", "out_of_scope_rows.py", "rows.py"}
SCRIPTS = sorted(path for path in FOLDER.rglob("*.py") if path.name not in SHARED and ".venv" not in path.parts)


def script(path: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(path), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(FOLDER)))
def test_every_script_says_how_it_is_run(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In this process, which has imported torch once."""
    monkeypatch.setattr(sys, "argv", [str(path), "--help"])
    monkeypatch.syspath_prepend(str(path.parent))
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(path), run_name="__main__")
    assert ended.value.code == 0
    assert "usage:" in capsys.readouterr().out


@pytest.mark.slow
def test_accuracy_is_measured_on_rows_that_training_never_saw(tmp_path: Path, tiny_base_model: Path) -> None:
    labelled = rows(per_label=25, seed=3)
    by_label = [labelled[at : at + 25] for at in range(0, 100, 25)]
    write_csv(tmp_path / "train.csv", [row for group in by_label for row in group[:15]])
    write_csv(tmp_path / "dev.csv", [row for group in by_label for row in group[15:]])
    out = tmp_path / "result.json"

    done = script(FOLDER / "banking77.py", "--data", tmp_path, "--base-model", tiny_base_model, "--json", out)

    assert done.returncode == 0, done.stderr
    assert "| AutoGen" in done.stdout
    runs = json.loads(out.read_text("utf-8"))["runs"]["AutoGen"]
    assert [run["result"]["rows"] for run in runs] == [60, 60]
    assert [run["result"]["held_out_rows"] for run in runs] == [20, 20]  # the other half of dev
    assert all(run["result"]["metrics"]["accuracy"] > 0.5 and run["cpu"] > 0 for run in runs)
