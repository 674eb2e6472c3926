"""No dead link or anchor in README and docs, and a README that is read to its end."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from tests.docs.pages import DOCS, ROOT, Page, pages

README_LINES = 150


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page: Page) -> None:
    dead = [link for link in page.links if not _leads_somewhere(page, link)]
    assert not dead, f"{page.name}: expected links to files and headings that exist, found {dead}"


def _leads_somewhere(page: Page, link: str) -> bool:
    if "://" in link or link.startswith("mailto:"):
        return True
    file, _, anchor = unquote(link).partition("#")
    target = (page.path.parent / file).resolve() if file else page.path
    if DOCS in page.path.parents and DOCS not in target.parents:
        return False  # the site has only what lies in docs/
    return target.exists() and (not anchor or anchor in Page(target).anchors)


def test_the_readme_is_short() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert len(lines) <= README_LINES, f"README.md: expected {README_LINES} lines at most, found {len(lines)}"


def test_every_page_is_in_the_site_s_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text("utf-8")
    missing = [
        path.relative_to(DOCS).as_posix()
        for path in DOCS.rglob("*.md")
        if not path.name[0].isdigit()  # a decision: decisions/index.md lists them
        and path.relative_to(DOCS).as_posix() not in navigation
    ]
    assert not missing, f"mkdocs.yml: expected a line in `nav` for {missing}"
