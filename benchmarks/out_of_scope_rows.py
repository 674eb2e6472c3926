"""The projects of out_of_scope.py, and the texts that they should decline: far ones from other sets and of kinds that
are not packaged, near ones of intents that were left out."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from make_outliers import is_held_back, read_small_talk
from rows import OUT_OF_SCOPE, Row, divided, first_of_each

HERE = Path(__file__).resolve().parent
NEAR_SHARE = 1 / 3  # of the labels that are left out
MOST_NEAR, MOST_TEST, MOST_FAR = 200, 400, 200
LEAST_ROWS = 8  # of a label
CLINC_DOMAINS = ("banking", "travel", "home", "utility", "small_talk")


class TrialProject(NamedTuple):
    name: str
    lang: str
    train: list[Row]
    test: list[Row]
    near: list[str]  # of the same domain, by intents that are not in train
    far: Mapping[str, list[str]]  # by where they come from


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def helpdesk() -> list[Row]:
    """A telecom helpdesk, 12 intents of 20 rows, written for this benchmark."""
    rows, label = [], ""
    for line in (HERE / "helpdesk/rows.txt").read_text("utf-8").splitlines():
        if line.startswith("# "):
            label = line[2:]
        elif line:
            rows.append(Row(line, label))
    return rows


def everyday() -> list[str]:
    """Thirty messages that no helpdesk should answer."""
    return (HERE / "helpdesk/everyday.txt").read_text("utf-8").splitlines()


def _rasa(path: Path) -> list[Row]:
    """The examples of a Rasa project's nlu.yml, entities as plain text; without its intent `out_of_scope`, which would
    teach what is to be declined."""
    rows, label = [], ""
    for line in path.read_text("utf-8").splitlines():
        if heading := re.match(r"\s*- (intent|lookup|regex|synonym): (\S+)", line):
            label = heading[2] if heading[1] == "intent" and heading[2] != "out_of_scope" else ""
        elif label and (example := re.match(r"\s+- (.+)", line)):
            rows.append(Row(re.sub(r"\[([^\]]*)\](\([^)]*\)|{[^}]*})", r"\1", example[1]).strip('" '), label))
    return rows


def _train_and_test(name: str, data: Path) -> tuple[list[Row], list[Row]]:
    if name == "helpdesk":
        return divided(helpdesk(), 0.75, 0)
    if name == "rasa":
        return divided(_rasa(data / "rasa_projects/helpdesk-assistant/data/nlu.yml"), 0.75, 0)
    if name == "nlupp_banking":
        return _nlupp(data / name)
    if name == "restaurant8k":
        return tuple(_slots(data / name / f"{part}.jsonl.gz") for part in ("train", "test"))  # type: ignore[return-value]
    if name.startswith("clinc150 "):
        parts = [_lines(data / f"clinc150/{part}.jsonl.gz") for part in ("train", "dev")]
        domain = name.removeprefix("clinc150 ")
        return tuple([Row(r["text"], r["label"]) for r in part if r["domain"] == domain] for part in parts)  # type: ignore[return-value]
    folder, text, label = {
        "atis": ("atis", "text", "intent"),
        "smp2017": ("smp2017_ecdt_zh", "text", "label"),
        "bank_faq": ("bank_faq", "question", "label"),
    }[name]
    return tuple(  # type: ignore[return-value]
        [Row(row[text], row[label]) for row in _lines(data / folder / f"{part}.jsonl.gz")] for part in ("train", "dev")
    )


def _nlupp(folder: Path) -> tuple[list[Row], list[Row]]:
    """Several intents a row: its rarest is its label. The first 15 of 20 folds are train."""
    rows = [row for row in _lines(folder / "all.jsonl.gz") if row["intents"]]
    counts = Counter(intent for row in rows for intent in row["intents"])
    labelled = [
        (row["fold"], Row(row["text"], min(row["intents"], key=lambda name: (counts[name], name)))) for row in rows
    ]
    return [row for fold, row in labelled if fold < 15], [row for fold, row in labelled if fold >= 15]


def _slots(path: Path) -> list[Row]:
    """What is told, such as date+time, as the label of a restaurant's caller."""
    named = [(row["text"], sorted({slot["slot"] for slot in row["labels"]})) for row in _lines(path)]
    return [Row(text, "+".join(slots)) for text, slots in named if slots]


def project(name: str, data: Path, rows_of_each: int | None, seed: int = 0) -> TrialProject:
    """A third of the labels is left out; of the others `rows_of_each` rows, or all."""
    train, test = _train_and_test(name, data)
    train = [Row(text, label) for text, label in dict(train).items()]
    counts = Counter(row.label for row in train)
    labels = sorted(label for label, count in counts.items() if count >= LEAST_ROWS)
    chance = random.Random(f"{name}/{seed}")
    left_out = set(chance.sample(labels, max(1, int(NEAR_SHARE * len(labels))))) - {counts.most_common(1)[0][0]}
    kept = set(labels) - left_out
    near = [row.text for row in [*test, *train] if row.label in left_out]
    learnt = [row for row in train if row.label in kept]
    test = [row for row in test if row.label in kept]
    return TrialProject(
        name=name,
        lang="zh" if name == "smp2017" else "en",
        train=first_of_each(learnt, rows_of_each, seed) if rows_of_each else learnt,
        test=chance.sample(test, min(MOST_TEST, len(test))),
        near=chance.sample(near, min(MOST_NEAR, len(near))),
        far=_far(name, data),
    )


def _far(name: str, data: Path) -> dict[str, list[str]]:
    chance = random.Random(1)
    lang = "zh" if name == "smp2017" else "en"
    talk = [
        text
        for row_lang, group, text in read_small_talk(data / "small_talk")
        if (row_lang, is_held_back(group)) == (lang, True)
    ]
    texts = {"small talk": talk}
    if lang == "en":
        clinc = [row for part in ("train", "dev") for row in _lines(data / f"clinc150/{part}.jsonl.gz")]
        texts["clinc oos"] = [row["text"] for row in clinc if row["label"] == OUT_OF_SCOPE]
        texts["open questions"] = [row["text"] for row in _lines(data / "open_questions/train.jsonl.gz")]
        domain = name.removeprefix("clinc150 ")
        if domain != name:
            texts["other domains"] = [row["text"] for row in clinc if row["domain"] not in (domain, OUT_OF_SCOPE)]
    return {source: chance.sample(rows, min(MOST_FAR, len(rows))) for source, rows in texts.items()}


def texts_of(rows: Sequence[Row]) -> list[str]:
    return [row.text for row in rows]
