"""LabelImageSampleSelection: points at regular steps, from the pixels of classes."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tutorial_lib.compat.application import Application
from tutorial_lib.compat.applications.point_files import PointFile, write_point_file
from tutorial_lib.compat.images import Image
from tutorial_lib.compat.outputs import strips
from tutorial_lib.compat.parameters import (
    Parameter,
    choice,
    file_out,
    image_in,
    whole,
)
from tutorial_lib.display import counted
from tutorial_lib.notices import warn

# OTBTF reads labels as 16-bit integers.
_LABELS = np.iinfo("int16")

__all__ = ["LabelImageSampleSelection"]


class LabelImageSampleSelection(Application):
    """Points from a label image; `Application` says how to give parameters.

    The points are centres of pixels, from the top row to the bottom row. Their field
    `class` is the label minus the smallest label: the classes are numbered from 0. A
    warning says so where this changes numbers.

    Source:
        OTBTF's LabelImageSampleSelection. Of each class it takes every n-th pixel. NaN
        counts as no label here.

    Example:
        >>> from tutorial_lib import Positions, testing
        >>> labels = testing.small_scene()["labels"]
        >>> path = testing.scratch_folder() / "points.geojson"
        >>> _ = LabelImageSampleSelection(
        ...     inref=labels, nodata=255, strategy_constant_nb=5, outvec=path
        ... )
        >>> Positions.from_file(path).counts
        {0: 5, 1: 5, 2: 5, 3: 5}
    """

    about = "Points from the pixels of each class of a label image."

    @classmethod
    def declare(cls, sources: int) -> list[Parameter]:
        """See `Application.declare`."""
        strategies = ("constant", "total", "smallest", "all")
        return [
            image_in("inref", "Label image"),
            whole("nodata", "Value of pixels without a label", -1, least=None),
            choice("strategy", "How many points", strategies, "constant"),
            whole("strategy.constant.nb", "constant: points of each class", 1000),
            whole("strategy.total.v", "total: points of all classes", 1000),
            whole("pad", "Pixels along each border that are left out", 0, least=0),
            file_out("outvec", "Points, with the field class"),
        ]

    def run(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """See `Application.run`."""
        image: Image = values["inref"]
        file = PointFile.checked(values["outvec"], "class", image.files)
        labels = _Labels(image, values["nodata"], values["pad"])
        counts = labels.counts()
        steps, wanted = _steps(counts, values)
        rows, cols, chosen = labels.every(steps, wanted)
        least = min(counts)
        if least:
            mapping = ", ".join(f"{label} -> {label - least}" for label in counts)
            warn(
                "The smallest label is not 0. As in OTBTF, the field `class` of "
                f"'{file.path}' is the label minus {least}: {mapping}."
            )
        places = image.grid.transform @ (cols + 0.5, rows + 0.5)
        write_point_file(file, places, chosen - least, image.grid.crs)
        return {}


class _Labels:
    """The labels of an image, read in strips."""

    def __init__(self, image: Image, nodata: int, pad: int) -> None:
        height, width = image.grid.shape
        if image.bands != 1:
            raise ValueError(
                f"`inref` has {image.bands} bands. Give an image of one band, or "
                "choose one: `labels.tif?&bands=1`."
            )
        if 2 * pad >= min(height, width):
            raise ValueError(
                f"`pad` is {pad}, so nothing is left of the {height}x{width} px of "
                f"`inref`. Give a number below {(min(height, width) + 1) // 2}."
            )
        self._image, self._nodata, self._pad = image, nodata, pad

    def counts(self) -> dict[int, int]:
        """Number of pixels of each label, from the smallest label to the largest."""
        counts: Counter[int] = Counter()
        for *_, labels in self._strips():
            found, numbers = np.unique(labels, return_counts=True)
            counts.update(dict(zip(found.tolist(), numbers.tolist(), strict=True)))
        if not counts:
            raise ValueError(
                f"No pixel of `inref` has a label: all that are {self._pad} px from "
                f"the border hold {self._nodata}. Correct `nodata` or `pad`."
            )
        span = range(min(counts), max(counts) + 1)
        if absent := [label for label in span if label not in counts]:
            raise ValueError(
                f"`inref` has labels from {span[0]} to {span[-1]}, and "
                f"{_listed(absent)} no pixel. OTBTF numbers classes without gaps. Give "
                f"`nodata` if a value means no label, such as `nodata={span[-1]}`, or "
                "renumber the classes. `tl.select_positions` draws from such labels."
            )
        return {label: counts[label] for label in span}

    def every(
        self, steps: Mapping[int, int], wanted: Mapping[int, int]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows, columns and labels of every n-th pixel of each label."""
        passed = dict.fromkeys(steps, 0)
        found = []
        for rows, cols, labels in self._strips():
            taken = np.zeros(len(labels), bool)
            for label, step in steps.items():
                pixels = np.flatnonzero(labels == label)
                # The pixels of this label are numbered 1, 2… through all strips.
                numbers = passed[label] + np.arange(1, len(pixels) + 1)
                right = (numbers % step == 0) & (numbers // step <= wanted[label])
                taken[pixels[right]] = True
                passed[label] += len(pixels)
            found.append((rows[taken], cols[taken], labels[taken]))
        return tuple(map(np.concatenate, zip(*found, strict=True)))

    def _strips(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Rows, columns and labels of the pixels that have one, strip by strip."""
        pad, (height, width) = self._pad, self._image.grid.shape
        with self._image.reading() as read:
            span = range(pad, height - pad)
            for row, rows in strips(span, self._image.strip_rows):
                block = read(row, pad, rows, width - 2 * pad)[..., 0]
                labelled = (block != self._nodata) & ~np.isnan(block)
                labels = block[labelled]
                _check_labels(labels)
                found_rows, found_cols = np.nonzero(labelled)
                yield found_rows + row, found_cols + pad, labels.astype("int64")


def _check_labels(labels: np.ndarray) -> None:
    with np.errstate(invalid="ignore"):
        wrong = (labels != np.floor(labels)) | (labels > _LABELS.max)
    wrong |= labels < _LABELS.min
    if wrong.any():
        raise ValueError(
            f"`inref` holds {labels[wrong][0].item()}, which is not a label: OTBTF "
            f"takes whole numbers from {_LABELS.min} to {_LABELS.max}. Give `nodata` "
            "if this value means no label, or correct the image."
        )


def _steps(
    counts: Mapping[int, int], values: Mapping[str, Any]
) -> tuple[dict[int, int], dict[int, int]]:
    """Step and number of points of each label, by OTBTF's strategies."""
    strategy, smallest = values["strategy"], min(counts.values())
    if strategy == "all":
        return dict.fromkeys(counts, 1), dict(counts)
    if strategy == "total":
        return _steps_of_total(counts, values["strategy.total.v"])
    target = smallest
    if strategy == "constant":
        target = min(smallest, asked := values["strategy.constant.nb"])
        if target < asked:
            rarest = min(counts, key=counts.get)
            warn(
                f"Class {rarest} has only {counted(smallest, 'pixel')}, fewer than "
                f"`strategy_constant_nb` ({asked}). So each class gets "
                f"{counted(target, 'point')}."
            )
    steps = {label: count // target for label, count in counts.items()}
    return steps, dict.fromkeys(counts, target)


def _steps_of_total(
    counts: Mapping[int, int], total: int
) -> tuple[dict[int, int], dict[int, int]]:
    there = sum(counts.values())
    if there < total:
        warn(
            f"`inref` has only {counted(there, 'pixel')} with a label, fewer than "
            f"`strategy_total_v` ({total}). So all are taken."
        )
    step = max(1, there // total)
    wanted = {label: count // step for label, count in counts.items()}
    if empty := [label for label, number in wanted.items() if not number]:
        warn(
            f"The labels {empty} have fewer than {step} pixels, and every {step}-th "
            "pixel is taken. So they get no point. Use a larger `strategy_total_v`, or "
            "the strategy constant."
        )
    return dict.fromkeys(counts, step), wanted


def _listed(absent: list[int]) -> str:
    """Labels without pixels in words; of many, the first ones."""
    more = ", …" if len(absent) > 5 else ""
    verb = "has" if len(absent) == 1 else "have"
    return f"{', '.join(map(str, absent[:5]))}{more} {verb}"
