"""`browse_patches`: all patches of a class, page by page, the sources side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets
import numpy as np
import traitlets

from tutorial_lib.patches.extraction import LABELS, Patches
from tutorial_lib.rasters import Legend, PathLike
from tutorial_lib.viewers.explorers.patch_pictures import PatchRow, draw_page
from tutorial_lib.viewers.explorers.shell import Explorer, controls_row, slider
from tutorial_lib.viewers.figures import StillFigure
from tutorial_lib.viewers.patches import (
    NO_CLASS,
    patch_classes,
    patch_stack,
    row_name,
)
from tutorial_lib.viewers.pictures import class_color
from tutorial_lib.viewers.reading import chosen_bands

__all__ = ["PatchBrowser", "browse_patches"]


class PatchBrowser(Explorer):
    """What `browse_patches` gives: what is chosen in the browser shows here, and back.

    Attributes:
        label: Class that is looked at, -1 where patches have none.
        page: Number of the page, from 1.
    """

    label = traitlets.Int()
    page = traitlets.Int(1)

    def __init__(
        self,
        rows: Sequence[PatchRow],
        labels: np.ndarray,
        *,
        count: int,
        legend: Legend | None,
        centre: bool = False,
        seed: int = 0,
    ) -> None:
        self.rows, self.labels, self.count, self.legend = rows, labels, count, legend
        self.centre = centre
        # Patches that follow each other are neighbours: a page of them is no sample.
        self._order = np.random.default_rng(seed).permutation(len(labels))
        classes = np.unique(labels).tolist()
        names = [
            (f"{row_name(label, legend)}: {int((labels == label).sum())}", label)
            for label in classes
        ]
        self._classes = ipywidgets.Dropdown(options=names, description="class")
        self._pages = slider("page", 1, 1, 1)
        super().__init__([controls_row(self._classes, self._pages)])
        self.label = classes[0]
        self._fit()
        self.observe(self._fit, names="label")
        traitlets.link((self, "label"), (self._classes, "value"))
        traitlets.link((self, "page"), (self._pages, "value"))
        self.follow("label", "page")

    @traitlets.validate("label")
    def _check_label(self, proposal: Any) -> int:
        classes = np.unique(self.labels).tolist()
        if proposal["value"] not in classes:
            raise traitlets.TraitError(
                f"There are no patches of class {proposal['value']}. There are some of "
                f"{classes}."
            )
        return proposal["value"]

    @traitlets.validate("page")
    def _check_page(self, proposal: Any) -> int:
        if not 1 <= proposal["value"] <= self.page_count:
            raise traitlets.TraitError(
                f"There is no page {proposal['value']}: class {self.label} has "
                f"{self.page_count}, numbered from 1."
            )
        return proposal["value"]

    def _fit(self, _: Any = None) -> None:
        """Each class has its number of pages, and begins with the first."""
        self.page = 1
        self._pages.max = self.page_count

    @property
    def page_count(self) -> int:
        """Pages of the class."""
        return -(-int((self.labels == self.label).sum()) // self.count)

    @property
    def indices(self) -> list[int]:
        """Numbers of the patches on the page, drawn at random from the class."""
        members = self._order[self.labels[self._order] == self.label]
        first = (self.page - 1) * self.count
        return members[first : first + self.count].tolist()

    def show_state(self) -> StillFigure:
        """The page as a picture."""
        return self.still()

    def still(self) -> StillFigure:
        """The page as a picture."""
        color = None
        if self.label != NO_CLASS:
            color = class_color(self.label, self.legend)
        name = row_name(self.label, self.legend)
        parts = [f"Patches of {name}", f"page {self.page} of {self.page_count}"]
        return draw_page(
            self.rows,
            self.indices,
            title=", ".join([parts[0], *_bands_shown(self.rows), parts[1]]),
            count=self.count,
            color=color,
            legend=self.legend,
            centre=self.centre,
        )


def _bands_shown(rows: Sequence[PatchRow]) -> list[str]:
    """Bands of the sources that have several: they are the same of all of those."""
    for row in rows:
        if row.pixels.shape[3] > 1:
            numbers = ", ".join(map(str, row.bands))
            return [f"band{'s' if len(row.bands) > 1 else ''} {numbers}"]
    return []


def browse_patches(
    patches: Patches | Mapping[str, np.ndarray | PathLike],
    *,
    count: int = 8,
    bands: int | Sequence[int] | None = None,
    legend: Legend | None = None,
    pixel_sizes: Mapping[str, float] | None = None,
    centre: bool = False,
    seed: int = 0,
) -> PatchBrowser:
    """Look through all patches of a class, all sources at their size on the ground.

    They come in a random order, so that each page is a sample of the class. All patches
    of a source have one stretch, so their brightness can be compared. `show_patches`
    draws a few of each class instead.

    Args:
        patches: What `extract_patches` gives, or arrays (n, height, width, channel) or
            patches images by name.
        count: Positions on a page.
        bands: As in `show`; a source of one band shows that one.
        legend: Names and colours of the classes.
        pixel_sizes: Side of a pixel of each source, all in one unit; None where the
            patches of all sources cover the same ground.
        centre: Outline the pixel of the position, which has index `size // 2`.
        seed: Another seed gives another order.

    Returns:
        A widget that displays itself. Its `label`, `page` and `indices` say what is to
        be seen; `as_figure()` is for where there is no kernel.

    Raises:
        ValueError: If there is no patch, a band or a pixel size is missing, or sources
            have different numbers of patches.

    Example:
        >>> from tutorial_lib import testing
        >>> from tutorial_lib.patches import extraction
        >>> from tutorial_lib.patches import positions
        >>> scene = dict(testing.small_scene())
        >>> drawn = positions.select_positions(scene.pop("labels"), count=25)
        >>> sizes = {"input_10m": 16, "input_20m": 8}
        >>> cut = extraction.extract_patches(scene, drawn, sizes=sizes)
        >>> browser = browse_patches(cut, count=3, legend=testing.SMALL_LEGEND)
        >>> browser.label, browser.page = 2, 4
        >>> cut.arrays["labels"][browser.indices].ravel().tolist()
        [2, 2, 2]
    """
    arrays = patches.arrays if isinstance(patches, Patches) else patches
    stacks = {
        name: patch_stack(name, a) for name, a in arrays.items() if name != LABELS
    }
    _check(stacks, count, pixel_sizes)
    rows = [
        PatchRow(
            name,
            pixels,
            _bands(name, pixels.shape[3], bands),
            # One side of all patches is as long as any other's.
            pixel_sizes[name] if pixel_sizes else 1 / max(pixels.shape[1:3]),
        )
        for name, pixels in stacks.items()
    ]
    total = len(rows[0].pixels)
    return PatchBrowser(
        rows,
        patch_classes(arrays, total),
        count=count,
        legend=legend,
        centre=centre,
        seed=seed,
    )


def _bands(name: str, count: int, bands: int | Sequence[int] | None) -> list[int]:
    return [1] if count == 1 else list(chosen_bands(f"'{name}'", count, bands))


def _check(
    stacks: Mapping[str, np.ndarray],
    count: int,
    pixel_sizes: Mapping[str, float] | None,
) -> None:
    if not stacks:
        raise ValueError("There are no patches to show: no source but the labels.")
    counts = {name: len(pixels) for name, pixels in stacks.items()}
    if len(set(counts.values())) > 1:
        raise ValueError(
            f"The sources have different numbers of patches: {counts}. Take all from "
            "one `extract_patches`."
        )
    if count < 1:
        raise ValueError(f"`count` is {count}. Give 1 or more.")
    missing = sorted(set(stacks) - set(pixel_sizes)) if pixel_sizes else []
    if missing:
        raise ValueError(f"`pixel_sizes` has none for {missing}. Give all, or None.")
