"""What an exercise says to the learner: one kind of note, as text and as HTML."""

import html
import re
from dataclasses import dataclass

# kind: (icon, word, colour of the bar). The word carries the meaning, the colour
# repeats it; text takes the theme's own colour, so that dark themes work too.
_LOOKS = {
    "not attempted": ("○", "Not attempted yet", "#808891"),
    "raised": ("⚠", "Your code raised an error", "#d98e04"),
    "wrong": ("✘", "Not yet", "#d1495b"),
    "right": ("✔", "Right", "#2e9e5b"),
    "hint": ("☞", "Hint", "#3b7dd8"),
    "solution": ("☰", "Solution", "#3b7dd8"),
    "locked": ("☰", "Solution not open yet", "#808891"),
}

# Not the signs of `2 * 3 * 4`, `a*b*c` or `**`.
_EMPHASIS = r"(?<![\w*])\*(?=[^\s*])([^*]*[^\s*])\*(?![\w*])"


@dataclass(frozen=True)
class Note:
    """A short message that shows itself as the result of a cell.

    Attributes:
        kind: "not attempted", "raised", "wrong" or "right" after a check; "hint",
            "solution" or "locked" when asked for one.
        title: Title of the exercise.
        text: The message; `code` stands between backticks, *emphasis* between
            asterisks.
        code: Python code to show below the message.

    Example:
        >>> Note("right", "Pixels", "A scene has `rows * columns` pixels.")
        ✔ Right · Pixels
        A scene has `rows * columns` pixels.
    """

    kind: str
    title: str
    text: str = ""
    code: str = ""

    @property
    def heading(self) -> str:
        """The first line: icon, word, title."""
        icon, word, _ = _LOOKS[self.kind]
        return f"{icon} {word} · {self.title}"

    def __repr__(self) -> str:
        text = _with_emphasis(self.text, r"\1")
        return "\n".join(part for part in (self.heading, text, self.code) if part)

    def _repr_html_(self) -> str:
        color = _LOOKS[self.kind][2]
        parts = [f"<strong>{html.escape(self.heading)}</strong>"]
        if self.text:
            parts.append(f"<div>{_as_html(self.text)}</div>")
        if self.code:
            style = "margin:.5em 0 0;font-family:monospace"
            parts.append(f"<pre style='{style}'>{html.escape(self.code)}</pre>")
        return (
            f"<div role='note' style='border-left:5px solid {color};"
            f"padding:.3em .9em;line-height:1.5'>{''.join(parts)}</div>"
        )


def _as_html(text: str) -> str:
    marked = _with_emphasis(html.escape(text), r"<em>\1</em>")
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", marked).replace("\n", "<br>")


def _with_emphasis(text: str, marked: str) -> str:
    """Text in which `marked` replaces each `*…*` that is not in code."""
    parts = re.split(r"(`[^`]+`)", text)
    parts[::2] = [re.sub(_EMPHASIS, marked, part) for part in parts[::2]]
    return "".join(parts)
