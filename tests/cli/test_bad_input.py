"""Bad input, tried as a new user would: one clear message, the right exit code, no damage."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.process import answers, called, files_of, refused


def _write(text: str | bytes) -> Callable[[Path], object]:
    data = text.encode() if isinstance(text, str) else text
    return lambda project: (project / "data/train.csv").write_bytes(data)


def _edit(old: str, new: str) -> Callable[[Path], object]:
    def edit(project: Path) -> None:
        config = project / "agent.toml"
        text = config.read_text("utf-8")
        assert old in text
        config.write_text(text.replace(old, new), "utf-8")

    return edit


BAD_DATA = {
    "an empty file": (_write(""), "expected rows, found an empty file"),
    "a header alone": (_write("text,label\n"), "expected rows, found none"),
    "other column names": (
        _write("utterance,intent\nhello,a\nbye,b\n"),
        'columns = {text = "utterance", label = "intent"}',
    ),
    "Latin-1 bytes in UTF-8": (
        _write(b"text,label\nwo ist m\xfcller,a\nhell\xc3\xb6,b\n"),
        "expected UTF-8, found byte 0xFC",
    ),
    "one label only": (_write("text,label\n" + "".join(f"row {n},one\n" for n in range(9))), "at least two labels"),
    "10,000 labels": (
        _write("text,label\n" + "".join(f"row {n},label {n}\n" for n in range(10_000))),
        "found 10000 different ones in 10000 rows",
    ),
    "a missing file": (lambda project: (project / "data/train.csv").unlink(), "expected a file, found none"),
}


@pytest.mark.parametrize("case", BAD_DATA)
def test_data_that_cannot_be_learnt_from_is_refused(project: Path, case: str) -> None:
    spoil, words = BAD_DATA[case]
    spoil(project)
    before = files_of(project)
    checked = called("check", "-p", project, "--json")
    assert checked.code == 1
    assert words in " ".join(problem["message"] + problem["fix"] for problem in _problems(checked.json))
    refused(called("evaluate", "-p", project), 2, "data/train.csv", words)
    assert files_of(project) == before


def _problems(report: dict[str, dict[str, dict[str, list[dict[str, str]]]]]) -> list[dict[str, str]]:
    return report["skills"]["support"]["problems"]


def test_train_refuses_what_check_refuses_and_the_project_still_answers(project: Path) -> None:
    _write("utterance,intent\nhello,a\nbye,b\n")(project)
    refused(called("train", "-p", project, "--json"), 2, 'columns = {text = "utterance", label = "intent"}')
    assert answers(project)


def test_an_unreadable_training_file_is_not_blamed_on_every_label_of_the_eval_data(project: Path) -> None:
    _write("")(project)
    report = called("check", "-p", project, "--json").json
    assert [problem["kind"] for problem in _problems(report) if problem["severity"] == "error"] == ["empty-file"]


BAD_CONFIG = {
    "a misspelt section": (_edit("[skills.support.training]", "[skills.support.trainin]"), ["trainin", '"training"']),
    "a misspelt key": (_edit("epochs", "epocs"), ["training.epocs", 'Did you mean "epochs"?']),
    "a misspelt data key": (_edit("eval =", "evl ="), ["evl", 'Did you mean "eval"?']),
    "a misspelt type": (_edit("customer-service", "customer-servise"), ['Did you mean "customer-service"?']),
    "a number that is none": (_edit("learning_rate = 5e-3", 'learning_rate = "fast"'), ["learning_rate", "'fast'"]),
    "a number out of range": (_edit("learning_rate = 5e-3", "learning_rate = -1"), ["learning_rate", "-1"]),
    "no TOML": (_edit("[agent]", "[agent"), ["agent.toml", "not valid TOML"]),
    "no skill": (_edit("[skills.support", "[gate.support"), ["agent.toml"]),
}


@pytest.mark.parametrize("case", BAD_CONFIG)
def test_a_wrong_project_file_is_named_with_what_was_meant(untrained: Path, case: str) -> None:
    spoil, words = BAD_CONFIG[case]
    spoil(untrained)
    before = files_of(untrained)
    refused(called("check", "-p", untrained, "--json"), 2, *words)
    assert files_of(untrained) == before


NO_PROJECT = (
    *("check", "train", "evaluate", "chat", "serve", "improve", "review", "versions", "promote", "rollback"),
    *("feedback list", "feedback export", "feedback import --input x.csv", "predict --input x.csv --output y.csv"),
)


def test_a_folder_without_a_project_is_refused_by_every_command_and_stays_empty(tmp_path: Path) -> None:
    for words in NO_PROJECT:
        refused(called(*words.split(), "-p", tmp_path, "--json"), 2, "agent.toml", str(tmp_path))
        assert not list(tmp_path.iterdir()), words


def test_a_project_that_nothing_was_trained_in_says_what_to_run(untrained: Path) -> None:
    for words in ("evaluate", "chat", "serve", "improve", "predict --input data/eval.csv --output y.csv"):
        refused(called(*words.split(), "-p", untrained, "--json"), 2, "autogen train")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("evaluate --version 9", "Expected one of the versions 0001; found '9'"),
        ("promote --version ²", "Expected one of the versions 0001"),
        ("versions --show 0009", "Expected one of the versions 0001"),
        ("evaluate --skill suport", 'Did you mean "support"?'),
        ("evaluate --data nothing.csv", "nothing.csv: expected a file, found none"),
        ("predict --input nothing.csv --output y.csv", "nothing.csv: expected a file"),
        ("predict --input agent.toml --output y.csv", "expected .csv"),
        ("predict --input data/eval.csv --output y.xls", "ending in .csv, .tsv, .jsonl, .json"),
        ("predict --input data/eval.csv", "--output"),
        ("serve --port 99999", "--port"),
        ("serve --port eight", "--port"),
        ("serve --host 0.0.0.0", "AUTOGEN_API_KEY"),
        ("train --resume", "Expected an interrupted training"),
        ("chatt", "chatt"),
        ("check --jsn", "--jsn"),
        ("init .", "Nothing was changed"),
        ("init new --template bank", "Templates: customer-service"),
        ("models install minilmm", "minilm"),
    ],
)
def test_wrong_words_on_the_command_line_are_bad_usage(trained: Path, words: str, says: str) -> None:
    refused(called(*words.split(), cwd=trained), 2, says)


def test_an_output_that_cannot_be_written_fails_and_leaves_what_was_there(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file").write_text("mine", "utf-8")
    for target in (tmp_path / "folder.csv", tmp_path / "file/answered.csv"):
        result = called("predict", "-p", trained, "--input", trained / "data/eval.csv", "--output", target)
        refused(result, 3, str(target))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.csv"]
    assert (tmp_path / "file").read_text("utf-8") == "mine"


def test_predict_names_every_row_without_a_text(trained: Path, tmp_path: Path) -> None:
    source = tmp_path / "asked.csv"
    source.write_text('text,id\n"",1\nhello,2\n"  ",3\n', "utf-8")
    result = called("predict", "-p", trained, "--input", source, "--output", tmp_path / "y.csv")
    refused(result, 2, "row 2", "row 4")
    assert not (tmp_path / "y.csv").exists()


MODEL = ".autogen/versions/0001/models/support/intent/model.onnx"
MANIFEST = ".autogen/versions/0001/manifest.json"


def _alter(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a missing file": (lambda project: (project / MODEL).unlink(), "model.onnx is missing"),
    "an altered file": (lambda project: _alter(project / MODEL), "model.onnx was altered"),
    "a missing manifest": (lambda project: (project / MANIFEST).unlink(), "manifest.json is missing"),
    "an altered manifest": (lambda project: (project / MANIFEST).write_text("{", "utf-8"), "manifest"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_version_never_answers(project: Path, case: str) -> None:
    damage, words = DAMAGE[case]
    damage(project)
    for answering in ("chat", "evaluate", "serve --port 0"):
        refused(called(*answering.split(), "-p", project, "--json", typed="hello\n"), 3, "0001", words)
    doctor = called("doctor", "-p", project, "--json")
    if case != "a missing manifest":  # without one the folder is no version
        assert doctor.code == 1
        assert not doctor.json["ok"]


def test_a_lost_alias_is_mended_by_promote(project: Path) -> None:
    (project / ".autogen/champion.json").write_text("{}", "utf-8")
    refused(called("chat", "-p", project), 3, "autogen promote --version V")
    assert called("promote", "-p", project, "--version", "1", "--json").json == {"champion": "0001", "before": None}
    assert answers(project)


def test_a_version_without_manifest_does_not_block_the_next_number(project: Path) -> None:
    from autogen.versions.registry import Versions

    versions = Versions(project)
    shutil.copytree(versions.folder / "0001", versions.folder / "0002")
    (versions.folder / "0002/manifest.json").unlink()
    assert versions.names() == ["0001"]
    assert versions.next_name() == "0003"
