"""`predict_raster`: from a model and sources to a map, in one call."""

import inspect
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from rasterio.windows import Window

from tutorial_lib.inference.plan import InferencePlan
from tutorial_lib.inference.planning import Sources, plan_inference
from tutorial_lib.inference.reports import Report
from tutorial_lib.proof.certificate import Certificate
from tutorial_lib.rasters import Legend, PathLike
from tutorial_lib.rasters.destinations import check_geotiff

__all__ = ["predict_raster"]


def predict_raster(  # noqa: PLR0913, D417 - the same choices; see the last lines
    model: Any,
    sources: Sources,
    path: PathLike,
    *,
    output: str | Sequence[str],
    mode: str = "fully_convolutional",
    expression_field: int | None = None,
    scale_factor: float | None = None,
    tile_size: int | str = "auto",
    window: Window | None = None,
    edge: str = "valid",
    nodata_rule: str | None = "center",
    background: float | None = None,
    legend: Legend | None = None,
    classes: Sequence[int] | None = None,
    certificate: Certificate | None = None,
    memory: float | None = None,
    precision: str = "float32",
    dtype: str | None = None,
    progress: bool = True,
    resume: bool = False,
    executor: Any = None,
    cog: bool = False,
    compress: str = "deflate",
) -> Report:
    """Plan a map and write it: `plan_inference(…).write(path)`.

    Args:
        {planning}
        {writing}

    Returns:
        What was done.

    Raises:
        OSError: If the file cannot be written; nothing is left behind.
        ValueError: And other errors, as `plan_inference` raises them.

    Example:
        >>> from tutorial_lib import Source, testing
        >>> image = Source(testing.small_scene()["input_10m"], receptive_field=16)
        >>> report = predict_raster(
        ...     testing.BlockMean({"input": 16}),
        ...     image,
        ...     testing.scratch_folder() / "map.tif",
        ...     output="estimated_labels",
        ...     progress=False,
        ... )
        >>> report.tile_count, report.skipped
        (1, 0)
    """
    # Before the model is loaded and compiled: both take time.
    check_geotiff(path)
    plan = plan_inference(
        model,
        sources,
        output=output,
        mode=mode,
        expression_field=expression_field,
        scale_factor=scale_factor,
        tile_size=tile_size,
        window=window,
        edge=edge,
        nodata_rule=nodata_rule,
        background=background,
        legend=legend,
        classes=classes,
        certificate=certificate,
        memory=memory,
        precision=precision,
    )
    return plan.write(
        path,
        dtype=dtype,
        progress=progress,
        resume=resume,
        executor=executor,
        cog=cog,
        compress=compress,
    )


def _arguments(function: Callable) -> str:
    """The section of arguments in the help of a function, indented as in this one."""
    section = inspect.getdoc(function).partition("Args:\n")[2].partition("\n\n")[0]
    return textwrap.indent(textwrap.dedent(section), " " * 8).strip()


# The options are explained in one place, so that all helps agree.
if predict_raster.__doc__:  # not with `python -OO`
    predict_raster.__doc__ = predict_raster.__doc__.replace(
        "{planning}", _arguments(plan_inference)
    ).replace("{writing}", _arguments(InferencePlan.write))
