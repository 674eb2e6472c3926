"""Figures to files: PNG for anything that shows pictures, and SVG that takes the colours of the page it stands in."""

from __future__ import annotations

import io
import re
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from autogen.markup import Markup, element

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#222426"  # lines and letters; in SVG the page's own colour takes its place
DPI = 150

# Fonts that have what DejaVu Sans lacks, where the system has them; browsers look for their own.
MORE_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "PingFang SC",
    "Microsoft YaHei",
    "WenQuanYi Zen Hei",
    "Noto Sans",
)


@dataclass(frozen=True)
class Picture:
    """One picture of a report. `alt` says in words what it shows."""

    name: str
    title: str
    caption: str
    alt: str
    png: bytes
    svg: Markup


@dataclass(frozen=True)
class Drawing:
    """A figure of matplotlib and its words, before it is rendered. `alt` says in words what it shows."""

    name: str
    title: str
    caption: str
    alt: str
    figure: Figure


def can_draw() -> bool:
    return find_spec("matplotlib") is not None


@contextmanager
def style() -> Iterator[None]:
    """How figures look while they are made and rendered. Labels are anybody's words: none is read as mathematics."""
    import matplotlib

    settings: Any = {
        **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
        "text.parse_math": False,
        "font.family": ["DejaVu Sans", *_more_fonts()],
        "font.size": 10,
        "axes.titlesize": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
        "svg.fonttype": "none",
        "svg.hashsalt": "autogen",
    }
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


def _more_fonts() -> list[str]:
    from matplotlib import font_manager

    present = {font.name for font in font_manager.fontManager.ttflist}
    return [name for name in MORE_FONTS if name in present]


def render(drawing: Drawing) -> Picture:
    """Render a figure that was made within `style`, within it."""
    figure, alt = drawing.figure, drawing.alt
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # it is laid out now, and need not be for each format
    png = _render(figure, "png", dpi=DPI)
    prefix = f"p{zlib.crc32(png):08x}"  # ids of pictures on one page must differ
    return Picture(drawing.name, drawing.title, drawing.caption, alt, png, _inline(_render(figure, "svg"), prefix, alt))


def _render(figure: Figure, kind: str, **settings: Any) -> bytes:
    buffer = io.BytesIO()
    metadata = {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
    figure.savefig(buffer, format=kind, metadata=metadata, transparent=kind == "svg", **settings)
    return buffer.getvalue()


def _inline(svg: bytes, prefix: str, alt: str) -> Markup:
    """SVG for the inside of a page: no prologue, ids of its own, the page's colour for ink, and a description."""
    code = svg.decode("utf-8")
    code = code[code.index("<svg") :].replace(INK, "currentColor")
    code = re.sub(r"<metadata>.*?</metadata>|<style .*?</style>", "", code, flags=re.DOTALL)
    code = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}-", code)
    head, _, body = code.partition(">")
    words = element("title", alt, id=f"{prefix}-alt")
    return Markup(f'{head} role="img" aria-labelledby="{prefix}-alt">{words}{body}')
