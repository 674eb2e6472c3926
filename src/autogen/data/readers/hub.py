"""Data sets of the hub, by `owner/name` or `owner/name:split`."""

from __future__ import annotations

import re
from typing import Any

from autogen.data.problems import listed
from autogen.data.readers.columnar import INSTALL, dataset_rows, first_line
from autogen.data.rows import Row
from autogen.errors import DataError, MissingDependency

_HUB_ID = re.compile(r"(?P<name>\w[\w.-]{0,95}/\w[\w.-]{0,95})(:(?P<split>\w[\w.+:%\[\]-]{0,95}))?")


def looks_like_hub_id(source: str) -> bool:
    """Whether the text has the shape of a hub id; a relative path may have it too."""
    return _HUB_ID.fullmatch(source) is not None


def read_hub(source: str) -> list[Row]:
    """Load a data set: the split that is named, else `train`, else its only one.

    Raises DataError that says why it could not be loaded, MissingDependency without `datasets`.
    """
    match = _HUB_ID.fullmatch(source)
    if match is None:
        raise DataError(f"Expected a data set id such as owner/name:split, found {source!r}.")
    try:
        import datasets
    except ImportError:
        raise MissingDependency(
            f"No file {source!r}; as a hub data set it needs `datasets`, which is not installed: {INSTALL}"
        ) from None
    try:
        dataset = datasets.load_dataset(match["name"], split=match["split"])
        split = dataset if match["split"] else _default_split(dataset, source)
        return dataset_rows(split, source)
    except DataError:
        raise
    except Exception as error:  # from the network and other people's files anything may come
        raise DataError(
            f"No file {source!r}, and the hub data set of this name could not be loaded: "
            f"{first_line(error)}. Check the name, the split and the network, or give a file."
        ) from error


def _default_split(dataset: Any, source: str) -> Any:
    if "train" in dataset:
        return dataset["train"]
    if len(dataset) == 1:
        return next(iter(dataset.values()))
    raise DataError(
        f"{source}: expected a split named train, found {listed(map(str, dataset)) or 'none'}; "
        f"name one of them after a colon, as in {source}:test"
    )
