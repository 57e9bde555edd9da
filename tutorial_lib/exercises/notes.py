"""The notes that an exercise shows to the learner, as text and as HTML."""

import re
from dataclasses import dataclass

from tutorial_lib.display import escaped

# Icon, heading and colour of the bar of each kind. The heading has the whole meaning,
# for people who cannot tell the colours apart. Text has the colour of JupyterLab's
# theme, so that it can be read in dark themes.
_STYLES = {
    "not attempted": ("○", "Not attempted yet", "#808891"),
    "raised": ("⚠", "Your code raised an error", "#d98e04"),
    "wrong": ("✘", "Not yet", "#d1495b"),
    "right": ("✔", "Right", "#2e9e5b"),
    "hint": ("☞", "Hint", "#3b7dd8"),
    "solution": ("☰", "Solution", "#3b7dd8"),
    "locked": ("☰", "Solution not open yet", "#808891"),
    "waiting": ("…", "The result waits for your answer", "#808891"),
}

# Matches *a few words*, but not the signs of `2 * 3 * 4`, `a*b*c` or `**`.
_EMPHASIS = r"(?<![\w*])\*(?=[^\s*])([^*]*[^\s*])\*(?![\w*])"


@dataclass(frozen=True)
class Note:
    """A short message that a notebook shows as the result of a cell.

    Attributes:
        kind: "not attempted", "raised", "wrong" or "right" after a check; "hint",
            "solution" or "locked" after a request; "waiting" in the place of a result.
        title: Title of the exercise.
        text: The message, with `code` in backticks and *emphasis* in asterisks.
        code: Python code that is shown below the message.
        folded: The original error, which the page shows when it is clicked. Plain text
            leaves it out.

    Example:
        >>> Note("right", "Pixels", "A scene has `rows * columns` pixels.")
        ✔ Right · Pixels
        A scene has `rows * columns` pixels.
    """

    kind: str
    title: str
    text: str = ""
    code: str = ""
    folded: str = ""

    @property
    def heading(self) -> str:
        """The first line: icon, kind and title."""
        icon, heading, _ = _STYLES[self.kind]
        return f"{icon} {heading} · {self.title}"

    def __repr__(self) -> str:
        text = _with_emphasis(self.text, r"\1")
        return "\n".join(part for part in (self.heading, text, self.code) if part)

    def _repr_html_(self) -> str:
        _, _, color = _STYLES[self.kind]
        parts = [f"<strong>{escaped(self.heading)}</strong>"]
        if self.text:
            parts.append(f"<div>{_as_html(self.text)}</div>")
        if self.code:
            style = "margin:.5em 0 0;font-family:monospace"
            parts.append(f"<pre style='{style}'>{escaped(self.code)}</pre>")
        if self.folded:
            style = "white-space:pre-wrap;font-family:monospace;font-size:.9em"
            parts.append(
                "<details><summary>The original error</summary>"
                f"<pre style='{style}'>{escaped(self.folded)}</pre></details>"
            )
        return (
            f"<div role='note' style='border-left:5px solid {color};"
            f"padding:.3em .9em;line-height:1.5'>{''.join(parts)}</div>"
        )


def plain_text(text: str) -> str:
    """A text of a note without its markup.

    Example:
        >>> plain_text("*Most* of `n`")
        'Most of n'
    """
    return _with_emphasis(text, r"\1").replace("`", "")


def _as_html(text: str) -> str:
    marked = _with_emphasis(escaped(text), r"<em>\1</em>")
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", marked).replace("\n", "<br>")


def _with_emphasis(text: str, marked: str) -> str:
    """The text with each `*…*` replaced by `marked`, except in code."""
    # The parts with odd indices are code in backticks.
    parts = re.split(r"(`[^`]+`)", text)
    parts[::2] = [re.sub(_EMPHASIS, marked, part) for part in parts[::2]]
    return "".join(parts)
