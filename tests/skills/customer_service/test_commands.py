from __future__ import annotations

from pathlib import Path

from tests.cli.process import called
from tests.tasks.text_classification.learning.test_discover import write_log


def test_proposals_are_printed_and_written(untrained: Path, tmp_path: Path) -> None:
    log, target = write_log(tmp_path), tmp_path / "proposed.csv"
    result = called("discover", "-p", untrained, "--input", log, "--output", target, "--json")
    assert result.code == 0, result.err
    answer = result.json
    assert answer["proposals"] and answer["output"] == str(target)
    assert len(target.read_text("utf-8").splitlines()) == answer["rows"] + 1
    shown = called("discover", "-p", untrained, "--input", log)
    assert shown.code == 0 and "proposed intent" in shown.out
    assert answer["proposals"][0]["name"] in shown.out


def test_bad_input_is_said_in_one_line(untrained: Path, tmp_path: Path) -> None:
    log = write_log(tmp_path)
    for words in (["--min-size", "1", "--input", log], ["--input", tmp_path / "none.csv"], []):
        result = called("discover", "-p", untrained, *words)
        assert result.code == 2 and result.err.startswith("error:"), result.err
