"""`browse_patches`: all patches of a class, page by page, the sources side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from tutorial_lib import arguments
from tutorial_lib.patches.extraction import LABELS, Patches
from tutorial_lib.rasters import Legend, PathLike
from tutorial_lib.viewers.explorers.patch_pictures import SourcePatches, draw_page
from tutorial_lib.viewers.explorers.shell import Explorer, Summary, dropdown, slider
from tutorial_lib.viewers.options import check_legend, chosen_bands
from tutorial_lib.viewers.patches import (
    NO_CLASS,
    patch_arrays,
    patch_classes,
    patch_files,
    patch_stack,
    row_name,
)
from tutorial_lib.viewers.pictures import class_color

__all__ = ["PatchBrowser", "browse_patches"]


class PatchBrowser(Explorer):
    """The widget of `browse_patches`; its traits follow the browser, and set it.

    Attributes:
        label: Class that is shown; -1 where the patches have no class.
        page: Number of the page, from 1.
    """

    label = traitlets.Int(allow_none=True, default_value=None)
    page = traitlets.Int(1)

    def __init__(
        self,
        sources: Sequence[SourcePatches],
        labels: np.ndarray,
        *,
        count: int,
        legend: Legend | None,
        centre: bool = False,
        seed: int = 0,
    ) -> None:
        self.sources, self.count = sources, count
        self.legend, self.centre = legend, centre
        # Patches that follow each other in the file are neighbours on the ground: in
        # that order, a page would not be a sample of the class.
        order = np.random.default_rng(seed).permutation(len(labels))
        self._members = {
            label: order[labels[order] == label] for label in np.unique(labels).tolist()
        }
        classes = [
            (f"{row_name(label, legend)}: {len(members)}", label)
            for label, members in self._members.items()
        ]
        controls = {"label": dropdown("class", classes), "page": slider("page", 1, 1)}
        super().__init__(controls, label=next(iter(self._members)))
        # The picture has the words in its title, beside the colour of the class.
        self._words.add_class("kit-announced")

    @traitlets.validate("label")
    def _check_label(self, proposal: Any) -> int:
        if proposal["value"] not in self._members:
            raise ValueError(
                f"There are no patches of class {proposal['value']}. There are some of "
                f"{[*self._members]}."
            )
        return proposal["value"]

    @traitlets.validate("page")
    def _check_page(self, proposal: Any) -> int:
        if not 1 <= proposal["value"] <= self.page_count:
            raise ValueError(
                f"Class {self.label} has no page {proposal['value']}. Its pages are 1 "
                f"to {self.page_count}."
            )
        return proposal["value"]

    @traitlets.observe("label")
    def _open_first_page(self, _: Any) -> None:
        self.page = 1
        self.controls["page"].max = self.page_count

    @property
    def page_count(self) -> int:
        """Number of pages of the class."""
        return -(-len(self._members[self.label]) // self.count)

    @property
    def indices(self) -> list[int]:
        """Numbers of the patches on the page, drawn at random from the class."""
        first = (self.page - 1) * self.count
        return self._members[self.label][first : first + self.count].tolist()

    @property
    def title(self) -> str:
        """The class, the bands, and the page."""
        bands = ""
        # The sources of several bands all show the same bands.
        for source in self.sources:
            if source.pixels.shape[3] > 1:
                numbers = ", ".join(map(str, source.bands))
                bands = f"band{'s' if len(source.bands) > 1 else ''} {numbers}, "
        name = row_name(self.label, self.legend)
        return f"Patches of {name}, {bands}page {self.page} of {self.page_count}"

    def summary(self) -> Summary:
        """The title, and the numbers of the patches."""
        return Summary(f"{self.title}: {', '.join(map(str, self.indices))}.")

    def draw(self, words: Sequence[str] = ()) -> Figure:
        """The patches of the page; title and numbers are in the picture already."""
        has_class = self.label != NO_CLASS
        return draw_page(
            self.sources,
            self.indices,
            title=self.title,
            count=self.count,
            color=class_color(self.label, self.legend) if has_class else None,
            legend=self.legend,
            centre=self.centre,
        )


def browse_patches(
    patches: Patches | Mapping[str, np.ndarray | PathLike] | np.ndarray | PathLike,
    *,
    count: int = 8,
    bands: int | Sequence[int] | None = None,
    legend: Legend | None = None,
    centre: bool = False,
    seed: int = 0,
) -> PatchBrowser:
    """Look through all patches of a class in a widget, page by page.

    Each column is a position, each row a source. All sources are drawn at one size, as
    if their patches covered the same ground. The order is random, so that each page is
    a sample of the class. All patches of a source are stretched alike, so that their
    brightness can be compared. To see a few patches of every class at once, use
    `show_patches`.

    Args:
        patches: The result of `extract_patches`, or arrays (n, height, width, channel)
            or patches images by name, or one of these alone.
        count: Positions on a page.
        bands: As in `show`; a source of one band shows that one.
        legend: Names and colours of the classes.
        centre: Outline the pixel of the position, which has index `size // 2`.
        seed: Another seed gives another order.

    Returns:
        A widget that displays itself. `label`, `page` and `indices` follow the browser,
        and `as_figure()` gives the picture.

    Raises:
        ValueError: If there are no patches, a band is missing, the sources have
            different numbers of patches, or a label is not a whole number.
        TypeError: If the patches are not numbers, or an option is of a wrong type.
        FileNotFoundError: If there is no such file.

    Example:
        >>> from tutorial_lib import testing
        >>> from tutorial_lib.patches import extraction
        >>> from tutorial_lib.patches import selection
        >>> scene = dict(testing.small_scene())
        >>> drawn = selection.select_positions(scene.pop("labels"), count=25)
        >>> sizes = {"input_10m": 16, "input_20m": 8}
        >>> cut = extraction.extract_patches(scene, drawn, sizes=sizes)
        >>> browser = browse_patches(cut, count=3, legend=testing.SMALL_LEGEND)
        >>> browser.label, browser.page = 2, 4
        >>> cut.arrays["labels"][browser.indices].ravel().tolist()
        [2, 2, 2]
    """
    most = arguments.LARGEST_SIDE
    count = arguments.whole_number("count", count, least=1, most=most)
    seed = arguments.whole_number("seed", seed, least=0)
    centre = arguments.flag("centre", centre)
    check_legend(legend)
    arrays = patch_arrays(patches)
    stacks = {
        name: patch_stack(name, a) for name, a in arrays.items() if name != LABELS
    }
    _check(stacks)
    sources = []
    for name, pixels in stacks.items():
        shown = chosen_bands(f"'{name}'", pixels.shape[3], bands, alone=False)
        sources.append(SourcePatches(name, pixels, shown))
    labels = patch_classes(arrays, len(sources[0].pixels))
    browser = PatchBrowser(
        sources, labels, count=count, legend=legend, centre=centre, seed=seed
    )
    browser.inputs = tuple(patch_files(arrays))
    return browser


def _check(stacks: Mapping[str, np.ndarray]) -> None:
    if not stacks:
        raise ValueError(
            "There are no patches to show: the labels are the only source. Give the "
            "patches of a source too."
        )
    counts = {name: len(pixels) for name, pixels in stacks.items()}
    if len(set(counts.values())) > 1:
        raise ValueError(
            f"The sources have different numbers of patches: {counts}. Take all from "
            "one `extract_patches`."
        )
