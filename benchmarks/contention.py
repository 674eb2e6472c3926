"""What a training run loses beside another one on the same processor, with and without GOMP_SPINCOUNT=1000.

libgomp's threads spin while they wait for each other. Alone that is fast; beside another busy process they burn the
time that the thread they wait for would need. `autogen` therefore sets GOMP_SPINCOUNT, and this measures what it
gains and what it costs. Rows per second of fine-tuning; beside another: the mean of two equal runs started together,
each with as many threads as there are cores. Half of the figure alone would be the ideal.

    python benchmarks/contention.py --data DIR
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

from measuring import AS_THE_COMMAND_LINE, HERE, Running, options, report, say, spread
from rows import divided, file_of, limited, read_rows, write_rows

SETTINGS: Mapping[str, Mapping[str, str]] = {
    "without": {},
    "GOMP_SPINCOUNT=1000": AS_THE_COMMAND_LINE,
}
ROWS = 2_000  # enough for a steady rate


def parse() -> argparse.Namespace:
    parser = options(__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="with train (text, label)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured, in turn")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--base-model", default="minilm")
    return parser.parse_args()


def write_files(given: argparse.Namespace, folder: Path) -> list[object]:
    rows, _ = limited(read_rows(file_of(given.data, "train")), [], given.limit or ROWS)
    held_out, train = divided(rows, 0.1, seed=0)
    held, learnt = write_rows(folder / "eval.csv", held_out), write_rows(folder / "train.csv", train)
    return ["--train", learnt, "--eval", held, "--test", held]


def rate(arguments: list[object], environment: Mapping[str, str], processes: int) -> float:
    """Rows per second of fine-tuning, the mean of so many processes at once."""
    running = [Running(HERE / "learn.py", arguments, environment) for _ in range(processes)]
    found = [one.finish().result for one in running]
    return fmean(one["rows"] * one["epochs"] / one["loop"]["seconds"] for one in found)


def main() -> None:
    given = parse()
    rates: dict[str, dict[str, list[float]]] = {name: {"alone": [], "beside": []} for name in SETTINGS}
    with tempfile.TemporaryDirectory() as folder:
        training = json.dumps({"epochs": given.epochs, "int8": False})
        arguments = [*write_files(given, Path(folder)), "--base-model", given.base_model, "--training", training]
        for number in range(given.rounds):
            for name, environment in SETTINGS.items():
                for place, processes in (("alone", 1), ("beside", 2)):
                    found = rate(arguments, environment, processes)
                    rates[name][place].append(found)
                    say(f"round {number + 1}, {name}, {place}: {found:.0f} rows/s")
    lines = [
        [name, spread(one["alone"]), spread(one["beside"]), f"{fmean(one['beside']) / fmean(one['alone']):.0%}"]
        for name, one in rates.items()
    ]
    header = ("rows/s of fine-tuning", "alone", "beside another", "kept")
    report("Training beside another training", given, header, lines, rates=rates)


if __name__ == "__main__":
    main()
