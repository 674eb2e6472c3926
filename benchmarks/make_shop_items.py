"""Make the catalogue of the template `shop` from the products of Amazon's Retail Demo Store: what says nothing of a
product is dropped, and its id is cut short. Nothing there is ever sold out, so some products are here, drawn by
chance: simulated.

python benchmarks/make_shop_items.py --data DIR --output src/autogen/templates/shop/data/items.jsonl.gz
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from pathlib import Path

KEPT = ("id", "name", "category", "style", "description", "price", "gender_affinity", "current_stock")
SOLD_OUT = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="with items.jsonl.gz")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    given = parser.parse_args()
    with gzip.open(given.data / "items.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    kept = [{name: row[name] for name in KEPT if row.get(name) not in (None, "")} for row in rows]
    for row in kept:
        row["id"] = f"p-{row['id'][:8]}"  # a letter first: a spreadsheet would read "5e674500" as a number
    if len({row["id"] for row in kept}) < len(kept):
        raise SystemExit("expected ids that differ in their first eight letters, found some that do not")
    for row in random.Random(0).sample(kept, SOLD_OUT):
        row["current_stock"] = 0
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in kept]
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_bytes(gzip.compress("".join(lines).encode(), mtime=0))
    print(f"{len(kept)} products, {SOLD_OUT} of them sold out")


if __name__ == "__main__":
    main()
