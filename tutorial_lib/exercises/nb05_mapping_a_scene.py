"""Exercises of notebook 05: a map, its tiles, offsets, and how far to believe it."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.windows import Window

from tutorial_lib import testing
from tutorial_lib.exercises import Choice, Exercise, Mistake, Option, try_cases
from tutorial_lib.inference.errors import ExpressionFieldError, InputSizeError
from tutorial_lib.inference.reports import Report
from tutorial_lib.rasters import Legend, read_array, read_grid, read_legend, write_array

CLASS_COUNT = 6
# Patches that a note shows one by one.
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
            "whole patches": lambda size, field: (size - 2 * field, field),
            "always 16": lambda size, field: (size - 15, 8),
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
            hint="The number of pixels is right. Pixel 0 is the first one that is "
            "*read*. Which pixel of the patch gets the class?",
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
            hint="The number of pixels is right. The first pixel is right for odd "
            "fields only. In an even patch, one more pixel lies before the pixel that "
            "gets the class.",
        ),
        "both sides even": Mistake(
            code=_map_size_code("size - 2 * (field // 2)", "field // 2"),
            hint="The first mapped pixel is right. The number of pixels is right for "
            "odd fields only. An image as large as an even patch still gives one "
            "pixel.",
        ),
        "whole patches": Mistake(
            code=_map_size_code("size - 2 * field", "field"),
            hint="A border of a whole patch is lost on each side here. How much of its "
            "patch lies before the pixel that gets the class, and how much after it?",
        ),
        "always 16": Mistake(
            code=_map_size_code("size - 15", "8"),
            hint="That is right for patches of 16 pixels. Other patches have other sizes: "
            "use `field`.",
        ),
        "half a pixel": Mistake(
            code=_map_size_code("size - field + 1", "field / 2"),
            hint="The number of pixels is right. But an odd field gives half a pixel "
            "here. The number of a pixel is a whole number.",
        ),
        "from one": Mistake(
            code=_map_size_code("size - field + 1", "field // 2 + 1"),
            hint="The number of pixels is right. Pixels are counted from 0, in the "
            "image and in the patch.",
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


def _is_about_window(error: Exception) -> bool:
    """Whether a window of the notebook lies outside the small image of a check."""
    return str(error).startswith("The window")


_FIELD_HINT = (
    "The network does not make one pixel of a block of this size. How many pixels wide "
    "were the patches that it was trained on? If you gave an `expression_field`, leave it "
    "out."
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
    minutes=6,
    imports="""
        from rasterio.windows import Window

        import tutorial_lib as tl
        """,
)


cloud = Choice(
    name="cloud",
    title="What is under the cloud?",
    question="""
        Under the brightest cloud, the image shows no ground at all. What will the network
        say of these pixels?
        """,
    options=(
        Option(
            "They become background, like pixels without data.",
            hint="Background is where the file says that there is no data. Does the file "
            "say so of a cloud?",
        ),
        Option(
            "Each class gets a probability near one sixth there.",
            hint="A softmax compares the six classes with each other. Must they all fit "
            "equally badly, only because the patch is new?",
        ),
        Option("Most get one class, with a probability clearly above one sixth."),
        Option(
            "They get a seventh class, clouds.",
            hint="How many outputs has the network? The labels of area A gave one to each "
            "of their classes.",
        ),
    ),
    explanation="A network knows its classes, and *I do not know* is not one of them. A "
    "probability tells how much better one class fits than the others.",
    minutes=3,
    vote=True,
)


def _pixels_of_a_small_tile() -> int:
    """How many pixels a plan with tiles of 16 x 16 pixels reads for one of them."""
    import tutorial_lib as tl

    source = tl.Source(_image(), receptive_field=16)
    plan = tl.plan_inference(
        _network(),
        source,
        output="estimated_labels",
        window=Window(0, 0, 32, 32),
        tile_size=16,
    )
    rows, cols = plan.table()["chunk"].iloc[0].split(" x ")
    return int(rows) * int(cols)


small_tiles = Choice(
    name="small_tiles",
    title="What does a small tile cost?",
    question="""
        The Orfeo ToolBox, a free program for satellite images, writes tiles of 16 x 16
        pixels, unless you choose another size. These are 256 pixels. How many pixels of
        the image are read for one of them, with a receptive field of 16 x 16 pixels?
        """,
    options=(
        Option(
            "256: 16 rows of 16 pixels.",
            hint="Each pixel of the tile needs its whole patch. Do the patches of the "
            "pixels at its border lie inside the tile?",
            value=256,
        ),
        Option(
            "496: 16 rows of 31 pixels.",
            hint="The tile grows along one axis in your answer. It has two.",
            value=496,
        ),
        Option("961: 31 rows of 31 pixels.", value=961),
        Option(
            "65 536: 256 patches of 256 pixels.",
            hint="That is a patch for each pixel. But neighbours have most pixels of "
            "their patches in common, and these are read once.",
            value=65536,
        ),
    ),
    explanation="31 pixels along each axis, because 15 more are needed than are written: "
    "almost four for each pixel of the tile.",
    key=_pixels_of_a_small_tile,
)


def _judge_as_trained(answer: Callable[..., Any]) -> Any:
    rng = np.random.default_rng()
    cases = [([1300.0, 2600.0], -1000, 10_000), ([1300.0, 2600.0], -1000, 20_000)]
    cases += [([200.0, 900.0], 0, 10_000), ([1500.0, 3000.0], -500, 5000)]
    cases += [(rng.uniform(1000, 4000, 5).round(), -1000, 25_000)]
    return try_cases(
        answer,
        [(np.array(pixels), offset, scale) for pixels, offset, scale in cases],
        right=lambda x, offset, scale: (x + offset) / scale * 10_000,
        likely={
            "sign": lambda x, offset, scale: (x - offset) / scale * 10_000,
            "reflectance": lambda x, offset, scale: (x + offset) / scale,
            "divided first": lambda x, offset, scale: x / scale * 10_000 + offset,
            "offset only": lambda x, offset, scale: x + offset,
            "always 1000": lambda x, offset, scale: x - 1000,
            "upside down": lambda x, offset, scale: (x + offset) * scale / 10_000,
            "no offset": lambda x, offset, scale: x / scale * 10_000,
            "no brackets": lambda x, offset, scale: x + offset / scale * 10_000,
            "not divided": lambda x, offset, scale: (x + offset) * 10_000,
            "ten": lambda x, offset, scale: (x + offset) / scale * 10.000,
            "whole": lambda x, offset, scale: (x + offset) // scale * 10_000,
        },
    )


def _as_trained_code(result: str) -> str:
    return f"def as_trained(pixels, add_offset, quantification):\n    return {result}"


as_trained = Exercise(
    name="as_trained",
    title="Correct the offset",
    question="""
        The metadata of a product have two numbers, for example `BOA_ADD_OFFSET` = -1000
        and `BOA_QUANTIFICATION_VALUE` = 10 000. The handbook of Sentinel-2 says: add the
        first to a pixel, then divide by the second. This gives the reflectance, from 0 to
        about 1.

        The network was trained on **reflectance times 10 000**. Write a function that
        gives this from `pixels`, an array of such numbers, and from the two numbers.
        """,
    answer_name="as_trained",
    stub=_as_trained_code("..."),
    solution_code=_as_trained_code("(pixels + add_offset) / quantification * 10_000"),
    judge=_judge_as_trained,
    mistakes={
        "sign": Mistake(
            code=_as_trained_code("(pixels - add_offset) / quantification * 10_000"),
            hint="The offset in the metadata is negative already. What happens when you "
            "subtract it?",
        ),
        "reflectance": Mistake(
            code=_as_trained_code("(pixels + add_offset) / quantification"),
            hint="This is the reflectance. The network was trained on larger numbers.",
        ),
        "divided first": Mistake(
            code=_as_trained_code("pixels / quantification * 10_000 + add_offset"),
            hint="The offset has the unit of the pixels. It must be added before anything "
            "is divided.",
        ),
        "offset only": Mistake(
            code=_as_trained_code("pixels + add_offset"),
            hint="This is right while the second number is 10 000. Another product may "
            "have another one: use it.",
        ),
        "always 1000": Mistake(
            code=_as_trained_code("pixels - 1000"),
            hint="That is so for one product. Older images have the offset 0: use the "
            "arguments.",
        ),
        "upside down": Mistake(
            code=_as_trained_code("(pixels + add_offset) * quantification / 10_000"),
            hint="The offset is right. But the handbook divides by the quantification.",
        ),
        "no offset": Mistake(
            code=_as_trained_code("pixels / quantification * 10_000"),
            hint="The scale is right. Where is the offset?",
        ),
        "no brackets": Mistake(
            code=_as_trained_code("pixels + add_offset / quantification * 10_000"),
            hint="Python divides before it adds, so only the offset is divided here. Put "
            "brackets around what comes first.",
        ),
        "not divided": Mistake(
            code=_as_trained_code("(pixels + add_offset) * 10_000"),
            hint="The offset is right. Where is the quantification?",
        ),
        "ten": Mistake(
            code=_as_trained_code("(pixels + add_offset) / quantification * 10.000"),
            hint="In Python `10.000` is ten: the point begins the decimals. Write "
            "`10_000` or `10000`.",
        ),
        "whole": Mistake(
            code=_as_trained_code("(pixels + add_offset) // quantification * 10_000"),
            hint="`//` drops the decimals, so a reflectance between 0 and 1 becomes "
            "0. Divide with `/`.",
        ),
    },
    hints=(
        "First the reflectance, as the handbook says. Then one more step.",
        "The reflectance is `(pixels + add_offset) / quantification`.",
        "Multiply it by 10 000.",
    ),
    explanation="With the offset 0 and the quantification 10 000, nothing changes: that is "
    "how our scene is stored.",
    imports="import numpy as np",
)

agreement = Choice(
    name="agreement",
    title="Three networks, one answer",
    question="""
        Take labelled places of area C, which no training has used. At some of them all
        three networks name the same class. How many of these answers are right?
        """,
    options=(
        Option("Far more than elsewhere, but not all: some mistakes are shared."),
        Option(
            "Nearly all: three networks do not make the same mistake.",
            hint="All three learnt from the same places, with the same layers. What if "
            "these places did not show the kind of ground that is here?",
        ),
        Option(
            "As many as elsewhere: all three learnt the same.",
            hint="They began with other weights. At which places would that lead to "
            "another answer: where a class is clear, or where two are close?",
        ),
    ),
    explanation="Agreement shows what the networks share. That may be a truth, or a "
    "mistake of the labels and places that all of them learnt from.",
)


def _calibration_error(
    surest: np.ndarray, right: np.ndarray, bins: int = 10, *, value: Any = None
) -> float:
    """Sum over the bins of `value`: of the share of patches, `surest` and `right`."""
    number = np.minimum((surest * bins).astype(int), bins - 1)
    value = value or (lambda share, p, hit: share * abs(hit.mean() - p.mean()))
    return float(
        sum(
            value((number == k).mean(), surest[number == k], right[number == k])
            for k in np.unique(number)
        )
    )


def _judge_calibration(answer: Callable[..., float]) -> Any:
    rng = np.random.default_rng()
    surest = rng.uniform(0.2, 1, 400)
    too_sure = surest, rng.random(400) < surest**2
    not_enough = surest, rng.random(400) < surest**0.5
    # Low bins are right too often and high ones too seldom, and some patches are sure.
    both = np.append(surest, [1.0] * 40), rng.random(440) < 0.6
    tiny = np.array([0.95, 0.95, 0.95, 0.55]), np.array([True, True, False, True])

    def wrong(value: Callable[..., float]) -> Callable[..., float]:
        return lambda *case: _calibration_error(*case, value=value)

    return try_cases(
        answer,
        [tiny, too_sure, not_enough, both, (*both, 4)],
        right=_calibration_error,
        likely={
            "signed": wrong(lambda share, p, hit: share * (p.mean() - hit.mean())),
            "signed back": wrong(lambda share, p, hit: share * (hit.mean() - p.mean())),
            "no weights": wrong(lambda share, p, hit: abs(hit.mean() - p.mean())),
            "counts": wrong(
                lambda share, p, hit: hit.size * abs(hit.mean() - p.mean())
            ),
            "each patch": wrong(lambda share, p, hit: share * abs(hit - p).mean()),
            "all patches": lambda p, hit, bins=10: abs(hit.mean() - p.mean()),
            "share only": wrong(lambda share, p, hit: share * hit.mean()),
            "probability only": wrong(lambda share, p, hit: share * p.mean()),
            "squares": wrong(
                lambda share, p, hit: share * (hit.mean() - p.mean()) ** 2
            ),
            "bins alike": lambda p, hit, bins=10: (
                _calibration_error(
                    p, hit, bins, value=lambda _, p, hit: abs(hit.mean() - p.mean())
                )
                / bins
            ),
        },
        show=_shown_patches,
    )


def _shown_patches(surest: np.ndarray, right: np.ndarray, bins: int = 10) -> str:
    """The call in short; a few patches are shown as lists."""
    if surest.size > MOST_SHOWN:
        return f"calibration_error(surest, right, {bins})"
    return f"calibration_error({surest.tolist()}, {right.tolist()})"


def _calibration_code(term: str) -> str:
    return f"""
def calibration_error(surest, right, bins=10):
    number = np.minimum((surest * bins).astype(int), bins - 1)  # bin of each patch
    error = 0
    for k in range(bins):
        inside = number == k
        if inside.any():
            error += {term}
    return error
"""


calibration_error = Exercise(
    name="calibration_error",
    title="The calibration error",
    question="""
        `surest` is the largest probability of each patch, and `right` says whether its
        class is right. The patches are put into 10 bins by `surest`: 0 to 0.1, 0.1 to 0.2
        and so on. For each bin, take the distance between the share of right patches and
        the mean probability. Add these distances up; each counts with the share of all
        patches that lies in its bin.

        Write what one bin adds. `inside` is True for the patches in it.
        """,
    answer_name="calibration_error",
    stub=_calibration_code("..."),
    solution_code=_calibration_code(
        "inside.mean() * abs(right[inside].mean() - surest[inside].mean())"
    ),
    judge=_judge_calibration,
    mistakes={
        "signed": Mistake(
            code=_calibration_code(
                "inside.mean() * (surest[inside].mean() - right[inside].mean())"
            ),
            hint="A bin that is too sure and one that is not sure enough cancel each "
            "other. Take distances, which are never negative: `abs(…)`.",
        ),
        "signed back": Mistake(
            code=_calibration_code(
                "inside.mean() * (right[inside].mean() - surest[inside].mean())"
            ),
            hint="Your error can be negative, and bins can cancel each other. A distance "
            "is never negative: `abs(…)`.",
        ),
        "no weights": Mistake(
            code=_calibration_code("abs(right[inside].mean() - surest[inside].mean())"),
            hint="A bin of three patches counts as much as one of a thousand. Which share "
            "of all patches is `inside`?",
        ),
        "counts": Mistake(
            code=_calibration_code(
                "inside.sum() * abs(right[inside].mean() - surest[inside].mean())"
            ),
            hint="Each bin counts with the number of its patches, so the error grows with "
            "them. Use their share.",
        ),
        "each patch": Mistake(
            code=_calibration_code(
                "inside.mean() * abs(right[inside] - surest[inside]).mean()"
            ),
            hint="A single patch is right or wrong, so it is always far from its "
            "probability. First take both means of the bin, then their distance.",
        ),
        "all patches": Mistake(
            code=_calibration_code("inside.mean() * abs(right.mean() - surest.mean())"),
            hint="Both means are those of all patches. Take those of the bin: "
            "`right[inside]`.",
        ),
        "share only": Mistake(
            code=_calibration_code("inside.mean() * right[inside].mean()"),
            hint="This adds up to the accuracy. Where is the mean probability of the bin?",
        ),
        "probability only": Mistake(
            code=_calibration_code("inside.mean() * surest[inside].mean()"),
            hint="This adds up to the mean probability. Where is the share of right "
            "patches of the bin?",
        ),
        "squares": Mistake(
            code=_calibration_code(
                "inside.mean() * (right[inside].mean() - surest[inside].mean()) ** 2"
            ),
            hint="These are squared distances. The question asks for the distances "
            "themselves: `abs(…)`.",
        ),
        "bins alike": Mistake(
            code=_calibration_code(
                "abs(right[inside].mean() - surest[inside].mean()) / bins"
            ),
            hint="Each bin counts the same here. A bin with many patches must count more: "
            "which share of all patches is `inside`?",
        ),
    },
    hints=(
        "`right[inside].mean()` is the share of right patches in the bin.",
        "Its distance from `surest[inside].mean()` is their difference without its sign.",
        "Multiply `abs(…)` by `inside.mean()`, the share of all patches.",
    ),
    explanation="This is the *expected calibration error* of Guo and others (2017). It is 0 "
    "if each bin is as often right as it says.",
    imports="import numpy as np",
    minutes=6,
)
