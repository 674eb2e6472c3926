"""How fast training is against transformers' `Trainer` with its defaults and SetFit, and that it costs no accuracy.

Both start from the same base model, see the same rows as often, and are measured on the same test rows, which neither
has seen; ours through its exported model. They run in turn, each in a process of its own, with the same number of
threads. Ours also measures itself on held-out rows after every epoch, and that is in its time.

    python benchmarks/training_throughput.py --data DIR [--setfit ITERATIONS]

SetFit learns from pairs: as it has no epochs over rows, each row counts once for a run. It runs in its own environment
(`make peers`).

fine-tuning: the training loop alone. from rows to weights: reading, tokenising and loading the base model too. Rows are
counted once for each epoch. Both get the GOMP_SPINCOUNT that `autogen train` sets itself: without it the Trainer would
lose many times over to whatever else the machine is doing. --peer-spins leaves it off for the Trainer, as its users run
it, which is fair on a quiet machine only.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean

from autogen.models.base_models import find_base_model
from measuring import AS_THE_COMMAND_LINE, HERE, Child, cores, options, report, run, run_peer, say, spread
from rows import divided, file_of, limited, read_rows, write_rows

OURS, PEER, SETFIT = "AutoGen", "Trainer, defaults", "SetFit"
HELD_OUT = 0.1  # of the training rows: ours calibrates with them, the peer does without
BATCH = 32
ACCURACY = "accuracy %"


def parse() -> argparse.Namespace:
    parser = options(__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="with train and dev (text, label)")
    parser.add_argument("--rounds", type=int, default=2, help="how often each runs")
    parser.add_argument("--epochs", type=int, metavar="N", help="of both; else as many as the product chooses")
    parser.add_argument("--threads", type=int, default=cores(), help="of each")
    parser.add_argument("--peer-spins", action="store_true", help="no GOMP_SPINCOUNT for the Trainer")
    parser.add_argument("--setfit", type=int, metavar="N", help="SetFit too, with N iterations")
    parser.add_argument("--base-model", default="minilm")
    return parser.parse_args()


def write_files(given: argparse.Namespace, folder: Path) -> tuple[dict[str, Path], int]:
    """train.csv, eval.csv and test.csv, and how many epochs there will be."""
    from autogen.config.training import TrainingSettings
    from autogen.tasks.text_classification.recipe import choose_recipe

    train, dev = read_rows(file_of(given.data, "train")), read_rows(file_of(given.data, "dev"))
    train, test = limited(train, dev, given.limit)
    held_out, train = divided(train, HELD_OUT, seed=0)
    recipe = choose_recipe(TrainingSettings(), [row.label for row in train], continued=False, own_head=False)
    parts = {"train": train, "eval": held_out, "test": test}
    return {
        name: write_rows(folder / f"{name}.csv", rows) for name, rows in parts.items()
    }, given.epochs or recipe.epochs


def one_round(given: argparse.Namespace, files: Mapping[str, Path], epochs: int, seed: int) -> dict[str, Child]:
    threads = {"OMP_NUM_THREADS": str(given.threads)}
    calm = {**threads, **AS_THE_COMMAND_LINE}
    both = ["--train", files["train"], "--test", files["test"]]
    training = json.dumps({"epochs": epochs, "seed": seed, "train_batch_size": BATCH})
    say(f"round {seed + 1}: {OURS}, {epochs} epochs")
    mine = [*both, "--eval", files["eval"], "--base-model", given.base_model, "--training", training]
    ours = run(HERE / "learn.py", mine, calm)
    say(f"round {seed + 1}: {PEER}, {epochs} epochs")
    base_model = find_base_model(given.base_model).source
    its = [*both, "--base-model", base_model, "--epochs", epochs, "--batch-size", BATCH, "--seed", seed]
    found = {OURS: ours, PEER: run_peer("trainer", its, threads if given.peer_spins else calm)}
    if given.setfit:
        say(f"round {seed + 1}: {SETFIT}, {given.setfit} iterations")
        its = [*both, "--base-model", base_model, "--num-iterations", given.setfit, "--seed", seed]
        found[SETFIT] = run_peer("setfit", its, threads if given.peer_spins else calm)
    return found


def figures(child: Child) -> dict[str, float]:
    found = child.result
    rows = found["rows"] * found["epochs"]
    return {
        "fine-tuning, rows/s": rows / found["loop"]["seconds"],
        "from rows to weights, rows/s": rows / found["learn"]["seconds"],
        "fine-tuning, rows/CPU-s": rows / found["loop"]["cpu"],
        "from rows to weights, rows/CPU-s": rows / found["learn"]["cpu"],
        ACCURACY: 100 * found["metrics"]["accuracy"],
        "peak memory, MB": child.peak_mb,
    }


def lines(runs: Sequence[Mapping[str, Child]]) -> list[list[str]]:
    """Per figure: each one's, and ours against each peer's."""
    every = {name: [figures(found[name]) for found in runs] for name in runs[0]}
    made = []
    for figure in every[OURS][0]:
        points = figure == ACCURACY
        values = {name: [one[figure] for one in of_name] for name, of_name in every.items()}
        ours = fmean(values[OURS])
        peers = [fmean(values[name]) for name in values if name != OURS]
        compared = [f"{ours - peer:+.2f}" if points else f"{ours / peer:.2f}×" for peer in peers]
        made.append([figure, *(spread(one, digits=1 + points) for one in values.values()), *compared])
    return made


def header(names: Iterable[str]) -> list[str]:
    return ["", *names, *(f"against {name}" for name in names if name != OURS)]


def main() -> None:
    given = parse()
    with tempfile.TemporaryDirectory() as folder:
        files, epochs = write_files(given, Path(folder))
        runs = [one_round(given, files, epochs, seed) for seed in range(given.rounds)]
    first = runs[0][OURS].result
    kept = [{name: asdict(child) for name, child in found.items()} for found in runs]
    title = f"Training: {first['rows']} rows, {epochs} epochs, {given.threads} threads, {given.rounds} rounds"
    report(f"{title}, ours in {first['precision']}", given, header(runs[0]), lines(runs), runs=kept)


if __name__ == "__main__":
    main()
