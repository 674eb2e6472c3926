"""Pages of documentation as their tests see them: headings, links, commands, and the blocks that can be run.

Comments tell how a page's blocks are run, and none of them is seen by readers:
`<!-- template: NAME -->` (once a page): the template that its commands make a project of; with `, trained` the page
begins inside of a project that has been trained already;
`<!-- not run: REASON -->` before a block that cannot run in a test;
`<!-- given: NAMES -->` before Python that uses names of the reader's own;
`<!-- served -->` before a block that talks to `autogen serve`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
COMMENT = re.compile(r"<!--\s*(.+?)\s*-->", re.DOTALL)
MARKDOWN = MarkdownIt("commonmark").enable("table")
RUN = ("bash", "python")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, the line where it begins, and what the comments just before it say."""

    language: str
    text: str
    line: int
    comments: tuple[str, ...]

    def said(self, key: str) -> str | None:
        """What a comment `key: …` before the block says, "" for `key` alone; None where there is none."""
        for comment in self.comments:
            name, _, value = comment.partition(":")
            if name.strip() == key:
                return value.strip()
        return None

    @property
    def runs(self) -> bool:
        return self.language in RUN and self.said("not run") is None


@dataclass(frozen=True)
class Page:
    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @cached_property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    @cached_property
    def tokens(self) -> list[Token]:
        return MARKDOWN.parse(self.text)

    @cached_property
    def blocks(self) -> list[Block]:
        blocks, comments = [], ()
        for token in self.tokens:
            if token.type == "fence":
                begin = token.map[0] + 1 if token.map else 0
                blocks.append(Block(token.info.strip(), token.content, begin, comments))
            comments = tuple(COMMENT.findall(token.content)) if token.type == "html_block" else ()
        return blocks

    @cached_property
    def template(self) -> tuple[str, bool] | None:
        """The template that the page names, and whether the page begins in a trained project of it."""
        for comment in COMMENT.findall(self.text):
            if comment.startswith("template:"):
                name, _, more = comment.removeprefix("template:").partition(",")
                return name.strip(), more.strip() == "trained"
        return None

    @cached_property
    def links(self) -> list[str]:
        inline = [child for token in self.tokens for child in token.children or ()]
        return [str(child.attrs[key]) for child in inline for key in ("href", "src") if key in child.attrs]

    @cached_property
    def anchors(self) -> set[str]:
        """The anchors of headings, as code hosts and our site make them."""
        pairs = zip(self.tokens, self.tokens[1:], strict=False)
        titles = ["".join(c.content for c in b.children or ()) for a, b in pairs if a.type == "heading_open"]
        return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}

    @cached_property
    def spans(self) -> list[str]:
        """Code within sentences and tables."""
        inline = [child for token in self.tokens for child in token.children or ()]
        return [child.content for child in inline if child.type == "code_inline"]


def pages() -> list[Page]:
    return [Page(path) for path in PAGES]
