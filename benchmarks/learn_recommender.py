"""One recommender trained through `Project` and measured through its exported model, in a process of its own: the last
line of stdout is a JSON object with its metrics, their intervals and what training said of itself.

    python benchmarks/learn_recommender.py --train train.csv --items items.jsonl --eval eval.csv
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from autogen.project import Project


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True, metavar="FILE")
    parser.add_argument("--items", type=Path, metavar="FILE", help="else items are known from events only")
    parser.add_argument("--eval", type=Path, required=True, metavar="FILE")
    parser.add_argument("--epochs", type=int, metavar="N")
    given = parser.parse_args()
    files = {"interactions": given.train, "items": given.items, "eval": given.eval}
    lines = [f"{name} = {json.dumps(str(path.resolve()))}" for name, path in files.items() if path]
    training = f"training = {{epochs = {given.epochs}}}\n" if given.epochs else ""
    with tempfile.TemporaryDirectory() as folder:
        text = '[agent]\nname = "benchmark"\n[skills.items]\ntype = "recommendation"\n'
        (Path(folder) / "agent.toml").write_text(text + "\n".join(lines) + "\n" + training, "utf-8")
        project = Project.open(folder)
        manifest = project.train()
        found = project.evaluate().skills["items"]
        record = manifest.skills["items"].models["items"]
        result = {"metrics": found.metrics, "intervals": found.intervals, "training": record.training}
        print(json.dumps({**result, "baselines": found.baselines}))


if __name__ == "__main__":
    main()
