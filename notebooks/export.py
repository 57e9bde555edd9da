"""Export the solved notebooks as HTML pages that need neither internet nor kernel.

    python notebooks/export.py              all notebooks, into build/html
    python notebooks/export.py 03 05        notebooks whose names start with 03 or 05
    python notebooks/export.py --again      execute all notebooks again

Notebooks are executed first, and stored with their outputs in build/executed. A stored
notebook is used again until its cells change. After a change of the library, use
`--again`.

A page is one file that loads nothing. Maps and figures are inside it. Widgets made with
anywidget work, and start in the state that they had in the notebook. Other widgets need
a kernel, so the page shows the picture that they provide. The glossary becomes a page
too, and links to its words reach it.
"""

import argparse
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

from tutorial_lib.display import escaped, image_tag

FOLDER = Path(__file__).resolve().parent
GLOSSARY = FOLDER / "glossary.md"
BUILD = FOLDER.parent / "build"

_VIEW = "application/vnd.jupyter.widget-view+json"
_STATE = "application/vnd.jupyter.widget-state+json"
_PICTURES = {"text/html", "image/png", "image/jpeg", "image/svg+xml"}
_LIVE = 'class="kit-needs-kernel"'
_NEEDS_KERNEL = (
    "<p><em>This control needs a running notebook: open the notebook in JupyterLab to "
    "use it.</em></p>"
)

# nbconvert's page in the style of JupyterLab, without the scripts that it would load
# from the internet (RequireJS, MathJax, Mermaid, the widget manager). It has a light
# and a dark theme, and keeps the alt text of each picture.
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
/* Contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3), which nbconvert's colours lack. */
:root {
  --jp-mirror-editor-keyword-color: #006c00;
  --jp-mirror-editor-builtin-color: #006c00;
  --jp-mirror-editor-number-color: #006c00;
  --jp-mirror-editor-comment-color: #2f6b6b;
  --jp-mirror-editor-operator-color: #8712cf;
  --jp-mirror-editor-meta-color: #8712cf;
  --jp-mirror-editor-error-color: #c00000;
  --jp-cell-prompt-not-active-opacity: 1;
}
@media (prefers-color-scheme: dark) {
  :root {
    --jp-mirror-editor-keyword-color: #6cc56f;
    --jp-mirror-editor-builtin-color: #6cc56f;
    --jp-mirror-editor-number-color: #81c784;
    --jp-mirror-editor-comment-color: #6fb3b3;
    --jp-mirror-editor-operator-color: #d08cff;
    --jp-mirror-editor-meta-color: #d08cff;
    --jp-mirror-editor-error-color: #ff8a80;
  }
}
/* Colours that a program chose for a terminal suit only one of the two themes. */
.jp-OutputArea-output pre span {
  color: inherit !important; background: none !important;
}
/* A link is told by its line too, not by its colour alone. */
.jp-RenderedHTMLCommon a:not(.anchor-link) { text-decoration: underline; }
/* Long lines of code scroll on the screen and wrap on paper. */
.jp-Cell-inputWrapper, .jp-InputArea, .jp-InputArea-editor { min-width: 0; }
.jp-InputArea-editor, .jp-OutputArea-output pre { overflow-x: auto; }
.jp-RenderedHTMLCommon table { display: block; overflow-x: auto; max-width: 100%; }
@media print {
  .jp-InputArea-editor pre, .jp-OutputArea-output pre {
    white-space: pre-wrap; overflow-wrap: anywhere;
  }
  .jp-InputArea-editor { overflow: visible; }
  /* A frame is not drawn again for paper: the picture behind it shows the whole map. */
  iframe[title="Map"] { display: none; }
}
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
        paths: Paths of the notebooks.
        target: Folder for the pages.
        kept: Folder for the executed notebooks.
        again: Execute a notebook even if it was executed before.

    Returns:
        Paths of the pages.

    Raises:
        CellExecutionError: If a cell fails.
        ValueError: If a page would load something from the internet.
    """
    target.mkdir(parents=True, exist_ok=True)
    pages = []
    for path in paths:
        text = page_of(executed(path, kept, again=again), path.stem)
        addresses = sorted(set(remote_addresses(text)))
        if addresses:
            raise ValueError(
                f"{path.name} cannot be exported, because its page would load "
                f"{', '.join(addresses[:3])} from the internet. Put the files into the "
                "kit, or do without them (`basemap=False`)."
            )
        pages.append(target / f"{path.stem}.html")
        pages[-1].write_text(text, encoding="utf-8")
    (target / "glossary.html").write_text(glossary_page(), encoding="utf-8")
    return pages


def executed(path: Path, kept: Path, *, again: bool = False) -> NotebookNode:
    """The notebook with all its outputs, from an earlier execution if there is one."""
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
    """Type and text of each cell."""
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def page_of(notebook: NotebookNode, title: str) -> str:
    """The HTML page of an executed notebook."""
    notebook = deepcopy(notebook)
    models = _replace_widgets(notebook)
    _link_pages(notebook)
    _replace_empty_headers(notebook)
    notebook.metadata.setdefault("title", _title(notebook) or title)
    exporter = HTMLExporter(
        template_file="offline.html.j2",
        extra_loaders=[DictLoader({"offline.html.j2": _TEMPLATE})],
    )
    # "</script>" in the JSON would end the script element that holds it.
    models_text = json.dumps(models).replace("<", "\\u003c") if models else ""
    resources = {
        "models": models_text,
        "host": (FOLDER / "export.js").read_text(encoding="utf-8"),
        "dark_theme": _dark_theme(exporter),
        "metadata": {"name": title},
    }
    return exporter.from_notebook_node(notebook, resources=resources)[0]


def glossary_page() -> str:
    """The HTML page of the glossary; each word is an anchor."""
    text = GLOSSARY.read_text(encoding="utf-8")
    cell = nbformat.v4.new_markdown_cell(text)
    return page_of(nbformat.v4.new_notebook(cells=[cell]), GLOSSARY.stem)


def _title(notebook: NotebookNode) -> str | None:
    """The text of the first heading, or None."""
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    found = re.search(r"^# (.+)", "\n".join(texts), re.MULTILINE)
    return found[1].strip() if found else None


def _dark_theme(exporter: HTMLExporter) -> str:
    """Style sheet of JupyterLab's dark theme, for readers whose system is dark."""
    files = (Path(p) / "static" / "theme-dark.css" for p in exporter.template_paths)
    path = next(path for path in files if path.exists())
    # Comments are removed, because some hold a web address.
    text = path.read_text(encoding="utf-8")
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def _replace_widgets(notebook: NotebookNode) -> dict[str, Any]:
    """Replace each widget by an element of the page, and return the anywidget models.

    Args:
        notebook: The notebook, which is changed.

    Returns:
        State and buffers by model id, for the models that work without a kernel.
    """
    saved = notebook.metadata.pop("widgets", {}).get(_STATE, {}).get("state", {})
    models = {}
    _drop_progress_bars(notebook)
    for output in _rich_outputs(notebook):
        # What a server of the kernel shows, such as TensorBoard.
        if _LIVE in output.data.get("text/html", ""):
            output.data["text/html"] = _NEEDS_KERNEL
        view = output.data.pop(_VIEW, None)
        if view is None:
            continue
        model = saved.get(view["model_id"])
        if model and "_esm" in model["state"]:
            models[view["model_id"]] = _model(model)
            output.data["text/html"] = _widget_element(view["model_id"], output)
        elif not _PICTURES & set(output.data):
            output.data["text/html"] = _NEEDS_KERNEL
    return models


def _replace_empty_headers(notebook: NotebookNode) -> None:
    """Make plain cells of the empty headers of pandas tables: they head nothing."""
    for output in _rich_outputs(notebook):
        if "text/html" in output.data:
            table = output.data["text/html"]
            output.data["text/html"] = table.replace("<th></th>", "<td></td>")


def _drop_progress_bars(notebook: NotebookNode) -> None:
    """Remove progress bars: without a kernel they would stay at 0 %."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [
                output
                for output in cell.outputs
                if _VIEW not in output.get("data", {})
                or not re.search(r"\d%\|", output.data.get("text/plain", ""))
            ]


def _rich_outputs(notebook: NotebookNode) -> Iterator[NotebookNode]:
    """Outputs that hold data: pictures, HTML, widgets."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "data" in output:
                yield output


def _model(saved: Mapping[str, Any]) -> dict[str, Any]:
    return {"state": saved["state"], "buffers": saved.get("buffers", [])}


def _widget_element(model_id: str, output: NotebookNode) -> str:
    """The element for a widget; until the widget starts, it holds a picture or text."""
    still = output.data.get("text/html")
    if still is None and "image/png" in output.data:
        alt = output.metadata.get("image/png", {}).get("alt", "")
        still = image_tag(output.data["image/png"], alt)
    still = still or escaped(output.data.get("text/plain", ""))
    return f'<div data-widget-model="{escaped(model_id)}">{still}</div>'


def _link_pages(notebook: NotebookNode) -> None:
    """Change links to other notebooks and the glossary into links to their pages."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(
                r"\]\((?:\.\./)?(\d\d\w+\.ipynb|glossary\.md)(#[^)\s]*)?\)",
                lambda link: f"]({Path(link[1]).stem}.html{link[2] or ''})",
                cell.source,
            )


def remote_addresses(text: str) -> list[str]:
    """Web addresses that a page, or a frame in it, would load.

    Links that a reader may click are not loaded, so they are not listed.
    """
    finder = _LoadFinder()
    finder.feed(text)
    return finder.found


class _LoadFinder(HTMLParser):
    """Collects the web addresses that attributes and style sheets load."""

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
                self._search_css(value or "")
            elif value and (tag, name) != ("a", "href"):
                self.found += re.findall(rf"^\s*({self._REMOTE})", value)

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self._search_css(re.sub(r"/\*.*?\*/", "", data, flags=re.DOTALL))

    def _search_css(self, text: str) -> None:
        loads = rf"(?:url\(\s*|@import\s*)[\"']?({self._REMOTE})"
        self.found += re.findall(loads, text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Export the notebooks; return 1 if one fails or does not exist."""
    parser = argparse.ArgumentParser(description="Export the solved notebooks.")
    parser.add_argument(
        "names",
        nargs="*",
        help="starts of notebook names, like 03 (default: all notebooks)",
    )
    parser.add_argument(
        "--again",
        action="store_true",
        help="execute also the notebooks that were executed before",
    )
    options = parser.parse_args(arguments)
    paths = sorted((FOLDER / "solutions").glob("[0-9][0-9]*_*.ipynb"))
    starts = tuple(options.names)
    chosen = [path for path in paths if not starts or path.name.startswith(starts)]
    if not chosen:
        known = ", ".join(path.stem for path in paths)
        missing = f"No notebook starts with {' or '.join(starts)}."
        print(f"{missing} The notebooks are: {known}.", file=sys.stderr)
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
