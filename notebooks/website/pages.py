"""What all pages have in common: navigation, search field, and the frame of a page."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from tutorial_lib.display import escaped
from website.places import GLOSSARY, REFERENCE, SEARCH, START, relative
from website.texts import Heading, Text

NAME = "Deep learning on remote sensing rasters"
FOLDER = Path(__file__).resolve().parent
# The places that every page links to, in this order.
_MAIN = {
    "Start": START,
    "Glossary": GLOSSARY,
    "For teachers": "teaching.html",
    "Reference": REFERENCE,
}
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}</style>
</head>
<body class="site-page">
{header}
<main id="content">
{body}
</main>
{footer}
</body>
</html>
"""


def frame(
    page: str, text: Text, known: Collection[str], *, scripts: Sequence[str] = ()
) -> str:
    """A whole page.

    Args:
        page: Name of the page.
        text: What it shows.
        known: Names of all pages.
        scripts: Names of the script files that it loads, in this order.
    """
    loads = "".join(
        f'<script src="{relative(page, one)}"></script>\n' for one in scripts
    )
    title = text.title if text.title == NAME else f"{text.title} | {NAME}"
    return _PAGE.format(
        title=escaped(title),
        style=style(),
        header=header(page, known),
        body=_with_contents(page, text),
        footer=loads,
    )


def header(page: str, known: Collection[str]) -> str:
    """The head of a page: a link to its text, the navigation, the search field."""
    links = "".join(
        f"<li>{_link(page, target, label)}</li>"
        for label, target in _MAIN.items()
        if target in known
    )
    search = _search_field(page) if SEARCH in known else ""
    return (
        '<a class="site-skip" href="#content">Skip to the text</a>\n'
        f'<header class="site-header"><nav aria-label="Site"><ul>{links}</ul></nav>'
        f"{search}</header>"
    )


def _link(page: str, target: str, label: str) -> str:
    current = ' aria-current="page"' if page == target else ""
    return f'<a href="{relative(page, target)}"{current}>{escaped(label)}</a>'


def _search_field(page: str) -> str:
    # On the page of the search, the large field there is the only one.
    if page == SEARCH:
        return ""
    return (
        f'<form class="site-search" role="search" action="{relative(page, SEARCH)}">'
        '<label for="site-query">Search</label>'
        '<input id="site-query" type="search" name="q" autocomplete="off">'
        '<button type="submit">Find</button></form>'
    )


def steps(page: str, titles: Mapping[str, str], place: str) -> str:
    """Links to the page before and to the page after.

    Args:
        page: Name of the page.
        titles: Title of each page by its name, in their order.
        place: Where on the page the links stand, for those who cannot see it.
    """
    order = list(titles.items())
    number = list(titles).index(page)
    before = order[number - 1] if number else None
    after = order[number + 1] if number + 1 < len(order) else None
    links = [
        f'<li class="site-{kind.lower()}"><a href="{relative(page, one[0])}" '
        f'rel="{rel}">{kind}: {escaped(one[1])}</a></li>'
        for kind, rel, one in (("Previous", "prev", before), ("Next", "next", after))
        if one
    ]
    if not links:
        return ""
    label = f"Previous and next, {place}"
    return (
        f'<nav class="site-steps" aria-label="{label}"><ul>{"".join(links)}</ul></nav>'
    )


def _with_contents(page: str, text: Text) -> str:
    """The text, with links to its sections below the title."""
    if page in (START, SEARCH):
        return text.html
    title, end, rest = text.html.partition("</h1>\n")
    return f"{title}{end}{_contents(text.headings)}{rest}"


def _contents(headings: Sequence[Heading]) -> str:
    """Links to the sections of a page; nothing for a short page."""
    sections = [one for one in headings if one.level == 2]
    if len(sections) < 4:
        return ""
    items = "".join(
        f'<li><a href="#{escaped(one.anchor)}">{escaped(one.title)}</a></li>'
        for one in sections
    )
    return (
        '<nav class="site-contents" aria-label="On this page"><details open>'
        f"<summary>On this page</summary><ul>{items}</ul></details></nav>\n"
    )


def navigation_style() -> str:
    """The style sheet of what `header` and `steps` give."""
    return (FOLDER / "navigation.css").read_text(encoding="utf-8")


def style() -> str:
    """The style sheet of all pages except those of notebooks."""
    return navigation_style() + (FOLDER / "site.css").read_text(encoding="utf-8")
