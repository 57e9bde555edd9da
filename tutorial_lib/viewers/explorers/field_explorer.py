"""`explore_fields`: try chunk sizes and crops, and see the valid part of each layer."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import traitlets
from matplotlib.figure import Figure

from tutorial_lib import arguments
from tutorial_lib.fields.analysis import FieldAnalysis, analyse
from tutorial_lib.fields.checks import check_output
from tutorial_lib.fields.tiling import Verdict
from tutorial_lib.viewers.explorers.chunk_results import ChunkResult, OutputStudy
from tutorial_lib.viewers.explorers.field_pictures import draw_result
from tutorial_lib.viewers.explorers.shell import (
    Explorer,
    Summary,
    dropdown,
    slider,
)

__all__ = ["FieldExplorer", "explore_fields"]


class FieldExplorer(Explorer):
    """The widget of `explore_fields`; its traits follow the browser, and set it.

    Attributes:
        output: Name of the output that is shown.
        chunk: Side of a chunk, in reference pixels.
        crop: Output pixels that are removed from each side.
    """

    output = traitlets.Unicode()
    chunk = traitlets.Int(1)
    crop = traitlets.Int()

    def __init__(
        self, analysis: FieldAnalysis, output: str, chunk: int | None, crop: int
    ) -> None:
        self.analysis = analysis
        self._studies = {name: OutputStudy(analysis, name) for name in analysis.outputs}
        first, _ = self._studies[output].first_choice
        # Chunks between the steps cannot run. They can be typed, to see why.
        step = analysis.stride
        low = (first - 1) % step + 1
        controls = {
            "chunk": slider("chunk", low, low + (4 * first - low) // step * step),
            "crop": slider("crop", 0, first),
            "output": dropdown("output", self._studies),
        }
        chunk = first if chunk is None else chunk
        super().__init__(controls, output=output, chunk=chunk, crop=crop)
        self._accessibility.steps = {"chunk": step}
        self._low = low
        # After the slider has the value that moved its end.
        self.observe(self._restore_slider, "chunk")

    @traitlets.validate("output")
    def _check_output(self, proposal: Any) -> str:
        check_output(proposal["value"], self._studies)
        return proposal["value"]

    @traitlets.validate("chunk", "crop")
    def _check_size(self, proposal: Any) -> int:
        name, value = proposal["trait"].name, proposal["value"]
        least = 1 if name == "chunk" else 0
        if value < least:
            raise ValueError(f"`{name}` is {value} px. Give {least} px or more.")
        return value

    @traitlets.observe("output")
    def _choose_sizes(self, _: Any) -> None:
        """Take sizes that suit the new output where the present ones leave nothing."""
        study = self._studies[self.output]
        if study.reach and not self.result.tile:
            self.chunk, self.crop = study.first_choice

    def _restore_slider(self, _: Any) -> None:
        """Begin the slider's steps at their place again after a smaller chunk."""
        self.controls["chunk"].min = min(self._low, self.chunk)

    @property
    def result(self) -> ChunkResult:
        """What the present settings give."""
        return ChunkResult(self._studies[self.output], self.chunk, self.crop)

    @property
    def verdict(self) -> Verdict:
        """Whether tiles of the present settings are exact; see `check_tiling`."""
        return self.result.verdict

    def summary(self) -> Summary:
        """The verdict, its reasons, and the cost."""
        result = self.result
        sentences = tuple(_sentences(result))
        return Summary(_title(result), sentences, good=result.verdict.exact)

    def draw(self, words: Sequence[str] = ()) -> Figure:
        """The layers as bars, and the output as a square."""
        return draw_result(self.result, words)


def _title(result: ChunkResult) -> str:
    if result.verdict.exact:
        return (
            f"Exact: tiles of {result.tile} x {result.tile} px, put side by side, are "
            "the map of the whole image."
        )
    if result.failure:
        return f"The network cannot run on chunks of {result.chunk} px."
    return f"Not exact with chunks of {result.chunk} px and a crop of {result.crop} px."


def _sentences(result: ChunkResult) -> Iterator[str]:
    yield from result.verdict.broken
    if result.nearest:
        pairs = [f"chunk {chunk} with crop {crop}" for chunk, crop in result.nearest]
        plural = "s" if len(pairs) > 1 else ""
        yield f"Nearest exact choice{plural}: {', or '.join(pairs)}."
    if result.margins is not None:
        left, top, right, bottom = result.margins
        if (left, right) != (top, bottom):
            yield (
                f"The bars show columns; of the rows, {top} px are lost at the top and "
                f"{bottom} px at the bottom."
            )
    if result.cost is not None:
        yield (
            f"Cost: {result.cost:.2f} pixels are computed for each one kept: "
            f"({result.chunk} / {result.kept})²."
        )


def explore_fields(
    model: keras.Model | FieldAnalysis,
    output: str | None = None,
    *,
    chunk: int | None = None,
    crop: int = 0,
) -> FieldExplorer:
    """Try chunk sizes and crops in a widget, and see the valid part of each layer.

    Each layer is a bar along the columns, to scale; its valid part is blue. The slider
    of the chunk moves by the total stride. Any other chunk can be typed beside it, or
    set in Python: the widget says what is wrong, and which choices are exact.

    Args:
        model: A functional Keras model, or its analysis.
        output: Name of the output to show first; None takes the first one.
        chunk: Side of a chunk, in reference pixels. None chooses one: the smallest
            exact crop leaves half of it.
        crop: Output pixels that are removed from each side.

    Returns:
        A widget that displays itself. `chunk`, `crop` and `output` follow the browser,
        `verdict` says whether they are exact, and `as_figure()` gives the picture.

    Raises:
        TypeError: If the model is not a graph of layers, or a size is not a number.
        ValueError: If the model does not have the output, or a size is too small or
            not whole.

    Example:
        >>> from tutorial_lib import architectures
        >>> explorer = explore_fields(architectures.pan_xs_unet(4), crop=24)
        >>> explorer.chunk, explorer.verdict.exact, explorer.verdict.crops
        (128, False, (32,))
        >>> explorer.crop = 32
        >>> explorer
        Exact: tiles of 64 x 64 px, put side by side, are the map of the whole image.
        Cost: 4.00 pixels are computed for each one kept: (128 / 64)².
    """
    most = arguments.LARGEST_SIDE
    if chunk is not None:
        chunk = arguments.whole_number("chunk", chunk, least=1, most=most)
    crop = arguments.whole_number("crop", crop, least=0, most=most)
    analysis = model if isinstance(model, FieldAnalysis) else analyse(model)
    output = next(iter(analysis.outputs)) if output is None else output
    check_output(output, analysis.outputs)
    return FieldExplorer(analysis, output, chunk, crop)
