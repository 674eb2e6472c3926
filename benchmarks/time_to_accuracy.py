"""How much time it takes to reach an accuracy: AutoGen, transformers' `Trainer` with its defaults, and SetFit.

Each point of the curve is a training of its own, from rows to weights, with so many epochs (or SetFit's iterations) and
a schedule made for them: what somebody pays who stops there. Measured on the same test rows, which none has seen.

    python benchmarks/time_to_accuracy.py --data DIR --picture docs/pictures/time-to-accuracy.png

SetFit runs in its own environment (`make peers`); the picture needs matplotlib (the development extra has it).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from autogen.models.base_models import find_base_model
from measuring import AS_THE_COMMAND_LINE, HERE, Child, cores, options, report, run, run_peer, say
from rows import divided, file_of, limited, read_rows, write_rows

OURS, TRAINER, SETFIT = "AutoGen", "Trainer, defaults", "SetFit"
HELD_OUT = 0.1

Curve = list[tuple[int, Child]]


def numbers(text: str) -> list[int]:
    return [int(one) for one in text.split(",") if one]


def parse() -> argparse.Namespace:
    parser = options(__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="with train and dev (text, label)")
    parser.add_argument("--epochs", type=numbers, default=[1, 2, 3, 5], metavar="N,N", help="of ours")
    parser.add_argument("--trainer-epochs", type=numbers, default=[1, 3, 6, 12], metavar="N,N")
    parser.add_argument("--setfit-iterations", type=numbers, default=[1, 2], metavar="N,N", help="empty: without it")
    parser.add_argument("--aim", type=float, default=90.0, help="the accuracy to be reached, in percent")
    parser.add_argument("--threads", type=int, default=cores(), help="of each")
    parser.add_argument("--base-model", default="minilm")
    parser.add_argument("--picture", type=Path, metavar="PNG")
    return parser.parse_args()


def write_files(given: argparse.Namespace, folder: Path) -> dict[str, Path]:
    train, dev = read_rows(file_of(given.data, "train")), read_rows(file_of(given.data, "dev"))
    train, test = limited(train, dev, given.limit)
    held_out, learnt = divided(train, HELD_OUT, seed=0)
    parts = {"train": learnt, "eval": held_out, "test": test}
    return {name: write_rows(folder / f"{name}.csv", rows) for name, rows in parts.items()}


def curves(given: argparse.Namespace, files: Mapping[str, Path]) -> dict[str, Curve]:
    calm = {"OMP_NUM_THREADS": str(given.threads), **AS_THE_COMMAND_LINE}
    both = ["--train", files["train"], "--test", files["test"]]
    base = find_base_model(given.base_model).source

    def ours(epochs: int) -> Child:
        mine = ["--eval", files["eval"], "--base-model", given.base_model, "--training", json.dumps({"epochs": epochs})]
        return run(HERE / "learn.py", [*both, *mine], calm)

    def trainer(epochs: int) -> Child:
        return run_peer("trainer", [*both, "--base-model", base, "--epochs", epochs], calm)

    def setfit(iterations: int) -> Child:
        return run_peer("setfit", [*both, "--base-model", base, "--num-iterations", iterations], calm)

    asked = (
        (OURS, ours, given.epochs),
        (TRAINER, trainer, given.trainer_epochs),
        (SETFIT, setfit, given.setfit_iterations),
    )
    found: dict[str, Curve] = {}
    for name, training, amounts in asked:
        for amount in amounts:
            say(f"{name}: {amount}")
            found.setdefault(name, []).append((amount, training(amount)))
    return found


def accuracy(child: Child) -> float:
    return 100 * float(child.result["metrics"]["accuracy"])


def lines(found: Mapping[str, Curve], aim: float) -> list[list[str]]:
    rows = []
    for name, curve in found.items():
        for amount, child in curve:
            spent = child.result["learn"]
            reached = "yes" if accuracy(child) >= aim else ""
            rows.append(
                [
                    f"{name}, {amount}",
                    f"{spent['cpu']:.0f}",
                    f"{spent['seconds']:.0f}",
                    f"{accuracy(child):.1f}",
                    reached,
                ]
            )
    return rows


def draw(found: Mapping[str, Curve], aim: float, path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.2), dpi=150)
    for name, curve in found.items():
        cpu = [child.result["learn"]["cpu"] for _, child in curve]
        axes.plot(cpu, [accuracy(child) for _, child in curve], marker="o", label=name)
    axes.axhline(aim, color="grey", linewidth=0.8, linestyle="--")
    axes.set_xscale("log")
    axes.set_xlabel("CPU-seconds from rows to weights")
    axes.set_ylabel("accuracy on rows never seen, %")
    axes.grid(alpha=0.3, which="both")
    axes.legend(loc="lower right")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def main() -> None:
    given = parse()
    with tempfile.TemporaryDirectory() as folder:
        found = curves(given, write_files(given, Path(folder)))
    header: Sequence[str] = ("", "CPU-s", "seconds", "accuracy %", f"at least {given.aim:g} %")
    kept = {name: [{"amount": amount, **asdict(child)} for amount, child in curve] for name, curve in found.items()}
    report(f"Time to accuracy, {given.threads} threads", given, header, lines(found, given.aim), curves=kept)
    if given.picture:
        draw(found, given.aim, given.picture)


if __name__ == "__main__":
    main()
