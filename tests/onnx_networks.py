"""Small ONNX files in the form that PyTorch's exporters and tf2onnx write, and how far
their outputs depend on what lies around an image, measured with ONNX Runtime.

All weights are positive, so each pixel that is read has an effect.
"""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from tutorial_lib.fields.analysis import analyse
from tutorial_lib.fields.onnx_files.reading import input_layouts

OPSET = 20
EXPORTERS = ("torchscript", "dynamo")
# Marks of the tests that need PyTorch. The warnings are those of its own exporter.
WITH_PYTORCH = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]
# Images of a test are small: one thread is faster than several.
SETTINGS = onnxruntime.SessionOptions()
SETTINGS.intra_op_num_threads = 1
SETTINGS.log_severity_level = 3


class File:
    """An ONNX file that is put together node by node.

    Args:
        channels: Channels of its first input, "image".
        opset: Version of the operators.
        last: Whether the channels are the last axis, as in files of tf2onnx.
        sides: (rows, columns) of the images; None for any.
        batch: Number of images at a time; None for any.
        seed: Of the weights.
    """

    def __init__(
        self, channels=2, *, opset=OPSET, last=False, sides=None, batch=None, seed=0
    ):
        self.opset, self.last = opset, last
        self.nodes, self.constants, self.inputs = [], [], []
        self.rng = np.random.default_rng(seed)
        self.image = self.input("image", channels, sides=sides, batch=batch)

    def input(self, name, channels, *, sides=None, batch=None):
        rows, cols = sides or (f"{name}_height", f"{name}_width")
        batch = batch or "batch"
        shape = [batch, channels, rows, cols]
        if self.last:
            shape = [batch, rows, cols, channels]
        self.inputs.append(
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        )
        return name

    def constant(self, value, dtype=None):
        array = np.asarray(value, dtype)
        if array.dtype == np.float64:
            array = array.astype("float32")
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def op(self, kind, *inputs, outputs=1, domain="", **attributes):
        """Add a node; the name of its output, or of several."""
        number = len(self.nodes)
        names = [f"/{kind}_{number}_output_{i}" for i in range(outputs)]
        self.nodes.append(
            helper.make_node(
                kind, inputs, names, f"/{kind}_{number}", domain=domain, **attributes
            )
        )
        return names[0] if outputs == 1 else names

    def weights(self, *shape):
        values = self.rng.uniform(0.5, 1.5, shape).astype("float32")
        return self.constant(values / np.prod(shape[1:]))

    def conv(self, x, filters=2, kernel=3, *, channels=2, pads=None, **settings):
        """A convolution as PyTorch writes it; by default it keeps the size."""
        rows, cols = (kernel, kernel) if isinstance(kernel, int) else kernel
        weights = self.weights(filters, channels, rows, cols)
        if pads is None and "auto_pad" not in settings:
            pads = [rows // 2, cols // 2, rows // 2, cols // 2]
        if pads is not None:
            settings["pads"] = pads
        return self.op("Conv", x, weights, kernel_shape=[rows, cols], **settings)

    def transposed(self, x, filters=2, kernel=3, *, channels=2, **settings):
        rows, cols = (kernel, kernel) if isinstance(kernel, int) else kernel
        weights = self.weights(channels, filters, rows, cols)
        return self.op(
            "ConvTranspose", x, weights, kernel_shape=[rows, cols], **settings
        )

    def model(self, *outputs, **named):
        """The file with some tensors as outputs; names say what they are called."""
        named = {f"out{i or ''}": tensor for i, tensor in enumerate(outputs)} | named
        for name, tensor in named.items():
            self.nodes.append(helper.make_node("Identity", [tensor], [name]))
        kind = TensorProto.FLOAT
        graph = helper.make_graph(
            self.nodes,
            "network",
            self.inputs,
            [helper.make_tensor_value_info(name, kind, None) for name in named],
            self.constants,
        )
        opsets = [helper.make_opsetid("", self.opset)]
        model = helper.make_model(graph, opset_imports=opsets)
        model.ir_version = 8
        return model

    # What exporters write in place of one operator.

    def sizes_of(self, x, *, exporter):
        """Rows and columns of a tensor, as one of PyTorch's exporters reads them."""
        if exporter == "dynamo":
            parts = [self.op("Shape", x, start=i, end=i + 1) for i in (2, 3)]
            return self.op("Concat", *parts, axis=0)
        parts = []
        for axis in (2, 3):
            shape = self.op("Shape", x)
            number = self.op("Gather", shape, self.constant(axis), axis=0)
            parts.append(self.op("Unsqueeze", number, self.constant([0])))
        return self.op("Cast", self.op("Concat", *parts, axis=0), to=TensorProto.INT64)

    def resized_like(self, x, like, *, exporter="torchscript", mode="linear"):
        """`F.interpolate(x, size=like.shape[2:])`."""
        sizes = self.sizes_of(like, exporter=exporter)
        if exporter == "dynamo":
            first = self.op("Shape", x, start=0, end=2)
        else:
            ends = [self.constant([0]), self.constant([2]), self.constant([0])]
            first = self.op("Slice", self.op("Shape", x), *ends)
        sizes = self.op("Concat", first, sizes, axis=0)
        place = "half_pixel" if mode != "nearest" else "asymmetric"
        return self.op(
            "Resize", x, "", "", sizes,
            mode=mode, coordinate_transformation_mode=place, nearest_mode="floor",
        )  # fmt: skip

    def doubled(self, x, factor=2.0, mode="nearest"):
        """`F.interpolate(x, scale_factor=2)` of older exporters: with whole sizes."""
        sizes = self.sizes_of(x, exporter="torchscript")
        floats = self.op("Cast", sizes, to=TensorProto.FLOAT)
        scaled = self.op("Mul", floats, self.constant([factor, factor]))
        whole = self.op("Cast", self.op("Floor", scaled), to=TensorProto.INT64)
        first = self.op("Slice", self.op("Shape", x), *map(self.constant, ([0], [2])))
        sizes = self.op("Concat", first, whole, axis=0)
        return self.op(
            "Resize", x, "", "", sizes, mode=mode,
            coordinate_transformation_mode="asymmetric", nearest_mode="floor",
        )  # fmt: skip

    def from_last(self, x):
        return self.op("Transpose", x, perm=[0, 3, 1, 2])

    def to_last(self, x):
        return self.op("Transpose", x, perm=[0, 2, 3, 1])


def run(model, images, outputs=None):
    """Outputs of a file for images (batch, row, col, channel), in the same order."""
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), SETTINGS, providers=["CPUExecutionProvider"]
    )
    layouts = input_layouts(model)
    given = {
        name: np.ascontiguousarray(layouts[name].from_kit(image.astype("float32")))
        for name, image in images.items()
    }
    names = [one.name for one in session.get_outputs()] if outputs is None else outputs
    results = session.run(names, given)
    return {
        name: layouts[name].to_kit(result)
        for name, result in zip(names, results, strict=True)
    }


def measured_margins(model, rng, output="out"):
    """(left, top, right, bottom) of an output, from `unchanged`."""
    analysis, same = analyse(model), unchanged(model, rng, output)
    # One total stride of output pixels in the middle: all kinds of pixels.
    unit = int(analysis.stride / analysis.scale[output])
    height, width = same.shape
    rows, cols = ((n - unit) // 2 + np.arange(unit) for n in (height, width))
    top, bottom = _ends(same[:, cols].all(1))
    left, right = _ends(same[rows].all(0))
    assert same[top : height - bottom, left : width - right].all()
    return left, top, right, bottom


def unchanged(model, rng, output="out", draws=(1, 100, 1e5)):
    """The pixels of an output that are the same in random surroundings.

    A chunk is computed alone, and inside images that differ everywhere else. No rule of
    an operator is used, only the scale, the total stride, and how large a chunk must
    be.
    """
    analysis = analyse(model)
    sizes = [_chunk(analysis, output, axis) + axis * analysis.stride for axis in (0, 1)]
    around = [size + 2 * analysis.stride for size in sizes]
    channels = _channels(model)
    parts = {
        name: [
            slice(int(a / pixel), int((a + size) / pixel))
            for a, size in zip(around, sizes, strict=True)
        ]
        for name, pixel in analysis.spacing.items()
    }
    chunk = {
        name: rng.uniform(
            1, 2, (1, *(part.stop - part.start for part in pair), channels[name])
        )
        for name, pair in parts.items()
    }
    alone = run(model, chunk, [output])[output][0]
    same = np.ones(alone.shape[:2], bool)
    first = [int(a / analysis.scale[output]) for a in around]
    inner = tuple(slice(f, f + n) for f, n in zip(first, same.shape, strict=True))
    for largest in draws:
        images = {}
        for name, pixels in chunk.items():
            sides = [
                int((2 * a + size) / analysis.spacing[name])
                for a, size in zip(around, sizes, strict=True)
            ]
            images[name] = rng.uniform(0, largest, (1, *sides, channels[name]))
            images[name][0, parts[name][0], parts[name][1]] = pixels
        part = run(model, images, [output])[output][0][inner]
        scale = np.abs(alone).max()
        same &= (np.abs(part - alone.astype(part.dtype)) <= 1e-5 * scale).all(-1)
    return same


def _ends(same):
    """Pixels up to the last one that differs before the middle, and from the first."""
    middle = len(same) // 2
    before, after = same[:middle], same[middle:]
    differ = np.flatnonzero(~before), np.flatnonzero(~after)
    return (
        int(differ[0][-1]) + 1 if differ[0].size else 0,
        len(after) - int(differ[1][0]) if differ[1].size else 0,
    )


def _chunk(analysis, output, axis):
    """A chunk whose output has a total stride of valid pixels in its middle."""
    size, unit = analysis.stride, int(analysis.stride / analysis.scale[output])
    while True:
        span = analysis.output_span(output, size, axis)
        first = span and (span.size - unit) // 2
        if span and span.low <= first and first + unit - 1 <= span.high:
            return size + 2 * analysis.stride
        size += analysis.stride


def _channels(model):
    layouts = input_layouts(model)
    return {
        one.name: layouts[one.name].size_of(
            "channel",
            [size.dim_value for size in one.type.tensor_type.shape.dim],
        )
        for one in model.graph.input
    }


# Random encoder-decoders, like those of tests/random_networks.py.

GROWING = ("Relu", "Elu", "LeakyRelu", "Softplus", "HardSwish", "Identity")


def random_file(rng):
    """A network with the input "image" and perhaps "other", as an ONNX file.

    Its channels are first or last. It has convolutions with all kinds of padding,
    strides of 2 and 3, three poolings, five kinds of enlargement, also to the size of
    another tensor, and skips.
    """
    last = rng.random() < 0.4
    file = File(last=last, seed=int(rng.integers(2**31)))
    net = file.from_last(file.image) if last else file.image
    skips = []
    for level in range(int(rng.integers(1, 4))):
        net = _random_conv(file, net, rng)
        stride = int(rng.choice([2, 2, 3]))
        skips.append((net, stride))
        net = _random_shrink(file, net, stride, rng)
        if level == 0 and rng.random() < 0.4:
            other = file.input("other", 2)
            other = file.from_last(other) if last else other
            other = _random_conv(file, other, rng)
            net = file.conv(file.op("Concat", net, other, axis=1), channels=4)
    net = _random_conv(file, net, rng)
    kept = int(rng.integers(0, len(skips) + 1))
    for skip, stride in list(reversed(skips))[:kept]:
        net = _random_growth(file, net, skip, stride, rng)
        if rng.random() < 0.7:
            net = file.op("Add", net, skip)
        net = _random_conv(file, net, rng)
    return file.model(file.to_last(net) if last else net)


def _random_conv(file, net, rng):
    kernel = tuple(int(k) for k in rng.integers(1, 6, 2))
    dilation = [int(d) for d in rng.integers(1, 3, 2)]
    lengths = [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
    before = [int(rng.integers(0, length + 1)) for length in lengths]
    settings = {"pads": before + [n - b for n, b in zip(lengths, before, strict=True)]}
    if dilation == [1, 1] and rng.random() < 0.5:
        settings = {"auto_pad": str(rng.choice(["SAME_UPPER", "SAME_LOWER"]))}
    net = file.conv(net, kernel=kernel, dilations=dilation, **settings)
    return file.op(GROWING[int(rng.integers(len(GROWING)))], net)


def _random_shrink(file, net, stride, rng):
    choice = rng.random()
    if choice < 0.45:
        kind = ("MaxPool", "AveragePool", "LpPool")[int(choice / 0.15)]
        return file.op(kind, net, kernel_shape=[stride] * 2, strides=[stride] * 2)
    kernel = int(rng.integers(stride, 6))
    strides = [stride, stride]
    if choice < 0.7:
        padding = str(rng.choice(["SAME_UPPER", "SAME_LOWER"]))
        return file.conv(net, kernel=kernel, strides=strides, auto_pad=padding)
    # The size of the output is that of the input divided by the stride.
    total = kernel - stride
    before = [int(rng.integers(0, total + 1)) for _ in range(2)]
    pads = before + [total - b for b in before]
    return file.conv(net, kernel=kernel, strides=strides, pads=pads)


def _random_growth(file, net, skip, stride, rng):
    choice, scales = rng.random(), file.constant([1, 1, stride, stride], "float32")
    if choice < 0.3:
        kernel = int(rng.integers(stride, stride + 3))
        before = int(rng.integers(0, kernel - stride + 1))
        after = kernel - stride - before
        pads = [before, before, after, after]
        return file.transposed(net, kernel=kernel, strides=[stride] * 2, pads=pads)
    if choice < 0.5:
        exporter = str(rng.choice(["torchscript", "dynamo"]))
        return file.resized_like(net, skip, exporter=exporter)
    if choice < 0.6:
        return file.doubled(net, factor=float(stride))
    if choice < 0.8:
        mode = str(rng.choice(["nearest", "linear"]))
        return file.op("Resize", net, "", scales, mode=mode)
    blocks = file.conv(net, 2 * stride**2, kernel=1)
    mode = str(rng.choice(["CRD", "DCR"]))
    return file.op("DepthToSpace", blocks, blocksize=stride, mode=mode)
