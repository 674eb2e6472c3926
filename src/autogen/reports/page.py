"""A report as HTML: one page that needs no network, no script and no other file, in the reader's own light or dark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autogen.config.project import flatten_settings
from autogen.markup import DataTable, Markup, element, join_markup, metrics_table, table
from autogen.reports.drawing import Picture
from autogen.versions.verdict import mark_of

if TYPE_CHECKING:
    from autogen.reports.report import Report, ReportSection

# Canvas and CanvasText are the browser's own colours, which follow `color-scheme`.
STYLE = Markup("""
.autogen { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; }
.autogen h1 { font-size: 1.6rem; margin: 0 0 .4rem; } .autogen h2 { font-size: 1.25rem; margin: 2rem 0 .6rem; }
.autogen h3 { font-size: 1.05rem; margin: 1.6rem 0 .3rem; }
.autogen table { border-collapse: collapse; margin: .6rem 0 1.2rem; font-size: .92rem; text-align: left; }
.autogen caption { text-align: left; font-weight: 600; padding: .2rem 0; }
.autogen th, .autogen td { padding: .22rem .9rem .22rem 0; vertical-align: top; text-align: left;
  border-bottom: 1px solid color-mix(in srgb, currentColor 18%, transparent); overflow-wrap: break-word; }
.autogen th { font-weight: 600; white-space: nowrap; }
.autogen .figure { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.autogen figure { margin: .4rem 0 1.4rem; } .autogen figcaption { max-width: 28rem; opacity: .8; font-size: .88rem; }
.autogen svg { max-width: 100%; height: auto; color: inherit; } .autogen svg * { stroke-linejoin: round; }
.autogen .note { border-left: 3px solid #D55E00; padding: .1rem .8rem; margin: .6rem 0; }
.autogen .yes { color: light-dark(#00694b, #4fd3a7); } .autogen .no { color: light-dark(#b04a00, #ff9a5c); }
.autogen .side-by-side { display: flex; flex-wrap: wrap; gap: 0 2.5rem; }
.autogen section { max-width: 100%; overflow-x: auto; }
""")
PAGE_STYLE = Markup(
    ":root { color-scheme: light dark; } body { background: Canvas; color: CanvasText; margin: 1.5rem; }"
    " @media print { :root { color-scheme: light; } }"
)
# Should anything ever slip through the escaping, the browser still runs and fetches nothing.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def page(report: Report) -> str:
    """The whole document."""
    head = join_markup(
        [
            Markup('<meta charset="utf-8">'),
            Markup(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
            Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
            element("title", report.title),
            element("style", PAGE_STYLE),
        ]
    )
    document = join_markup([element("head", head), element("body", fragment(report))])
    return f"<!DOCTYPE html>\n{element('html', document, lang='en')}\n"


def fragment(report: Report) -> Markup:
    """What stands in the page, also for a notebook's cell."""
    facts = table(("", ""), [(element("b", name), value) for name, value in report.facts.items()])
    parts = [element("style", STYLE), element("h1", report.title), facts]
    if report.verdict:
        parts.append(_verdict(report.verdict))
    for part in report.parts:
        parts += _part(part, report.pictures(part), several=len(report.parts) > 1)
    return element("div", join_markup(parts), class_="autogen")


def _verdict(verdict: Mapping[str, Any]) -> Markup:
    passed = bool(verdict.get("passed"))
    rows = [(_mark(c), c["name"], c["finding"]) for c in verdict.get("checks", ())]
    summary = element("p", element("b", verdict.get("summary", ""), class_="yes" if passed else "no"))
    return join_markup([element("h2", "The gate"), summary, table(("", "check", "finding"), rows)])


def _mark(check: Mapping[str, Any]) -> Markup:
    mark = mark_of(check)
    words = {"✓": "passed", "✗": "failed", "–": "nothing to test"}[mark]
    return element("span", f"{mark} {words}", class_={"✓": "yes", "✗": "no"}.get(mark, ""))


def _part(part: ReportSection, pictures: Sequence[Picture], several: bool) -> Iterator[Markup]:
    yield element("h2", f"Skill {part.name}" if several else "What it can do")
    yield element("p", f"Measured on {part.source}, through the exported model that answers people.")
    for warning in part.warnings:
        yield element("p", warning, class_="note")
    yield metrics_table(part.metrics, part.intervals)
    if not part.measured:
        yield element("p", "No rows to draw: name held-out rows as `eval`, or measure with `--data`.", class_="note")
    elif not pictures:
        yield element("p", "No pictures: matplotlib is not installed (pip install matplotlib).", class_="note")
    yield element("div", join_markup(map(_figure, pictures)), class_="side-by-side")
    yield element("div", join_markup(map(_titled_table, part.tables)), class_="side-by-side")
    yield from _training(part.training)


def _figure(picture: Picture) -> Markup:
    caption = element("figcaption", picture.caption)
    return element(
        "section", join_markup([element("h3", picture.title), element("figure", join_markup([picture.svg, caption]))])
    )


def _titled_table(data: DataTable) -> Markup:
    rows = table(data.columns, data.rows, right=data.right)
    return element("section", join_markup([element("h3", data.title), rows]))


def _training(training: Mapping[str, Any]) -> Iterator[Markup]:
    """The settings as they were chosen, and what came of them, from the version's own record."""
    recipe = flatten_settings(training.get("recipe", {}))
    other_values = {n: v for n, v in training.items() if n not in ("recipe", "history") and v is not None}
    if recipe or other_values:
        yield element("h3", "Settings and run")
        tables = [table(("setting", "value"), [(n, _value(v)) for n, v in sorted(recipe.items())])]
        tables.append(table(("run", ""), [(n.replace("_", " "), _value(v)) for n, v in other_values.items()]))
        yield element("div", join_markup(tables), class_="side-by-side")


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
