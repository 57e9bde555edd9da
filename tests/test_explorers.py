"""The explorers without a browser: their settings, results, pictures and words.

Numbers of the encoder-decoder are those of OTBTF's tutorial, in its part on blocking
artefacts: 81 of 128 pixels are valid, the rows 31 to 111.
"""

import io
import itertools
import threading
from base64 import b64decode

import keras
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from tutorial_lib import analyse, architectures, check_tiling
from tutorial_lib.rasters import Legend
from tutorial_lib.training import replay_early_stopping
from tutorial_lib.viewers.explorers import (
    browse_patches,
    explore_fields,
    explore_stopping,
)
from tutorial_lib.viewers.explorers.chunk_results import ChunkResult, OutputStudy
from tutorial_lib.viewers.explorers.field_pictures import draw_result

CURVE = [5, 4, 4.5, 3, 3.2, 3.1, 3.3, 2, 2.5]


@pytest.fixture(scope="module")
def pan_xs():
    return analyse(architectures.pan_xs_unet(4, crops=(32,)))


@pytest.fixture(scope="module")
def estimated(pan_xs):
    return OutputStudy(pan_xs, "estimated")


@pytest.fixture
def fields(pan_xs):
    return explore_fields(pan_xs, "estimated", chunk=128)


def study(*layers):
    """The output of a network of one input, with layers that follow each other."""
    image = net = keras.Input((None, None, 1), name="input")
    for layer in layers:
        net = layer(net)
    return OutputStudy(analyse(keras.Model(image, {"out": net})), "out")


def conv(kernel, strides=1):
    return keras.layers.Conv2D(1, kernel, strides, padding="same")


def pixels(explorer):
    return np.asarray(Image.open(io.BytesIO(explorer.picture.value)).convert("RGB"))


# Fields


def test_the_valid_part_of_each_layer_equals_the_tutorial(estimated):
    bars = ChunkResult(estimated, 128, 0).bars
    valid = [f"{bar.name} {bar.span.high - bar.span.low + 1}" for bar in bars]
    assert ", ".join(valid) == (
        "input_p 128, input_xs 32, conv1 63, conv_xs 30, conv2 31, conv_xs_conv2 30, "
        "conv3 14, conv4 6, conv1t 11, conv2t 21, conv3t 41, estimated 81"
    )
    assert (bars[-1].span.low, bars[-1].span.high) == (31, 111)
    assert bars[-1].span.ends == (31, 16)


def test_a_crop_of_24_leaves_wrong_pixels_and_32_leaves_none(estimated):
    result = {crop: ChunkResult(estimated, 128, crop) for crop in (24, 31, 32)}
    assert [result[crop].verdict.exact for crop in result] == [False, False, True]
    assert result[24].nearest == ((128, 32),)
    assert ChunkResult(estimated, 131, 32).nearest == ((128, 32), (144, 32))
    assert result[24].wrong == (31 - 24, 31 - 24, 0, 0)
    assert result[31].wrong == result[32].wrong == (0, 0, 0, 0)
    # 128² are computed for 64² that are kept.
    assert result[32].cost == 4


@pytest.fixture(scope="module")
def studies(pan_xs, estimated):
    dual = analyse(architectures.dual_source_fcnn(3, crops=()))
    pooled = analyse(architectures.pooled_cnn(3))
    return (
        *(OutputStudy(analysis, "estimated") for analysis in (dual, pooled)),
        *(estimated, OutputStudy(pan_xs, "estimated_crop32")),
    )


@pytest.mark.slow
def test_the_verdict_equals_check_tiling(studies):
    compared = 0
    for one, more in itertools.product(studies, range(3)):
        chunk = one.first_choice[0] + more * one.analysis.stride
        for crop in (0, 5, 16, 24, 31, 32, 40):
            result = ChunkResult(one, chunk, crop)
            if result.tile:
                assert result.verdict == check_tiling(
                    one.analysis, one.output, tile=result.tile, crop=crop
                )
                compared += 1
    assert compared > 60


def test_the_first_choice_and_the_nearest_choices_are_exact(studies):
    for one in studies:
        chunk, crop = one.first_choice
        assert ChunkResult(one, chunk, crop).verdict.exact
        tried = [(chunk, 0), (chunk + 3, 7), (chunk - 1, 1), (chunk, 33), (1, 0)]
        wrong = [r for r in (ChunkResult(one, *t) for t in tried) if not r.verdict]
        assert wrong
        for result in wrong:
            assert result.nearest
            assert all(ChunkResult(one, *pair).verdict for pair in result.nearest)


def test_a_chunk_that_is_not_a_multiple_of_the_stride_is_not_exact():
    halved = study(conv(3, 2))
    # Padding takes a pixel at the end.
    assert ChunkResult(halved, 64, 1).verdict.exact
    odd = ChunkResult(halved, 65, 1).verdict
    assert not odd.exact
    assert "65 px" in odd.broken[0]


@pytest.mark.parametrize(
    ("chunk", "crop"), [(16, 0), (17, 3), (47, 20), (130, 0), (128, 64), (5, 0)]
)
def test_any_size_can_be_tried_and_is_explained(estimated, chunk, crop):
    result = ChunkResult(estimated, chunk, crop)
    assert not result.verdict.exact
    assert result.verdict.broken
    assert result.nearest
    assert draw_result(result, result.verdict.broken).axes


def test_a_chunk_on_which_the_network_cannot_run_is_explained(estimated):
    result = ChunkResult(estimated, 130, 0)
    # 130 px of pan are halved to 65 and 33, and those of xs are 32.
    assert "'conv_xs_conv2' would have to merge tensors of 32 and 33" in result.failure
    assert result.failure.endswith("Take a multiple of 16 px.")
    assert result.verdict.broken == (result.failure,)
    assert (result.margins, result.size, result.cost) == (None, None, None)
    stuck = next(bar.name for bar in result.bars if bar.span is None)
    assert stuck == "conv_xs_conv2"
    explorer = explore_fields(estimated.analysis, chunk=130)
    assert repr(explorer).startswith("The network cannot run on chunks of 130 px.")


def test_a_padded_layer_rounds_up_as_in_keras():
    layers = conv(5), conv(3, 2), conv(3)
    result = ChunkResult(study(*layers), 41, 3)
    size = keras.Sequential(layers)(np.zeros((1, 41, 41, 1), "float32")).shape[1]
    assert result.size == result.bars[-1].span.size == size
    assert result.tile == size - 6
    assert result.cost == pytest.approx((41 / (2 * (size - 6))) ** 2)


def test_a_chunk_without_a_pixel_of_the_output_is_explained():
    cropped = study(keras.layers.Cropping2D(200))
    assert ChunkResult(cropped, 401, 0).size == 1
    result = ChunkResult(cropped, 400, 0)
    assert result.failure.endswith("no pixel of 'out'. Take 401 px or more.")
    assert not any(bar.span for bar in result.bars)
    assert cropped.first_choice == (464, 0)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_an_analysis_calls_the_same_chunks_too_small(padding):
    inputs = keras.Input((None, None, 1))
    net = keras.layers.Conv2D(1, 3)(inputs)
    net = keras.layers.Conv2DTranspose(1, 5, padding=padding)(net)
    analysis = analyse(keras.Model(inputs, net))
    for chunk in (1, 2):
        table = analysis.table(chunk)
        assert table["size"].tolist() == [chunk, 0, 0]
        columns = ["valid", "left", "top", "right", "bottom"]
        assert not table[columns].iloc[1:].to_numpy().any()
        lines = analysis.explain(chunk).splitlines()
        nothing = "0 px, none of them valid: the chunk is too small. Take a larger one."
        assert len(lines) == 3
        assert all(line.endswith(f": {nothing}") for line in lines[1:])
    assert "too small" not in analysis.explain(3)


def test_a_crop_that_leaves_nothing_has_no_cost(pan_xs):
    explorer = explore_fields(pan_xs, chunk=128, crop=64)
    assert (explorer.result.tile, explorer.result.cost) == (0, None)
    assert "A crop of 64 px from each side leaves nothing" in repr(explorer)
    assert "Cost" not in repr(explorer)


def test_an_output_of_which_nothing_is_left_gets_new_sizes(pan_xs):
    explorer = explore_fields(pan_xs, chunk=64, crop=20)
    explorer.output = "estimated_crop32"
    assert explorer.verdict.exact
    assert explorer.result.tile >= 64
    # Sizes that leave something stay, exact or not.
    sizes = explorer.chunk, explorer.crop
    explorer.output = "estimated"
    assert (explorer.chunk, explorer.crop) == sizes
    assert not explorer.verdict.exact


def test_an_input_of_one_size_is_respected():
    image = keras.Input((32, 32, 1), name="input")
    same = keras.layers.Conv2D(1, 3, name="conv")(image)
    flat = keras.layers.Flatten(name="flatten")(same)
    explorer = explore_fields(keras.Model(image, {"flat": flat, "same": same}))
    assert explorer.chunk == 32
    # Sizes up to the layer that depends on the whole chunk, and not beyond.
    spans = {bar.name: bar.span and bar.span.size for bar in explorer.result.bars}
    assert spans == {"input": 32, "conv": 30, "flat": None}
    (reason,) = explorer.verdict.broken
    assert "'flatten'" in reason
    assert explorer.result.nearest == ()
    assert explorer.result.margins is None
    assert "Cost" not in repr(explorer)
    explorer.output = "same"
    assert explorer.result.size == 30
    explorer.chunk = 64
    assert "The model takes chunks of 32 px only" in repr(explorer)
    assert {chunk for chunk, _ in explorer.result.nearest} <= {32}


def test_layers_without_padding_lie_in_the_middle(studies):
    bars = ChunkResult(studies[0], studies[0].first_choice[0], 0).bars
    assert len(bars) > 3
    for bar in bars:
        width = bar.span.size * bar.span.jump
        assert 2 * bar.start + width == bars[0].span.size


def test_rows_that_lose_more_than_columns_are_mentioned():
    explorer = explore_fields(study(conv((3, 7))).analysis, chunk=40)
    assert explorer.result.margins == (3, 1, 3, 1)
    assert "1 px are lost at the top and 1 px at the bottom" in repr(explorer)
    assert "Nearest exact choice: chunk 40 with crop 3." in repr(explorer)


def test_the_field_picture_follows_the_settings(fields):
    seen = [pixels(fields)]
    fields.crop = 32
    seen.append(pixels(fields))
    assert seen[0].shape == seen[1].shape
    assert (seen[0] != seen[1]).any()
    fields.crop = 0
    np.testing.assert_array_equal(pixels(fields), seen[0])


def test_bars_are_drawn_to_scale(estimated):
    bars = draw_result(ChunkResult(estimated, 128, 0)).axes[0]

    def drawn(row):
        """(start, width) of the lost, valid and lost part of a row."""
        boxes = [
            p for p in bars.patches if p.get_y() < row < p.get_y() + p.get_height()
        ]
        return [(box.get_x(), box.get_width()) for box in boxes]

    assert drawn(11) == [(0, 31), (31, 81), (112, 16)]
    # Pixels of conv3 are 8 reference pixels wide.
    assert drawn(6) == [(0, 8), (8, 14 * 8), (120, 8)]


def test_pixels_that_are_kept_but_wrong_are_crossed(estimated):
    def boxes(chunk, crop):
        """The crossed box of the square, and the box that covers its valid part."""
        square = draw_result(ChunkResult(estimated, chunk, crop)).axes[1]
        hatches = [patch.get_hatch() for patch in square.patches]
        if "xxxx" not in hatches:
            return None
        number = hatches.index("xxxx")
        found = square.patches[number : number + 2]
        return [p.get_bbox().bounds for p in found if p.get_fill()]

    assert boxes(128, 24) == [(24, 24, 80, 80), (31, 31, 73, 73)]
    # A chunk of 32 px has no valid pixel: the whole tile is wrong.
    assert boxes(32, 3) == [(3, 3, 26, 26)]
    assert boxes(128, 32) is None


def test_long_names_keep_their_ends(pan_xs):
    result = ChunkResult(OutputStudy(pan_xs, "estimated_labels_crop32"), 128, 0)
    texts = [text.get_text() for text in draw_result(result).axes[0].texts]
    (short,) = [text for text in texts if "…" in text]
    assert short.startswith("est")
    assert short.endswith("_crop32")


def test_a_thread_that_waited_draws_the_latest_settings(fields):
    entered, go_on, drawn = threading.Event(), threading.Event(), []

    def draw_slowly(words=()):
        crop = fields.crop
        entered.set()
        assert go_on.wait(20)
        drawn.append(crop)
        return Figure(figsize=(1, 1))

    fields.draw = draw_slowly
    first, second = (
        threading.Thread(target=fields.set_trait, args=("crop", crop))
        for crop in (3, 6)
    )
    first.start()
    assert entered.wait(20)
    second.start()
    # Time for the second one to overtake, if it could.
    second.join(0.3)
    go_on.set()
    first.join(20)
    second.join(20)
    assert drawn == [3, 6]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"output": "labels"}, ValueError, "no output 'labels'.* It has: estimated"),
        ({"chunk": 0}, ValueError, "`chunk` is 0. Give a whole number from 1 to"),
        ({"crop": -1}, ValueError, "`crop` is -1. Give a whole number from 0 to"),
        ({"chunk": 64.5}, ValueError, r"`chunk` is 64\.5. Give a whole number"),
        ({"crop": "3"}, TypeError, "`crop` is '3'. Give a whole number"),
    ],
)
def test_impossible_fields_are_refused(pan_xs, options, error, message):
    with pytest.raises(error, match=message):
        explore_fields(pan_xs, **options)


def test_the_traits_of_a_field_explorer_are_checked_too(pan_xs):
    explorer = explore_fields(pan_xs, chunk=np.int64(64))
    with pytest.raises(ValueError, match="no output 'labels'"):
        explorer.output = "labels"
    with pytest.raises(ValueError, match="`chunk` is 0 px"):
        explorer.chunk = 0
    assert (explorer.output, explorer.chunk) == ("estimated", 64)


# Early stopping


@pytest.fixture
def stopping():
    trainings = {
        "one": {"loss": CURVE[::-1], "val_loss": CURVE},
        "two": {"accuracy": [0.1, 0.5, 0.4, 0.3, 0.9], "odd": [1, 2, 1, 1, 1]},
        "three": {"loss": CURVE[:4], "val_loss": CURVE[:4], "val_mae": CURVE[:4]},
    }
    return explore_stopping(trainings, patience=2)


def test_stopping_equals_what_one_finds_by_hand(stopping):
    # 3 in epoch 4 is best; 3.2 and 3.1 are waited for.
    replay = stopping.stopping
    assert (replay.stopped_epoch, replay.kept_epoch, replay.epochs_saved) == (6, 4, 3)
    assert "weights of epoch 4" in repr(stopping)
    stopping.restore_best_weights = False
    assert stopping.stopping.kept_epoch == 6
    stopping.patience = 4
    assert stopping.stopping.stopped_epoch is None
    stopping.patience, stopping.min_delta = 1, 1.5
    # From 5 to 4 is a gain of less than 1.5.
    assert stopping.stopping.stopped_epoch == 2
    words = "Epoch 1 counts as the best, val_loss 5; then 1 epoch without a gain of"
    assert f"{words} more than 1.5." in repr(stopping)
    stopping.monitor = "loss"
    settings = {"monitor": "loss", "patience": 1, "min_delta": 1.5}
    assert stopping.stopping == replay_early_stopping(stopping.curves, **settings)


def test_a_best_epoch_that_does_not_run_is_mentioned(stopping):
    # Epoch 8 has 2.
    assert "Too early: epoch 8, which does not run, has 2." in repr(stopping)
    stopping.patience = 5
    assert "Too early" not in repr(stopping)
    # The lowest epoch is not an improvement by 1.5, but it runs.
    stopping.min_delta = 1.5
    assert stopping.stopping.kept_epoch == 4
    stopping.patience = 8
    assert "Too early" not in repr(stopping)


def test_only_a_stop_after_the_best_epoch_gets_a_tick(stopping):
    # Epoch 8 is best, and does not run.
    assert stopping.stopping.stopped_epoch == 6
    assert stopping.summary().good is None
    stopping.monitor, stopping.patience = "loss", 1
    assert stopping.stopping.stopped_epoch == 3
    assert stopping.summary().good is True
    stopping.patience = 9
    assert stopping.stopping.stopped_epoch is None
    assert stopping.summary().good is None


def test_the_validation_loss_is_said_where_the_training_loss_is_monitored(stopping):
    assert "(val_loss" not in repr(stopping)
    stopping.monitor = "loss"
    # 2.5, 2, 3.3: the training loss is best in epoch 2, with 4 in validation.
    assert "weights of epoch 2, loss 2 (val_loss 4)." in repr(stopping)
    alone = explore_stopping({"loss": CURVE}, monitor="loss")
    assert "(val_loss" not in repr(alone)


@pytest.mark.parametrize(
    ("epochs", "patience"), [(8, 3), (25, 10), (60, 3), (60, 13), (60, 30), (300, 120)]
)
def test_numbers_of_waiting_epochs_do_not_overlap(epochs, patience):
    # The first epoch is the best one, so training stops after 1 + patience epochs.
    curve = [1.0] + [2.0] * (epochs - 1)
    figure = explore_stopping({"val_loss": curve}, patience=patience).draw()
    figure.draw_without_rendering()
    numbers = {int(x.get_text()): x.get_window_extent() for x in figure.axes[0].texts}
    assert max(numbers) == patience
    boxes = sorted(numbers.values(), key=lambda box: box.x0)
    assert all(a.x1 < b.x0 for a, b in itertools.pairwise(boxes))


def test_a_higher_accuracy_is_better(stopping):
    stopping.training = "two"
    assert stopping.stopping.best_epoch == 2
    assert "Too early: epoch 5" in repr(stopping)
    goals = []
    for min_delta in (0, 0.25):
        stopping.min_delta = min_delta
        lines = stopping.draw().axes[0].lines
        (goal,) = [line for line in lines if "must be above" in line.get_label()]
        goals.append(goal.get_ydata()[0])
    assert goals == [0.5, 0.75]


def test_another_training_brings_its_own_curves(stopping):
    before = pixels(stopping)
    stopping.monitor = "loss"
    stopping.training = "three"
    # The monitored curve stays where the other training has it.
    assert stopping.monitor == stopping.controls["monitor"].value == "loss"
    assert stopping.stopping.epochs == 4
    stopping.training = "two"
    # The name "odd" does not tell whether more is better.
    assert stopping.controls["monitor"].options == ("accuracy",)
    assert stopping.monitor == "accuracy"
    assert (pixels(stopping) != before).any()
    stopping.training = "one"
    assert set(stopping.controls["monitor"].options) == {"val_loss", "loss"}


def test_controls_and_traits_are_linked(stopping):
    controls = stopping.controls
    controls["patience"].value = 7
    assert stopping.patience == 7
    # A slider becomes long enough for what is set in Python.
    stopping.patience, stopping.min_delta = 40, 123.0
    assert (controls["patience"].value, controls["min_delta"].value) == (40, 123.0)


def test_curves_that_are_nan_can_be_explored():
    explorer = explore_stopping({"val_loss": [float("nan")] * 3}, patience=1)
    assert explorer.stopping.stopped_epoch == 2
    assert "Stopped after epoch 2 of 3: 1 epoch saved." in repr(explorer)


@pytest.mark.parametrize(
    ("curves", "options", "error", "message"),
    [
        ({"loss": CURVE}, {"monitor": "auc"}, ValueError, "'auc'.* Choose from: loss"),
        ({}, {}, ValueError, "no curves in `histories`: {}"),
        ({"a": {"val_loss": []}}, {}, ValueError, r"no curves in `histories\['a'\]`"),
        ({"val_loss": CURVE}, {"patience": -1}, ValueError, "`patience` is -1"),
        ({"val_loss": CURVE}, {"patience": 1.5}, ValueError, "`patience` is 1.5"),
    ],
)
def test_impossible_stopping_is_refused(curves, options, error, message):
    with pytest.raises(error, match=message):
        explore_stopping(curves, **options)


# Patches


def some_patches():
    """19 patches of two sources, each brighter than the one before."""
    numbers = np.arange(19, dtype="uint16")[:, None, None, None]
    ramp = np.arange(8 * 12, dtype="uint16").reshape(8, 12, 1)
    return {
        "pan": 100 * numbers + ramp,
        "xs": 50 * numbers + ramp[::4, ::4] // 2 + np.zeros((19, 2, 3, 4), "uint16"),
        "labels": (numbers % 3 == 0).astype("uint8"),
    }


@pytest.fixture
def patches():
    return browse_patches(some_patches(), count=4)


def test_pages_hold_all_patches_of_a_class_once(patches):
    sizes = set()
    for label in (1, 0):
        patches.label = label
        assert patches.page == 1
        found = []
        for page in range(1, patches.page_count + 1):
            patches.page = page
            found += patches.indices
            sizes.add(pixels(patches).shape)
        expected = np.flatnonzero(some_patches()["labels"] == label).tolist()
        assert sorted(found) == expected
        assert found != expected
        seeded = browse_patches(some_patches(), count=19, seed=1)
        seeded.label = label
        assert set(seeded.indices) == set(found)
        assert seeded.indices != found
    # The last page has fewer patches, and what is below it does not move.
    assert len(sizes) == 1
    with pytest.raises(ValueError, match=r"no page 4.* 1 to 3"):
        patches.page = 4
    with pytest.raises(ValueError, match=r"class 7.* \[0, 1"):
        patches.label = 7


def test_the_centre_is_the_pixel_after_the_middle():
    browser = browse_patches(some_patches(), count=2, centre=True)
    ax = browser.draw().axes[-1]
    marks = [patch for patch in ax.patches if patch.get_path_effects()]
    assert len(marks) == len(ax.images) == 4
    for image, mark in zip(ax.images, marks, strict=True):
        left, right, bottom, top = image.get_extent()
        rows, columns = image.get_array().shape[:2]
        pixel = (right - left) / columns, (bottom - top) / rows
        corner = (mark.get_x() - left) / pixel[0], (mark.get_y() - top) / pixel[1]
        assert corner == pytest.approx((columns // 2, rows // 2))
        assert (mark.get_width(), mark.get_height()) == pytest.approx(pixel)
    browser.centre = False
    assert not any(p.get_path_effects() for p in browser.draw().axes[-1].patches)


def test_the_title_has_the_bands_and_the_colour_of_the_class():
    legend = Legend(("reed", "pond"), ("#00ff00", "#0000ff"))
    browser = browse_patches(some_patches(), bands=3, legend=legend)
    browser.label = 1
    # The panchromatic source has one band, which is not a choice.
    assert repr(browser).startswith("Patches of pond (1), band 3, page 1 of 1: ")
    patches = [patch for ax in browser.draw().axes for patch in ax.patches]
    assert (0, 0, 1, 1) in [patch.get_facecolor() for patch in patches]
    assert "bands 1, 2, 3, page" in repr(browse_patches(some_patches()))
    pan = {"pan": some_patches()["pan"]}
    assert repr(browse_patches(pan)).startswith("Patches of all patches, page 1 of 3")


def test_sources_are_drawn_at_one_size(patches):
    images = patches.draw().axes[-1].images
    left, right, bottom, top = np.transpose([image.get_extent() for image in images])
    # A patch of pan has 8 x 12 pixels, one of xs 2 x 3 pixels.
    np.testing.assert_allclose(right - left, np.ones(2 * 4))
    np.testing.assert_allclose(bottom - top, np.full(2 * 4, 2 / 3))


def test_the_patches_of_one_position_are_in_one_column():
    browser = browse_patches(some_patches(), count=4, bands=(3, 2, 1))
    browser.label = 1
    order = np.argsort(browser.indices)
    assert (np.diff(order) < 0).any()
    images = browser.draw().axes[-1].images
    shades = np.array([np.asarray(i.get_array())[..., :3].mean() for i in images])
    # Each patch is brighter than the one before it in the file.
    np.testing.assert_array_equal(np.argsort(shades[:4]), order)
    np.testing.assert_allclose(shades[:4], shades[4:], atol=12)


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ({"xs": np.zeros((5, 2, 3, 4))}, {}, "different numbers of patches: .*'xs': 5"),
        ({}, {"count": 0}, "`count` is 0"),
    ],
)
def test_impossible_patches_are_refused(given, options, message):
    with pytest.raises(ValueError, match=message):
        browse_patches(some_patches() | given, **options)
    with pytest.raises(ValueError, match="labels are the only source"):
        browse_patches({"labels": some_patches()["labels"]})


# All explorers


@pytest.mark.parametrize("kind", ["fields", "stopping", "patches"])
def test_a_page_without_widgets_shows_the_picture_and_the_words(request, kind):
    explorer = request.getfixturevalue(kind)
    bundle, metadata = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert metadata["image/png"]["alt"] == repr(explorer)
    assert bundle["text/plain"] == repr(explorer)
    assert Image.open(io.BytesIO(b64decode(bundle["image/png"]))).width > 500
    figure = explorer.as_figure()
    texts = [*figure.texts, *(text for ax in figure.axes for text in ax.texts)]
    title = repr(explorer).split(":")[0].split(".")[0]
    assert any(title in text.get_text() for text in texts)
