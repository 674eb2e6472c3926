"""Make the data of the template `recommendation` from MovieTweetings: the events of some users, and their films.

python benchmarks/make_film_template.py --data DIR --output src/autogen/templates/recommendation/data
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import random
from collections.abc import Sequence
from pathlib import Path

SHARE = 0.35  # of the users


def read(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: Sequence[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["user", "item", "rating", "timestamp"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="with train, dev and items")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    given = parser.parse_args()
    train, dev = read(given.data / "train.csv.gz"), read(given.data / "dev.csv.gz")
    users = sorted({row["user"] for row in train})
    chosen = set(random.Random(0).sample(users, round(SHARE * len(users))))
    train, dev = ([row for row in rows if row["user"] in chosen] for rows in (train, dev))
    known = {row["item"] for row in (*train, *dev)}
    given.output.mkdir(parents=True, exist_ok=True)
    write(given.output / "interactions.csv", train)
    write(given.output / "eval.csv", dev)
    with gzip.open(given.data / "items.jsonl.gz", "rt", encoding="utf-8") as file:
        items = [item for line in file if (item := json.loads(line))["id"] in known]
    with (given.output / "items.jsonl").open("w", encoding="utf-8") as file:
        for item in items:
            row = {"item": item["id"], "title": item["title"], "year": item["year"], "genres": item["genres"]}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    print(f"{len(train)} events and {len(dev)} held out, of {len(chosen)} users; {len(items)} films")


if __name__ == "__main__":
    main()
