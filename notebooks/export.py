"""Exports the solved notebooks as pages that need no internet and no kernel.

    python notebooks/export.py              all of them, into build/html
    python notebooks/export.py 03 05        those whose names begin so
    python notebooks/export.py --again      execute anew what was executed before

Notebooks are executed first. What they gave is kept in build/executed, and taken from
there as long as their cells are the same: after a change of the library use `--again`.

A page is one file. It loads nothing: maps and figures are in it, and widgets that are
anywidgets run from the state in which the notebook left them. Of other widgets, which
need a kernel, it shows the picture that they bring along.
"""

import argparse
import html
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import DictLoader
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter
from nbformat import NotebookNode

FOLDER = Path(__file__).resolve().parent
BUILD = FOLDER.parent / "build"

_VIEW = "application/vnd.jupyter.widget-view+json"
_STATE = "application/vnd.jupyter.widget-state+json"
_PICTURES = {"text/html", "image/png", "image/jpeg", "image/svg+xml"}
_NEEDS_KERNEL = (
    "<p><em>This control needs a running notebook: open the notebook in JupyterLab to "
    "use it.</em></p>"
)

# JupyterLab's own page, without what it asks for elsewhere (RequireJS, MathJax, Mermaid
# and the widget manager), in light and dark, and with the words to each picture.
_TEMPLATE = """
{%- extends 'index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block jupyter_widgets -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block html_head_css -%}
<style>
@media (prefers-color-scheme: dark) { {{ resources.dark_theme }} }
:root { color-scheme: light dark; }
body { background: var(--jp-layout-color0); }
main { max-width: 1100px; margin: 0 auto; }
</style>
{%- endblock -%}
{%- block data_png scoped -%}
<div class="jp-RenderedImage jp-OutputArea-output {{ extra_class }}">
<img src="data:image/png;base64,{{ output.data['image/png'] | escape_html }}"
 alt="{{ (output | get_metadata('alt', 'image/png') or '') | escape_html }}">
</div>
{%- endblock -%}
{%- block footer_js -%}
{%- if resources.models -%}
<script type="application/json" id="widget-models">{{ resources.models }}</script>
<script type="module">{{ resources.host }}</script>
{%- endif -%}
{%- endblock -%}
"""


def export(
    paths: Sequence[Path], target: Path, *, kept: Path, again: bool = False
) -> list[Path]:
    """Write a page for each notebook.

    Args:
        paths: Notebooks.
        target: Folder of the pages.
        kept: Folder of the executed notebooks.
        again: Execute, even if an executed notebook is kept.

    Returns:
        The pages.

    Raises:
        CellExecutionError: If a cell fails.
        ValueError: If a page would load something from elsewhere.
    """
    target.mkdir(parents=True, exist_ok=True)
    pages = []
    for path in paths:
        text = page_of(executed(path, kept, again=again), path.stem)
        addresses = sorted(set(remote_addresses(text)))
        if addresses:
            raise ValueError(
                f"{path.name} is not exported: its page would load "
                f"{', '.join(addresses[:3])}. Put the files into the kit, or leave "
                "them out (`basemap=False`)."
            )
        pages.append(target / f"{path.stem}.html")
        pages[-1].write_text(text, encoding="utf-8")
    return pages


def executed(path: Path, kept: Path, *, again: bool = False) -> NotebookNode:
    """A notebook with all its outputs; what was executed before is taken as it is."""
    notebook = nbformat.read(path, as_version=4)
    before = kept / path.name
    if before.exists() and not again:
        old = nbformat.read(before, as_version=4)
        if _sources(old) == _sources(notebook):
            return old
    print(f"Executing {path.name}", flush=True)
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=600, resources=resources).execute()
    kept.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, before)
    return notebook


def _sources(notebook: NotebookNode) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def page_of(notebook: NotebookNode, title: str) -> str:
    """An executed notebook as one HTML text that loads nothing."""
    notebook = deepcopy(notebook)
    models = _put_widgets(notebook)
    _link_pages(notebook)
    notebook.metadata.setdefault("title", _title(notebook) or title)
    exporter = HTMLExporter(
        template_file="offline.html.j2",
        extra_loaders=[DictLoader({"offline.html.j2": _TEMPLATE})],
    )
    # JSON within a script must not end it.
    models_text = json.dumps(models).replace("<", "\\u003c") if models else ""
    resources = {
        "models": models_text,
        "host": (FOLDER / "export.js").read_text(encoding="utf-8"),
        "dark_theme": _dark_theme(exporter),
        "metadata": {"name": title},
    }
    return exporter.from_notebook_node(notebook, resources=resources)[0]


def _title(notebook: NotebookNode) -> str | None:
    """The text of the first heading."""
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    found = re.search(r"^# (.+)", "\n".join(texts), re.MULTILINE)
    return found[1].strip() if found else None


def _dark_theme(exporter: HTMLExporter) -> str:
    """JupyterLab's dark colours, for readers who want them."""
    files = (Path(p) / "static" / "theme-dark.css" for p in exporter.template_paths)
    path = next(path for path in files if path.exists())
    # A comment may hold an address.
    text = path.read_text(encoding="utf-8")
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def _put_widgets(notebook: NotebookNode) -> dict[str, Any]:
    """Give each widget its place, and take out the models that run without a kernel."""
    saved = notebook.metadata.pop("widgets", {}).get(_STATE, {}).get("state", {})
    models = {}
    _drop_progress_bars(notebook)
    for output in _rich_outputs(notebook):
        view = output.data.pop(_VIEW, None)
        if view is None:
            continue
        model = saved.get(view["model_id"])
        if model and "_esm" in model["state"]:
            models[view["model_id"]] = _model(model)
            output.data["text/html"] = _place(view["model_id"], output)
        elif not _PICTURES & set(output.data):
            output.data["text/html"] = _NEEDS_KERNEL
    return models


def _drop_progress_bars(notebook: NotebookNode) -> None:
    """What is done needs no bar; without its widget it would be stuck at 0 %."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [
                output
                for output in cell.outputs
                if _VIEW not in output.get("data", {})
                or not re.search(r"\d%\|", output.data.get("text/plain", ""))
            ]


def _rich_outputs(notebook: NotebookNode) -> Iterator[NotebookNode]:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "data" in output:
                yield output


def _model(saved: Mapping[str, Any]) -> dict[str, Any]:
    return {"state": saved["state"], "buffers": saved.get("buffers", [])}


def _place(model_id: str, output: NotebookNode) -> str:
    """Where a widget appears; until then, its picture or its text."""
    still = output.data.get("text/html")
    if still is None and "image/png" in output.data:
        about = output.metadata.get("image/png", {}).get("alt", "")
        picture = "".join(output.data["image/png"].split())
        still = (
            f'<img alt="{html.escape(about)}" src="data:image/png;base64,{picture}">'
        )
    still = still or html.escape(output.data.get("text/plain", ""))
    return f'<div data-widget-model="{html.escape(model_id)}">{still}</div>'


def _link_pages(notebook: NotebookNode) -> None:
    """Let links to other notebooks lead to their pages."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(
                r"\]\((?:\.\./)?(\d\d_\w+)\.ipynb\)", r"](\1.html)", cell.source
            )


def remote_addresses(text: str) -> list[str]:
    """What a page would load from elsewhere, in the frames within it too.

    Links that a reader may follow are not loaded, and do not count.
    """
    finder = _Loads()
    finder.feed(text)
    return finder.found


class _Loads(HTMLParser):
    _REMOTE = r"(?:https?:)?//[^\s\"')]+"

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_style = False

    def handle_starttag(
        self, tag: str, attrs: Sequence[tuple[str, str | None]]
    ) -> None:
        self._in_style = tag == "style"
        for name, value in attrs:
            if name == "srcdoc":
                self.found += remote_addresses(value or "")
            elif name == "style":
                self._look_for_css(value or "")
            elif value and (tag, name) != ("a", "href"):
                self.found += re.findall(rf"^\s*({self._REMOTE})", value)

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self._look_for_css(re.sub(r"/\*.*?\*/", "", data, flags=re.DOTALL))

    def _look_for_css(self, text: str) -> None:
        asks = rf"(?:url\(\s*|@import\s*)[\"']?({self._REMOTE})"
        self.found += re.findall(asks, text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Export; 1 if a notebook fails or is not there."""
    parser = argparse.ArgumentParser(description="Export the solved notebooks.")
    parser.add_argument("names", nargs="*", help="starts of names; none for all")
    parser.add_argument("--again", action="store_true", help="execute anew")
    options = parser.parse_args(arguments)
    paths = sorted((FOLDER / "solutions").glob("[0-9][0-9]_*.ipynb"))
    starts = tuple(options.names)
    chosen = [path for path in paths if not starts or path.name.startswith(starts)]
    if not chosen:
        known = ", ".join(path.stem for path in paths)
        missing = f"No notebook begins with {' or '.join(starts)}."
        print(f"{missing} There are: {known}.", file=sys.stderr)
        return 1
    try:
        pages = export(
            chosen, BUILD / "html", kept=BUILD / "executed", again=options.again
        )
    except (CellExecutionError, ValueError) as err:
        print(err, file=sys.stderr)
        return 1
    print(f"{len(pages)} pages are in {pages[0].parent.relative_to(FOLDER.parent)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
