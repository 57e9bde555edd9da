"""The search: all sections of all pages as one script, and the page that searches it.

A browser opens a page from a folder, so nothing but scripts and styles can be loaded.
The sections are therefore a script that sets two lists.
"""

import json
import re
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser

from website.texts import Heading, Text

INDEX, SCRIPT = "search_index.js", "search.js"

_SEARCH = """\
<h1 id="search">Search</h1>
<form class="site-find" role="search" action="search.html">
<label for="query">Words to find in notebooks, texts, glossary and reference</label>
<div><input id="query" type="search" name="q" autocomplete="off" spellcheck="false">
<button type="submit">Find</button></div>
</form>
<p id="count" role="status"></p>
<ol id="results" class="site-results"></ol>
<noscript><p>The search needs JavaScript. The <a href="index.html">start page</a> lists
all pages.</p></noscript>"""
# The numbers beside the cells of a notebook.
_PROMPT = re.compile(r'<div class="jp-\w*Prompt\b.*?</div>', re.DOTALL)
# Lines of the reference that say what a name is.
_KIND = re.compile(r'<p class="doc-kind">.*?</p>')
# Elements whose text is no text of the page.
_SKIPPED = {"script", "style", "svg", "nav", "template", "select", "button"}
# Elements that may stand inside a word; all others end it.
_INLINE = {"a", "b", "strong", "em", "i", "code", "span", "mark", "sub", "sup"}


def search_page() -> Text:
    """The page with the search field and the results."""
    return Text(_SEARCH, (Heading(1, "search", "Search"),))


def index_script(pages: Mapping[str, str]) -> str:
    """The script with the sections of all pages.

    Args:
        pages: HTML of each page, by its name.

    Returns:
        JavaScript that sets `SEARCH_PAGES`, a list of [name, title, kind], and
        `SEARCH_SECTIONS`, a list of [number of the page, anchor, heading, text].
    """
    names, sections = [], []
    for number, (name, html) in enumerate(pages.items()):
        found = sections_of(html)
        names.append([name, found[0][1] if found else name, _kind(name)])
        sections += [[number, *one] for one in found]
    return "".join(
        f"window.{variable} = {_json(value)};\n"
        for variable, value in (("SEARCH_PAGES", names), ("SEARCH_SECTIONS", sections))
    )


def _json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # The two line ends of Unicode that end a line of old JavaScript.
    return text.replace("\u2028", " ").replace("\u2029", " ")


def _kind(name: str) -> str:
    if name[:2].isdigit():
        return "Notebook"
    if name.startswith("reference/"):
        return "Reference"
    return "Glossary" if name == "glossary.html" else "Text"


def sections_of(html: str) -> Sequence[tuple[str, str, str]]:
    """Anchor, heading and text of each section of a page, from top to bottom.

    Example:
        >>> sections_of("<main><h1 id='a'>One</h1><p>Two words.</p></main>")
        [('a', 'One', 'Two words.')]
    """
    reader = _SectionReader()
    reader.feed(_KIND.sub("", _PROMPT.sub("", html)))
    return [
        (anchor, _words(heading), _words(text))
        for anchor, heading, text in reader.sections
        if _words(heading)
    ]


def _words(pieces: Sequence[str]) -> str:
    return " ".join("".join(pieces).split())


class _SectionReader(HTMLParser):
    """Collects the text below each heading with an anchor."""

    def __init__(self) -> None:
        super().__init__()
        self.sections: list[tuple[str, list[str], list[str]]] = []
        self._in_main, self._skipped, self._heading = False, 0, ""

    def handle_starttag(
        self, tag: str, attrs: Sequence[tuple[str, str | None]]
    ) -> None:
        given = dict(attrs)
        if tag == "main":
            self._in_main = True
        self._skipped += tag in _SKIPPED
        if tag in {"h1", "h2", "h3"} and given.get("id"):
            self._heading = tag
            self.sections.append((given["id"], [], []))
        elif tag not in _INLINE:
            self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag == "main":
            self._in_main = False
        self._skipped -= tag in _SKIPPED
        if tag == self._heading:
            self._heading = ""
        elif tag not in _INLINE:
            self.handle_data(" ")

    def handle_data(self, data: str) -> None:
        # The sign is nbconvert's link to a heading.
        if self._in_main and not self._skipped and self.sections and data != "¶":
            self.sections[-1][1 if self._heading else 2].append(data)
