"""Outputs of a notebook as a page without a kernel can show them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lint import QUESTION
from nbformat import NotebookNode
from nbformat.v4 import new_output

from tutorial_lib.display import escaped, image_tag

_VIEW = "application/vnd.jupyter.widget-view+json"
_STATE = "application/vnd.jupyter.widget-state+json"
_PICTURES = {"text/html", "image/png", "image/jpeg", "image/svg+xml"}
_LIVE = 'class="kit-needs-kernel"'
_NEEDS_KERNEL = (
    "<p><em>This control needs a running notebook: open the notebook in JupyterLab to "
    "use it.</em></p>"
)


def replace_widgets(notebook: NotebookNode) -> dict[str, Any]:
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


def replace_empty_headers(notebook: NotebookNode) -> None:
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


def fold_answers(notebook: NotebookNode) -> None:
    """Hide the answer to each question behind a line that opens on request.

    Readers of a page can think first, as learners do who have buttons.
    """
    for cell in notebook.cells:
        if QUESTION not in cell.metadata.get("tags", []):
            continue
        # What nbconvert's own preprocessor sets to leave out the code of a cell.
        cell.metadata["transient"] = {"remove_source": True}
        (answer,) = re.findall(r'^answer = "(.+)"$', cell.source, re.MULTILINE)
        notes = "".join(output.data["text/html"] for output in cell.outputs)
        folded = (
            f"<details><summary>The answer</summary><p><strong>{escaped(answer)}"
            f"</strong></p>{notes}</details>"
        )
        cell.outputs = [new_output("display_data", {"text/html": folded})]
