"""Markdown as HTML: headings with anchors, code in colours, links between the pages."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mistune
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from tutorial_lib.display import escaped

Link = Callable[[str], str | None]


@dataclass(frozen=True)
class Heading:
    """A heading of a page.

    Attributes:
        level: 1 for the title of the page.
        anchor: Name for links to it.
        title: Its words, without markup.
    """

    level: int
    anchor: str
    title: str


@dataclass(frozen=True)
class Text:
    """A text as HTML.

    Attributes:
        html: The HTML.
        headings: The headings in it, from top to bottom.
    """

    html: str
    headings: tuple[Heading, ...]

    @property
    def title(self) -> str:
        """The first heading."""
        return self.headings[0].title


def render(markdown: str, link: Link, code_link: Link = lambda code: None) -> Text:
    r"""Markdown as HTML.

    Args:
        markdown: The text. HTML comments in it are left out.
        link: Function that makes the address of a link one of the page; None removes
            the link and keeps its words.
        code_link: Function that gives the address that a piece of code in a sentence
            links to, or None.

    Example:
        >>> render("A [word](x.md)", link=lambda address: "x.html").html
        '<p>A <a href="x.html">word</a></p>\n'
    """
    markdown = re.sub(r"<!--.*?-->\n*", "", markdown, flags=re.DOTALL)
    renderer = _Renderer(link, code_link)
    as_html = mistune.create_markdown(renderer=renderer, plugins=["table"])
    return Text(str(as_html(markdown)), tuple(renderer.headings))


def anchor_of(title: str) -> str:
    """The anchor of a heading, as GitHub makes it.

    Example:
        >>> anchor_of("A week before: `make`")
        'a-week-before-make'
    """
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def colored(code: str, language: str) -> str:
    """Code as HTML, its words marked by their kind if the language is known."""
    try:
        lexer = get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return escaped(code)
    return highlight(code, lexer, HtmlFormatter(nowrap=True)).rstrip("\n")


class _Renderer(mistune.HTMLRenderer):
    """HTML for a page that is read by people, by screen readers, and by the search."""

    def __init__(self, link: Link, code_link: Link) -> None:
        super().__init__(escape=True)
        self.headings: list[Heading] = []
        self._link, self._code_link = link, code_link
        self._in_link = False

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        title = _plain(text)
        anchor = anchor_of(title)
        same = sum(anchor == re.sub(r"-\d+$", "", x.anchor) for x in self.headings)
        anchor += f"-{same}" if same else ""
        self.headings.append(Heading(level, anchor, title))
        return f'<h{level} id="{escaped(anchor)}">{text}</h{level}>\n'

    def block_code(self, code: str, info: str | None = None) -> str:
        language = (info or "text").split()[0]
        # Long lines scroll, as wide tables do.
        return (
            f'<pre tabindex="0"><code>{colored(code.rstrip(), language)}</code></pre>\n'
        )

    def codespan(self, text: str) -> str:
        code = f"<code>{escaped(text)}</code>"
        address = self._code_link(text)
        return f'<a href="{escaped(address)}">{code}</a>' if address else code

    def link(self, text: str, url: str, title: str | None = None) -> str:
        address = self._link(url)
        # A piece of code inside a link is no second link.
        text = re.sub(r"</?a\b[^>]*>", "", text)
        return f'<a href="{escaped(address)}">{text}</a>' if address else text

    def image(self, text: str, url: str, title: str | None = None) -> str:
        address = escaped(self._link(url) or url)
        return f'<img src="{address}" alt="{escaped(_plain(text))}">'

    def table(self, text: str) -> str:
        # A wide table scrolls; with a tabindex, also with the keys.
        return (
            '<div class="wide" role="group" aria-label="Table" tabindex="0">'
            f"<table>\n{text}</table></div>\n"
        )


def _plain(markup: str) -> str:
    """The words of a piece of HTML."""
    return html.unescape(re.sub(r"<[^>]+>", "", markup))
