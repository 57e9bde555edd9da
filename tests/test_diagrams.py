"""Diagrams of networks and fields, and the readable names of layers."""

import keras
import pytest

import tutorial_lib as tl
from tutorial_lib.viewers.diagrams import show_fields


def texts(still):
    return [text.get_text() for ax in still.as_figure().axes for text in ax.texts]


@pytest.fixture(scope="module")
def pan_xs():
    return tl.analyse(tl.architectures.pan_xs_unet(4, crops=(32,)))


def unnamed(filters=2):
    image = keras.Input((None, None, 1), name="image")
    one = keras.layers.Conv2D(filters, 3, 2, "same")
    net = one(image)
    other = keras.layers.Conv2D(filters, 3, padding="same")(net)
    net = keras.layers.Add()([net, other])
    net = keras.layers.Conv2D(1, 3, padding="same", name="last")(net)
    return keras.Model(image, {"out": net})


def test_layers_that_keras_numbered_have_the_same_names_in_each_run():
    first, second = (tl.analyse(unnamed()) for _ in range(2))
    assert first.names == ("image", "Conv2D 1", "Conv2D 2", "Add 1", "last")
    assert second.names == first.names
    assert second.table(16).index.tolist() == list(first.names)
    # Keras's own names differ.
    assert [x.name for x in first.steps] != [x.name for x in second.steps]


def test_explain_names_such_layers_once():
    lines = tl.analyse(unnamed()).explain(16).splitlines()
    assert lines[1].startswith("Conv2D 1: 8 px")
    assert any(line.startswith("last (Conv2D): ") for line in lines)


def test_a_layer_that_is_used_twice_keeps_its_name():
    image = keras.Input((None, None, 2), name="image")
    layer = keras.layers.Conv2D(2, 3)
    model = keras.Model(image, {"out": layer(layer(image))})
    assert tl.analyse(model).names == ("image", "Conv2D 1", "Conv2D 1")


def test_the_table_has_kernels_and_strides(pan_xs):
    table = pan_xs.table(128)
    assert table.loc["conv1", ["kernel", "stride"]].tolist() == [3, 2]
    assert table.loc["conv_xs", ["kernel", "stride"]].tolist() == [3, 1]
    assert table.loc["softmax", ["kernel", "stride"]].tolist() == [3, 2]
    assert table.loc[["input_p", "conv1t_skip"], "kernel"].isna().all()
    pooled = tl.analyse(tl.architectures.pooled_cnn(4)).table(32)
    assert pooled.loc["pool1", ["kernel", "stride"]].tolist() == [2, 2]


def test_the_picture_of_a_network_has_each_layer_with_its_size(pan_xs):
    still = pan_xs.plot(128)
    drawn = texts(still)
    assert "conv1\nkernel 3\nstride 2\n64 px" in drawn
    assert "estimated\nkernel 3\nstride 2\n128 px" in drawn
    assert "input_xs\n32 px" in drawn
    assert drawn.count("+") == 4
    assert [x for x in drawn if x.startswith("pixel size")][-1] == "pixel size 16"
    assert "conv4 (Conv2D, kernel 3, stride 2) of conv3: 8 px." in still.description


def test_boxes_of_a_network_do_not_overlap(pan_xs):
    ax = pan_xs.plot(128).as_figure().axes[0]
    boxes = [x for x in ax.patches if type(x).__name__ == "FancyBboxPatch"]
    sides = [(x.get_x(), x.get_x() + x.get_width(), x.get_y()) for x in boxes]
    assert len(sides) == 11
    for left, right, _ in sides:
        others = [x for x in sides if x[:2] != (left, right)]
        assert not any(left < a < right for a, *_ in others)


def test_joined_branches_are_drawn_too():
    drawn = texts(tl.analyse(tl.architectures.dual_source_fcnn(6, crops=())).plot(20))
    assert "…" in drawn
    assert "pool1\nkernel 2\nstride 2\n4 px" in drawn


def test_a_picture_of_a_wrong_output_or_size_is_refused(pan_xs):
    with pytest.raises(ValueError, match="has no output"):
        pan_xs.plot(128, "nothing")
    with pytest.raises(ValueError, match="total stride"):
        pan_xs.plot(100)


def test_fields_are_drawn_with_the_second_in_the_middle_of_the_first():
    still = show_fields(12, 4)
    image, drawn = (ax.patches for ax in still.as_figure().axes)
    read, written = image[0], drawn[0]
    assert (read.get_width(), written.get_width()) == (12, 4)
    assert written.get_x() - read.get_x() == 4
    assert image[1].get_x() - read.get_x() == 4
    assert "expression field of 4 x 4 px" in still.description


@pytest.mark.parametrize(("read", "written"), [(4, 5), (20, 8), (0, 1), (2.5, 1)])
def test_fields_that_do_not_fit_are_refused(read, written):
    with pytest.raises((TypeError, ValueError)):
        show_fields(read, written)
