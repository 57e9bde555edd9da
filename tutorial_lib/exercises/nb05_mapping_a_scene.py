"""Exercises of notebook 05: the map's size, plan and file, cost of tiles, no-data."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.windows import Window

from tutorial_lib import testing
from tutorial_lib.exercises import Exercise, Finding, Mistake, try_cases
from tutorial_lib.inference.errors import ExpressionFieldError, InputSizeError
from tutorial_lib.inference.plan import InferencePlan
from tutorial_lib.inference.reports import Report
from tutorial_lib.rasters import Legend, read_array, read_grid, read_legend, write_array

CLASS_COUNT = 6
# Pixels of a map that a note shows one by one.
MOST_SHOWN = 8


def _judge_map_size(answer: Callable[[int, int], tuple[int, int]]) -> Any:
    rng = np.random.default_rng()
    pair = np.shape(answer(20, 16))
    if pair != (2,):
        return "not a pair"
    drawn = rng.integers((100, 2), (900, 40), (12, 2)).tolist()
    cases = [(20, 16), (16, 16), (20, 5), (7, 1), *map(tuple, drawn)]
    return try_cases(
        answer,
        cases,
        right=lambda size, field: (size - field + 1, field // 2),
        names=("how many", "which is the first"),
        likely={
            "as the image": lambda size, field: (size, 0),
            "one short": lambda size, field: (size - field, field // 2),
            "one side": lambda size, field: (size - field // 2, field // 2),
            "swapped": lambda size, field: (field // 2, size - field + 1),
            "first of the patch": lambda size, field: (size - field + 1, 0),
            "one too early": lambda size, field: (size - field + 1, (field - 1) // 2),
            "both sides even": lambda size, field: (
                size - 2 * (field // 2),
                field // 2,
            ),
            "half a pixel": lambda size, field: (size - field + 1, field / 2),
            "from one": lambda size, field: (size - field + 1, field // 2 + 1),
            "last": lambda size, field: (size - field // 2, size - field + field // 2),
        },
    )


def _map_size_code(count: str, first: str) -> str:
    return f"def map_size(size, field):\n    return ({count}, {first})"


map_size = Exercise(
    name="map_size",
    title="How large is the map, and where does it begin?",
    question="""
        A pixel is mapped if its whole patch lies inside the image. Take one axis of an
        image: it has `size` pixels, and a patch has `field` pixels. Write a function
        that gives two numbers:

        1. how many pixels are mapped,
        2. which pixel of the image is the first of them, counted from 0.

        Remember the rule for patches: the pixel that gets the class has the index
        `field // 2` in its patch. (`ex.map_size.hint()` in a new cell gives a hint.)
        """,
    answer_name="map_size",
    stub=_map_size_code("...", "..."),
    solution_code=_map_size_code("size - field + 1", "field // 2"),
    judge=_judge_map_size,
    mistakes={
        "as the image": Mistake(
            code=_map_size_code("size", "0"),
            hint="A pixel at the border has no whole patch: a part of the patch would lie "
            "outside the image.",
        ),
        "one short": Mistake(
            code=_map_size_code("size - field", "field // 2"),
            hint="The first mapped pixel is right. An image as large as the patch still "
            "gives one pixel. How many does your function give?",
        ),
        "one side": Mistake(
            code=_map_size_code("size - field // 2", "field // 2"),
            hint="The first mapped pixel is right. But pixels are lost at the other "
            "border too.",
        ),
        "swapped": Mistake(
            code=_map_size_code("field // 2", "size - field + 1"),
            hint="Both numbers are right, but their order is not. First give how many, "
            "then which pixel is the first.",
        ),
        "first of the patch": Mistake(
            code=_map_size_code("size - field + 1", "0"),
            hint="How many is right. Pixel 0 is the first one that is *read*. Which pixel "
            "of the patch gets the class?",
        ),
        "not a pair": Mistake(
            code="""
                def map_size(size, field):
                    return size - field + 1
                """,
            hint="Give two numbers, as in `return (…, …)`: how many pixels are mapped, "
            "and which is the first.",
        ),
        "one too early": Mistake(
            code=_map_size_code("size - field + 1", "(field - 1) // 2"),
            hint="How many is right. The first is right for odd fields only. In an even "
            "patch, one more pixel lies before the pixel that gets the class.",
        ),
        "both sides even": Mistake(
            code=_map_size_code("size - 2 * (field // 2)", "field // 2"),
            hint="The first mapped pixel is right. How many is right for odd fields only. "
            "An image as large as an even patch still gives one pixel.",
        ),
        "half a pixel": Mistake(
            code=_map_size_code("size - field + 1", "field / 2"),
            hint="How many is right. But an odd field gives half a pixel here. The number "
            "of a pixel is a whole number.",
        ),
        "from one": Mistake(
            code=_map_size_code("size - field + 1", "field // 2 + 1"),
            hint="How many is right. Pixels are counted from 0, in the image and in the "
            "patch.",
        ),
        "last": Mistake(
            code=_map_size_code("size - field // 2", "size - field + field // 2"),
            hint="That is where the map ends. The question asks how many pixels there "
            "are, and which is the first.",
        ),
    },
    hints=(
        "In how many places does a patch fit along the axis?",
        "As many as a kernel of the same size: `size - field + 1`.",
        "The first patch begins at pixel 0. Its own pixel has the index `field // 2`.",
    ),
    explanation="That is why the map of an image is a little smaller than the image.",
)


@cache
def _network() -> Any:
    """The network of the notebook with drawn weights: no training is needed."""
    from tutorial_lib.networks.architectures import pixelwise_fcnn

    return with_drawn_weights(pixelwise_fcnn(CLASS_COUNT, crops=()), seed=4)


def with_drawn_weights(model: Any, seed: int) -> Any:
    """Give a network weights from a seed, with which its map has several classes."""
    # Not by `keras.utils.set_random_seed`: it would change the learner's own numbers.
    rng = np.random.default_rng(seed)
    model.set_weights([_drawn(rng, weight.shape) for weight in model.get_weights()])
    return model


def _drawn(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    if len(shape) == 1:
        return np.zeros(shape, "float32")
    values = rng.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape)
    # The weights of a filter add up to 0, so no class wins everywhere.
    return (values - values.mean(axis=(0, 1, 2), keepdims=True)).astype("float32")


@cache
def _image(*, empty: bool = False) -> Path:
    """A small image; `empty` gives one with pixels that have no data."""
    path = testing.small_scene(72, 60)["input_10m"]
    if not empty:
        return path
    pixels = read_array(path).copy()
    pixels[20:50, :30] = 0
    copy = testing.scratch_folder() / "image_with_a_hole.tif"
    return write_array(copy, pixels, read_grid(path), nodata=0)


def _labels(model: Any, path: Path) -> np.ndarray:
    """The classes of the whole image, in one run of the network."""
    image = read_array(path).astype("float32")[np.newaxis]
    return np.asarray(model({"input": image}, training=False)["estimated_labels"])[0]


def _agree(one: np.ndarray, two: np.ndarray) -> bool:
    """Whether two maps are equal, but for ties between two classes."""
    return one.shape == two.shape and bool(np.mean(one == two) > 0.995)


# Code of a network with other weights, for wrong answers.
_OTHER_NETWORK = "tl.architectures.pixelwise_fcnn(6, crops=())"


def _judge_whole_map(answer: Callable[[Any, Any], InferencePlan]) -> Any:
    model, path = _network(), _image()
    try:
        plan = answer(model, path)
    except (ExpressionFieldError, InputSizeError):
        return "field"
    except ValueError as err:
        if _is_about_window(err):
            return "window"
        raise
    if not isinstance(plan, InferencePlan):
        return _no_plan(plan)
    if plan.reference != read_grid(path):
        return "other image"
    if plan.job.outputs != ("estimated_labels",):
        return _other_output(plan.job.outputs)
    wrong = _other_part(plan) or _other_choices(plan)
    if wrong:
        return wrong
    return None if _agree(plan.read(), _labels(model, path)) else "other network"


def _is_about_window(error: Exception) -> bool:
    """Whether a window of the notebook lies outside the small image of a check."""
    return str(error).startswith("The window")


def _other_part(plan: InferencePlan) -> str | None:
    """The mistake that the size of a map shows; None for the whole map."""
    height, width = plan.reference.shape
    if plan.grid.shape.yx == (height, width):
        return "padded"
    return None if plan.grid.shape.yx == (height - 15, width - 15) else "window"


def _other_choices(plan: InferencePlan) -> str | None:
    if plan.job.patch_based:
        return "patch by patch"
    return "no rule" if plan.job.nodata_rule is None else None


def _no_plan(value: Any) -> str:
    return "computed" if isinstance(value, np.ndarray) else "no plan"


def _other_output(outputs: tuple[str, ...]) -> Any:
    if outputs == ("estimated",):
        return "probabilities"
    if outputs == ("features",):
        return "features"
    named = " and ".join(f"`{name}`" for name in outputs)
    return Finding(
        f"The plan is for {named}. The question asks for the labels, and nothing else.",
        right="The function returns a plan.",
    )


_FIELD_HINT = (
    "The network does not make one pixel of a block of this size. How many pixels wide "
    "were the patches that it was trained on? If you gave an `expression_field`, leave it "
    "out."
)

_WHOLE_MAP = """
    def plan_map(model, image_path):
        source = tl.Source(image_path, receptive_field=16)
        return tl.plan_inference(model, source, output="estimated_labels")
    """


def _whole_map_with(option: str) -> str:
    """Code of an answer with a further option."""
    end = 'output="estimated_labels"'
    return _WHOLE_MAP.replace(end, f"{end}, {option}")


whole_map = Exercise(
    name="whole_map",
    title="A plan for the whole image",
    question="""
        The first plan was for a window, and for probabilities. Write a function that
        plans the map of the **labels**, `estimated_labels`, for the **whole** image.
        """,
    answer_name="plan_map",
    stub="""
        def plan_map(model, image_path):
            source = tl.Source(image_path, receptive_field=16)
            return ...
        """,
    solution_code=_WHOLE_MAP,
    judge=_judge_whole_map,
    mistakes={
        "probabilities": Mistake(
            code=_WHOLE_MAP.replace("estimated_labels", "estimated"),
            hint="`estimated` holds the probabilities. Which output holds the number of "
            "the class?",
        ),
        "features": Mistake(
            code=_WHOLE_MAP.replace("estimated_labels", "features"),
            hint="`features` holds the numbers that the last layer reads. Which output "
            "holds the number of the class?",
        ),
        "window": Mistake(
            code=_whole_map_with("window=Window(10, 20, 30, 25)"),
            hint="This is a part of the image. Without `window` the plan is for all of "
            "it.",
        ),
        "padded": Mistake(
            code=_whole_map_with('edge="pad"'),
            hint="This map is as large as the image: at the border, the image is "
            "mirrored to fill the patches. Leave `edge` out.",
        ),
        "patch by patch": Mistake(
            code=_whole_map_with('mode="patch_based"'),
            hint="This gives the right map, but patch by patch. That takes many times "
            "longer. Leave `mode` out.",
        ),
        "no rule": Mistake(
            code=_whole_map_with("nodata_rule=None"),
            hint="This plan takes pixels without data for measured values. Leave "
            "`nodata_rule` out.",
        ),
        "field": Mistake(
            code=_WHOLE_MAP.replace("receptive_field=16", "receptive_field=15"),
            hint=_FIELD_HINT,
        ),
        "no plan": Mistake(
            code="""
                def plan_map(model, image_path):
                    source = tl.Source(image_path, receptive_field=16)
                    return tl.plan_inference(
                        model, source, output="estimated_labels"
                    ).grid
                """,
            hint="Return what `tl.plan_inference` gives: the plan itself, and not a part "
            "of it.",
        ),
        "computed": Mistake(
            code=_WHOLE_MAP.replace(
                'output="estimated_labels")', 'output="estimated_labels").read()'
            ),
            hint="This computes the map at once. Return the plan; the next cell computes "
            "it.",
        ),
        "other image": Mistake(
            code=_WHOLE_MAP.replace(
                "tl.Source(image_path",
                'tl.Source(tl.testing.small_scene()["input_10m"]',
            ),
            hint="The function was called with one image, and it plans a map of another "
            "one. Use the argument `image_path`.",
        ),
        "other network": Mistake(
            code=_WHOLE_MAP.replace(
                "plan_inference(model", f"plan_inference({_OTHER_NETWORK}"
            ),
            hint="The map is not the one of the network and the image that were given. "
            "Use the argument `model`, and all bands of the image in their order.",
        ),
    },
    hints=(
        "`tl.plan_inference(model, source, …)` returns the plan.",
        "It needs the name of an output, and nothing else.",
        'That is `output="estimated_labels"`.',
    ),
    explanation="The plan knows the map's size and place before anything is computed.",
    imports="""
        from rasterio.windows import Window

        import tutorial_lib as tl
        """,
)

_LEGEND = Legend(
    names=("one", "two", "three", "four", "five", "six"),
    colors=("#111111", "#222222", "#333333", "#444444", "#555555", "#666666"),
)


def _judge_write_map(answer: Callable[..., Any]) -> Any:
    model, path = _network(), _image()
    target = testing.scratch_folder() / "map.tif"
    try:
        result = answer(model, path, target, _LEGEND)
    except (ExpressionFieldError, InputSizeError):
        return "field"
    except (TypeError, ValueError) as err:
        if _is_about_window(err):
            return "window"
        if "must be a mapping" in str(err):
            return "stars"
        raise
    if not target.exists():
        return "no file"
    labels = _labels(model, path)
    wrong = _wrong_file(target, path, labels) or _judge_options(answer, model)
    if wrong:
        return wrong
    # A path is as good as a report.
    return None if isinstance(result, Report | Path) else "no report"


def _wrong_file(target: Path, path: Path, labels: np.ndarray) -> str | None:
    """The mistake that a file shows; None if it is the map of the whole image."""
    written, grid = read_array(target), read_grid(path)
    if written.shape[-1] != 1:
        return "probabilities"
    if not _lies_in(read_grid(target), grid):
        return "other image"
    if written.shape[:2] == grid.shape.yx:
        return "padded"
    if written.shape != labels.shape:
        return "window"
    if not _agree(written, labels):
        return "other network"
    if read_legend(target) != _LEGEND:
        return "no legend"
    return "patch by patch" if "patch-based" in _plan_of(target) else None


def _lies_in(part: Any, whole: Any) -> bool:
    """Whether a map lies in an image, on the ground."""
    inner, outer = part.boundingbox, whole.boundingbox
    return part.crs == whole.crs and (inner & outer) == inner


def _plan_of(target: Path) -> str:
    import rasterio

    with rasterio.open(target) as dataset:
        return dataset.tags().get("TUTORIAL_LIB_PLAN", "")


def _judge_options(answer: Callable[..., Any], model: Any) -> str | None:
    """Whether the options arrive: a window, and no rule for pixels without data."""
    target = testing.scratch_folder() / "part.tif"
    window = Window(3, 8, 20, 30)
    answer(model, _image(empty=True), target, _LEGEND, window=window, nodata_rule=None)
    written = read_array(target)
    if written.shape[:2] != (30, 20) or np.any(written == 255):
        return "no options"
    return None


_WRITE_MAP = """
    def write_map(model, image_path, path, legend, **options):
        source = tl.Source(image_path, receptive_field=16)
        return tl.predict_raster(
            model,
            source,
            path,
            output="estimated_labels",
            legend=legend,
            progress=False,
            **options,
        )
    """

write_map = Exercise(
    name="write_map",
    title="Plan and write in one go",
    question="""
        Usually one call does all. `tl.predict_raster(model, source, path, output=…)` makes
        the plan, computes the map and writes it into the file `path`. The file appears
        when it is complete. Write a function that does this for the **labels** of the
        whole image.

        Give it `legend=legend` as well: then the file also holds the names and colours of
        the classes. `progress=False` switches the progress bar off. End the call with
        `**options`, so that each later cell can add options of its own.
        """,
    answer_name="write_map",
    stub="""
        def write_map(model, image_path, path, legend, **options):
            source = tl.Source(image_path, receptive_field=16)
            return ...
        """,
    solution_code=_WRITE_MAP,
    judge=_judge_write_map,
    mistakes={
        "no file": Mistake(
            code=_WRITE_MAP.replace("predict_raster", "plan_inference")
            .replace("            path,\n", "")
            .replace("            progress=False,\n", ""),
            hint="After the call there is no file at `path`. A plan alone writes nothing: "
            "call `tl.predict_raster`, with `path` as its third argument.",
        ),
        "probabilities": Mistake(
            code=_WRITE_MAP.replace("estimated_labels", "estimated").replace(
                "            legend=legend,\n", ""
            ),
            hint="The file has one band for each class. The map of labels has a single "
            "band: which output is it?",
        ),
        "no legend": Mistake(
            code=_WRITE_MAP.replace("            legend=legend,\n", ""),
            hint="The classes in the file are right, but it holds other names and colours "
            "than `legend`, or none. Pass `legend` on.",
        ),
        "no options": Mistake(
            code=_WRITE_MAP.replace("            **options,\n", ""),
            hint="The map is right, but `window=…` and `nodata_rule=…` change nothing. "
            "Pass `**options` on to `tl.predict_raster`.",
        ),
        "window": Mistake(
            code=_WRITE_MAP.replace(
                "legend, **options):",
                "legend, **options):\n"
                "        options = {'window': Window(0, 0, 10, 20)} | options",
            ),
            hint="The file holds a part of the map. Without `window` it is the whole map.",
        ),
        "padded": Mistake(
            code=_WRITE_MAP.replace("**options", "edge='pad', **options"),
            hint="This map is as large as the image: at the border, the image is "
            "mirrored to fill the patches. Leave `edge` out.",
        ),
        "patch by patch": Mistake(
            code=_WRITE_MAP.replace("**options", "mode='patch_based', **options"),
            hint="This gives the right map, but patch by patch. That takes many times "
            "longer. Leave `mode` out.",
        ),
        "other image": Mistake(
            code=_WRITE_MAP.replace(
                "Source(image_path",
                'Source(tl.testing.small_scene(90, 80)["input_10m"]',
            ),
            hint="The function was called with one image, and the file is the map of "
            "another one. Use the argument `image_path`, also in `tl.Source(…)`.",
        ),
        "field": Mistake(
            code=_WRITE_MAP.replace("receptive_field=16", "receptive_field=15"),
            hint=_FIELD_HINT,
        ),
        "stars": Mistake(
            code=_WRITE_MAP.replace("**options,", "**legend,"),
            hint="`**` needs a dictionary, and what stands after it is none. The options "
            "of the caller are in `options`.",
        ),
        "no report": Mistake(
            code=_WRITE_MAP.replace("return tl", "return [tl").replace(
                "        )", "        )]"
            ),
            hint="The file is right. But return what `tl.predict_raster` gives, the "
            "report, and nothing else.",
        ),
        "other network": Mistake(
            code=_WRITE_MAP.replace(
                "            model,\n", f"            {_OTHER_NETWORK},\n"
            ),
            hint="The file has the right size, but its classes are not those of the "
            "network and the image that were given. Use the arguments of the function, "
            'and `output="estimated_labels"`.',
        ),
    },
    hints=(
        "The call begins with three arguments: `model`, `source` and `path`.",
        'Then come `output="estimated_labels"`, `legend=legend` and `progress=False`.',
        "The last argument is `**options`.",
    ),
    explanation="`tl.predict_raster` returns a report: how many tiles, how much "
    "background, how many seconds.",
    imports="""
        from rasterio.windows import Window

        import tutorial_lib as tl
        """,
)


def _judge_pixels_read(answer: Callable[[int, int], float]) -> Any:
    drawn = np.random.default_rng().integers((4, 2), (600, 60), (12, 2)).tolist()
    cases = [(1, 16), (10, 1), (16, 16), (2, 3), *map(tuple, drawn)]
    return try_cases(
        answer,
        cases,
        right=lambda tile, field: ((tile + field - 1) / tile) ** 2,
        likely={
            "one side": lambda tile, field: (tile + field - 1) / tile,
            "one too many": lambda tile, field: ((tile + field) / tile) ** 2,
            "not relative": lambda tile, field: (tile + field - 1) ** 2,
            "only more": lambda tile, field: ((tile + field - 1) / tile) ** 2 - 1,
            "both sides": lambda tile, field: ((tile + 2 * field) / tile) ** 2,
            "upside down": lambda tile, field: (tile / (tile + field - 1)) ** 2,
            "whole": lambda tile, field: (tile + field - 1) ** 2 // tile**2,
            "twice": lambda tile, field: 2 * (tile + field - 1) / tile,
            "one axis each": lambda tile, field: (tile + field - 1) ** 2 / tile,
        },
    )


def _pixels_read_code(result: str) -> str:
    return f"def pixels_read(tile, field):\n    return {result}"


pixels_read = Exercise(
    name="pixels_read",
    title="What do small tiles cost?",
    question="""
        A tile has `tile` x `tile` pixels. To write it, the network reads
        `tile + field - 1` pixels of the image along each of the two axes. Write a
        function that gives how many pixels are read **for each pixel that is written**.
        """,
    answer_name="pixels_read",
    stub=_pixels_read_code("..."),
    solution_code=_pixels_read_code("(tile + field - 1) ** 2 / tile**2"),
    judge=_judge_pixels_read,
    mistakes={
        "one side": Mistake(
            code=_pixels_read_code("(tile + field - 1) / tile"),
            hint="That is along one axis. A tile has two.",
        ),
        "one too many": Mistake(
            code=_pixels_read_code("(tile + field) ** 2 / tile**2"),
            hint="A tile of one pixel reads `field` pixels along each axis. Your function "
            "counts one more.",
        ),
        "not relative": Mistake(
            code=_pixels_read_code("(tile + field - 1) ** 2"),
            hint="This counts the pixels that are read. Divide by the number of those "
            "that are written. (`a / b * b` is `a`: write `a / b**2`.)",
        ),
        "only more": Mistake(
            code=_pixels_read_code("(tile + field - 1) ** 2 / tile**2 - 1"),
            hint="This counts only the additional pixels. The question asks for all that "
            "are read.",
        ),
        "both sides": Mistake(
            code=_pixels_read_code("(tile + 2 * field) ** 2 / tile**2"),
            hint="A tile does not read a whole field more on each side. The question says "
            "how many pixels it reads along an axis.",
        ),
        "upside down": Mistake(
            code=_pixels_read_code("tile**2 / (tile + field - 1) ** 2"),
            hint="This is how many are written for each that is read. The question asks "
            "the other way round.",
        ),
        "whole": Mistake(
            code=_pixels_read_code("(tile + field - 1) ** 2 // tile**2"),
            hint="`//` cuts off the decimals. One and a half pixels for each is a good "
            "answer: divide with `/`.",
        ),
        "twice": Mistake(
            code=_pixels_read_code("(tile + field - 1) / tile * 2"),
            hint="Along one axis is right. But a tile is an area: the two axes are "
            "multiplied, not added.",
        ),
        "one axis each": Mistake(
            code=_pixels_read_code("(tile + field - 1) ** 2 / tile"),
            hint="The pixels that are read are right. But `tile` is the side of the tile. "
            "How many pixels does it have?",
        ),
    },
    hints=(
        "How many pixels does a tile read in all? And how many does it write?",
        "`(tile + field - 1) ** 2` are read.",
        "Divide that by `tile ** 2`.",
    ),
    explanation="The larger the tile, the nearer to 1. But a larger tile needs more "
    "memory.",
)


def _judge_changed(answer: Callable[[np.ndarray, np.ndarray], float]) -> Any:
    rng = np.random.default_rng()
    plain = rng.integers(0, 6, (37, 51, 1)).astype("uint8")
    empty = rng.random(plain.shape) < 0.3
    masked = np.where(empty, 255, plain).astype("uint8")
    other = rng.random(plain.shape) < 0.1
    masked[other & ~empty] = (plain[other & ~empty] + 1) % 6
    tiny = _row(0, 1, 2, 3, 4), _row(0, 1, 5, 255, 4)
    return try_cases(
        answer,
        [tiny, (_row(3, 3), _row(255, 3)), (_row(3, 2), _row(2, 3)), (plain, masked)],
        right=_changed,
        likely={
            "all": lambda plain, masked: (plain != masked).mean(),
            "same": lambda plain, masked: 1 - _changed(plain, masked),
            "count": lambda plain, masked: (
                _changed(plain, masked) * (masked != 255).sum()
            ),
            "background": lambda _, masked: (masked == 255).mean(),
            "of all": lambda plain, masked: (
                ((plain != masked) & (masked != 255)).sum() / plain.size
            ),
            "percent": lambda plain, masked: 100 * _changed(plain, masked),
            "count of all": lambda plain, masked: (plain != masked).sum(),
            "no share": lambda plain, masked: (plain != masked)[masked != 255],
            "constant": lambda plain, masked: 0,
            "how much": lambda plain, masked: np.abs(plain - masked)[
                masked != 255
            ].mean(),
        },
        show=_shown_maps,
    )


def _shown_maps(plain: np.ndarray, masked: np.ndarray) -> str:
    """The call in short; maps of one row are shown as lists."""
    if plain.size > MOST_SHOWN:
        return "changed_share(plain, masked)"
    return f"changed_share({plain.ravel().tolist()}, {masked.ravel().tolist()})"


def _row(*classes: int) -> np.ndarray:
    """A map of one row, as the notebook has them: (height, width, 1)."""
    return np.array(classes, "uint8").reshape(1, -1, 1)


def _changed(plain: np.ndarray, masked: np.ndarray) -> float:
    mapped = masked != 255
    return float((plain[mapped] != masked[mapped]).mean())


def _changed_code(result: str) -> str:
    return (
        "def changed_share(plain, masked):\n"
        "    mapped = masked != 255\n"
        f"    return {result}"
    )


changed_share = Exercise(
    name="changed_share",
    title="Did the rest of the map change?",
    question="""
        Write a function that compares two maps of the same size: `plain` was made
        without a rule for no-data, `masked` with one. Take only the pixels that are
        **not background** (255) in `masked`. Which share of them has another class than
        in `plain`? Both maps are arrays.
        """,
    answer_name="changed_share",
    stub="def changed_share(plain, masked):\n    return ...",
    solution_code=_changed_code("(plain[mapped] != masked[mapped]).mean()"),
    judge=_judge_changed,
    mistakes={
        "all": Mistake(
            code=_changed_code("(plain != masked).mean()"),
            hint="This counts the background pixels as changed. Leave them out first.",
        ),
        "same": Mistake(
            code=_changed_code("(plain[mapped] == masked[mapped]).mean()"),
            hint="This is the share that stayed the same.",
        ),
        "count": Mistake(
            code=_changed_code("(plain[mapped] != masked[mapped]).sum()"),
            hint="This counts pixels. A share is between 0 and 1.",
        ),
        "background": Mistake(
            code=_changed_code("(masked == 255).mean()"),
            hint="This is the share of the background. The question is about the other "
            "pixels.",
        ),
        "of all": Mistake(
            code=_changed_code("(plain[mapped] != masked[mapped]).sum() / plain.size"),
            hint="The changed pixels are right, but you divide by all pixels. Divide by "
            "the number of those that are not background.",
        ),
        "percent": Mistake(
            code=_changed_code("100 * (plain[mapped] != masked[mapped]).mean()"),
            hint="This is right in percent. A share is between 0 and 1.",
        ),
        "count of all": Mistake(
            code=_changed_code("(plain != masked).sum()"),
            hint="This counts pixels, and it counts the background as changed. Leave the "
            "background out, and give a share between 0 and 1.",
        ),
        "no share": Mistake(
            code=_changed_code("plain[mapped] != masked[mapped]"),
            hint="This tells for each pixel whether it changed. The question asks for one "
            "number: the share of True.",
        ),
        "how much": Mistake(
            code=_changed_code("np.abs(plain[mapped] - masked[mapped]).mean()"),
            hint="This tells how far apart the class numbers are. But a class number is a "
            "name, not an amount. Ask only whether two numbers differ.",
        ),
        "constant": Mistake(
            code=_changed_code("0"),
            hint="That may be so for the two maps of this notebook. Write it for any two "
            "maps.",
        ),
    },
    hints=(
        "First choose the pixels: `masked != 255`.",
        "`plain[mapped]` and `masked[mapped]` are the two maps at those pixels.",
        "The mean of `plain[mapped] != masked[mapped]` is a share.",
    ),
    explanation="The mean of values that are True or False is the share of True.",
    imports="import numpy as np",
)
