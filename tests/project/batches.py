"""A champion that has much to learn, and batches of corrections for it with a colleague's wrong ones among them."""

from __future__ import annotations

import random
from pathlib import Path

from autogen import Project
from autogen.feedback.groups import Choice
from autogen.progress import TrainingProgress
from tests.tiny import rows, write_tiny_project

BAD = "eve"
GATE = "\n[gate]\nlatency_ratio = 100\nsize_ratio = 2\n"  # how fast this machine is, is not what is tested


def write_beginner(folder: Path, base_model: Path) -> Path:
    """A champion that has seen little, beside enough older rows to tell harm by."""
    write_tiny_project(folder, base_model, per_label=12, held_out=60, epochs=2)
    Project.open(folder).train(progress=TrainingProgress(quiet=True))
    config = (folder / "agent.toml").read_text("utf-8").replace("epochs = 2", "epochs = 6")
    (folder / "agent.toml").write_text(config + GATE, "utf-8")
    return folder


def give(project: Project, right: int, wrong: int) -> None:
    """The owner's right corrections, and those of a colleague who calls all a top-up, accepted unread."""
    honest = rows(right, seed=7)
    chance, taken = random.Random(5), {text for text, _ in honest}
    others = [text for text, label in rows(wrong, seed=9) if text not in taken and label != "top_up"]
    lines = [f"{text},{label},\n" for text, label in honest]
    lines += [f"{text},top_up,{BAD}\n" for text in chance.sample(others, min(wrong, len(others)))]
    (project.folder / "batch.csv").write_text("text,label,user\n" + "".join(lines), "utf-8")
    project.import_feedback(project.folder / "batch.csv")
    project.decide_all([Choice(group.id, "accept") for group in project.to_review().groups])
