"""`analyse` of whole ONNX files: Keras's networks, PyTorch's forms, random ones."""

import subprocess
import sys
from fractions import Fraction

import keras
import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx_networks import File, measured_margins, random_file, run
from random_networks import random_network

import tutorial_lib as tl
from tutorial_lib.fields.graph import UnknownLayerError
from tutorial_lib.fields.onnx_files.layouts import FIRST, LAST, Layout
from tutorial_lib.fields.onnx_files.reading import input_layouts
from tutorial_lib.fields.onnx_files.sizes import ratio, same, symbol
from tutorial_lib.fields.spans import Span, window
from tutorial_lib.fields.tracing import trace
from tutorial_lib.networks.onnx_conversion import Conversion, converted

NETWORKS = {
    "pixelwise_fcnn": {},
    "pooled_cnn": {},
    "dual_source_fcnn": {},
    "pan_xs_unet": {"crops": (16, 32)},
}


def as_file(model, layout="channels_last"):
    """A Keras model as `tl.export` writes it."""
    return converted(Conversion(model, None, layout, tuple(model.output), None))


def assert_same_fields(found, keras_model):
    expected = tl.analyse(keras_model)
    reaches = trace(expected).outputs, trace(found).outputs
    for name in found.outputs:
        assert found.margins[name] == expected.margins[name]
        assert found.scale[name] == expected.scale[name]
        assert reaches[0][name] == reaches[1][name]
    assert found.total_stride == expected.total_stride
    assert found.spacing == expected.spacing


@pytest.mark.sampled(daily=1)
@pytest.mark.thorough
@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_networks_of_the_kit_have_the_fields_that_keras_tells(name, layout):
    model = getattr(tl.architectures, name)(4, **NETWORKS[name])
    content = as_file(model, layout)
    assert_same_fields(tl.analyse(content), model)
    assert {one.name for one in input_layouts(content).values()} == {layout}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_random_networks_of_keras_have_the_fields_that_keras_tells(seed):
    model = random_network(np.random.default_rng(seed))
    for layer in model._flatten_layers():
        # TensorFlow moves dilated pixels into the batch, which no rule follows.
        if hasattr(layer, "dilation_rate"):
            layer.dilation_rate = (1, 1)
        # Keras cannot trace the bilinear one for images of any size.
        if hasattr(layer, "interpolation"):
            layer.interpolation = "nearest"
    model = keras.Model(model.input, model.output)
    assert_same_fields(tl.analyse(as_file(model)), model)


@pytest.mark.sampled(daily=20)
@pytest.mark.parametrize("seed", range(60))
def test_margins_of_random_files_equal_the_measured_ones(seed):
    rng = np.random.default_rng(seed)
    model = random_file(rng)
    assert tl.analyse(model).margins["out"] == measured_margins(model, rng)


def unet(exporter, **settings):
    """A U-Net of three levels in the form of one of PyTorch's exporters."""
    file = File(3, **settings)
    net, skips = file.image, []
    for level, filters in enumerate((4, 6, 8)):
        net = file.op("Relu", file.conv(net, filters, channels=(3, 4, 6)[level]))
        skips.append(net)
        net = file.op(
            "MaxPool", net, kernel_shape=[2, 2], strides=[2, 2], pads=[0] * 4,
            ceil_mode=0, dilations=[1, 1],
        )  # fmt: skip
    channels = 8
    for filters, skip in zip((8, 6, 4), skips[::-1], strict=True):
        net = file.resized_like(net, skip, exporter=exporter)
        net = file.op("Concat", skip, net, axis=1)
        net = file.op("Relu", file.conv(net, 4, channels=channels + filters))
        channels = 4
    net = file.conv(net, 2, kernel=1, channels=4)
    return file.model(file.op("Softmax", net, axis=1))


@pytest.mark.parametrize("exporter", ["torchscript", "dynamo"])
def test_a_unet_from_pytorch_has_the_measured_margins(exporter):
    model = unet(exporter)
    analysis = tl.analyse(model)
    assert analysis.total_stride == {"image": 8}
    assert analysis.margins["out"] == measured_margins(model, np.random.default_rng(0))
    assert input_layouts(model) == {"image": FIRST, "out": FIRST}
    # Enlarged to the size of another tensor, it needs chunks that fit.
    assert trace(analysis).outputs["out"][0].pads


def test_tiles_of_a_unet_from_pytorch_give_the_whole_map():
    model = unet("dynamo")
    analysis = tl.analyse(model)
    left, top, right, bottom = analysis.margins["out"]
    image = np.random.default_rng(0).uniform(0, 1, (1, 128, 160, 3))
    whole = run(model, {"image": image})["out"]
    for row in range(0, 65, 8):
        for col in range(0, 97, 8):
            chunk = image[:, row : row + 64, col : col + 64]
            part = run(model, {"image": chunk})["out"]
            inner = (0, slice(top, 64 - bottom), slice(left, 64 - right))
            there = whole[0, row : row + 64, col : col + 64][inner[1:]]
            np.testing.assert_allclose(part[inner], there, atol=1e-6)


def test_a_file_for_images_of_one_size_has_the_fields_of_one_for_all_sizes():
    """Exporters then write the sizes as constants."""
    free = tl.analyse(unet("dynamo"))
    shapes = tl.analyse(unet("dynamo", sides=(64, 96), batch=1))
    file = File(2, sides=(64, 96), batch=1)
    net = file.op("MaxPool", file.conv(file.image), kernel_shape=[4, 4], strides=[4, 4])
    sizes = file.constant([1, 2, 64, 96], "int64")
    net = file.op("Resize", net, "", "", sizes, mode="linear")
    net = file.op("Slice", net, *map(file.constant, ([4, 4], [60, 92], [2, 3])))
    constants = file.model(net)
    assert repr(shapes) == repr(free)
    # The convolution takes 1 px of 4, and the interpolation 2; 4 px are cut.
    assert tl.analyse(constants).margins["out"] == (2, 2, 2, 2)
    assert tl.analyse(constants).lost("out") == (8, 8)


def test_settings_that_follow_from_sizes_hold_for_multiples_only():
    """Without padding chunks may have any size, except where formulas need more."""

    def pads(build):
        file = File()
        net = file.conv(file.image, pads=[0, 0, 0, 0])
        return trace(tl.analyse(file.model(build(file, net)))).outputs["out"][0].pads

    def scaled_by_sizes(file, net):
        """As older exporters do it: the quotient of two sizes is a scale."""
        small = file.op("MaxPool", net, kernel_shape=[2, 2], strides=[2, 2])
        sizes = [
            file.op("Cast", file.sizes_of(x, exporter="dynamo"), to=TensorProto.FLOAT)
            for x in (net, small)
        ]
        scale = file.op("Div", *sizes)
        scales = file.op("Concat", file.constant([1.0, 1.0]), scale, axis=0)
        return file.op("Resize", small, "", scales)

    def pooled(file, net, **settings):
        return file.op("MaxPool", net, kernel_shape=[2, 2], strides=[2, 2], **settings)

    assert not pads(lambda file, net: net)
    assert not pads(pooled)
    assert pads(lambda file, net: pooled(file, net, ceil_mode=1))
    assert pads(lambda file, net: file.doubled(net))
    assert pads(scaled_by_sizes)
    assert not pads(
        lambda file, net: file.op(
            "Resize", net, "", file.constant([1, 1, 2, 2], "float32")
        )
    )
    assert pads(lambda file, net: file.op("SpaceToDepth", net, blocksize=2))


def test_a_file_of_one_size_tells_it_to_the_explorer():
    steps = tl.analyse(unet("dynamo", sides=(64, 96), batch=1)).steps
    assert steps[0].sides == (64, 96)
    assert tl.analyse(unet("dynamo")).steps[0].sides == (None, None)


def test_a_layer_with_strides_that_are_not_square_is_followed():
    """As tf2onnx writes an enlargement: first the rows, then the columns."""
    file = File()
    net = file.op("MaxPool", file.conv(file.image), kernel_shape=[2, 1], strides=[2, 1])
    net = file.op("MaxPool", file.conv(net), kernel_shape=[1, 2], strides=[1, 2])
    model = file.model(net)
    assert tl.analyse(model).margins["out"] == measured_margins(
        model, np.random.default_rng(0)
    )
    file = File()
    net = file.op("MaxPool", file.image, kernel_shape=[2, 1], strides=[2, 1])
    with pytest.raises(ValueError, match="'/MaxPool_0' has strides that differ"):
        tl.analyse(file.model(net))


def test_an_older_file_is_read():
    """Opset 9 has Upsample, and opset 10 a Resize with two inputs."""
    for opset, kind in ((9, "Upsample"), (10, "Resize")):
        for mode in ("nearest", "linear"):
            file = File(opset=opset)
            scales = file.constant([1, 1, 2, 2], "float32")
            model = file.model(file.op(kind, file.conv(file.image), scales, mode=mode))
            assert tl.analyse(model).margins["out"] == measured_margins(
                model, np.random.default_rng(0)
            )
    # Before opset 10, settings of many operators were attributes.
    file = File(opset=9)
    net = file.op("Pad", file.conv(file.image), pads=[0, 0, 2, 2, 0, 0, 2, 2])
    net = file.op("Slice", net, starts=[1, 2], ends=[-1, -2], axes=[2, 3])
    net = file.op("Squeeze", file.op("Unsqueeze", net, axes=[0]), axes=[0])
    net = file.op("ReduceMean", file.op("Clip", net, max=9.0), axes=[1], keepdims=1)
    assert tl.analyse(file.model(net)).margins["out"] == (1, 2, 1, 2)


def test_the_axes_of_each_image_follow_from_how_it_is_used():
    file = File(2)
    other = file.input("other", 1)
    last = file.from_last(other)
    net = file.op("Add", file.conv(file.image), file.conv(last, channels=1))
    labels = file.op("ArgMax", net, axis=1, keepdims=0)
    model = file.model(net, last=file.to_last(net), labels=labels)
    assert input_layouts(model) == {
        "image": FIRST,
        "other": LAST,
        "out": FIRST,
        "last": LAST,
        "labels": Layout(("batch", "row", "col")),
    }


def test_the_axes_of_a_network_of_pixels_follow_from_the_free_sizes():
    """Which sizes are free: nothing else tells it, as in an index of two bands."""
    for last, expected in ((False, FIRST), (True, LAST)):
        file = File(last=last)
        model = file.model(file.op("Sqrt", file.image))
        assert set(input_layouts(model).values()) == {expected}
    file = File(2, sides=(8, 8), batch=1)
    with pytest.raises(UnknownLayerError, match="does not tell which axis of 'image'"):
        input_layouts(file.model(file.op("Sqrt", file.image)))


def test_the_axes_are_known_although_the_mean_of_the_image_comes_first():
    """Files for images of one size, which standardise the image themselves."""
    for last, expected in ((False, FIRST), (True, LAST)):
        file = File(3, sides=(8, 8), batch=1, last=last)
        mean = file.op("ReduceMean", file.image, file.constant([1, 2, 3]), keepdims=1)
        net = file.op("Sub", file.image, mean)
        net = file.conv(file.from_last(net) if last else net, channels=3)
        assert input_layouts(file.model(net))["image"] == expected


def test_the_axes_are_known_although_an_operator_has_no_rule():
    file = File()
    net = file.op("Det", file.conv(file.image))
    assert input_layouts(file.model(net)) == {"image": FIRST}


def test_layouts_turn_arrays_both_ways():
    image = np.arange(24).reshape(1, 2, 3, 4)
    for axes in (FIRST, LAST, Layout(("row", "col", "channel", "batch"))):
        file_array = axes.from_kit(image)
        assert file_array.shape == tuple(
            {"batch": 1, "row": 2, "col": 3, "channel": 4}[axis] for axis in axes.axes
        )
        np.testing.assert_array_equal(axes.to_kit(file_array), image)
    labels = Layout(("batch", "row", "col"))
    assert labels.to_kit(image[..., 0]).shape == (1, 2, 3, 1)
    assert [one.name for one in (FIRST, LAST, labels)] == [
        "channels_first",
        "channels_last",
        "no_channels",
    ]


def test_functions_of_a_file_are_put_in_their_places():
    """PyTorch's newer exporter may write its modules as functions."""
    file = File()
    net = file.op("Block", file.image, domain="own")
    model = file.model(net)
    conv = helper.make_node(
        "MaxPool", ["x"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]
    )
    opsets = list(model.opset_import)
    function = helper.make_function("own", "Block", ["x"], ["y"], [conv], opsets)
    model.functions.append(function)
    model.opset_import.append(helper.make_opsetid("own", 1))
    assert tl.analyse(model).margins["out"] == (1, 1, 1, 1)


def test_pixel_sizes_of_inputs_follow_from_where_they_meet():
    file = File()
    coarse = file.input("coarse", 2)
    fine = file.op("MaxPool", file.image, kernel_shape=[2, 2], strides=[2, 2])
    net = file.op("Concat", fine, file.conv(coarse), axis=1)
    # The size of the merged tensor is that of either input.
    large = file.resized_like(net, file.image, mode="nearest")
    analysis = tl.analyse(file.model(large))
    assert analysis.spacing == {"image": 1, "coarse": 2}
    assert analysis.scale == {"out": 1}
    assert analysis.margins["out"] == (2, 2, 2, 2)


def test_the_size_of_an_input_that_is_not_related_is_refused():
    file = File()
    other = file.input("other", 2)
    net = file.resized_like(file.conv(other), file.image)
    # Enlarged to the size of another image, whatever the scale is.
    model = file.model(net, kept=file.conv(file.image))
    analysis = tl.analyse(model)
    assert analysis.margins["out"] is None
    assert [one.split("_")[0] for one in analysis.whole_tile_layers] == ["/Resize"]


def test_names_and_settings_of_layers_are_those_of_the_file():
    file = File()
    net = file.conv(file.image, kernel=(3, 3), strides=[2, 2])
    analysis = tl.analyse(file.model(file.op("Relu", net)))
    table = analysis.table()
    assert list(table.index) == ["image", "/Conv_0", "/Relu_1"]
    assert list(table["kind"]) == ["Input", "Conv", "Relu"]
    assert table.loc["/Conv_0", "kernel"] == 3
    assert table.loc["/Conv_0", "stride"] == 2
    assert "/Conv_0 (Conv)" in analysis.explain()


def group_norm_in_a_pyramid():
    """As in FPN: a norm of a smaller image, and an enlargement that no rule follows."""
    file = File(2)
    net = file.op("MaxPool", file.image, kernel_shape=[4, 4], strides=[4, 4])
    ones = file.constant([1.0]), file.constant([0.0])
    net = file.op("GroupNormalization", net, *ones, num_groups=1)
    scales, place = file.constant([1, 1, 4, 4], "float32"), "align_corners"
    net = file.op(
        "Resize", net, "", scales, mode="linear", coordinate_transformation_mode=place
    )
    return file.model(net)


def test_the_proof_of_a_network_that_looks_at_the_whole_chunk_says_so(tmp_path):
    """Behind such a layer the scale is not analysed: the proof measures it."""
    path = tmp_path / "pyramid.onnx"
    path.write_bytes(group_norm_in_a_pyramid().SerializeToString())
    certificate = tl.certify(path, "out", tile=8, progress=False)
    assert not certificate.exact
    assert certificate.margins is None
    assert certificate.scale == 1
    assert certificate.lost == (0, 0)
    with pytest.raises(ValueError, match=r"tile is 10 .*multiple of 4|Use 8 or 12"):
        tl.certify(path, "out", tile=10, progress=False)


def test_a_class_of_the_whole_image_cannot_be_certified(tmp_path):
    file = File(2)
    path = tmp_path / "class.onnx"
    model = file.model(file.op("GlobalAveragePool", file.image))
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ValueError, match="does not grow in proportion to its inputs"):
        tl.certify(path, "out", tile=8, progress=False)


def test_a_path_that_is_no_onnx_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file '.*none\.onnx'"):
        tl.analyse(tmp_path / "none.onnx")
    for content in (b"", b"no network", b"PK\x03\x04" + bytes(100)):
        path = tmp_path / "wrong.onnx"
        path.write_bytes(content)
        with pytest.raises(ValueError, match="cannot be read as an ONNX file"):
            tl.analyse(path)


def test_an_input_that_is_no_image_is_refused():
    file = File()
    one = helper.make_tensor_value_info("number", TensorProto.FLOAT, [1])
    file.inputs.append(one)
    model = file.model(file.op("Mul", file.image, "number"))
    with pytest.raises(ValueError, match="The input 'number' has the shape"):
        tl.analyse(model)


def test_an_output_that_is_no_image_is_refused():
    file = File()
    flat = file.op("Reshape", file.conv(file.image), file.constant([0, 0, -1]))
    with pytest.raises(UnknownLayerError, match=r"\(batch, channel, row\+col\)"):
        tl.analyse(file.model(flat))
    file = File()
    with pytest.raises(UnknownLayerError, match="'size' does not depend on the image"):
        tl.analyse(file.model(file.image, size=file.op("Shape", file.image)))


def test_a_file_is_analysed_without_tensorflow(tmp_path):
    path = tmp_path / "unet.onnx"
    path.write_bytes(unet("dynamo").SerializeToString())
    code = (
        "import sys; import tutorial_lib as tl; from tutorial_lib.fields.tracing "
        f"import trace; print(trace(tl.analyse({str(path)!r})).stride); "
        "assert not {'tensorflow', 'keras', 'onnxruntime'} & set(sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.stderr == ""
    assert result.stdout == "8\n"


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"remote-sensing-tutorial-kit\[onnx\]"):
        tl.analyse("model.onnx")


def test_sizes_are_formulas():
    rows, cols = symbol("rows"), symbol("cols")
    assert repr((rows + 5) // 2 * cols) == "1/2*cols*rows + 2*cols"
    assert ratio(2 * rows + 6, rows + 3) == 2
    assert ratio(rows, 2 * rows) == Fraction(1, 2)
    assert ratio(rows + 1, rows) is None
    assert ratio(rows, cols) is None
    assert same(rows - rows, 0)
    assert rows * cols - cols * rows == 0
    fixed = symbol("rows", 64)
    assert ratio(16, fixed) == Fraction(1, 4)
    assert same(fixed // 4, 16)
    assert not same(rows // 4, 16)


@pytest.mark.parametrize("size", range(4, 20))
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_windows_have_the_padding_that_they_are_given(size, stride):
    """Against a list of what each window reads."""
    image = Span(size, 0, size - 1, Fraction(1))
    for before, after, kernel, dilation in np.ndindex(3, 3, 4, 3):
        length = dilation * kernel + 1
        starts = range(-before, size + after - length + 1, stride)
        if not starts:
            continue
        reads = [(start, start + length - 1) for start in starts]
        valid = [i for i, (a, b) in enumerate(reads) if a >= 0 and b < size]
        span = window(
            image,
            kernel=kernel + 1,
            stride=stride,
            padding=(before, after),
            dilation=dilation,
        )
        assert span.size == len(reads)
        if valid:
            assert (span.low, span.high) == (valid[0], valid[-1])
        else:
            assert span.low > span.high
