"""Export the solved notebooks as HTML pages that need neither internet nor kernel.

    python notebooks/export.py              the whole site, into build/html
    python notebooks/export.py 03 05        notebooks whose names start with 03 or 05
    python notebooks/export.py --again      execute all notebooks again

Notebooks are executed first, and stored with their outputs in build/executed. A stored
notebook is used again until its cells change. After a change of the library, use
`--again`.

The page of a notebook is one file that loads nothing. Maps and figures are inside it.
Widgets made with anywidget work, and start in the state that they had in the notebook.
Other widgets need a kernel, so the page shows the picture that they provide. The
package `website` makes the other pages: start, texts, glossary, reference and search.
"""

import argparse
import json
import re
import sys
from collections.abc import Collection, Sequence
from copy import deepcopy
from functools import partial
from os.path import relpath
from pathlib import Path, PurePosixPath

import nbformat
from jinja2 import DictLoader
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from website.addresses import remote_addresses
from website.building import all_pages, write_glossary, write_site
from website.course import notebook_names, title_of
from website.outputs import fold_answers, replace_empty_headers, replace_widgets
from website.pages import header, navigation_style, steps
from website.places import GLOSSARY, link_of

FOLDER = Path(__file__).resolve().parent
BUILD = FOLDER.parent / "build"

# nbconvert's page in the style of JupyterLab, without the scripts that it would load
# from the internet (RequireJS, MathJax, Mermaid, the widget manager). It has a light
# and a dark theme, and keeps the alt text of each picture.
_TEMPLATE = """
{%- extends 'index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block jupyter_widgets -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block extra_css -%}
<style>{{ resources.navigation_style }}</style>
{%- endblock -%}
{%- block body_header -%}
<body class="jp-Notebook" data-jp-theme-light="true">
{{ resources.header }}
<main id="content">
{%- endblock -%}
{%- block body_footer -%}
</main>
{{ resources.footer }}
</body>
{%- endblock -%}
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
    white-space: pre-wrap !important; overflow-wrap: anywhere;
  }
  .jp-InputArea-editor { overflow: visible; }
  /* Tables that Keras draws with lines: smaller, because a wrapped one is a mess. */
  .jp-RenderedHTML > pre { font-size: 65%; }
  /* A frame is not drawn again for paper: the picture behind it shows the whole map. */
  iframe.kit-map { display: none; }
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
{%- endif -%}
<script type="module">{{ resources.host }}</script>
{%- endblock -%}
"""


def export(
    paths: Sequence[Path],
    target: Path,
    *,
    kept: Path,
    again: bool = False,
    known: Collection[str] = (),
) -> list[Path]:
    """Write a page for each notebook.

    Args:
        paths: Paths of the notebooks.
        target: Folder for the pages.
        kept: Folder for the executed notebooks.
        again: Execute a notebook even if it was executed before.
        known: Names of the pages that these pages may link to. Empty stands for the
            pages that are in the folder at the end.

    Returns:
        Paths of the pages.

    Raises:
        CellExecutionError: If a cell fails.
        ValueError: If a page would load something from the internet.
    """
    target.mkdir(parents=True, exist_ok=True)
    known = known or {
        GLOSSARY,
        *(page.relative_to(target).as_posix() for page in target.rglob("*.html")),
        *(f"{path.stem}.html" for path in paths),
    }
    pages = []
    for path in paths:
        text = page_of(executed(path, kept, again=again), path.stem, known)
        addresses = sorted(set(remote_addresses(text)))
        if addresses:
            raise ValueError(
                f"{path.name} cannot be exported, because its page would load "
                f"{', '.join(addresses[:3])} from the internet. Put the files into the "
                "kit, or do without them (`basemap=False`)."
            )
        pages.append(target / f"{path.stem}.html")
        pages[-1].write_text(text, encoding="utf-8")
    write_glossary(target, known)
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


def page_of(notebook: NotebookNode, name: str, known: Collection[str] = ()) -> str:
    """The HTML page of an executed notebook.

    Args:
        notebook: The notebook with its outputs.
        name: Its name, without the ending.
        known: Names of the pages that it may link to.
    """
    notebook, page = deepcopy(notebook), f"{name}.html"
    models = replace_widgets(notebook)
    fold_answers(notebook)
    _link_pages(notebook, page, known)
    replace_empty_headers(notebook)
    notebook.metadata.setdefault("title", _title(notebook) or name)
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
        "metadata": {"name": name},
        "navigation_style": navigation_style(),
        "header": header(page, known) + _steps(page, known, "top"),
        "footer": _steps(page, known, "bottom"),
    }
    return exporter.from_notebook_node(notebook, resources=resources)[0]


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


def _link_pages(notebook: NotebookNode, page: str, known: Collection[str]) -> None:
    """Change links to files of the repository into links to their pages."""
    source = PurePosixPath("notebooks/solutions", page).with_suffix(".ipynb")
    # Links between notebooks stay: the other page may be written later.
    known = {GLOSSARY, *(f"{name}.html" for name in notebook_names()), *known}
    address = partial(link_of, source=source, page=page, known=known)

    def link(found: re.Match[str]) -> str:
        target = address(found[2])
        return f"[{found[1]}]({target})" if target else found[1]

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"(?<!!)\[([^]]*)\]\(([^)\s]+)\)", link, cell.source)


def _steps(page: str, known: Collection[str], place: str) -> str:
    """Links to the notebooks before and after."""
    order = {
        f"{name}.html": f"{name.partition('_')[0]} {title_of(name)}"
        for name in notebook_names()
        if f"{name}.html" in {*known, page}
    }
    return steps(page, order, place) if page in order else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Export the notebooks; return 1 if one fails or does not exist."""
    parser = argparse.ArgumentParser(description="Export the solved notebooks.")
    parser.add_argument(
        "names",
        nargs="*",
        help="starts of notebook names, like 03: their pages only (default: all)",
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
    target, known = BUILD / "html", () if starts else all_pages()
    try:
        pages = export(
            chosen, target, kept=BUILD / "executed", again=options.again, known=known
        )
        pages += () if starts else write_site(target)
    except (CellExecutionError, ValueError) as err:
        print(err, file=sys.stderr)
        return 1
    print(f"{len(pages)} pages are in {relpath(target)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
