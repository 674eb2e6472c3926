"""HTML from words that are never trusted: whatever goes into it is escaped here, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape


class Markup(str):
    """HTML that is safe as it is. Everything else is text, and is escaped."""

    __slots__ = ()


def text(value: object) -> Markup:
    """The value as text in HTML."""
    return value if isinstance(value, Markup) else Markup(escape(printable(str(value))))


def printable(words: str) -> str:
    """Without what would steer the reader's eye or terminal: controls and bidirectional overrides are shown as �."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "�" for letter in words)


def element(name: str, content: object = "", **attributes: object) -> Markup:
    """`<name …>content</name>`. `class_` is `class`; an attribute that is None is left out."""
    by_name = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value is not None}
    attribute_text = "".join(f' {key}="{text(value)}"' for key, value in by_name.items())
    return Markup(f"<{name}{attribute_text}>{text(content)}</{name}>")


def join_markup(parts: Iterable[object]) -> Markup:
    return Markup("".join(map(text, parts)))


@dataclass(frozen=True)
class DataTable:
    """Rows under their headings; `right`: the columns of figures."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[object]]
    right: tuple[int, ...] = ()


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "", right: Sequence[int] = ()
) -> Markup:
    """A table with its headings; `right` are the columns of figures."""
    head = join_markup(
        element("th", name, scope="col", class_=_side(column, right)) for column, name in enumerate(columns)
    )
    body = join_markup(
        element("tr", join_markup(element("td", cell, class_=_side(column, right)) for column, cell in enumerate(row)))
        for row in rows
    )
    title = element("caption", caption) if caption else ""
    return element("table", join_markup([title, element("thead", element("tr", head)), element("tbody", body)]))


def _side(column: int, right: Sequence[int]) -> str | None:
    return "figure" if column in right else None


def metrics_table(
    metrics: Mapping[str, float], intervals: Mapping[str, tuple[float, float]] | None = None, caption: str = ""
) -> Markup:
    """Metrics in 0–1 as percentages, with their 95 % intervals where there are any."""
    bounds = intervals or {}
    rows = [(name, share(value), interval(bounds.get(name))) for name, value in metrics.items()]
    if not bounds:
        return table(("metric", "value"), [row[:2] for row in rows], caption, right=(1,))
    return table(("metric", "value", "95 % interval"), rows, caption, right=(1, 2))


def share(value: float) -> str:
    return f"{value:.1%}"


def interval(bounds: tuple[float, float] | None) -> str:
    return "" if bounds is None else f"{bounds[0]:.1%} – {bounds[1]:.1%}"
