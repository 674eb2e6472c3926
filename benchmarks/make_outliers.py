"""Make the packaged outliers of text classification: texts that are out of scope for almost every project.

Most are of our own making (outliers/*.txt: a heading for each kind; {names} stand for the words of lists.toml), with
gibberish drawn at random from the same words. A sample of Microsoft's small talk (MIT) joins them: two thirds of what
people say in each language, its groups; every third group is held back, whole, for benchmarks/out_of_scope.py.

    python benchmarks/make_outliers.py --small-talk DIR
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from measuring import say

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "outliers"
OUTPUT = HERE.parent / "src/autogen/tasks/text_classification/outliers/outliers.jsonl.gz"
LANGUAGES = ("en", "zh", "de", "es", "fr", "it")
FILLINGS = 2  # of each template
SMALL_TALK = {"en": 5, "zh": 4}  # of each group
SMALL_TALK_ELSEWHERE = 2
GIBBERISH = {"en": 60, "zh": 40}
GIBBERISH_ELSEWHERE = 12
LONGEST = 120  # characters
HELD_BACK = 3  # every so-manieth group of small talk is not shipped
SEED = 0
KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


class Outlier(NamedTuple):
    text: str
    kind: str
    lang: str


def is_held_back(group: int) -> bool:
    """Whether a group of small talk is not shipped, so that it measures."""
    return group % HELD_BACK == 0


def read_small_talk(folder: Path) -> Iterator[tuple[str, int, str]]:
    """Language, group and text of every row."""
    with gzip.open(folder / "train.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield row["lang"], row["group"], row["text"]


def own_texts(lang: str, chance: random.Random) -> Iterator[Outlier]:
    words: dict[str, list[str]] = tomllib.loads((SOURCES / "lists.toml").read_text("utf-8")).get(lang, {})
    kind = ""
    for line in (SOURCES / f"{lang}.txt").read_text("utf-8").splitlines():
        if line.startswith("# "):
            kind = line[2:]
        elif line:
            for text in dict.fromkeys(filled(line, words, chance) for _ in range(FILLINGS)):
                yield Outlier(text, kind, lang)


def filled(template: str, words: dict[str, list[str]], chance: random.Random) -> str:
    return re.sub(r"{(\w+)}", lambda place: chance.choice(words[place[1]]), template)


def small_talk(lang: str, folder: Path, chance: random.Random) -> Iterator[Outlier]:
    groups: defaultdict[int, list[str]] = defaultdict(list)
    for row_lang, group, text in read_small_talk(folder):
        if row_lang == lang and not is_held_back(group) and len(text) <= LONGEST:
            groups[group].append(text)
    for _, texts in sorted(groups.items()):
        for text in chance.sample(texts, min(len(texts), SMALL_TALK.get(lang, SMALL_TALK_ELSEWHERE))):
            yield Outlier(text, "small talk", lang)


def gibberish(lang: str, texts: list[str], chance: random.Random) -> Iterator[Outlier]:
    """Keys, letters, digits, and words without a sentence, each as often as the others."""
    words = list("".join(texts)) if lang == "zh" else [word for text in texts for word in text.split()]
    join = "" if lang == "zh" else " "
    makers = (
        lambda: join.join(chance.choices(words, k=chance.randint(2, 8))),
        lambda: "".join(chance.choices(chance.choice(KEYBOARD), k=chance.randint(3, 9))),
        lambda: " ".join(
            "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=4)) for _ in range(chance.randint(1, 3))
        ),
        lambda: "".join(chance.choices("0123456789 -./", k=chance.randint(3, 12))).strip() or "0",
        lambda: join.join([chance.choice(words)] * chance.randint(3, 6)),
        lambda: chance.choice(words) + chance.choice("?!.,…") * chance.randint(1, 5),
    )
    for number in range(GIBBERISH.get(lang, GIBBERISH_ELSEWHERE)):
        yield Outlier(makers[number % len(makers)](), "gibberish", lang)


def outliers(folder: Path) -> list[Outlier]:
    rows: list[Outlier] = []
    for lang in LANGUAGES:
        chance = random.Random(f"{SEED}/{lang}")
        own = list(own_texts(lang, chance))
        rows += [*own, *small_talk(lang, folder, chance), *gibberish(lang, [row.text for row in own], chance)]
    return list({(row.text, row.lang): row for row in rows}.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small-talk", type=Path, required=True, metavar="DIR")
    rows = outliers(parser.parse_args().small_talk)
    lines = "".join(json.dumps(row._asdict(), ensure_ascii=False) + "\n" for row in rows)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_bytes(gzip.compress(lines.encode("utf-8"), mtime=0))
    say(f"{len(rows)} texts, {OUTPUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
