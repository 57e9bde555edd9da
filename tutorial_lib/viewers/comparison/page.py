"""A page with the widget in it that needs no kernel and no internet."""

import base64
import html
import json
from pathlib import Path
from string import Template
from typing import Any

from tutorial_lib.rasters import PathLike


def _text(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


_PARTS = ("layers", "sheet", "camera", "elements", "drawing", "compare")

# One module for the browser, without a build step: its parts do not import each other.
MODULE = "\n".join(_text(f"{name}.js") for name in _PARTS)
STYLE = _text("compare.css")

__all__ = ["MODULE", "STYLE", "write_page"]


def write_page(path: PathLike, widget: Any) -> Path:
    """Write a `Comparison`, as it is now, as one HTML file."""
    text = Template(_text("page.html")).substitute(
        title=html.escape(" / ".join(widget.titles)),
        style=STYLE,
        module=MODULE,
        state=_script_json(_state(widget)),
    )
    path = Path(path)
    path.write_text(text, encoding="utf-8")
    return path


def _state(widget: Any) -> dict[str, Any]:
    """What the widget's module reads; bytes as base64."""
    own = [name for name, trait in widget.traits(sync=True).items() if _ours(trait)]
    state = {name: getattr(widget, name) for name in own}
    state["_values"] = [base64.b64encode(part).decode() for part in widget._values]
    # What Python read last, and cannot replace here.
    return state | {"_detail": {}}


def _ours(trait: Any) -> bool:
    """Whether a trait is the comparison's own, not one that every widget has."""
    return trait.this_class.__module__ == "tutorial_lib.viewers.comparison.widget"


def _script_json(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value).replace("<", "\\u003c")
