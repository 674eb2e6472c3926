"""Parquet files, frames and data sets: rows that already have types."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from autogen.data.problems import Problem, listed
from autogen.data.rows import Row
from autogen.errors import MissingDependency
from autogen.installation import install_extra

INSTALL = install_extra("learn")


def read_parquet(data: bytes, source: str) -> tuple[list[Row], list[Problem]]:
    """The rows of a Parquet file, numbered from 1. Raises MissingDependency without pyarrow."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise MissingDependency(f"Reading Parquet needs pyarrow, which is not installed: {INSTALL}") from None
    try:
        table = parquet.ParquetFile(io.BytesIO(data)).read()
        repeated = repeated_columns(table.column_names, source)
        return (_number_rows(table.to_pylist(), source), []) if not repeated else ([], repeated)
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        message = f"expected a whole Parquet file, found: {first_line(error)}"
        return [], [Problem("error", "broken-parquet", source, None, message, "write or copy it again")]


def frame_rows(frame: Any, source: str) -> tuple[list[Row], list[Problem]]:
    """The rows of a pandas or polars frame; pandas' several kinds of nothing all become None."""
    repeated = repeated_columns(map(str, frame.columns), source)
    if repeated:
        return [], repeated
    if hasattr(frame, "to_dicts"):
        return _number_rows(frame.to_dicts(), source), []
    table = frame.astype(object)
    return _number_rows(table.where(frame.notna(), None).to_dict("records"), source), []


def dataset_rows(dataset: Any, source: str) -> list[Row]:
    """The rows of a `datasets.Dataset`, with class numbers replaced by their names."""
    features = dataset.features or {}
    class_names = {column: names for column, feature in features.items() if (names := _class_names(feature))}
    untyped = dataset.with_format(None)  # not tensors, whatever the data set was last used for
    return _number_rows((_replace_numbers(values, class_names) for values in untyped), source)


def repeated_columns(names: Iterable[str], source: str) -> list[Problem]:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if not repeated:
        return []
    message = f"expected each column once, found {listed(repeated)} more than once"
    return [Problem("error", "duplicate-header", source, None, message, "rename or delete one of them")]


def _number_rows(values: Iterable[Mapping[Any, object]], source: str) -> list[Row]:
    return [
        Row({str(name): value for name, value in row.items()}, source, number)
        for number, row in enumerate(values, start=1)
    ]


def _replace_numbers(values: Mapping[str, object], class_names: Mapping[str, list[str]]) -> dict[str, object]:
    return {**values, **{column: _name(values[column], names) for column, names in class_names.items()}}


def _class_names(feature: Any) -> list[str]:
    """The names of a ClassLabel, or of the ClassLabel that a list feature holds; empty for anything else."""
    names = getattr(feature, "names", None)
    if names is None and hasattr(feature, "feature"):
        return _class_names(feature.feature)
    return list(names or [])


def _name(value: object, names: list[str]) -> object:
    if isinstance(value, list):
        return [_name(item, names) for item in value]
    if isinstance(value, int):
        return names[value] if 0 <= value < len(names) else None  # -1 is how data sets write "no label"
    return value


def first_line(error: Exception) -> str:
    """What a library says went wrong, without its lists and traces."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
