"""`distortion_curve`: error of a chunk's output against the whole image, crop by crop.

The network need not run on the whole image for that. It runs on a larger chunk that
begins and ends at multiples of its total stride, and the margins that `analyse` derives
are cut off. The rest equals the output of the whole image exactly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.display import counted, escaped, html_table, text_table, wrapped
from tutorial_lib.distortion.single_chunks import ErrorMaps, measure_errors
from tutorial_lib.fields.checks import check_multiple
from tutorial_lib.inference.checks import name_sources
from tutorial_lib.inference.engine import Job
from tutorial_lib.inference.planning import plan_inference
from tutorial_lib.networks.predictors import as_predictor
from tutorial_lib.rasters import PathLike, Source, open_sources

if TYPE_CHECKING:
    import pandas

SIDES = ("left", "top", "right", "bottom")
_HEADER = ("crop", "RMSE", "largest error", "other labels", "cost", "tiles", "exact")

__all__ = ["CropDistortion", "DistortionCurve", "distortion_curve"]


@dataclass(frozen=True)
class CropDistortion:
    """Error of a chunk's output after a crop, and what the crop costs.

    Attributes:
        crop: Pixels removed from each side of the output.
        rmse: Square root of the mean squared error per value.
        rmse_summed: The same with the squares summed over the bands: `rmse` times the
            square root of the number of bands.
        largest: Largest absolute error.
        labels_changed: Share of the pixels with another most probable class (with
            another class, for labels); NaN for one band of floats.
        kept: Pixels kept for each pixel read.
        cost: Pixels read for each pixel kept, `1 / kept`.
        tiles: Whether a map can be tiled with this crop: the rest is a multiple of the
            total stride, as the chunk is.
        exact: Whether the crop removes the margins that `analyse` derives.
    """

    crop: int
    rmse: float
    rmse_summed: float
    largest: float
    labels_changed: float
    kept: float
    cost: float
    tiles: bool
    exact: bool


@dataclass(frozen=True, repr=False, eq=False)
class DistortionCurve:
    """Distortion against crop and against distance; `distortion_curve` measures it.

    Attributes:
        output: Name of the model's output.
        chunk: Side of the chunks in pixels of the reference.
        chunk_count: Chunks that were compared.
        passed_over: Chunks that were not compared, because they read no-data.
        margins: (left, top, right, bottom) of the output, in its pixels, by `analyse`.
        crops: One entry for each crop, the smallest first.
        error: Mean |error| over chunks and bands of each pixel (height, width) of a
            chunk's output.
    """

    output: str
    chunk: int
    chunk_count: int
    passed_over: int
    margins: tuple[int, int, int, int]
    crops: tuple[CropDistortion, ...]
    error: np.ndarray

    def table(self) -> "pandas.DataFrame":
        """One row for each crop; the columns are those of `CropDistortion`."""
        import pandas

        return pandas.DataFrame(map(asdict, self.crops)).set_index("crop")

    def by_distance(self) -> "pandas.DataFrame":
        """Mean |error| of the pixels at each distance from each side of the chunk.

        For each side, only pixels outside the margins of the other three count, so that
        the error is caused by that side. NaN where there are none.

        Returns:
            One row for each distance (0: the outermost pixels), a column for each side.
        """
        import pandas

        left, top, right, bottom = self.margins
        height, width = self.error.shape
        rows, cols = slice(top, height - bottom), slice(left, width - right)
        profiles = (
            self.error[rows, : cols.stop].mean(axis=0),
            self.error[: rows.stop, cols].mean(axis=1),
            self.error[rows, left:].mean(axis=0)[::-1],
            self.error[top:, cols].mean(axis=1)[::-1],
        )
        columns = {
            side: pandas.Series(profile)
            for side, profile in zip(SIDES, profiles, strict=True)
        }
        return pandas.DataFrame(columns).rename_axis("distance")

    def plot(self) -> Any:
        """Draw distortion and cost against crop, and error against distance.

        Returns:
            A figure that displays itself; `savefig(path)` writes it.
        """
        from tutorial_lib.viewers.plots import show_distortion

        return show_distortion(self)

    def __repr__(self) -> str:
        return f"{wrapped(self._title)}\n{text_table(self._rows, _HEADER)}"

    def _repr_html_(self) -> str:
        return f"<p>{escaped(self._title)}</p>{html_table(self._rows, _HEADER)}"

    @property
    def _title(self) -> str:
        return (
            f"Distortion of '{self.output}' in {counted(self.chunk_count, 'chunk')} of "
            f"{self.chunk} px ({self.passed_over} with no-data passed over), margins "
            f"{self.margins} (left, top, right, bottom)."
        )

    @property
    def _rows(self) -> list[tuple[Any, ...]]:
        """A row of texts for each crop, under `_HEADER`."""
        return [
            (
                one.crop,
                f"{one.rmse:.3g}",
                f"{one.largest:.3g}",
                "" if np.isnan(one.labels_changed) else f"{one.labels_changed:.2%}",
                f"{one.cost:.2f}",
                "yes" if one.tiles else "no",
                "yes" if one.exact else "no",
            )
            for one in self.crops
        ]


def distortion_curve(
    model: Any,
    sources: Mapping[str, Source | PathLike] | Source | PathLike,
    *,
    output: str,
    crops: int | Sequence[int],
    chunk: int | None = None,
    count: int = 4,
    seed: int = 0,
) -> DistortionCurve:
    """Measure the errors near the borders of a chunk, and what cropping them costs.

    Single chunks at random multiples of the total stride are compared with the output
    of the whole image. So crops with which no map can be tiled are measured as well.

    Args:
        model: A `keras.Model`, a `.keras` file or an ONNX file (or a SavedModel by
            `tl.export`): a network that `analyse` can read.
        sources: Rasters by the model's input names, the reference first; a single one
            for a model with one input. Declared receptive fields are not used.
        output: Name of the model's output.
        crops: Pixels to remove from each side of the output.
        chunk: Side of the chunks in pixels of the reference, a multiple of the total
            stride; None takes the smallest one with pixels left after the largest crop
            and pixels outside all margins.
        count: Number of chunks; fewer where the rasters are too small for so many.
        seed: For the places of the chunks.

    Returns:
        The curve: `table`, `by_distance` and `plot` show it.

    Raises:
        ValueError: If the fields of the model are not known, a crop leaves nothing, the
            chunk is not legal, or no chunk without no-data fits into the rasters.

    Example:
        >>> from tutorial_lib import architectures, testing
        >>> scene = testing.small_scene()
        >>> model = architectures.pixelwise_fcnn(4, crops=())
        >>> curve = distortion_curve(
        ...     model, scene["input_10m"], output="estimated", crops=(0, 8)
        ... )
        >>> curve.chunk, curve.margins, curve.crops[0].largest < 1e-6
        (32, (0, 0, 0, 0), True)
    """
    output = arguments.text("output", output)
    # A chunk is larger than two crops.
    most = arguments.LARGEST_SIDE // 4
    crops = arguments.whole_numbers("crops", crops, least=0, most=most)
    crops = tuple(sorted(set(crops)))
    count = arguments.whole_number("count", count, least=1)
    seed = arguments.whole_number("seed", seed, least=0)
    job, named = _job(model, sources, output)
    if chunk is None:
        chunk = _smallest_chunk(job, crops)
    _check_chunk(job, chunk, crops)
    with open_sources(named) as readers:
        found, passed_over = measure_errors(job, readers, chunk, count=count, seed=seed)
    (top, bottom), (left, right) = job.rows.reach.margins, job.cols.reach.margins
    return DistortionCurve(
        output=output,
        chunk=chunk,
        chunk_count=found.count,
        passed_over=passed_over,
        margins=(left, top, right, bottom),
        crops=tuple(_cropped(job, chunk, found, crop) for crop in crops),
        error=found.absolute / found.count,
    )


def _job(model: Any, sources: Any, output: str) -> tuple[Job, Mapping[str, Source]]:
    """The job of a plan for the whole map, and the sources."""
    predictor = as_predictor(model)
    if predictor.trace is None:
        raise ValueError(
            "What a plain function reads is not known, so its exact output is not "
            "known either. Give a keras.Model or a `.keras` file."
        )
    named = {
        name: replace(source, receptive_field=None)
        for name, source in name_sources(sources, predictor).items()
    }
    # With the rule "any", a chunk that reads no-data has background pixels.
    plan = plan_inference(predictor, named, output=output, nodata_rule="any")
    return plan.job, plan.sources


def _smallest_chunk(job: Job, crops: Sequence[int]) -> int:
    """The smallest chunk with pixels left after all crops, and outside all margins."""
    stride, scale = job.rows.reach.stride, job.rows.reach.scale
    wanted = max(
        max(2 * crops[-1], sum(lattice.reach.margins)) + 1 + lattice.reach.lost
        for lattice in (job.rows, job.cols)
    )
    return ceil(wanted * scale / stride) * stride


def _check_chunk(job: Job, chunk: int, crops: Sequence[int]) -> None:
    check_multiple(chunk, job.rows.reach.stride, of="A chunk", what="total stride")
    smallest = _smallest_chunk(job, crops)
    side = min(lattice.reach.size(chunk) for lattice in (job.rows, job.cols))
    empty = [crop for crop in crops if 2 * crop >= side]
    if empty:
        raise ValueError(
            f"A chunk of {chunk} px gives {max(side, 0)} px of '{job.outputs[0]}', of "
            f"which the crops {', '.join(map(str, empty))} leave nothing. Use a chunk "
            f"of {smallest} px, or smaller crops."
        )
    if chunk < smallest:
        reach = max(sum(lattice.reach.margins) for lattice in (job.rows, job.cols))
        raise ValueError(
            f"A chunk of {chunk} px gives {side} px of '{job.outputs[0]}', and its "
            f"borders reach them all ({reach} px). Use a chunk of {smallest} px."
        )


def _cropped(job: Job, chunk: int, errors: ErrorMaps, crop: int) -> CropDistortion:
    lattices = job.rows, job.cols
    inner = errors.cropped(crop)
    height, width = inner.squares.shape
    kept = height * width * job.rows.scale**2 / Fraction(chunk) ** 2
    squares = float(inner.squares.mean()) / inner.count
    return CropDistortion(
        crop=crop,
        rmse=(squares / inner.bands) ** 0.5,
        rmse_summed=squares**0.5,
        largest=float(inner.largest.max()),
        labels_changed=float(inner.changed.mean()) / inner.count,
        kept=float(kept),
        cost=float(1 / kept),
        tiles=all(
            (lattice.reach.size(chunk) - 2 * crop) % lattice.unit == 0
            for lattice in lattices
        ),
        exact=all(crop >= max(lattice.reach.margins) for lattice in lattices),
    )
