"""PatchesSelection: points on a regular grid, divided for training and testing."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.compat.application import Application
from tutorial_lib.compat.applications.feature_pixels import check_mask
from tutorial_lib.compat.applications.patch_groups import balanced, chessboard, split
from tutorial_lib.compat.applications.patch_nodes import Nodes, usable_nodes
from tutorial_lib.compat.applications.point_files import PointFile, write_point_file
from tutorial_lib.compat.images import Image
from tutorial_lib.compat.parameters import (
    Parameter,
    choice,
    file_out,
    flag,
    image_in,
    number,
    whole,
)
from tutorial_lib.display import counted
from tutorial_lib.grids import patch_start, pixel_index
from tutorial_lib.placement import is_north_up, why_not_north_up

_OUTPUTS = ("outtrain", "outvalid", "outtest")
_PROPORTIONS = ("trainprop", "validprop", "testprop")

__all__ = ["PatchesSelection"]


class PatchesSelection(Application):
    """Points on a regular grid; `Application` says how to give parameters.

    The points are in the order of pixels. Their field `id` numbers them through all
    groups, also those without a file.

    Source:
        OTBTF's PatchesSelection. The point of an odd patch is the centre of its centre
        pixel. Of an even patch it is the lower left corner of that pixel, so
        PatchesExtraction cuts the patch one row below. The random split is not drawn by
        OTBTF's generator, and `balanced` starts with all nodes of the coarse grid.

    Example:
        >>> from tutorial_lib import Positions, testing
        >>> folder = testing.scratch_folder()
        >>> _ = PatchesSelection(
        ...     in_=testing.small_scene()["input_10m"],
        ...     grid_step=16,
        ...     grid_psize=16,
        ...     outtrain=folder / "train.geojson",
        ...     outvalid=folder / "valid.geojson",
        ... )
        >>> len(Positions.from_file(folder / "train.geojson", field="id"))
        35
    """

    about = "Points on a regular grid, for training, validation and test."

    @classmethod
    def declare(cls, sources: int) -> list[Parameter]:
        """See `Application.declare`."""
        strategies = ("chessboard", "split", "all", "balanced")
        of_labels = "balanced: label image"
        return [
            image_in("in", "Image"),
            image_in("mask", "Pixels above 0 are usable; default all", required=False),
            number("nodata", "A pixel with it in all bands is not usable"),
            whole("grid.step", "Pixels between two points", required=True),
            whole("grid.psize", "Size of the patches in pixels", required=True),
            whole("grid.offsetx", "Columns by which the grid is moved", 0, least=0),
            whole("grid.offsety", "Rows by which the grid is moved", 0, least=0),
            choice("strategy", "How points are divided", strategies, "chessboard"),
            flag("strategy.split.random", "split: in a random order"),
            number("strategy.split.trainprop", "split: share of training", 50.0),
            number("strategy.split.validprop", "split: share of validation", 25.0),
            number("strategy.split.testprop", "split: share of test", 25.0),
            number("strategy.balanced.sp", "balanced: share taken by place", 0.25),
            whole("strategy.balanced.nclasses", "balanced: classes", least=2),
            image_in("strategy.balanced.labelimage", of_labels, required=False),
            file_out("outtrain", "Points for training, with the field id"),
            file_out("outvalid", "Points for validation", required=False),
            file_out("outtest", "Points for the test", required=False),
        ]

    def run(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """See `Application.run`."""
        image: Image = values["in"]
        check_mask(image, values["mask"])
        if not is_north_up(image.grid):
            raise ValueError(f"The image {why_not_north_up(image.grid)}")
        files = _files(values)
        nodes = usable_nodes(image, values)
        if not len(nodes.rows):
            raise ValueError(
                f"No patch of {values['grid.psize']} px around a point of the grid is "
                "usable: all leave the image, or hold no-data or masked pixels. Give a "
                "smaller `grid_psize`, or correct `nodata` or `mask`."
            )
        groups, places = self._grouped(nodes, values)
        for key in files:
            if not (groups == _OUTPUTS.index(key)).any():
                raise ValueError(
                    f"None of {counted(len(groups), 'point')} is for `{key}`, with the "
                    f"strategy {values['strategy']}. Leave `{key}` out, or choose "
                    "another strategy or a smaller `grid_step`."
                )
        for key, file in files.items():
            own = np.flatnonzero(groups == _OUTPUTS.index(key))
            x, y = places
            write_point_file(file, (x[own], y[own]), own, image.grid.crs)
        return {}

    def _grouped(
        self, nodes: Nodes, values: Mapping[str, Any]
    ) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
        """Groups and places of the points that the strategy takes."""
        strategy, image = values["strategy"], values["in"]
        if strategy == "balanced":
            nodes = _balanced_nodes(nodes, values)
        count, places = len(nodes.rows), _places(nodes, image, values["grid.psize"])
        if strategy == "split":
            shuffled = values["strategy.split.random"]
            return split(count, _proportions(values), shuffled=shuffled), places
        if strategy == "all":
            return np.zeros(count, "int64"), places
        return chessboard(nodes), places


def _files(values: Mapping[str, Any]) -> dict[str, PointFile]:
    """The files that will be written, by the key of their group."""
    images = (values["in"], values["mask"], values["strategy.balanced.labelimage"])
    inputs = [file for image in images if image for file in image.files]
    files: dict[str, PointFile] = {}
    for key in _OUTPUTS:
        if values[key] is not None:
            earlier = [file.path for file in files.values()]
            files[key] = PointFile.checked(values[key], "id", [*inputs, *earlier])
    return files


def _places(nodes: Nodes, image: Image, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of the points: centres of pixels, or corners for even patches."""
    x, y = image.grid.transform @ (nodes.cols + 0.5, nodes.rows + 0.5)
    if size % 2 == 0:
        x = x - abs(image.grid.transform.a) / 2
        y = y - abs(image.grid.transform.e) / 2
    return x, y


def _proportions(values: Mapping[str, Any]) -> list[float]:
    """Proportions of the groups; 0 for one without a file."""
    shares = []
    for key, name in zip(_OUTPUTS, _PROPORTIONS, strict=True):
        share = values[f"strategy.split.{name}"]
        share = arguments.number(f"strategy_split_{name}", share, least=0)
        shares.append(0.0 if values[key] is None else share)
    if not sum(shares):
        raise ValueError(
            "The proportions of all groups with a file are 0. Give "
            "`strategy_split_trainprop` a number above 0."
        )
    return shares


def _balanced_nodes(nodes: Nodes, values: Mapping[str, Any]) -> Nodes:
    """The nodes that the strategy balanced takes."""
    labels, classes = (
        values[f"strategy.balanced.{name}"] for name in ("labelimage", "nclasses")
    )
    if labels is None or classes is None:
        raise ValueError(
            "The strategy balanced needs `strategy_balanced_labelimage` and "
            "`strategy_balanced_nclasses`. Give both."
        )
    share = arguments.number(
        "strategy_balanced_sp", values["strategy.balanced.sp"], above=0, most=1
    )
    size = values["grid.psize"]
    places = _places(nodes, values["in"], size)
    inside, counts = _class_counts(places, labels, size, classes)
    nodes = nodes.select(inside)
    if not len(nodes.rows):
        raise ValueError(
            "No patch lies in `strategy_balanced_labelimage`. Give a label image of "
            "the same place, in the same CRS."
        )
    return nodes.select(balanced(nodes, counts, share))


def _class_counts(
    places: tuple[np.ndarray, np.ndarray], image: Image, size: int, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Which patches lie in a label image, and the pixels of each class in these."""
    a, (height, width) = image.grid.transform, image.grid.shape
    inside, counts = np.zeros(len(places[0]), bool), []
    with image.reading() as read:
        for number_, (x, y) in enumerate(zip(*places, strict=True)):
            row = patch_start(pixel_index(y, a.f, a.e), size)
            col = patch_start(pixel_index(x, a.c, a.a), size)
            if 0 <= row <= height - size and 0 <= col <= width - size:
                inside[number_] = True
                patch = read(row, col, size, size)[..., 0]
                counts.append(_counted(patch, classes))
    return inside, np.array(counts)


def _counted(patch: np.ndarray, classes: int) -> np.ndarray:
    wrong = ~np.isin(patch, np.arange(classes))
    if wrong.any():
        raise ValueError(
            f"`strategy_balanced_labelimage` holds {patch[wrong][0].item()}, and "
            f"`strategy_balanced_nclasses` is {classes}, so labels are 0 to "
            f"{classes - 1}. Give the right number of classes, or a mask that leaves "
            "pixels without a label out."
        )
    return np.bincount(patch.astype("int64").ravel(), minlength=classes)
