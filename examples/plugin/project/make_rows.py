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
SUBJECTS = "I am|we are|my sister is|everyone here is|I feel|my neighbours are|our team is".split("|")
DEGREES = "|so|really|rather|quite|a little|very".split("|")
THINGS = (
    "about the new library|because of the train|about tomorrow|since the letter came|about the garden|with the results|"
    "because of the weather|after the meeting|about my new job|since Monday|about the move|because of the neighbours"
).split("|")
TRAIN, EVAL = 40, 25  # rows of each sentiment


def main(folder: Path) -> None:
    chance = random.Random(0)
    rows: dict[str, str] = {}
    for label, words in WORDS.items():
        wanted = len(rows) + TRAIN + EVAL
        while len(rows) < wanted:
            parts = (chance.choice(SUBJECTS), chance.choice(DEGREES), chance.choice(words), chance.choice(THINGS))
            rows.setdefault(" ".join(part for part in parts if part), label)
    listed = list(rows.items())
    chance.shuffle(listed)
    measured = [row for label in WORDS for row in [one for one in listed if one[1] == label][:EVAL]]
    _write(folder / "train.csv", [row for row in listed if row not in measured])
    _write(folder / "eval.csv", measured)


def _write(path: Path, rows: list[tuple[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("text", "label"), *rows])


if __name__ == "__main__":
    main(Path(__file__).parent / "data")
