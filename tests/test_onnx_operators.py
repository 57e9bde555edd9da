"""Each operator of the table, with each of its settings: the rule against a run."""

import re

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx_networks import File, measured_margins, unchanged

from tutorial_lib.fields.analysis import analyse
from tutorial_lib.fields.graph import UnknownLayerError
from tutorial_lib.fields.onnx_files.operators import OPERATORS
from tutorial_lib.fields.tracing import trace


def before(file):
    """A layer with a margin of one pixel, so that an operator's effect on it shows."""
    return file.conv(file.image)


def unary(kind, **attributes):
    def build(file):
        return file.op(kind, before(file), **attributes)

    return pytest.param(build, id=kind)


def with_constant(kind, value, **attributes):
    def build(file):
        return file.op(kind, before(file), file.constant(value), **attributes)

    return pytest.param(build, id=f"{kind} constant {np.shape(value)}")


def binary(kind):
    """Two images, one with a margin of one pixel and one with two."""

    def build(file):
        return file.op(kind, before(file), file.conv(file.image, kernel=5))

    return pytest.param(build, id=kind)


def compared(kind):
    def build(file):
        images = before(file), file.conv(file.image, kernel=5)
        images = [file.op("Floor", x) for x in images]
        return file.op("Cast", file.op(kind, *images), to=TensorProto.FLOAT)

    return pytest.param(build, id=kind)


def logic(kind):
    def build(file):
        kernels = (3,) if kind == "Not" else (3, 5)
        images = [
            file.op("Greater", file.conv(file.image, kernel=k), file.constant(1.5))
            for k in kernels
        ]
        return file.op("Cast", file.op(kind, *images), to=TensorProto.FLOAT)

    return pytest.param(build, id=kind)


def is_infinite(file):
    large = file.op("Exp", file.op("Mul", before(file), file.constant(58.0)))
    return file.op("Cast", file.op("IsInf", large), to=TensorProto.FLOAT)


def is_nan(file):
    root = file.op("Sqrt", file.op("Sub", before(file), file.constant(1.5)))
    return file.op("Cast", file.op("IsNaN", root), to=TensorProto.FLOAT)


def sign(file):
    return file.op("Sign", file.op("Sub", before(file), file.constant(1.5)))


def case(name):
    """Decorator: a function of a file is a case of the operators that it uses."""

    def wrap(build):
        return pytest.param(build, id=name)

    return wrap


def cases(build, *settings):
    return [
        pytest.param(
            lambda file, one=one: build(file, **one),
            id=f"{build.__name__} " + " ".join(f"{k}={v}" for k, v in one.items()),
        )
        for one in settings
    ]


def conv(file, kernel=3, **settings):
    return file.conv(before(file), kernel=kernel, **settings)


def transposed(file, kernel=3, **settings):
    return file.transposed(before(file), kernel=kernel, **settings)


def pool(file, kind, kernel, **settings):
    return file.op(kind, before(file), kernel_shape=kernel, **settings)


def resize(file, scale=2.0, other=None, **settings):
    scales = file.constant([1, 1, scale, other or scale], "float32")
    return file.op("Resize", before(file), "", scales, **settings)


def padded(file, pads, mode="constant"):
    return file.op("Pad", before(file), file.constant(pads, "int64"), mode=mode)


def sliced(file, starts, ends, axes=(2, 3), steps=(1, 1)):
    values = [file.constant(x, "int64") for x in (starts, ends, axes, steps)]
    return file.op("Slice", before(file), *values)


def blocks(file, kind, **settings):
    return file.op(kind, file.conv(file.image, 8), blocksize=2, **settings)


def reduced(file, kind):
    return file.op(kind, before(file), file.constant([1]), keepdims=1)


def normalised(file, kind, **settings):
    return file.op(kind, before(file), **settings)


def padded_for_a_stride(file, kernel):
    """As timm does it for networks of TensorFlow: padding from the size of the image.

    A stride of 2 needs kernel - 2 pixels for an even size, the larger half at the end.
    """
    x, pads = before(file), []
    for axis in (2, 3):
        size = file.op("Gather", file.op("Shape", x), file.constant(axis))
        size = file.op("Cast", size, to=TensorProto.FLOAT)
        steps = file.op("Ceil", file.op("Div", size, file.constant(2.0)))
        last = file.op("Mul", file.op("Sub", steps, file.constant(1.0)), two(file))
        total = file.op("Sub", file.op("Add", last, file.constant(kernel * 1.0)), size)
        total = file.op("Clip", total, file.constant(0.0))
        small = file.op("Floor", file.op("Div", total, two(file)))
        pads.append([small, file.op("Sub", total, small)])
    pads = [
        file.op("Cast", file.op("Unsqueeze", one, file.constant([0])), to=7)
        for one in (pads[0][0], pads[1][0], pads[0][1], pads[1][1])
    ]
    zeros = file.constant([0, 0])
    pads = file.op("Concat", zeros, *pads[:2], zeros, *pads[2:], axis=0)
    x = file.op("Pad", x, pads)
    return file.conv(x, kernel=kernel, strides=[2, 2], pads=[0] * 4)


def two(file):
    return file.constant(2.0)


def beside_a_missing_level(file, kind, channels=0):
    """As segmentation_models_pytorch writes it for encoders that begin with 1/4."""
    x = before(file)
    small = file.op("MaxPool", x, kernel_shape=[4, 4], strides=[4, 4])
    level = uniform(file, kind, channels, half=True)
    large = file.resized_like(small, level, mode="nearest")
    return file.conv(file.op("Concat", large, level, axis=1), channels=2 + channels)


def uniform(file, kind, channels, half=False):
    """A tensor of one number, as large as the image or half as large."""
    rows, cols = (file.op("Shape", file.image, start=i, end=i + 1) for i in (2, 3))
    if half:
        rows, cols = (file.op("Div", size, file.constant([2])) for size in (rows, cols))
    first = [file.op("Shape", file.image, end=1), file.constant([channels])]
    shape = file.op("Concat", *first, rows, cols, axis=0)
    number = [file.constant(1.5)] if kind == "Expand" else []
    return file.op(kind, *number, shape)


MOVING = [
    *cases(padded_for_a_stride, {"kernel": 3}, {"kernel": 4}, {"kernel": 5}),
    *cases(
        beside_a_missing_level,
        {"kind": "ConstantOfShape"}, {"kind": "Expand"},
        {"kind": "ConstantOfShape", "channels": 1}, {"kind": "Expand", "channels": 3},
    ),
    *cases(
        conv,
        {}, {"kernel": 1}, {"kernel": 4, "pads": [1, 1, 2, 2]},
        {"kernel": (3, 5)}, {"kernel": 3, "pads": [0, 0, 0, 0]},
        {"kernel": 3, "strides": [2, 2]}, {"kernel": 5, "strides": [3, 3]},
        {"kernel": 4, "strides": [2, 2], "pads": [2, 1, 0, 1]},
        {"kernel": 3, "dilations": [2, 2]}, {"kernel": 3, "dilations": [3, 1]},
        {"kernel": 3, "dilations": [2, 2], "pads": [2, 2, 2, 2], "strides": [2, 2]},
        {"kernel": 4, "auto_pad": "SAME_UPPER"},
        {"kernel": 4, "auto_pad": "SAME_LOWER"},
        {"kernel": 3, "auto_pad": "SAME_UPPER", "strides": [2, 2]},
        {"kernel": 3, "auto_pad": "SAME_LOWER", "strides": [2, 2]},
        {"kernel": 5, "auto_pad": "VALID", "strides": [2, 2]},
        {"kernel": 3, "group": 2, "channels": 1},
    ),
    *cases(
        transposed,
        {"strides": [2, 2]}, {"kernel": 2, "strides": [2, 2]},
        {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]},
        {"kernel": 4, "strides": [2, 2], "pads": [1, 1, 1, 1]},
        {"kernel": 5, "strides": [3, 3], "pads": [1, 2, 0, 1]},
        {"kernel": (3, 4), "strides": [2, 2]},
        {"strides": [1, 1], "dilations": [2, 2]},
        {"strides": [2, 2], "dilations": [2, 2], "pads": [1, 1, 1, 1]},
        {"strides": [2, 2], "auto_pad": "SAME_UPPER"},
        {"strides": [2, 2], "auto_pad": "SAME_LOWER"},
        {"kernel": 4, "strides": [2, 2], "auto_pad": "SAME_UPPER"},
        {"strides": [2, 2], "auto_pad": "VALID"},
        {"strides": [2, 2], "group": 2, "filters": 1},
    ),
    *[
        one
        for kind in ("MaxPool", "AveragePool", "LpPool")
        for one in cases(
            pool,
            {"kind": kind, "kernel": [2, 2], "strides": [2, 2]},
            {"kind": kind, "kernel": [3, 3], "strides": [2, 2], "pads": [1] * 4},
            {"kind": kind, "kernel": [3, 2], "strides": [1, 1]},
            {"kind": kind, "kernel": [3, 3], "strides": [2, 2], "pads": [0, 1, 1, 0]},
            {"kind": kind, "kernel": [3, 3], "auto_pad": "SAME_UPPER"},
            {
                "kind": kind, "kernel": [3, 3], "strides": [2, 2],
                "auto_pad": "SAME_LOWER",
            },
        )
    ],
    *[
        one
        for kind in ("MaxPool", "AveragePool")
        for one in cases(
            pool,
            {"kind": kind, "kernel": [3, 3], "strides": [2, 2], "ceil_mode": 1},
            {
                "kind": kind, "kernel": [3, 3], "strides": [2, 2],
                "pads": [1, 1, 1, 1], "ceil_mode": 1,
            },
            {"kind": kind, "kernel": [2, 2], "strides": [3, 3], "ceil_mode": 1},
        )
    ],
    *cases(pool, {"kind": "MaxPool", "kernel": [3, 3], "dilations": [2, 2]}),
    *cases(
        pool,
        {
            "kind": "AveragePool", "kernel": [3, 3], "pads": [1, 1, 1, 1],
            "count_include_pad": 1,
        },
    ),
    *[
        one
        for place in ("half_pixel", "pytorch_half_pixel", "asymmetric")
        for one in cases(
            resize,
            {"mode": "linear", "coordinate_transformation_mode": place},
            {"mode": "linear", "scale": 4.0, "coordinate_transformation_mode": place},
            {"mode": "cubic", "coordinate_transformation_mode": place},
            {"mode": "linear", "scale": 0.5, "coordinate_transformation_mode": place},
        )
    ],
    *[
        one
        for rounding in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
        for one in cases(
            resize,
            {"nearest_mode": rounding},
            {"nearest_mode": rounding, "scale": 3.0},
            {"nearest_mode": rounding, "scale": 0.5},
            {"nearest_mode": rounding, "coordinate_transformation_mode": "asymmetric"},
            {
                "nearest_mode": rounding, "scale": 4.0,
                "coordinate_transformation_mode": "tf_half_pixel_for_nn",
            },
        )
    ],
    *cases(
        resize,
        {"mode": "linear", "scale": 3.0},
        {"mode": "cubic", "scale": 4.0, "cubic_coeff_a": -0.5},
        {"mode": "cubic", "scale": 2.0, "exclude_outside": 1},
        {"mode": "linear", "coordinate_transformation_mode": "half_pixel_symmetric"},
    ),
    *cases(
        padded,
        {"pads": [0, 0, 1, 2, 0, 0, 3, 0]},
        {"pads": [0, 0, 1, 2, 0, 0, 3, 0], "mode": "reflect"},
        {"pads": [0, 0, 1, 2, 0, 0, 3, 0], "mode": "edge"},
        {"pads": [0, 0, 1, 2, 0, 0, 3, 0], "mode": "wrap"},
        {"pads": [0, 0, -1, 2, 0, 0, -3, 1]},
        {"pads": [0, 1, 0, 0, 0, 0, 0, 0]},
    ),
    *cases(
        sliced,
        {"starts": [1, 2], "ends": [-2, -1]},
        {"starts": [0, 0], "ends": [2**63 - 1] * 2, "steps": [2, 2]},
        {"starts": [1, 0], "ends": [2**31 - 1] * 2, "steps": [2, 2]},
        {"starts": [3, 1], "ends": [-1, -1], "steps": [3, 3]},
        {"starts": [0], "ends": [1], "axes": [1], "steps": [1]},
        {"starts": [0, -1], "ends": [-1, 2**31 - 1], "axes": [-1, -3]},
    ),
    *cases(
        blocks,
        {"kind": "DepthToSpace"}, {"kind": "DepthToSpace", "mode": "CRD"},
        {"kind": "SpaceToDepth"},
    ),
]  # fmt: skip


@pytest.mark.parametrize("build", MOVING)
def test_the_margins_of_an_operator_equal_the_measured_ones(build):
    file = File()
    model = file.model(build(file))
    found = analyse(model).margins["out"]
    assert found == measured_margins(model, np.random.default_rng(0))


@case("Concat")
def concatenated(file):
    return file.op("Concat", before(file), file.conv(file.image, kernel=5), axis=1)


@case("Split")
def divided(file):
    one, other = file.op("Split", before(file), outputs=2, axis=1, num_outputs=2)
    return file.op("Add", one, other)


@case("Gather")
def chosen(file):
    return file.op("Gather", before(file), file.constant([1, 0, 1]), axis=1)


@case("Gather of one channel")
def chosen_one(file):
    one = file.op("Gather", before(file), file.constant(1), axis=1)
    return file.op("Unsqueeze", one, file.constant([1]))


@case("Squeeze")
def squeezed(file):
    one = file.op("Squeeze", file.conv(file.image, 1), file.constant([1]))
    return file.op("Unsqueeze", one, file.constant([-3]))


@case("Transpose")
def turned(file):
    return file.from_last(file.op("Relu", file.to_last(before(file))))


@case("Expand")
def repeated(file):
    return file.op("Expand", file.conv(file.image, 1), file.constant([1, 3, 1, 1]))


@case("Tile")
def tiled(file):
    return file.op("Tile", before(file), file.constant([1, 2, 1, 1]))


@case("Where")
def where(file):
    x = before(file)
    return file.op("Where", file.op("Greater", x, file.constant(1.5)), x, file.image)


@case("Where with the same number everywhere")
def masked(file):
    x = before(file)
    zeros = uniform(file, "ConstantOfShape", 2)
    return file.op("Where", file.op("Greater", x, file.constant(1.5)), x, zeros)


@case("Mul with the same number everywhere")
def scaled(file):
    return file.op("Mul", uniform(file, "Expand", 2), before(file))


@case("MatMul of weights, channels last")
def dense(file):
    matrix = file.weights(2, 3)
    return file.from_last(file.op("MatMul", file.to_last(before(file)), matrix))


@case("MatMul of joined pixels")
def dense_of_pixels(file):
    """As transformers do it: (batch, channel, row * col), and back."""
    x = before(file)
    flat = file.op("Reshape", x, file.constant([0, 0, -1]))
    mixed = file.op("MatMul", file.weights(2, 2), flat)
    return file.op("Reshape", mixed, file.op("Shape", x))


@case("Gemm and Flatten")
def gemm(file):
    x = file.to_last(before(file))
    flat = file.op("Flatten", x, axis=3)
    mixed = file.op(
        "Gemm", flat, file.weights(3, 2), file.constant([1.0] * 3), transB=1
    )
    first = file.op("Slice", file.op("Shape", x), *map(file.constant, ([0], [3])))
    shape = file.op("Concat", first, file.constant([3]), axis=0)
    return file.from_last(file.op("Reshape", mixed, shape))


def attention_in_windows(file):
    """Attention within blocks of 4 x 4 pixels: each pixel depends on its block."""
    x, (batch, rows, cols) = before(file), (file.constant([0]), *sides(file, 4))
    four, eight = file.constant([4]), file.constant([2])
    shape = file.op("Concat", batch, eight, rows, four, cols, four, axis=0)
    split = file.op("Reshape", x, shape)
    windows = file.op("Transpose", split, perm=[0, 2, 4, 3, 5, 1])
    tokens = file.op(
        "Reshape",
        windows,
        file.op("Concat", batch, rows, cols, file.constant([16, 2]), axis=0),
    )
    keys = file.op("Transpose", tokens, perm=[0, 1, 2, 4, 3])
    scores = file.op("Softmax", file.op("MatMul", tokens, keys), axis=-1)
    mixed = file.op("MatMul", scores, tokens)
    windows = file.op(
        "Reshape",
        mixed,
        file.op("Concat", batch, rows, cols, four, four, eight, axis=0),
    )
    joined = file.op("Transpose", windows, perm=[0, 5, 1, 3, 2, 4])
    return file.op("Reshape", joined, file.op("Shape", x))


def sides(file, block):
    """Rows and columns of the image divided by a number."""
    return [
        file.op(
            "Div",
            file.op("Shape", file.image, start=axis, end=axis + 1),
            file.constant([block]),
        )
        for axis in (2, 3)
    ]


@case("Reshape to shuffled channels")
def shuffled(file):
    x = file.conv(file.image, 4)
    size = [file.op("Shape", x, start=i, end=i + 1) for i in (2, 3)]
    batch = file.constant([0])
    two = file.constant([2])
    split = file.op("Reshape", x, file.op("Concat", batch, two, two, *size, axis=0))
    turned = file.op("Transpose", split, perm=[0, 2, 1, 3, 4])
    shape = file.op("Concat", batch, file.constant([4]), *size, axis=0)
    return file.op("Reshape", turned, shape)


def pixel_shuffle(file):
    """As PyTorch's, without DepthToSpace."""
    x = file.conv(file.image, 8)
    rows, cols = (file.op("Shape", x, start=i, end=i + 1) for i in (2, 3))
    batch, two = file.constant([0]), file.constant([2])
    split = file.op(
        "Reshape", x, file.op("Concat", batch, two, two, two, rows, cols, axis=0)
    )
    turned = file.op("Transpose", split, perm=[0, 1, 4, 2, 5, 3])
    larger = [file.op("Mul", size, two) for size in (rows, cols)]
    return file.op("Reshape", turned, file.op("Concat", batch, two, *larger, axis=0))


@case("Dropout")
def dropped(file):
    return file.op("Dropout", before(file))


@case("Cast to whole numbers")
def casted(file):
    limits = file.constant(0.0), file.constant(255.0)
    clipped = file.op("Clip", before(file), *limits)
    small = file.op("Cast", clipped, to=TensorProto.UINT8)
    return file.op("Cast", small, to=TensorProto.FLOAT)


@case("CastLike")
def casted_like(file):
    return file.op("CastLike", before(file), file.image)


@case("QuantizeLinear")
def quantized(file):
    step = file.constant(0.01), file.constant(0, "uint8")
    small = file.op("QuantizeLinear", before(file), *step)
    return file.op("DequantizeLinear", small, *step)


@case("BatchNormalization")
def batch_normalized(file):
    values = [file.constant([0.5, 1.5]) for _ in range(4)]
    return file.op("BatchNormalization", before(file), *values)


@case("LayerNormalization")
def layer_normalized(file):
    x = file.to_last(before(file))
    scale = file.constant([1.0, 2.0])
    return file.from_last(file.op("LayerNormalization", x, scale, axis=-1))


@case("OneHot")
def one_hot(file):
    labels = file.op("ArgMax", file.conv(file.image, 3), axis=1, keepdims=0)
    depth, values = file.constant(3), file.constant([0.0, 1.0])
    return file.op("OneHot", labels, depth, values, axis=1)


@case("TopK")
def largest(file):
    values, places = file.op(
        "TopK", before(file), file.constant([1]), outputs=2, axis=1
    )
    return file.op("Add", values, file.op("Cast", places, to=TensorProto.FLOAT))


@case("CumSum")
def summed(file):
    return file.op("CumSum", before(file), file.constant(1))


@case("ArgMax")
def labels(file):
    x = file.op("ArgMax", before(file), axis=1)
    return file.op("Cast", x, to=TensorProto.FLOAT)


@case("ArgMin")
def least(file):
    x = file.op("ArgMin", before(file), axis=1, keepdims=0)
    x = file.op("Unsqueeze", x, file.constant([1]))
    return file.op("Cast", x, to=TensorProto.FLOAT)


POINTWISE = [
    *map(
        unary,
        [
            *("Abs", "Ceil", "Celu", "Cos", "Elu", "Erf", "Exp", "Floor"),
            *("Gelu", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu", "Log"),
            *("Mish", "Neg", "Reciprocal", "Relu", "Round", "Selu", "Sigmoid", "Sin"),
            *("Softplus", "Softsign", "Sqrt", "Tanh", "ThresholdedRelu"),
        ],
    ),
    *[unary(kind, axis=1) for kind in ("Softmax", "LogSoftmax", "Hardmax")],
    unary("LpNormalization", axis=1),
    unary("LRN", size=3),
    unary("MeanVarianceNormalization", axes=[1]),
    with_constant("Mod", 0.7, fmod=1),
    with_constant("Add", [[[1.0]], [[2.0]]]),
    with_constant("Mul", 3.0),
    with_constant("PRelu", [[[0.5]], [[0.25]]]),
    with_constant("Clip", 0.5),
    with_constant("Pow", 2.0),
    *map(binary, ("Add", "Sub", "Mul", "Div", "Max", "Mean", "Min", "Sum", "Pow")),
    *[
        pytest.param(lambda file, kind=kind: reduced(file, kind), id=kind)
        for kind in OPERATORS
        if kind.startswith("Reduce")
    ],
    *map(compared, ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")),
    *map(logic, ("And", "Or", "Xor", "Not")),
    *(pytest.param(x, id=x.__name__) for x in (is_infinite, is_nan, sign)),
    concatenated, divided, chosen, chosen_one, squeezed, turned,
    repeated, tiled, where, masked, scaled, dense, dense_of_pixels, gemm, shuffled,
    dropped, casted, casted_like, quantized, batch_normalized, layer_normalized,
    one_hot, largest, summed, labels, least,
]  # fmt: skip


@pytest.mark.parametrize("build", POINTWISE)
def test_an_operator_on_pixels_keeps_the_margins(build):
    """The convolutions before it have a margin of 1 px, or of 2 px where two merge."""
    file = File()
    model = file.model(build(file))
    found = analyse(model).margins["out"]
    kernels = [
        attribute.ints[0]
        for node in model.graph.node
        for attribute in node.attribute
        if attribute.name == "kernel_shape"
    ]
    margin = max(kernels) // 2
    assert found == (margin,) * 4
    same = unchanged(model, np.random.default_rng(0))
    assert same[margin:-margin, margin:-margin].all()
    # Labels and comparisons may be the same by chance.
    assert not same.all()


@pytest.mark.parametrize("build", [attention_in_windows, pixel_shuffle])
def test_reshaped_blocks_have_the_measured_margins(build):
    file = File()
    model = file.model(build(file))
    found = analyse(model).margins["out"]
    assert found == measured_margins(model, np.random.default_rng(0))


# Each layer looks at the whole chunk, and is named.


def over_pixels(kind, *inputs, **attributes):
    def build(file):
        constants = [file.constant(x) for x in inputs]
        return file.op(kind, before(file), *constants, **attributes)

    return pytest.param(build, kind, id=kind)


def squeezed_and_excited(file):
    x = before(file)
    mean = file.op("ReduceMean", x, file.constant([2, 3]), keepdims=1)
    gate = file.op("Sigmoid", file.conv(mean, kernel=1))
    return file.op("Mul", x, gate)


def group_norm(file):
    """As PyTorch writes it."""
    x = before(file)
    groups = file.op("Reshape", x, file.constant([0, 2, -1]))
    ones = [file.constant([1.0, 1.0]) for _ in range(2)]
    flat = file.op("InstanceNormalization", groups, *ones)
    image = file.op("Reshape", flat, file.op("Shape", x))
    scaled = file.op("Mul", image, file.constant([[[1.0]], [[2.0]]]))
    return file.op("Add", scaled, file.constant([[[0.0]], [[1.0]]]))


def attention(file):
    x = before(file)
    tokens = file.op("Reshape", x, file.constant([0, 0, -1]))
    queries = file.op("Transpose", tokens, perm=[0, 2, 1])
    scores = file.op("Softmax", file.op("MatMul", queries, tokens), axis=-1)
    mixed = file.op("MatMul", scores, queries)
    return file.op(
        "Reshape", file.op("Transpose", mixed, perm=[0, 2, 1]), file.op("Shape", x)
    )


def attention_to_coarse_tokens(file):
    """As in SegFormer: each pixel is compared with all of a smaller image."""
    x = before(file)
    small = file.op("MaxPool", x, kernel_shape=[4, 4], strides=[4, 4])
    fine, coarse = (
        file.op("Reshape", one, file.constant([0, 0, -1])) for one in (x, small)
    )
    queries = file.op("Transpose", fine, perm=[0, 2, 1])
    scores = file.op("Softmax", file.op("MatMul", queries, coarse), axis=-1)
    values = file.op("Transpose", coarse, perm=[0, 2, 1])
    mixed = file.op("Transpose", file.op("MatMul", scores, values), perm=[0, 2, 1])
    return file.op("Reshape", mixed, file.op("Shape", x))


def attention_as_one_operator(file):
    """As opset 23 has it."""
    x = file.to_last(before(file))
    tokens = file.op("Reshape", x, file.constant([0, -1, 2]))
    mixed = file.op("Attention", tokens, tokens, tokens, q_num_heads=1, kv_num_heads=1)
    return file.from_last(file.op("Reshape", mixed, file.op("Shape", x)))


def to_a_fixed_size(file):
    sizes = file.constant([1, 2, 64, 64], "int64")
    return file.op("Resize", before(file), "", "", sizes, mode="linear")


def atrous_pyramid(file):
    """As in DeepLab: the mean of the image beside the pixels."""
    x = before(file)
    mean = file.conv(file.op("GlobalAveragePool", x), kernel=1)
    large = file.resized_like(mean, x)
    return file.op("Concat", x, large, axis=1)


def pyramid_after_a_group_norm(file):
    """As in FPN: after the norm, an enlargement that no rule follows."""
    x = group_norm(file)
    small = file.op("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    scales, place = file.constant([1, 1, 2, 2], "float32"), "align_corners"
    large = file.op(
        "Resize", small, "", scales, mode="linear",
        coordinate_transformation_mode=place,
    )  # fmt: skip
    return file.op("Concat", x, large, axis=1)


WHOLE = [
    over_pixels("GlobalMaxPool"),
    over_pixels("GlobalLpPool"),
    over_pixels("InstanceNormalization", [1.0, 1.0], [0.0, 0.0]),
    over_pixels("GroupNormalization", [1.0], [0.0], num_groups=1),
    over_pixels("MeanVarianceNormalization", axes=[2, 3]),
    over_pixels("ReduceMax"),
    over_pixels("Softmax", axis=2),
    over_pixels("LayerNormalization", [[[1.0]], [[1.0]]], axis=1),
    over_pixels("CumSum", 2),
    pytest.param(squeezed_and_excited, "ReduceMean", id="squeeze and excite"),
    pytest.param(group_norm, "InstanceNormalization", id="group norm"),
    pytest.param(pyramid_after_a_group_norm, "InstanceNormalization", id="pyramid"),
    pytest.param(attention, "MatMul", id="attention"),
    pytest.param(attention_to_coarse_tokens, "MatMul", id="attention, coarse"),
    pytest.param(attention_as_one_operator, "Attention", id="attention operator"),
    pytest.param(to_a_fixed_size, "Resize", id="fixed size"),
    pytest.param(atrous_pyramid, "GlobalAveragePool", id="atrous pyramid"),
]


@pytest.mark.parametrize(("build", "kind"), WHOLE)
def test_an_operator_that_looks_at_the_whole_chunk_is_named(build, kind):
    file = File(batch=1)
    model = file.model(file.op("Relu", build(file)))
    analysis = analyse(model)
    assert trace(analysis).outputs == {"out": None}
    assert analysis.margins == {"out": None}
    kinds = {step.name: step.kind for step in analysis.steps}
    assert [kinds[name] for name in analysis.whole_tile_layers] == [kind]


def test_a_softmax_of_older_files_takes_all_axes_after_the_given_one():
    def softmax(opset, **settings):
        file = File(opset=opset)
        return analyse(file.model(file.op("Softmax", before(file), **settings)))

    assert softmax(11).margins["out"] is None
    assert softmax(11, axis=1).margins["out"] is None
    assert softmax(13, axis=1).margins["out"] == (1, 1, 1, 1)
    assert softmax(13).margins["out"] is None


def unknown(file):
    return file.op("Det", before(file))


def align_corners(file):
    place = "align_corners"
    return resize(file, mode="linear", coordinate_transformation_mode=place)


def a_third(file):
    return resize(file, scale=1 / 3, mode="linear")


def antialiased(file):
    return resize(file, scale=0.5, mode="linear", antialias=1)


def a_value_for_each_pixel(file):
    return file.op("Add", before(file), file.constant(np.arange(16).reshape(4, 4)))


def places_of_pixels(file):
    """As layers do it that tell a network where a pixel is."""
    x = before(file)
    rows = file.op("Gather", file.op("Shape", x), file.constant(2))
    numbers = file.op("Range", file.constant(0), rows, file.constant(1))
    numbers = file.op("Cast", numbers, to=TensorProto.FLOAT)
    return file.op("Mul", x, file.op("Unsqueeze", numbers, file.constant([1])))


def a_number_for_more_channels(file):
    """One channel becomes two: which ones, no rule says."""
    return file.op("Mul", uniform(file, "Expand", 2), file.conv(file.image, 1))


def places_in_a_uniform_tensor(file):
    """The result of a calculation with a uniform tensor need not be uniform."""
    places = file.op("NonZero", uniform(file, "Expand", 2))
    return file.op("Mul", before(file), file.op("Cast", places, to=TensorProto.FLOAT))


def first_pixels(file):
    return sliced(file, [0, 0], [16, 16])


def last_pixels(file):
    return sliced(file, [-16, -16], [2**31 - 1] * 2)


def turned_round(file):
    return sliced(file, [-1], [-(2**31)], axes=[2], steps=[-1])


def beside_each_other(file):
    return file.op("Concat", before(file), file.image, axis=2)


def class_token(file):
    """As transformers put it before the pixels."""
    tokens = file.op("Reshape", before(file), file.constant([0, 0, -1]))
    return file.op("Concat", file.constant([[[1.0], [2.0]]]), tokens, axis=2)


def repeated_image(file):
    return file.op("Tile", before(file), file.constant([1, 1, 2, 2]))


def repeated_blocks(file):
    """The image many times: a wrong order of the axes of an enlargement."""
    x = file.op("Unsqueeze", before(file), file.constant([2]))
    many = file.op("Tile", x, file.constant([1, 1, 2, 1, 1]))
    size = [file.op("Shape", file.image, start=i, end=i + 1) for i in (2, 3)]
    rows = file.op("Mul", size[0], file.constant([2]))
    shape = file.op("Concat", file.constant([0, 2]), rows, size[1], axis=0)
    return file.op("Reshape", many, shape)


def two_rows(file):
    """Rows that are joined in pairs to a longer row."""
    size = [file.op("Shape", file.image, start=i, end=i + 1) for i in (2, 3)]
    rows = file.op("Div", size[0], file.constant([2]))
    cols = file.op("Mul", size[1], file.constant([2]))
    shape = file.op("Concat", file.constant([0, 0]), rows, cols, axis=0)
    return file.op("Reshape", before(file), shape)


def floats_to_small_numbers(file):
    small = file.op("Cast", before(file), to=TensorProto.UINT8)
    return file.op("Cast", small, to=TensorProto.FLOAT)


def multiples_of_the_image(file):
    """Padding to the next multiple of 32, as some networks do it themselves."""
    rows = file.op("Shape", file.image, start=2, end=3)
    rest = file.op("Mod", rows, file.constant([32]))
    zeros, three = file.constant([0, 0]), file.constant([0, 0, 0])
    pads = file.op("Concat", zeros, rest, three, file.constant([0, 0]), axis=0)
    return file.op("Pad", before(file), pads)


def places_of_maxima(file):
    pooled, places = file.op(
        "MaxPool", before(file), outputs=2, kernel_shape=[2, 2], strides=[2, 2]
    )
    return file.op("Add", pooled, file.op("Cast", places, to=TensorProto.FLOAT))


def images_of_a_batch(file):
    return file.op("ReduceMax", before(file), file.constant([0]))


def size_of_the_image(file):
    """A sum of all pixels that is divided by their number, for example."""
    rows = file.op("Cast", file.op("Shape", file.image, start=2, end=3), to=1)
    return file.op("Div", before(file), rows)


def statistics_of_pixels(file):
    """As in opset 7, where a setting makes them so."""
    values = [file.constant(np.ones((2, 8, 8))) for _ in range(4)]
    return file.op("BatchNormalization", before(file), *values, spatial=0)


def choice_while_running(file):
    branches = [
        helper.make_graph(
            [helper.make_node("Identity", [before(file)], [f"chosen_{i}"])],
            f"branch_{i}",
            [],
            [helper.make_tensor_value_info(f"chosen_{i}", TensorProto.FLOAT, None)],
        )
        for i in range(2)
    ]
    condition = file.op("ReduceMax", file.image)
    return file.op("If", condition, then_branch=branches[0], else_branch=branches[1])


def wrong_settings(file):
    return file.op("Transpose", before(file), perm=[0, 1, 2, 7])


def weights_from_the_image(file):
    return file.op("Conv", before(file), file.image)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (unknown, r"the operator Det \('/Det_1'\) reads its input. Measure it"),
        (align_corners, "'align_corners', whose places depend on the size"),
        (a_third, r"changes the size by 0\.333333\. Enlarge by a whole number"),
        (antialiased, "antialias=1"),
        (a_value_for_each_pixel, "value for each pixel or image.*each channel"),
        (places_of_pixels, r"Mul .* is combined with '/Range_3' \(Range\)"),
        (a_number_for_more_channels, "is combined with '/Expand_"),
        (places_in_a_uniform_tensor, "Mul .*is combined with '/Expand_"),
        (first_pixels, "Count pixels from both ends"),
        (last_pixels, "Count pixels from both ends"),
        (turned_round, "turns the image round"),
        (beside_each_other, "channels that are put side by side"),
        (class_token, r"row\+col\), and its rule is for channels that are put side"),
        (repeated_image, "repeats an image beside itself"),
        (repeated_blocks, r"axes \(batch, channel, channel\+row, col\)"),
        (two_rows, r"axes \(batch, channel, row, channel\+col\)"),
        (floats_to_small_numbers, "makes small whole numbers of floats.*clamp"),
        (multiples_of_the_image, "depend on '/Mod_.*' .*not known before"),
        (places_of_maxima, "is combined with places of pixels"),
        (images_of_a_batch, "mixes the images of a batch"),
        (size_of_the_image, "combined with the size of the image"),
        (statistics_of_pixels, "has statistics for each pixel"),
        (choice_while_running, "decides what is computed while the network runs"),
        (wrong_settings, "has settings for which there is no rule"),
        (weights_from_the_image, "settings that depend on the pixels"),
    ],
)
def test_what_no_rule_describes_is_refused_with_the_cure(build, message):
    file = File()
    with pytest.raises(UnknownLayerError, match=message):
        analyse(file.model(build(file)))


def tried():
    """{operator: the cases with it}, of all operators of the table."""
    found = {}
    for one in (*MOVING, *POINTWISE, *WHOLE):
        file = File()
        one.values[0](file)
        for node in file.nodes:
            found.setdefault(node.op_type, []).append(one.id)
    # Only older opsets have it: `test_an_older_file_is_read` makes such a file.
    return found | {"Upsample": ["Upsample of older files"]}


def test_every_operator_of_the_table_is_tried():
    assert set(OPERATORS) - set(tried()) == set()


def test_the_page_has_a_row_for_each_operator(repository):
    """With its definition, what it reads, its rule, and a test that has it."""
    text, cases = (repository / "docs" / "onnx.md").read_text(), tried()
    found = re.findall(
        r"^\| \[`(\w+)`\]\((\S+)\) \| ([^|]+) \| `([^`]+)` \| `([^`]+)` \|$",
        text,
        re.MULTILINE,
    )
    assert [row[0] for row in found] == sorted(OPERATORS)
    for name, source, depends, rule, test in found:
        operator = OPERATORS[name]
        module = operator.handler.__module__.rpartition(".")[2]
        assert source == f"https://onnx.ai/onnx/operators/onnx__{name}.html"
        assert depends == operator.depends
        assert rule == f"{module}.{operator.handler.__name__}"
        assert test in cases[name]
