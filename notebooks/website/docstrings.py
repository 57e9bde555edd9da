"""Docstrings in Google's style as HTML."""

import re

from pdoc.docstrings import google

from website.texts import Link, render

_EXAMPLE = re.compile(r"^( *)>>> .*(?:\n\1\S.*|\n(?=\n\1>>> ))*", re.MULTILINE)


def docstring_html(docstring: str, link: Link, code_link: Link) -> str:
    r"""A docstring as HTML.

    Args:
        docstring: The docstring, without its indentation.
        link: As for `render`.
        code_link: As for `render`.

    Example:
        >>> docstring_html("Sum.", link=str, code_link=lambda code: None)
        '<p>Sum.</p>\n'
    """
    markdown = google(_EXAMPLE.sub(_fenced, docstring))
    html = render(markdown, link, code_link).html
    # pdoc makes a heading of each section, and a quotation of its text.
    html = re.sub(r"<h6 id=[^>]*>(.+?):?</h6>", r'<p class="doc-part">\1</p>', html)
    html = html.replace("<blockquote>", '<div class="doc-text">')
    return html.replace("</blockquote>", "</div>")


def first_sentence(docstring: str) -> str:
    r"""The first paragraph of a docstring, in one line.

    Example:
        >>> first_sentence("The sum\nof two. More.\n\nArgs:")
        'The sum of two. More.'
    """
    return " ".join(docstring.partition("\n\n")[0].split())


def _fenced(found: re.Match[str]) -> str:
    fence = f"{found[1]}```"
    return f"{fence}pycon\n{found[0]}\n{fence}"
