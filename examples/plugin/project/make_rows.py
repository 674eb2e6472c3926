"""The rows of this example: sentences put together by chance, the same ones each time."""

from __future__ import annotations

import csv
import random
from pathlib import Path

WORDS = {
    "glad": "happy delighted pleased thrilled grateful cheerful content amused hopeful proud".split(),
    "cross": "angry annoyed furious irritated fed-up outraged bitter grumpy offended livid".split(),
    "worried": "anxious afraid nervous uneasy scared concerned tense troubled alarmed restless".split(),
}
NEW_WORDS = {"glad": ["chuffed", "elated"], "cross": ["irate", "seething"], "worried": ["jittery", "fretful"]}
SUBJECTS = "I am|we are|my sister is|everyone here is|I feel|my neighbours are|our team is".split("|")
DEGREES = "|so|really|rather|quite|a little|very".split("|")
THINGS = (
    "about the new library|because of the train|about tomorrow|since the letter came|about the garden|with the results|"
    "because of the weather|after the meeting|about my new job|since Monday|about the move|because of the neighbours"
).split("|")
TRAIN, EVAL, NEW_IN_EVAL, CORRECTED = 40, 20, 5, 20  # rows of each sentiment


def main(folder: Path) -> None:
    """The rows to learn from and to measure on; and corrections, for words that people use and the train rows lack."""
    chance = random.Random(0)
    known = _sentences(chance, WORDS, TRAIN + EVAL)
    measured = [row for label in WORDS for row in [one for one in known if one[1] == label][:EVAL]]
    new = _sentences(chance, NEW_WORDS, NEW_IN_EVAL + CORRECTED)
    new_measured = [row for label in WORDS for row in [one for one in new if one[1] == label][:NEW_IN_EVAL]]
    _write(folder / "train.csv", [row for row in known if row not in measured])
    _write(folder / "eval.csv", [*measured, *new_measured])
    _write(folder / "corrections.csv", [row for row in new if row not in new_measured])


def _sentences(chance: random.Random, words: dict[str, list[str]], count: int) -> list[tuple[str, str]]:
    """As many of each sentiment, all different, in any order."""
    rows: dict[str, str] = {}
    for number, (label, own) in enumerate(words.items(), start=1):
        while len(rows) < number * count:
            parts = (chance.choice(SUBJECTS), chance.choice(DEGREES), chance.choice(own), chance.choice(THINGS))
            rows.setdefault(" ".join(part for part in parts if part), label)
    shuffled = list(rows.items())
    chance.shuffle(shuffled)
    return shuffled


def _write(path: Path, rows: list[tuple[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("text", "label"), *rows])


if __name__ == "__main__":
    main(Path(__file__).parent / "data")
