"""`explore_fields`: chunk size and crop of a network, and what they come to."""

from typing import Any

import ipywidgets
import keras
import traitlets

from tutorial_lib.fields.analysis import FieldAnalysis, analyse
from tutorial_lib.fields.tiling import Verdict
from tutorial_lib.viewers.explorers.field_pictures import (
    draw_legend,
    draw_trial,
    headline,
    sentences,
)
from tutorial_lib.viewers.explorers.field_trials import Trial
from tutorial_lib.viewers.explorers.shell import (
    Explorer,
    controls_row,
    picture,
    slider,
    whole_number,
    words,
)
from tutorial_lib.viewers.explorers.tiled_fields import OFFERED, FieldStudy
from tutorial_lib.viewers.figures import StillFigure

__all__ = ["FieldExplorer", "explore_fields"]


class FieldExplorer(Explorer):
    """What `explore_fields` gives: what is set in the browser shows here, and back.

    Attributes:
        output: Name of the output that is looked at.
        chunk: Side of a chunk, in reference pixels.
        crop: Output pixels removed from each side.
    """

    output = traitlets.Unicode()
    chunk = traitlets.Int()
    crop = traitlets.Int()

    def __init__(
        self, analysis: FieldAnalysis, output: str, chunk: int | None, crop: int
    ) -> None:
        self.analysis = analysis
        self._studies = {name: FieldStudy(analysis, name) for name in analysis.outputs}
        study = self._studies[output]
        self._sliders = {
            "chunk": slider("chunk", study.first_chunk, 1, 4 * study.first_chunk),
            "crop": slider("crop", 0, 0, study.first_chunk // 2),
        }
        names = ipywidgets.Dropdown(
            options=tuple(self._studies), value=output, description="output"
        )
        self._words = ipywidgets.HTML()
        self._label = ipywidgets.Label()
        self._offers = [ipywidgets.Button() for _ in range(OFFERED)]
        super().__init__(
            [controls_row(*self._sliders.values(), names)],
            [
                picture(draw_legend()),
                self._words,
                controls_row(self._label, *self._offers, kind="kit-choices"),
            ],
        )
        self.output = output
        self.chunk = study.first_chunk if chunk is None else chunk
        self.crop = crop
        self._sliders["chunk"].min = study.smallest_chunk
        self._stretch()
        self.observe(self._fit, names="output")
        self.observe(self._stretch, names=["output", "chunk"])
        for name, control in (*self._sliders.items(), ("output", names)):
            traitlets.link((self, name), (control, "value"))
        for button in self._offers:
            button.on_click(self._take)
        self.follow("output", "chunk", "crop")

    @traitlets.validate("output")
    def _check_output(self, proposal: Any) -> str:
        if proposal["value"] not in self._studies:
            raise traitlets.TraitError(_no_output(proposal["value"], self.analysis))
        return proposal["value"]

    @traitlets.validate("chunk")
    def _check_chunk(self, proposal: Any) -> int:
        least = self._studies[self.output].smallest_chunk
        if proposal["value"] < least:
            raise traitlets.TraitError(
                f"A chunk of {proposal['value']} px gives no pixel of "
                f"'{self.output}'. Use {least} px or more."
            )
        return self._in_range("chunk", proposal["value"])

    @traitlets.validate("crop")
    def _check_crop(self, proposal: Any) -> int:
        if proposal["value"] < 0:
            raise traitlets.TraitError(
                f"A crop removes pixels from each side: 0 or more, not "
                f"{proposal['value']}."
            )
        return self._in_range("crop", proposal["value"])

    def _in_range(self, name: str, value: int) -> int:
        """Let a slider reach what is set in Python."""
        control = self._sliders[name]
        control.max = max(control.max, value)
        return value

    def _fit(self, _: Any = None) -> None:
        """Each output needs its own chunk, and has its own crop built in."""
        study = self._studies[self.output]
        too_small = self.chunk < study.smallest_chunk
        if too_small:
            self.chunk = study.first_chunk
        self._sliders["chunk"].min = study.smallest_chunk
        size = study.size(self.chunk)
        if too_small or (size is not None and size <= 2 * self.crop):
            self.crop = study.smallest_crop

    def _stretch(self, _: Any = None) -> None:
        """The slider reaches the crop that leaves nothing, and what is set already."""
        size, control = (
            self._studies[self.output].size(self.chunk),
            self._sliders["crop"],
        )
        if size is not None:
            control.max = max(size // 2, self.crop, control.value)

    def _take(self, button: ipywidgets.Button) -> None:
        with self.hold_trait_notifications():
            self.chunk, self.crop = button.offer

    @property
    def trial(self) -> Trial:
        """All that is known of the present settings."""
        return self._studies[self.output].trial(self.chunk, self.crop)

    @property
    def verdict(self) -> Verdict:
        """Whether tiles of the present settings are exact; see `check_tiling`."""
        return self.trial.verdict

    def show_state(self) -> StillFigure:
        """The picture, words and buttons for the present settings."""
        trial = self.trial
        self._words.value = words(
            trial.verdict.exact, headline(trial), sentences(trial)
        )
        exact = trial.verdict.exact
        self._label.value = "Exact too:" if exact else "Nearest that are exact:"
        self._label.layout.display = None if trial.offers else "none"
        self._show_offers(trial.offers)
        return draw_trial(trial)

    def _show_offers(self, offers: tuple[tuple[int, int], ...]) -> None:
        for number, button in enumerate(self._offers):
            shown = number < len(offers)
            button.layout.display = None if shown else "none"
            if shown:
                button.offer = offers[number]
                button.description = "chunk {}, crop {}".format(*offers[number])

    def still(self) -> StillFigure:
        """The picture with its words."""
        return draw_trial(self.trial, with_words=True)


def explore_fields(
    model: keras.Model | FieldAnalysis,
    output: str | None = None,
    *,
    chunk: int | None = None,
    crop: int = 0,
) -> FieldExplorer:
    """Choose a chunk size and a crop, and see what they come to, layer by layer.

    Every size can be chosen, legal or not: what is wrong is said, and the nearest
    choices that are exact are a click away. Bars are drawn along the columns, to scale.

    Args:
        model: A functional Keras model, or its analysis.
        output: Name of the output to look at first; None takes the first one.
        chunk: Side of a chunk, in reference pixels; None takes one that the smallest
            legal crop leaves half of.
        crop: Output pixels removed from each side.

    Returns:
        A widget that displays itself. Its `chunk`, `crop` and `output` are what one
        chose in the browser, `verdict` what comes of it, and `as_figure()` is for where
        there is no kernel.

    Raises:
        TypeError: If the model is no graph of layers, or a size no whole number.
        ValueError: If there is no such output, or a size is impossible.

    Example:
        >>> from tutorial_lib import architectures
        >>> explorer = explore_fields(architectures.pan_xs_unet(4), crop=24)
        >>> explorer.chunk, explorer.verdict.exact, explorer.verdict.crops
        (128, False, (32,))
        >>> explorer.crop = 32
        >>> explorer
        Exact: tiles of 64 x 64 px, put side by side, are the map of the whole image.
        Cost: 4.00 pixels are computed for each that is kept: (128 / 64)².
    """
    analysis = model if isinstance(model, FieldAnalysis) else analyse(model)
    output = next(iter(analysis.outputs)) if output is None else output
    if output not in analysis.outputs:
        raise ValueError(_no_output(output, analysis))
    if chunk is not None:
        chunk = whole_number("chunk", chunk, "pixels")
    crop = whole_number("crop", crop, "pixels")
    try:
        return FieldExplorer(analysis, output, chunk, crop)
    except traitlets.TraitError as error:
        raise ValueError(str(error)) from error


def _no_output(name: str, analysis: FieldAnalysis) -> str:
    return f"The model has no output '{name}'. It has: {', '.join(analysis.outputs)}."
