"""A report on a version: tables and pictures of what its exported model answered, as a page and as PNG files."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from autogen.errors import UsageError
from autogen.markup import DataTable
from autogen.reports.drawing import Drawing, Picture, can_draw, render, style
from autogen.storage.files import explain_os_errors, make_folder

PAGE_FILE = "index.html"
MARK_FILE = ".autogen-report"  # says that a folder is a report's, and may be replaced


@dataclass(frozen=True)
class ReportSection:
    """One model of the version. `drawings` makes the figures when they are wanted, within `drawing.style`; `training`
    is the version's record of the fit; `measured`: there were rows to ask."""

    name: str
    source: str
    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    tables: Sequence[DataTable] = ()
    training: Mapping[str, Any] = field(default_factory=dict)
    drawings: Callable[[], Iterable[Drawing]] = tuple
    measured: bool = True


@dataclass(frozen=True)
class Report:
    """`facts` head the page; `verdict` is the gate's, as kept in the manifest. In Jupyter the report shows itself."""

    title: str
    facts: Mapping[str, str]
    parts: Sequence[ReportSection]
    verdict: Mapping[str, Any] | None = None

    @cached_property
    def _pictures(self) -> dict[str, list[Picture]]:
        if not can_draw():
            return {}
        with style():
            return {part.name: [render(drawing) for drawing in part.drawings()] for part in self.parts}

    def pictures(self, part: ReportSection) -> list[Picture]:
        """Empty when matplotlib is not installed."""
        return self._pictures.get(part.name, [])

    def html(self) -> str:
        """The page: it needs no other file."""
        from autogen.reports.page import page

        return page(self)

    def save(self, folder: Path) -> Path:
        """Write the page and its pictures as PNG files; what an earlier report left in the folder goes. Returns the
        page's path. Raises UsageError where the folder holds anything else; StorageError."""
        if folder.exists() and not _may_go(folder):
            raise UsageError(f"{folder} holds files that are no report's: name a folder of its own.")
        draft = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.tmp")
        make_folder(folder.parent)
        with explain_os_errors(folder):
            try:
                draft.mkdir()
                for part in self.parts:
                    for picture in self.pictures(part):
                        (draft / f"{part.name.replace('/', '-')}-{picture.name}.png").write_bytes(picture.png)
                (draft / PAGE_FILE).write_text(self.html(), "utf-8", "xmlcharrefreplace")
                (draft / MARK_FILE).touch()
                if folder.exists():
                    shutil.rmtree(folder)
                draft.rename(folder)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        return folder / PAGE_FILE

    def _repr_html_(self) -> str:
        from autogen.reports.page import fragment

        return str(fragment(self))

    def __repr__(self) -> str:
        metrics = "; ".join(f"{p.name}: " + ", ".join(f"{n} {v:.4f}" for n, v in p.metrics.items()) for p in self.parts)
        return f"<Report {self.title}: {metrics}>"


def _may_go(folder: Path) -> bool:
    """An empty folder, or a report."""
    return folder.is_dir() and ((folder / MARK_FILE).is_file() or not any(folder.iterdir()))
