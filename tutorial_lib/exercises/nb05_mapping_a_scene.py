"""Exercises of notebook 05: size of the map, the full map, cost of tiles, no-data."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tutorial_lib import testing
from tutorial_lib.exercises import Exercise, Mistake, diagnose
from tutorial_lib.inference.errors import ExpressionFieldError, InputSizeError
from tutorial_lib.inference.plan import InferencePlan


def _judge_map_size(answer: Callable[[int, int], tuple[int, int]]) -> str | None:
    rng = np.random.default_rng()
    cases = [(int(n), int(r)) for n, r in rng.integers((100, 2), (900, 40), (20, 2))]
    got = np.array([answer(size, field) for size, field in cases])
    if got.shape != (len(cases), 2):
        return "not a pair"
    n, r = np.array(cases).T
    count, first = n - r + 1, r // 2
    likely = {
        "as the image": np.stack([n, first * 0], 1),
        "one short": np.stack([n - r, first], 1),
        "one side": np.stack([n - r // 2, first], 1),
        "swapped": np.stack([first, count], 1),
        "first of the patch": np.stack([count, first * 0], 1),
        "one too early": np.stack([count, (r - 1) // 2], 1),
        "both sides even": np.stack([n - 2 * first, first], 1),
        "half a pixel": np.stack([count, r / 2], 1),
    }
    return diagnose(got, right=np.stack([count, first], 1), likely=likely)


map_size = Exercise(
    name="map_size",
    title="How large is the map, and where does it begin?",
    question="""
        A pixel is mapped if its whole patch lies inside the image. Write a function that
        gives, along one axis of an image with `size` pixels and for patches of `field`
        pixels: how many pixels are mapped, and which pixel of the image (counted from 0)
        is the first of them.

        Remember the rule for even patches: the pixel of the position has index
        `field // 2` in its patch.
        """,
    answer_name="map_size",
    stub="""
        def map_size(size, field):
            return (..., ...)
        """,
    solution_code="""
        def map_size(size, field):
            return (size - field + 1, field // 2)
        """,
    judge=_judge_map_size,
    mistakes={
        "as the image": Mistake(
            code="""
                def map_size(size, field):
                    return (size, 0)
                """,
            hint="The pixels at the border have no whole patch: some of it would lie "
            "outside the image.",
        ),
        "one short": Mistake(
            code="""
                def map_size(size, field):
                    return (size - field, field // 2)
                """,
            hint="An image as large as the patch still gives one pixel. What does yours "
            "give?",
        ),
        "one side": Mistake(
            code="""
                def map_size(size, field):
                    return (size - field // 2, field // 2)
                """,
            hint="The first mapped pixel is right. But pixels are lost at the other "
            "border too.",
        ),
        "swapped": Mistake(
            code="""
                def map_size(size, field):
                    return (field // 2, size - field + 1)
                """,
            hint="Both numbers are there, in the wrong order: first how many, then which "
            "is the first.",
        ),
        "first of the patch": Mistake(
            code="""
                def map_size(size, field):
                    return (size - field + 1, 0)
                """,
            hint="How many is right. Pixel 0 is the first one *read*; which one gets the "
            "class?",
        ),
        "not a pair": Mistake(
            code="""
                def map_size(size, field):
                    return size - field + 1
                """,
            hint="Two numbers are asked for: how many pixels are mapped, and which is the "
            "first.",
        ),
        "one too early": Mistake(
            code="""
                def map_size(size, field):
                    return (size - field + 1, (field - 1) // 2)
                """,
            hint="Right for odd fields. In an even patch one pixel more lies before the "
            "pixel of the position.",
        ),
        "both sides even": Mistake(
            code="""
                def map_size(size, field):
                    return (size - 2 * (field // 2), field // 2)
                """,
            hint="The first mapped pixel is right; how many is right for odd fields. An "
            "image as large as an even patch still gives one pixel: what does yours give?",
        ),
        "half a pixel": Mistake(
            code="""
                def map_size(size, field):
                    return (size - field + 1, field / 2)
                """,
            hint="How many is right. But which pixel is the first, for an odd field? "
            "Pixels are counted: there is no half of one.",
        ),
    },
    hints=(
        "In how many places does a patch fit along the axis?",
        "As many as a kernel of the same size: `size - field + 1`.",
        "The first patch begins at pixel 0. Its own pixel has index `field // 2`.",
    ),
    explanation="That is why the map of a scene is a little smaller than the scene.",
)


def _example_image() -> Mapping[str, Any]:
    return {"image_path": testing.small_scene()["input_10m"]}


def _judge_whole_map(
    answer: Callable[[Any, Any], InferencePlan], *, image_path: Any
) -> str | None:
    # Stands for the network of the notebook; it does not need TensorFlow.
    network = testing.BlockMean({"input": 16})
    try:
        # It does not show its layers, which a plan warns of.
        with warnings.catch_warnings(action="ignore"):
            plan = answer(network, image_path)
    except (ExpressionFieldError, InputSizeError):
        return "field"
    if not isinstance(plan, InferencePlan):
        return "no plan"
    if plan.job.outputs != ("estimated_labels",):
        return "probabilities"
    if plan.job.patch_based:
        return "patch by patch"
    height, width = plan.reference.shape
    if plan.grid.shape.yx == (height - 15, width - 15):
        return None
    return "padded" if plan.grid.shape.yx == (height, width) else "window"


_WHOLE_MAP = """
    def plan_map(model, image_path):
        source = tl.Source(image_path, receptive_field=16)
        return tl.plan_inference(model, source, output="estimated_labels")
    """

whole_map = Exercise(
    name="whole_map",
    title="The map of the whole scene",
    question="""
        The plan above was for a window, and for probabilities. Write a function that
        plans the map of the **labels** for the **whole** image.
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
        "window": Mistake(
            code=_WHOLE_MAP.replace(
                'output="estimated_labels"',
                'output="estimated_labels", window=Window(10, 20, 30, 25)',
            ),
            hint="This is a part of the scene. Without `window` the plan is for all of "
            "it.",
        ),
        "padded": Mistake(
            code=_WHOLE_MAP.replace(
                'output="estimated_labels"',
                'output="estimated_labels", edge="pad"',
            ),
            hint="This map is as large as the image: at the border, pixels had to be "
            "invented. Leave `edge` out.",
        ),
        "patch by patch": Mistake(
            code=_WHOLE_MAP.replace(
                'output="estimated_labels"',
                'output="estimated_labels", mode="patch_based"',
            ),
            hint="This gives the right map, but patch by patch: it takes many times "
            "longer. Leave `mode` out.",
        ),
        "field": Mistake(
            code=_WHOLE_MAP.replace("receptive_field=16", "receptive_field=15"),
            hint="The network refuses blocks of this size. How many pixels wide were the "
            "patches that it was trained on?",
        ),
        "no plan": Mistake(
            code="""
                def plan_map(model, image_path):
                    source = tl.Source(image_path, receptive_field=16)
                    return tl.plan_inference(
                        model, source, output="estimated_labels"
                    ).grid
                """,
            hint="The function must return the plan itself, not something of it.",
        ),
    },
    hints=(
        "`tl.plan_inference(model, source, …)` returns the plan.",
        "It needs the name of an output, and nothing else.",
        'That is `output="estimated_labels"`.',
    ),
    explanation="The plan knows the size and place of the map before anything is "
    "computed.",
    imports="""
        from rasterio.windows import Window

        import tutorial_lib as tl
        """,
    example=_example_image,
)


def _judge_pixels_read(answer: Callable[[int, int], float]) -> str | None:
    rng = np.random.default_rng()
    cases = [(int(t), int(r)) for t, r in rng.integers((4, 2), (600, 60), (20, 2))]
    cases.append((16, 16))
    got = [answer(tile, field) for tile, field in cases]
    likely = {
        "one side": [(t + r - 1) / t for t, r in cases],
        "one too many": [((t + r) / t) ** 2 for t, r in cases],
        "not relative": [(t + r - 1) ** 2 for t, r in cases],
        "only more": [((t + r - 1) / t) ** 2 - 1 for t, r in cases],
        "both sides": [((t + 2 * r) / t) ** 2 for t, r in cases],
        "upside down": [(t / (t + r - 1)) ** 2 for t, r in cases],
        "whole": [(t + r - 1) ** 2 // t**2 for t, r in cases],
        "twice": [2 * (t + r - 1) / t for t, r in cases],
    }
    right = [((t + r - 1) / t) ** 2 for t, r in cases]
    return diagnose(got, right=right, likely=likely, tolerance=1e-6)


pixels_read = Exercise(
    name="pixels_read",
    title="What do small tiles cost?",
    question="""
        To write a tile of `tile` x `tile` pixels, `tile + field - 1` pixels are read along
        each axis. Write a function that gives how many pixels are read **for each pixel
        that is written**.
        """,
    answer_name="pixels_read",
    stub="""
        def pixels_read(tile, field):
            return ...
        """,
    solution_code="""
        def pixels_read(tile, field):
            return (tile + field - 1) ** 2 / tile**2
        """,
    judge=_judge_pixels_read,
    mistakes={
        "one side": Mistake(
            code="""
                def pixels_read(tile, field):
                    return (tile + field - 1) / tile
                """,
            hint="That is along one axis. A tile has two.",
        ),
        "one too many": Mistake(
            code="""
                def pixels_read(tile, field):
                    return (tile + field) ** 2 / tile**2
                """,
            hint="A tile of one pixel reads `field` pixels along each axis, not one "
            "more.",
        ),
        "not relative": Mistake(
            code="""
                def pixels_read(tile, field):
                    return (tile + field - 1) ** 2
                """,
            hint="This counts the pixels that are read. Divide by those that are "
            "written.",
        ),
        "only more": Mistake(
            code="""
                def pixels_read(tile, field):
                    return (tile + field - 1) ** 2 / tile**2 - 1
                """,
            hint="This counts only the additional ones. The question asks for all that "
            "are read.",
        ),
        "both sides": Mistake(
            code="""
                def pixels_read(tile, field):
                    return (tile + 2 * field) ** 2 / tile**2
                """,
            hint="The tile does not read a whole field more on each side: the question "
            "says how many pixels it reads along an axis.",
        ),
        "upside down": Mistake(
            code="""
                def pixels_read(tile, field):
                    return tile**2 / (tile + field - 1) ** 2
                """,
            hint="This is how many are written for each that is read. The question asks "
            "the other way round.",
        ),
        "whole": Mistake(
            code="""
                def pixels_read(tile, field):
                    return (tile + field - 1) ** 2 // tile**2
                """,
            hint="`//` cuts off the decimals. One and a half pixels for each is a good "
            "answer: divide with `/`.",
        ),
        "twice": Mistake(
            code="""
                def pixels_read(tile, field):
                    return (tile + field - 1) / tile * 2
                """,
            hint="Along one axis is right. But the pixels of two axes are multiplied, as "
            "for an area: that is not twice as many.",
        ),
    },
    hints=(
        "How many pixels does a tile read in all? And how many does it write?",
        "`(tile + field - 1) ** 2` are read.",
        "Divide that by `tile ** 2`.",
    ),
    explanation="The larger the tile, the nearer to 1; but the more memory it needs.",
)


def _judge_changed(answer: Callable[[np.ndarray, np.ndarray], float]) -> str | None:
    rng = np.random.default_rng()
    plain = rng.integers(0, 6, (37, 51, 1)).astype("uint8")
    empty = rng.random(plain.shape) < 0.3
    masked = np.where(empty, 255, plain).astype("uint8")
    other = rng.random(plain.shape) < 0.1
    masked[other & ~empty] = (plain[other & ~empty] + 1) % 6
    got = answer(plain, masked)
    both = masked != 255
    changed = (plain != masked)[both]
    likely = {
        "all": (plain != masked).mean(),
        "same": 1 - changed.mean(),
        "count": changed.sum(),
        "background": (masked == 255).mean(),
        "of all": changed.sum() / plain.size,
        "percent": 100 * changed.mean(),
        "count of all": (plain != masked).sum(),
        "no share": changed,
        "constant": 0,
    }
    return diagnose(got, right=changed.mean(), likely=likely, tolerance=1e-9)


changed_share = Exercise(
    name="changed_share",
    title="Did the rest of the map change?",
    question="""
        Write a function that compares two maps of the same size, the first without, the
        second with no-data. Of the pixels that are **not background** (255) in the second
        one: which share has another class than in the first? Both are arrays.
        """,
    answer_name="changed_share",
    stub="""
        def changed_share(plain, masked):
            return ...
        """,
    solution_code="""
        def changed_share(plain, masked):
            mapped = masked != 255
            return (plain[mapped] != masked[mapped]).mean()
        """,
    judge=_judge_changed,
    mistakes={
        "all": Mistake(
            code="""
                def changed_share(plain, masked):
                    return (plain != masked).mean()
                """,
            hint="This counts the background pixels as changed. Leave them out first.",
        ),
        "same": Mistake(
            code="""
                def changed_share(plain, masked):
                    mapped = masked != 255
                    return (plain[mapped] == masked[mapped]).mean()
                """,
            hint="This is the share that stayed the same.",
        ),
        "count": Mistake(
            code="""
                def changed_share(plain, masked):
                    mapped = masked != 255
                    return (plain[mapped] != masked[mapped]).sum()
                """,
            hint="This counts pixels. A share is between 0 and 1.",
        ),
        "background": Mistake(
            code="""
                def changed_share(plain, masked):
                    return (masked == 255).mean()
                """,
            hint="This is the share of the background. The question is about the other "
            "pixels.",
        ),
        "of all": Mistake(
            code="""
                def changed_share(plain, masked):
                    mapped = masked != 255
                    return (plain[mapped] != masked[mapped]).sum() / plain.size
                """,
            hint="You divide by all pixels. The share is asked of those that are not "
            "background.",
        ),
        "percent": Mistake(
            code="""
                def changed_share(plain, masked):
                    mapped = masked != 255
                    return 100 * (plain[mapped] != masked[mapped]).mean()
                """,
            hint="Right in percent. A share is between 0 and 1.",
        ),
        "count of all": Mistake(
            code="""
                def changed_share(plain, masked):
                    return (plain != masked).sum()
                """,
            hint="This counts pixels, and the background as changed. A share is between 0 "
            "and 1, and the background is to be left out.",
        ),
        "no share": Mistake(
            code="""
                def changed_share(plain, masked):
                    mapped = masked != 255
                    return plain[mapped] != masked[mapped]
                """,
            hint="This says of each pixel whether it changed. One number is asked for: "
            "the share of True.",
        ),
        "constant": Mistake(
            code="""
                def changed_share(plain, masked):
                    return 0
                """,
            hint="That may be so for the two maps of this notebook. Write it for any two "
            "maps.",
        ),
    },
    hints=(
        "First choose the pixels: `masked != 255`.",
        "`plain[mapped]` and `masked[mapped]` are the two maps at those pixels.",
        "The mean of `plain[mapped] != masked[mapped]` is a share.",
    ),
    explanation="A comparison of True and False has a mean: the share of True.",
    imports="import numpy as np",
)
