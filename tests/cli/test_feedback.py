"""feedback import, export, list; review: from a file into the project, and settled by a person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cli.process import autogen, called, refused
from tests.tiny import TOPICS, write_csv


def _corrections(folder: Path) -> Path:
    file = folder / "corrections.csv"
    file.write_text(
        "text,label,user,comment\n"
        "swap my dollar today please,exchange_rate,,as the teller said\n"
        "gone wallet about the help,top_up,ann,\n"
        "payback refund returned,refund,,\n",
        "utf-8",
    )
    return file


def _waiting(project: Path, *words: str) -> dict[str, Any]:
    review = autogen("review", "-p", project, "--json", *words).json
    return {item["text"]: item for item in review["waiting"]}


def test_import_list_and_export_give_everything_back(project: Path, tmp_path: Path) -> None:
    imported = autogen("feedback", "import", "-p", project, "--input", _corrections(tmp_path), "--json")
    assert imported.json == {"imported": 3, "already_known": 0}
    assert "1 row of other people" in imported.err and "autogen review" in imported.err
    listed = autogen("feedback", "list", "-p", project, "--json").json["feedback"]
    assert [entry["comment"] for entry in listed] == ["as the teller said", None, None]
    assert [entry["user"] for entry in listed] == [None, "ann", None]
    target = tmp_path / "all.csv"
    exported = autogen("feedback", "export", "-p", project, "--output", target, "--json")
    assert exported.json == {"rows": 3, "output": str(target)}
    lines = [json.loads(line) for line in autogen("feedback", "export", "-p", project).out.splitlines()]
    assert [line["id"] for line in lines] == [entry["id"] for entry in listed]
    assert len(autogen("feedback", "export", "-p", project, "--json").json["feedback"]) == 3
    again = autogen("feedback", "import", "-p", project, "--input", target, "--json")
    assert again.json == {"imported": 0, "already_known": 3}


def test_review_accepts_relabels_and_drops(project: Path, tmp_path: Path) -> None:
    doubtful = [(f"{word} gone wallet about", "top_up", "ann") for word in ("stolen", "lost", "freeze")]
    file = tmp_path / "strangers.csv"
    file.write_text("text,label,user\n" + "".join(",".join(row) + "\n" for row in doubtful), "utf-8")
    autogen("feedback", "import", "-p", project, "--input", file)
    waiting = _waiting(project)
    assert set(waiting) == {text for text, *_ in doubtful}
    assert {item["champion_says"] for item in waiting.values()} == {"lost_card"}
    accepted, relabelled, dropped = (waiting[text]["feedback_id"] for text, *_ in doubtful)
    words = ("--accept", accepted, "--relabel", f"{relabelled}=lost_card", "--drop", dropped)
    settled = autogen("review", "-p", project, "--json", *words).json
    assert settled == {"settled": 3, "waiting": [], "groups": [], "corrections_of_held_out": []}
    exported = [json.loads(line) for line in autogen("feedback", "export", "-p", project).out.splitlines()]
    assert [entry["decision"] for entry in exported] == ["accept", "relabel", "drop"]
    assert exported[1]["decided_label"] == "lost_card"


def test_a_label_with_too_few_rows_waits(project: Path, tmp_path: Path) -> None:
    autogen("feedback", "import", "-p", project, "--input", _corrections(tmp_path))
    item = _waiting(project)["payback refund returned"]
    assert item["reason"] == "new-label"
    shown = autogen("review", "-p", project)
    assert "1 of 5 rows" in " ".join(shown.out.split())


def test_wrong_decisions_are_refused(project: Path) -> None:
    refused(called("review", "-p", project, "--accept", "fb-0"), 2, 'No feedback has the id "fb-0"')
    refused(called("review", "-p", project, "--relabel", "fb-0"), 2, "--relabel ID=LABEL")


def test_a_malformed_row_keeps_the_whole_file_out(project: Path, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text(
        '{"text": "post it", "label": "card_arrival"}\n{"text": "", "label": "top_up"}\n{"text": \n', "utf-8"
    )
    refused(called("feedback", "import", "-p", project, "--input", file), 2, "row 2", "row 3")
    assert autogen("feedback", "list", "-p", project, "--json").json == {"feedback": []}


def test_missing_files_and_folders_are_named(project: Path, tmp_path: Path) -> None:
    refused(called("feedback", "import", "-p", project, "--input", tmp_path / "no.csv"), 2, "no.csv")
    write_csv(tmp_path / "empty.csv", [])
    refused(called("feedback", "import", "-p", project, "--input", tmp_path / "empty.csv"), 2, "found none")
    refused(called("feedback", "export", "-p", project, "--output", tmp_path / "all.xls"), 2, ".csv, .tsv or .jsonl")
    refused(called("feedback", "export", "-p", project, "--output", tmp_path / "no/all.csv"), 3, "no/all.csv")


def test_corrections_of_held_out_rows_are_counted_in_review_and_improve(project: Path) -> None:
    text, label = (project / "data/eval.csv").read_text("utf-8").splitlines()[1].split(",")
    other = "lost_card" if label != "lost_card" else "top_up"
    corrections = write_csv(project / "corrections.csv", [(text, other)])
    assert called("feedback", "import", "-p", project, "--input", corrections).code == 0
    assert "1 correction is of a held-out row" in called("review", "-p", project).out
    (listed,) = called("review", "-p", project, "--json").json["corrections_of_held_out"]
    assert (listed["message"], listed["label"]) == (text, other)
    refused(called("improve", "-p", project), 1, "No feedback to learn from", "1 correction is of a held-out row")
    write_csv(corrections, [("freeze my wallet robbed today", "lost_card")])
    assert called("feedback", "import", "-p", project, "--input", corrections).code == 0
    assert called("improve", "-p", project, "--json").json["corrections_of_held_out"] == 1


def test_labels_that_are_no_intents_yet_are_said(project: Path, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "rows.csv", [("my card is lost", "lost_card"), ("a loan please", "loans")])
    result = autogen("feedback", "import", "-p", project, "--input", file, "--json")
    assert result.json == {"imported": 2, "already_known": 0}
    assert "no intents yet: loans." in result.err


def test_feedback_is_taken_in_though_the_champion_is_damaged(project: Path, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "rows.csv", [("a loan please", "loans")])
    next((project / ".autogen/versions/0001").rglob("model.onnx")).write_bytes(b"broken")
    result = autogen("feedback", "import", "-p", project, "--input", file, "--json")
    assert (result.code, result.json) == (0, {"imported": 1, "already_known": 0})


def _strangers(project: Path, folder: Path, rows: list[tuple[str, str]]) -> None:
    file = folder / "strangers.csv"
    file.write_text("text,label,user\n" + "".join(f"{text},{label},ann\n" for text, label in rows), "utf-8")
    autogen("feedback", "import", "-p", project, "--input", file)


def test_review_settles_a_group_at_a_stroke_and_an_item_of_it_otherwise(project: Path, tmp_path: Path) -> None:
    invented = [(f"a loan of {number} euro", "loan") for number in range(6)]
    _strangers(project, tmp_path, [*invented, ("gone wallet about", "lost_card")])
    review = autogen("review", "-p", project, "--json").json
    by_label = {group["proposed_label"]: group for group in review["groups"]}
    assert by_label["loan"]["rows"] == 6 and by_label["loan"]["title"] == 'a new label, "loan"'
    group, item = by_label["loan"]["id"], by_label["loan"]["feedback"][0]
    shown = autogen("review", "-p", project, "--group", group, "--json").json
    assert [entry["text"] for entry in shown["waiting"]] == [text for text, _ in invented]
    words = ("--accept", group, "--drop", item, "--relabel", f"{by_label['lost_card']['id']}=card_arrival")
    assert autogen("review", "-p", project, *words, "--json").json["settled"] == 7
    exported = [json.loads(line) for line in autogen("feedback", "export", "-p", project).out.splitlines()]
    assert [entry["decision"] for entry in exported] == ["drop", *["accept"] * 5, "relabel"]
    refused(called("review", "-p", project, "--accept", group), 2, "No group that waits", "autogen review")


def test_a_group_without_labels_cannot_be_accepted_and_nothing_is_settled(project: Path, tmp_path: Path) -> None:
    file = tmp_path / "rated.csv"
    file.write_text("text,label,rating,user\nmy card,,down,ann\ngone wallet,lost_card,,ann\n", "utf-8")
    autogen("feedback", "import", "-p", project, "--input", file)
    groups = autogen("review", "-p", project, "--json").json["groups"]
    words = [word for group in groups for word in ("--accept", group["id"])]
    refused(called("review", "-p", project, *words), 2, "names no label")
    assert len(_waiting(project)) == 2


def test_review_shows_groups_with_what_speaks_against_them(project: Path, tmp_path: Path) -> None:
    rows = [(f"{word} now by order of the moon", "top_up") for words in TOPICS.values() for word in words[:6]]
    _strangers(project, tmp_path, rows)
    shown = " ".join(autogen("review", "-p", project).out.split())
    assert "24 waiting" in shown and "The first 20" in shown and "autogen review --group ID" in shown
    (group,) = autogen("review", "-p", project, "--json").json["groups"]
    assert "by order of the" in group["title"] and group["rows"] == 24


def test_feedback_is_dropped_by_user_source_or_time_and_can_be_taken_back(project: Path, tmp_path: Path) -> None:
    autogen("feedback", "import", "-p", project, "--input", _corrections(tmp_path))
    refused(called("feedback", "drop", "-p", project), 2, "--user, --source or --since")
    refused(called("feedback", "drop", "-p", project, "--source", "fax"), 2, "http, python")
    refused(called("feedback", "drop", "-p", project, "--since", "yesterday"), 2, "2026-11-28T09:30")
    dropped = autogen("feedback", "drop", "-p", project, "--user", "ann", "--json").json
    assert dropped == {"dropped": 1, "versions": []}
    assert autogen("feedback", "drop", "-p", project, "--user", "ann", "--json").json["dropped"] == 0
    assert "gone wallet about the help" not in _waiting(project)
    entry = autogen("feedback", "list", "-p", project, "--json").json["feedback"][1]
    autogen("review", "-p", project, "--accept", entry["id"])
    since = entry["created_at"].replace(" ", "T")
    shown = autogen("feedback", "drop", "-p", project, "--source", "import", "--since", since)
    assert "Dropped 3 feedback" in shown.out and "takes one back" in shown.out


def test_versions_that_learnt_from_what_is_dropped_or_forgotten_are_named(project: Path, tmp_path: Path) -> None:
    autogen("feedback", "import", "-p", project, "--input", _corrections(tmp_path))
    ids = [entry["id"] for entry in autogen("feedback", "list", "-p", project, "--json").json["feedback"]]
    file = project / ".autogen/versions/0001/manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | {"feedback": ids}), "utf-8")
    assert "0001" in autogen("feedback", "drop", "-p", project, "--user", "ann").out
    page = project / ".autogen/reports/0001/report.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("<td>gone wallet about the help</td>", "utf-8")
    target = tmp_path / "ann.jsonl"
    words = ("feedback", "forget", "-p", project, "--user", "ann", "--output", target)
    before = autogen(*words, "--dry-run", "--json").json
    assert (before["feedback"], before["erased"], before["versions"]) == (1, False, ["0001"])
    assert before["reports"] == [str(page)]
    assert json.loads(target.read_text("utf-8"))["message"] == "gone wallet about the help"
    shown = autogen(*words)
    assert "Erased 0 responses and 1 feedback of ann" in shown.out and "Out of reach" in shown.out
    assert "ann" not in autogen("feedback", "export", "-p", project).out
    assert autogen(*words, "--json").json["feedback"] == 0


def test_an_erasure_whose_export_cannot_be_written_erases_nothing(project: Path, tmp_path: Path) -> None:
    autogen("feedback", "import", "-p", project, "--input", _corrections(tmp_path))
    words = ("feedback", "forget", "-p", project, "--user", "ann", "--output", tmp_path / "no/ann.jsonl")
    refused(called(*words), 3, "no/ann.jsonl")
    assert len(autogen("feedback", "list", "-p", project, "--json").json["feedback"]) == 3
