"""The browser's part of the compare widget, and a page that needs no kernel."""

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from tutorial_lib.display import escaped
from tutorial_lib.rasters import PathLike
from tutorial_lib.rasters.files import write_text

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)

__all__ = ["MARKUP", "MODULE", "STYLE", "join_modules", "write_page"]


def _text(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


def join_modules(name: str) -> str:
    """The text of a module and of all modules that it imports, as one module.

    anywidget gives the browser one text under a `blob:` address, and the page of
    `to_html` has no server: neither can resolve "./camera.js". An import map would have
    to be there before the first module of JupyterLab's page. So the modules are joined
    in the order in which they need each other, as a bundler does, but without a build.
    Each name at their top level may be used once: the browser refuses a second one.
    """
    texts: dict[str, str] = {}

    def add(name: str) -> None:
        if name in texts:
            return
        text = _text(f"{name}.js")
        for needed in _IMPORT.findall(text):
            add(needed)
        texts[name] = _EXPORT.sub("", _IMPORT.sub("", text))

    add(name)
    return "\n".join(texts.values())


MODULE = join_modules("compare")
STYLE = _text("compare.css")
MARKUP = _text("widget.html")


def write_page(path: PathLike, title: str, state: Mapping[str, Any]) -> Path:
    """Write one HTML file with a widget in it that works without a kernel.

    Args:
        path: The file; it has its name only when it is complete.
        title: Title of the page.
        state: Values of the widget's traits by name; bytes become base64.
    """
    # "<" is escaped because "</script>" in a title would end the script element.
    data = json.dumps(state, default=lambda part: base64.b64encode(part).decode())
    text = Template(_text("page.html")).substitute(
        title=escaped(title),
        style=STYLE,
        module=join_modules("page"),
        state=data.replace("<", "\\u003c"),
    )
    return write_text(path, text)
