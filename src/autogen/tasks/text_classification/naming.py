"""By which name a label is known: of several spellings the usual one, and `oos` for what means out of scope."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autogen.config.settings import RESERVED_LABEL
from autogen.data.names import Spellings, name_key, plain_name


@dataclass(frozen=True)
class LabelNaming:
    """What a skill's settings `join_names` and `oos_labels` say of labels."""

    join: bool = False
    oos_labels: tuple[str, ...] = ()

    def known_as(self, labels: Sequence[str], known: Iterable[str] = ()) -> list[str]:
        """Each label by the name that it goes by. With `join` that is the spelling in `known`, else the one that most
        of the labels have."""
        usual = {**Spellings(labels).usual(), **{name_key(name): name for name in known}} if self.join else {}
        if self.join:
            usual[name_key(RESERVED_LABEL)] = RESERVED_LABEL
        outside = {name_key(name) for name in self.oos_labels}
        names = {label: self._name(label, usual, outside) for label in {*labels}}
        return [names[label] for label in labels]

    def _name(self, label: str, usual: dict[str, str], outside: set[str]) -> str:
        key = name_key(label)
        return RESERVED_LABEL if key in outside else usual.get(key, plain_name(label))


AS_WRITTEN = LabelNaming()
"""What holds where a skill says nothing else."""
