"""How results show themselves: HTML without foreign markup, and lines that fit.

Every text that reaches a page goes through `escaped`. A title, a class name or the name
of a file may hold any sign, and must not become markup.
"""

import base64
import html
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

# Columns of a line of plain text: JupyterLab breaks longer ones inside words.
COLUMNS = 80

__all__ = ["counted", "escaped", "html_table", "image_tag", "text_table", "wrapped"]


def escaped(text: Any) -> str:
    """A text for a page: as content of an element, or in an attribute in quotes.

    Example:
        >>> escaped('<b title="x">')
        '&lt;b title=&quot;x&quot;&gt;'
    """
    return html.escape(str(text))


def counted(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun.

    Example:
        >>> counted(1, "opacity", "opacities"), counted(0, "title")
        ('1 opacity', '0 titles')
    """
    return f"{count} {one if count == 1 else many or one + 's'}"


def image_tag(
    picture: bytes | str, description: str, *, kind: str = "image/png", style: str = ""
) -> str:
    """A picture as an HTML element that holds it, with its alternative text.

    Args:
        picture: The bytes of the picture, or the same in base64.
        description: The alternative text.
        kind: Media type of the picture.
        style: Style of the element.

    Example:
        >>> image_tag(b"...", "a <map>")[:54]
        '<img alt="a &lt;map&gt;" style="max-width: 100%" src="'
    """
    if isinstance(picture, bytes):
        picture = base64.b64encode(picture).decode("ascii")
    data = "".join(picture.split())
    return (
        f'<img alt="{escaped(description)}" style="{style or "max-width: 100%"}" '
        f'src="data:{kind};base64,{data}">'
    )


def html_table(
    rows: Iterable[Sequence[Any]],
    header: Sequence[Any] = (),
    sides: Sequence[str] | None = None,
) -> str:
    """A table as HTML.

    Args:
        rows: The cells, row by row.
        header: Names of the columns.
        sides: "left" or "right" for each column; None takes the left for the first
            one, which has the names, and the right for the numbers beside it.

    Example:
        >>> html_table([("water", 3)], ("class", "px"))[:38]
        '<table><thead><tr><th style="text-alig'
    """
    head = f"<thead>{_html_row(header, 'th', sides)}</thead>" if header else ""
    body = "".join(_html_row(row, "td", sides) for row in rows)
    return f"<table>{head}<tbody>{body}</tbody></table>"


def _html_row(cells: Sequence[Any], tag: str, sides: Sequence[str] | None) -> str:
    sides = sides or ["left", *["right"] * (len(cells) - 1)]
    return "<tr>{}</tr>".format(
        "".join(
            f'<{tag} style="text-align: {side}">{escaped(cell)}</{tag}>'
            for side, cell in zip(sides, cells, strict=True)
        )
    )


def text_table(rows: Iterable[Sequence[Any]], header: Sequence[Any] = ()) -> str:
    """The same table as plain text, with two spaces between columns.

    Example:
        >>> print(text_table([("water", 3), ("meadow", 12)], ("class", "px")))
        class   px
        water    3
        meadow  12
    """
    table = [[str(cell) for cell in row] for row in ([header] if header else [])]
    table += [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for first, *others in table:
        cells = [first.ljust(widths[0])]
        cells += [one.rjust(w) for one, w in zip(others, widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def wrapped(text: str, indent: str = "") -> str:
    """A text whose lines fit into 80 columns and break between words.

    Args:
        text: One or more lines; each is wrapped on its own.
        indent: What stands before the second and later lines of a wrapped line.

    Example:
        >>> print(wrapped("word " * 20, indent="  "))
        word word word word word word word word word word word word word word word word
          word word word word
    """
    return "\n".join(
        textwrap.fill(
            line,
            COLUMNS,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in text.splitlines()
    )
