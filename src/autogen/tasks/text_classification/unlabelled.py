"""Texts without labels: read from any rows that have a text, and freed of what is known already or measured on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autogen.data.columns import select
from autogen.data.problems import Problem
from autogen.data.readers.files import locate, read_rows
from autogen.data.rows import Row, require_text
from autogen.data.text import normalise


@dataclass(frozen=True)
class Unlabelled:
    """The texts to learn from, each once, and what was left out of those read."""

    texts: tuple[str, ...] = ()
    read: int = 0
    duplicates: int = 0
    labelled: int = 0  # training rows already
    measured: int = 0  # held-out, set-aside or protected rows: what is measured on is never learnt from

    def without(self, train_texts: Collection[str], eval_texts: Collection[str]) -> Unlabelled:
        """The same without these texts, however they are spelt in case and white space."""
        train_keys, eval_keys = {normalise(text) for text in train_texts}, {normalise(text) for text in eval_texts}
        keys = [normalise(text) for text in self.texts]
        in_eval = sum(key in eval_keys for key in keys)
        in_train = sum(key in train_keys and key not in eval_keys for key in keys)
        texts = tuple(
            text for text, key in zip(self.texts, keys, strict=True) if key not in train_keys and key not in eval_keys
        )
        return replace(self, texts=texts, labelled=self.labelled + in_train, measured=self.measured + in_eval)

    def with_texts(self, texts: Sequence[str], read: int) -> Unlabelled:
        """With more texts, of which `read` were read."""
        known = {normalise(text): text for text in self.texts}
        before = len(known)
        for text in texts:
            known.setdefault(normalise(text), text)
        repeated = read - (len(known) - before)
        return replace(self, texts=tuple(known.values()), read=self.read + read, duplicates=self.duplicates + repeated)

    def __str__(self) -> str:
        left_out = {"duplicates": self.duplicates, "labelled already": self.labelled, "measured on": self.measured}
        why = ", ".join(f"{count:,} {name}" for name, count in left_out.items() if count)
        return f"{len(self.texts):,} of {self.read:,} texts" + (f" (left out: {why})" if why else "")


def read_unlabelled(
    folder: Path, sources: Sequence[str], columns: Mapping[str, str], max_chars: int
) -> tuple[Unlabelled, list[Problem]]:
    """The texts of several files together. Rows of a log without a text that can be used are counted, one warning a
    file; a file that cannot be read, or has no such column, is an error."""
    texts: dict[str, str] = {}
    problems: list[Problem] = []
    read = usable = 0
    for source in sources:
        rows, file_problems = read_rows(locate(source, folder))
        selected, missing = select(rows, ("text",), (), _column(rows, columns))
        file_texts, unusable = _texts(selected, max_chars)
        problems += [*file_problems, *missing, *unusable]
        read, usable = read + len(selected), usable + len(file_texts)
        for text in file_texts:
            texts.setdefault(normalise(text), text)
    return Unlabelled(tuple(texts.values()), read, usable - len(texts)), problems


def _column(rows: Sequence[Row], columns: Mapping[str, str]) -> dict[str, str]:
    """The text's column, as `columns` maps it for the training rows; a log may still call it `text`."""
    mapped = columns.get("text", "text")
    return {"text": mapped} if any(mapped in row.values for row in rows) else {}


def _texts(rows: Sequence[Row], max_chars: int) -> tuple[list[str], list[Problem]]:
    cells = [require_text(row, "text", max_chars) for row in rows]
    bad_cells = [cell for cell in cells if isinstance(cell, Problem)]
    problems = []
    if bad_cells:
        first = bad_cells[0]
        message = f"expected a text in every row, found {len(bad_cells):,} without (the first: {first.message})"
        fix = "mend them, or leave them: they are not read"
        problems.append(Problem("warning", "no-text", first.source, first.row, message, fix))
    return [cell for cell in cells if isinstance(cell, str)], problems
