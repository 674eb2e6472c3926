"""Makes the data files of the `customer-service` template from BANKING77 and CLINC150.

Three files of `text,label`: `train.csv` to learn from, `eval.csv` to measure on (with queries labelled `oos`
that a bank cannot answer), `customers.csv` for what customers ask later. No text is in two of them, and the
same input always gives the same bytes.

    python benchmarks/make_template.py --data DIR
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

TRAIN_ROWS = 20  # of each intent
EVAL_ROWS = 15  # at most, of each intent, and no more than EVAL_SHARE of what training left
EVAL_SHARE = 0.6
CUSTOMER_ROWS = 14  # at most, of each intent
OUT_OF_SCOPE = "oos"
SEED = 0

# An out-of-scope query with a word that begins like this could pass for a question to a bank.
BANK_WORDS = re.compile(
    r"\b(account|atm|balance|bank|bill|card|cash|compan|credit|crypto|currenc|debit|deposit|dollar|earning|exchange|fee"
    r"|fund|identity|invest|loan|money|mortgage|passcode|pay|pin|price|purchase|refund|save|saving|stock"
    r"|transaction|transfer|withdraw)|\$"
)
# Two rows that are no query at all.
NOISE = frozenset({"king of acid", "suo2"})

TEMPLATE_DATA = Path(__file__).parents[1] / "src/autogen/templates/customer-service/data"


class Row(NamedTuple):
    text: str
    label: str


def read_rows(path: Path) -> list[Row]:
    """The rows of a file, runs of white space in their text made one space."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines if line.strip()]
    return [Row(" ".join(record["text"].split()), record["label"]) for record in records]


def normalised(text: str) -> str:
    """The words of a text: two texts that differ only in case or punctuation count as one."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def distinct(rows: Iterable[Row]) -> list[Row]:
    """The first row of each normalised text; none of a text that has two labels, or no words."""
    by_words: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_words[normalised(row.text)].append(row)
    return [same[0] for words, same in by_words.items() if words and len({row.label for row in same}) == 1]


def split(rows: list[Row], rng: random.Random) -> dict[str, list[Row]]:
    """The rows of each file: those of each intent are shuffled and dealt out."""
    by_label: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_label[row.label].append(row)
    files: dict[str, list[Row]] = {"train": [], "eval": [], "customers": []}
    for label in sorted(by_label):
        shuffled = rng.sample(by_label[label], len(by_label[label]))
        rest = shuffled[TRAIN_ROWS:]
        held_out = min(EVAL_ROWS, int(EVAL_SHARE * len(rest)))
        files["train"] += shuffled[:TRAIN_ROWS]
        files["eval"] += rest[:held_out]
        files["customers"] += rest[held_out : held_out + CUSTOMER_ROWS]
    return files


def out_of_scope(rows: Iterable[Row]) -> list[Row]:
    """The out-of-scope rows that nobody would ask a bank."""
    return [
        row
        for row in rows
        if row.label == OUT_OF_SCOPE and row.text not in NOISE and not BANK_WORDS.search(row.text.casefold())
    ]


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Row._fields)
        writer.writerows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the data files of the customer-service template.")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="of banking77/ and clinc150/")
    parser.add_argument("--output", type=Path, default=TEMPLATE_DATA, metavar="DIR", help="the files go here")
    arguments = parser.parse_args()

    rng = random.Random(SEED)
    banking, clinc = arguments.data / "banking77", arguments.data / "clinc150"
    files = split(distinct(read_rows(banking / "train.jsonl.gz") + read_rows(banking / "dev.jsonl.gz")), rng)
    files["eval"] += out_of_scope(distinct(read_rows(clinc / "dev.jsonl.gz")))

    arguments.output.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        rng.shuffle(rows)
        write_rows(arguments.output / f"{name}.csv", rows)
        print(f"{name}.csv: {len(rows)} rows, {len({row.label for row in rows})} labels")


if __name__ == "__main__":
    main()
