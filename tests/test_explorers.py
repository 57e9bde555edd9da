"""Explorers without a browser: their state, what it comes to, and their still form.

Numbers of the encoder-decoder are those of OTBTF's tutorial, worked out in its part on
blocking artefacts: 81 valid pixels of 128, the rows 31 to 111.
"""

import io
import itertools
import threading
from base64 import b64decode
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import traitlets
from PIL import Image

from tutorial_lib import analyse, architectures, check_tiling
from tutorial_lib.rasters import Legend
from tutorial_lib.training import replay_early_stopping
from tutorial_lib.viewers.explorers import (
    browse_patches,
    explore_fields,
    explore_stopping,
)
from tutorial_lib.viewers.explorers.tiled_fields import FieldStudy

CURVE = [5, 4, 4.5, 3, 3.2, 3.1, 3.3, 2, 2.5]


@pytest.fixture(scope="module")
def pan_xs():
    return analyse(architectures.pan_xs_unet(4, crops=(32,)))


@pytest.fixture(scope="module")
def dual():
    return analyse(architectures.dual_source_fcnn(3, crops=()))


def uneven_network():
    """Rows and columns lose differently."""
    image = keras.Input((None, None, 1), name="input")
    out = keras.layers.Conv2D(1, (3, 7), padding="same", name="out")(image)
    return keras.Model({"input": image}, {"estimated": out})


def whole_tile_network():
    image = keras.Input((None, None, 1), name="input")
    mean = keras.layers.GlobalAveragePooling2D(keepdims=True, name="mean")(image)
    return keras.Model({"input": image}, {"estimated": image + mean})


def picture(explorer):
    return np.asarray(Image.open(io.BytesIO(explorer._picture.value)).convert("RGB"))


# Fields


def test_the_valid_part_of_each_layer_is_that_of_the_tutorial(pan_xs):
    trial = explore_fields(pan_xs, chunk=128).trial
    valid = {bar.name: bar.span.high - bar.span.low + 1 for bar in trial.bars}
    assert valid == {
        "input_p": 128,
        "input_xs": 32,
        "conv1": 63,
        "conv2": 31,
        "conv_xs": 30,
        "conv_xs_conv2": 30,
        "conv3": 14,
        "conv4": 6,
        "conv1t": 11,
        "conv2t": 21,
        "conv3t": 41,
        "estimated": 81,
    }
    output = trial.bars[-1].span
    assert (output.low, output.high) == (31, 111)
    assert trial.bars[-1].margins == (31, 16)


def test_a_crop_of_24_leaves_wrong_pixels_and_32_leaves_none(pan_xs):
    explorer = explore_fields(pan_xs, chunk=128, crop=24)
    assert not explorer.verdict.exact
    assert explorer.trial.wrong == (31 - 24, 31 - 24, 0, 0)
    explorer.crop = 32
    assert explorer.verdict.exact
    assert explorer.trial.wrong == (0, 0, 0, 0)
    # 128² computed for 64² kept.
    assert explorer.trial.cost == 4
    explorer.crop = 31
    assert explorer.trial.wrong == (0, 0, 0, 0)
    assert not explorer.verdict.exact


def test_the_verdict_is_that_of_check_tiling(pan_xs, dual):
    for analysis in (pan_xs, dual):
        study = FieldStudy(analysis, "estimated")
        rows, first = study.pair[0], study.first_chunk
        for more, crop in itertools.product(range(3), (0, 5, 16, 24, 31, 32, 40)):
            chunk = first + more * analysis.stride
            tile = rows.size(chunk) - 2 * crop
            if tile > 0:
                expected = check_tiling(analysis, "estimated", tile=tile, crop=crop)
                assert study.trial(chunk, crop).verdict == expected


def test_a_chunk_that_is_no_multiple_of_the_stride_is_never_exact():
    image = keras.Input((None, None, 1), name="input")
    out = keras.layers.Conv2D(1, 3, 2, padding="same", name="out")(image)
    study = FieldStudy(analyse(keras.Model(image, {"estimated": out})), "estimated")
    # Padding takes a pixel at the end.
    assert study.trial(64, 1).verdict.exact
    odd = study.trial(65, 1)
    assert not odd.verdict.exact
    assert "65 px of the reference long, which is no multiple" in odd.verdict.broken[0]


def test_every_offer_is_exact(pan_xs, dual):
    for analysis in (pan_xs, dual, analyse(architectures.pooled_cnn(3))):
        study = FieldStudy(analysis, "estimated")
        first = study.first_chunk
        for chunk, crop in ((first, 0), (first + 3, 7), (first - 1, 1), (first, 32)):
            offers = study.trial(chunk, crop).offers
            assert offers
            assert (chunk, crop) not in offers
            assert all(study.trial(*offer).verdict.exact for offer in offers)


def test_a_click_takes_an_offer(pan_xs):
    explorer = explore_fields(pan_xs, chunk=131, crop=7)
    button, offer = explorer._offers[1], explorer.trial.offers[1]
    assert button.description == f"chunk {offer[0]}, crop {offer[1]}"
    button.click()
    assert (explorer.chunk, explorer.crop) == offer
    assert explorer._sliders["crop"].value == offer[1]
    assert explorer.verdict.exact


def test_the_nearest_offer_is_the_crop_that_is_needed(pan_xs):
    trial = FieldStudy(pan_xs, "estimated").trial(128, 24)
    assert trial.offers[0] == (128, 32)
    # 16 px apart, the total stride.
    assert {chunk for chunk, _ in trial.offers} == {112, 128, 144}


def test_any_size_can_be_chosen_and_is_explained(pan_xs):
    explorer = explore_fields(pan_xs)
    for chunk, crop in ((16, 0), (17, 3), (47, 20), (130, 0), (128, 64), (200, 99)):
        explorer.chunk, explorer.crop = chunk, crop
        assert not explorer.verdict.exact
        assert explorer.verdict.broken
        assert explorer.trial.offers
        assert explorer.verdict.broken[-1] in repr(explorer)


def test_a_network_that_cannot_run_says_so_and_nothing_else(pan_xs):
    explorer = explore_fields(pan_xs, chunk=130)
    trial = explorer.trial
    # 130 px of pan are halved to 65 and 33, and those of xs are 32.
    assert "'conv_xs_conv2' would have to merge tensors of 32 and 33 px" in trial.misfit
    assert trial.misfit.endswith("Take a multiple of 16 px.")
    assert trial.verdict.broken == (trial.misfit,)
    assert (
        repr(explorer) == f"The network cannot run on chunks of 130 px. {trial.misfit}"
    )
    assert (trial.margins, trial.size, trial.cost) == (None, None, None)
    assert next(bar.name for bar in trial.bars if bar.span is None) == "conv_xs_conv2"
    with pytest.raises(ValueError, match=r"\[32, 33\]"):
        pan_xs.spans(130, 0)


def test_a_chunk_that_is_no_fit_is_never_exact():
    image = keras.Input((None, None, 1), name="input")
    # Of an odd size, one rounds up and the other down, and none of them pads.
    up = keras.layers.Conv2D(1, 1, 2)(image)
    down = keras.layers.MaxPooling2D(2)(image)
    study = FieldStudy(
        analyse(keras.Model(image, {"estimated": up + down})), "estimated"
    )
    for chunk, crop in itertools.product(range(20, 30), range(4)):
        trial = study.trial(chunk, crop)
        assert bool(trial.misfit) == bool(chunk % 2)
        assert trial.verdict.exact == (chunk % 2 == 0)


def test_the_smallest_chunk_is_one_on_which_the_network_runs(pan_xs):
    study = FieldStudy(pan_xs, "estimated_crop32")
    # 64 px are cropped away; halved four times and merged, a chunk is 16 px or several.
    assert study.smallest_chunk == 80
    assert study.trial(80, 0).size == 16
    explorer = explore_fields(pan_xs, "estimated_crop32")
    assert explorer._sliders["chunk"].min == 80


def test_an_output_gets_a_chunk_and_a_crop_that_leave_something(pan_xs):
    explorer = explore_fields(pan_xs, chunk=64, crop=20)
    explorer.output = "estimated_crop32"
    # Both are chosen anew: a crop for another output would leave next to nothing.
    assert explorer.verdict.exact
    assert explorer.trial.tile >= 64
    explorer = explore_fields(pan_xs, chunk=144, crop=40)
    explorer.output = "estimated_crop32"
    # The chunk is one that runs, and stays; 80 px less twice 40 were nothing.
    assert (explorer.chunk, explorer.crop) == (144, 0)
    assert explorer.verdict.exact
    # What leaves something stays, exact or not.
    explorer.crop = 7
    explorer.output = "estimated"
    assert (explorer.chunk, explorer.crop) == (144, 7)


def test_a_built_in_crop_is_offered_without_another_one(pan_xs):
    explorer = explore_fields(pan_xs, "estimated_crop32", chunk=144, crop=32)
    assert explorer.verdict.exact
    # 80 px are left of 144: nine times less work than with 16 px.
    assert (144, 0) in explorer.trial.offers
    costs = [FieldStudy(pan_xs, "estimated_crop32").trial(144, c).cost for c in (0, 32)]
    assert costs == [pytest.approx((144 / 80) ** 2), pytest.approx((144 / 16) ** 2)]


def test_the_crop_slider_ends_where_nothing_is_left(pan_xs):
    explorer = explore_fields(pan_xs, chunk=128, crop=32)
    crop = explorer._sliders["crop"]
    assert crop.max == 64
    explorer.chunk = 512
    assert crop.max == 256
    crop.value = 100
    assert explorer.crop == 100
    # A handle that is dragged across small chunks takes nothing with it.
    explorer.chunk = 16
    assert explorer.crop == crop.value == 100
    explorer.output = "estimated_crop32"
    explorer.chunk, explorer.crop = 144, 0
    assert crop.max >= 40
    explorer.chunk = 160
    # 96 px are left of 160.
    assert crop.max == 48
    explorer.crop = 90
    explorer._take(SimpleNamespace(offer=(144, 0)))
    assert (explorer.chunk, explorer.crop, crop.value) == (144, 0, 0)


def test_padded_layers_round_up_and_so_does_all_else():
    image = keras.Input((None, None, 1), name="input")
    net = image
    for name, kernel, stride in (("c1", 5, 1), ("c2", 3, 2), ("out", 3, 1)):
        conv = keras.layers.Conv2D(1, kernel, stride, padding="same", name=name)
        net = conv(net)
    model = keras.Model(image, {"estimated": net})
    trial = explore_fields(model, chunk=41, crop=3).trial
    expected = model(np.zeros((1, 41, 41, 1), "float32"))["estimated"].shape[1]
    assert trial.size == trial.bars[-1].span.size == expected
    assert trial.tile == expected - 6
    assert trial.cost == pytest.approx((41 / (2 * (expected - 6))) ** 2)


def test_an_input_of_one_size_is_respected():
    image = keras.Input((32, 32, 1), name="input")
    conv = keras.layers.Conv2D(1, 3, name="conv")
    flat = keras.layers.Flatten(name="flatten")(conv(image))
    model = keras.Model(image, {"flat": flat, "same": conv(image)})
    explorer = explore_fields(model, "flat")
    assert explorer.chunk == 32
    trial = explorer.trial
    assert (trial.size, trial.tile, trial.cost) == (None, 0, None)
    # Sizes up to the layer that sees everything, and none of what it gives.
    assert [(bar.name, bar.span and bar.span.size) for bar in trial.bars] == [
        ("input", 32),
        ("conv", 30),
        ("flat", None),
    ]
    assert trial.verdict.broken == (
        "'flatten' sees the whole chunk: no crop makes the map exact.",
    )
    assert "Cost" not in repr(explorer)
    explorer.output = "same"
    assert explorer.trial.size == 30
    explorer.chunk = 64
    assert "The model takes chunks of 32 px only" in repr(explorer)
    assert {chunk for chunk, _ in explorer.trial.offers} <= {32}


def test_long_names_keep_their_ends(pan_xs):
    figure = explore_fields(pan_xs, "estimated_labels_crop32").as_figure()
    texts = [text.get_text() for text in figure.axes[0].texts]
    (short,) = [text for text in texts if "…" in text]
    assert short.endswith("_crop32")
    assert short.startswith("est")


def test_what_is_left_of_nothing_costs_nothing_that_can_be_said(pan_xs):
    trial = explore_fields(pan_xs, chunk=128, crop=64).trial
    assert (trial.tile, trial.cost) == (0, None)
    assert trial.verdict.broken[0].startswith("A crop of 64 px from each side leaves")


def test_layers_without_padding_lie_in_the_middle(dual):
    bars = explore_fields(dual).trial.bars
    for bar in bars:
        width = bar.span.size * bar.span.jump
        assert 2 * bar.start + width == bars[0].span.size


def test_a_cropped_output_needs_no_more_crop(pan_xs):
    explorer = explore_fields(pan_xs, "estimated_crop32", chunk=128)
    assert explorer.trial.size == 64
    assert explorer.verdict.exact
    assert explorer.trial.cost == 4
    explorer.output = "estimated"
    assert not explorer.verdict.exact


def test_an_output_that_needs_a_larger_chunk_gets_one():
    image = keras.Input((None, None, 1), name="input")
    inner = keras.layers.Cropping2D(200)(image)
    model = keras.Model(image, {"estimated": image + 1, "inner": inner})
    explorer = explore_fields(model, "estimated", chunk=50)
    explorer.output = "inner"
    # 200 from each side, and something that is worth it.
    assert explorer.chunk >= 400 + 64
    assert explorer.verdict.exact
    # 200 from each side, and a pixel.
    explorer.chunk = 401
    assert explorer.trial.size == 1
    with pytest.raises(traitlets.TraitError, match="Use 401 px or more"):
        explorer.chunk = 400


def test_rows_that_lose_otherwise_than_columns_are_told():
    explorer = explore_fields(uneven_network(), chunk=40)
    assert explorer.trial.margins == (3, 1, 3, 1)
    assert "1 px are lost at the top and 1 px at the bottom" in repr(explorer)


def test_a_layer_that_sees_the_whole_chunk_has_no_way_out():
    explorer = explore_fields(whole_tile_network(), chunk=21, crop=4)
    assert "no crop makes the map exact" in repr(explorer)
    assert explorer.trial.offers == ()
    assert explorer.trial.margins is None


def test_the_picture_follows_the_state(pan_xs):
    explorer = explore_fields(pan_xs, chunk=128, crop=0)
    seen = [picture(explorer)]
    for crop in (1, 31, 32):
        explorer.crop = crop
        seen.append(picture(explorer))
        assert (seen[-1] != seen[-2]).any()
    assert len({image.shape for image in seen}) == 1
    explorer.crop = 0
    np.testing.assert_array_equal(picture(explorer), seen[0])
    description = explorer._attendant.description
    assert description.startswith("Not exact with chunks of 128 px and a crop of 0 px")


def test_bars_are_drawn_to_scale(pan_xs):
    figure = explore_fields(pan_xs, chunk=128).as_figure()
    bars = figure.axes[0]
    # Of the last row: lost, valid, lost.
    row = len(explore_fields(pan_xs).trial.bars) - 1
    drawn = [
        (patch.get_x(), patch.get_width())
        for patch in bars.patches
        if patch.get_y() < row < patch.get_y() + patch.get_height()
    ]
    assert drawn == [(0, 31), (31, 81), (112, 16)]
    conv3 = [p for p in bars.patches if p.get_y() < 6 < p.get_y() + p.get_height()]
    drawn = [(patch.get_x(), patch.get_width()) for patch in conv3]
    assert drawn == [(0, 8), (8, 14 * 8), (120, 8)]


def test_what_is_kept_but_wrong_is_crossed(pan_xs):
    square = explore_fields(pan_xs, chunk=128, crop=24).as_figure().axes[1]
    crossed = [patch.get_bbox().bounds for patch in square.patches if patch.get_hatch()]
    crossed = [bounds for bounds in crossed if bounds[:2] == (24, 24)]
    assert crossed == [(24, 24, 7, 80), (24, 24, 80, 7)]
    # Of 32 px none is valid: all that is kept is wrong.
    square = explore_fields(pan_xs, chunk=32, crop=3).as_figure().axes[1]
    wrong = [patch for patch in square.patches if patch.get_hatch() == "xxxx"]
    assert [patch.get_bbox().bounds for patch in wrong] == [(3, 3, 26, 26)]
    exact = explore_fields(pan_xs, chunk=128, crop=32).as_figure().axes[1]
    assert not any(patch.get_hatch() == "xxxx" for patch in exact.patches)


def test_a_thread_that_is_late_draws_nothing_old(pan_xs):
    explorer = explore_fields(pan_xs, chunk=128)
    show_state = explorer.show_state
    entered, go_on = threading.Event(), threading.Event()

    def slow_at_first():
        still = show_state()
        if not entered.is_set():
            entered.set()
            assert go_on.wait(20)
        return still

    explorer.show_state = slow_at_first
    first, second = (
        threading.Thread(target=explorer.set_trait, args=("crop", crop))
        for crop in (3, 6)
    )
    first.start()
    assert entered.wait(20)
    second.start()
    # Time to overtake the first one, if it could.
    second.join(1)
    go_on.set()
    first.join(20)
    second.join(20)
    alone = explore_fields(pan_xs, chunk=128, crop=6)
    np.testing.assert_array_equal(picture(explorer), picture(alone))


def test_impossible_fields_are_refused(pan_xs):
    with pytest.raises(ValueError, match=r"no output 'labels'.* It has: estimated"):
        explore_fields(pan_xs, "labels")
    with pytest.raises(ValueError, match=r"A chunk of 5 px .* Use 16 px or more"):
        explore_fields(pan_xs, chunk=5)
    with pytest.raises(ValueError, match="0 or more, not -1"):
        explore_fields(pan_xs, crop=-1)
    with pytest.raises(TypeError, match=r"`chunk` is a whole number of .*, not 64\.5"):
        explore_fields(pan_xs, chunk=64.5)
    with pytest.raises(TypeError, match="`crop` is a whole number of pixels, not '3'"):
        explore_fields(pan_xs, crop="3")
    assert explore_fields(pan_xs, chunk=np.int64(64)).chunk == 64
    explorer = explore_fields(pan_xs)
    with pytest.raises(traitlets.TraitError, match="Use 16 px or more"):
        explorer.chunk = 0


# Early stopping


@pytest.fixture
def stopping():
    return explore_stopping({"loss": CURVE[::-1], "val_loss": CURVE}, patience=2)


def test_stopping_is_what_one_finds_by_hand(stopping):
    # 3 in epoch 4 is best; 3.2 and 3.1 are waited for.
    assert stopping.stopping.stopped_epoch == 6
    assert stopping.stopping.kept_epoch == 4
    assert stopping.stopping.epochs_saved == 3
    stopping.restore_best_weights = False
    assert stopping.stopping.kept_epoch == 6
    stopping.patience = 4
    assert stopping.stopping.stopped_epoch is None
    stopping.patience, stopping.min_delta = 1, 1.5
    # From 5 to 4 is a gain of less than 1.5.
    assert stopping.stopping.stopped_epoch == 2


def test_stopping_is_the_replay_for_all_settings(stopping):
    for patience, min_delta, monitor in itertools.product(
        (0, 1, 3, 8), (0, 0.3, 1.0), ("loss", "val_loss")
    ):
        stopping.monitor = monitor
        stopping.patience, stopping.min_delta = patience, min_delta
        expected = replay_early_stopping(
            stopping.curves,
            monitor=monitor,
            patience=patience,
            min_delta=min_delta,
            restore_best_weights=True,
        )
        assert stopping.stopping == expected
        assert f"weights of epoch {expected.kept_epoch}" in repr(stopping)


def test_a_later_best_epoch_is_told(stopping):
    # Epoch 8 has 2, and does not run.
    assert "Too early: epoch 8, which does not run, has 2." in repr(stopping)
    stopping.patience = 5
    assert "Too early" not in repr(stopping)
    # The lowest epoch is no improvement by 1.5, but it runs.
    stopping.min_delta = 1.5
    assert stopping.stopping.kept_epoch == 4
    stopping.patience = 8
    assert "Too early" not in repr(stopping)


def test_only_who_keeps_the_best_epoch_gets_a_tick(stopping):
    def mark():
        return stopping._words.value.split('<b class="')[1].split('"')[0]

    # Epoch 8 is best, and does not run.
    assert stopping.stopping.stopped_epoch == 6
    assert mark() == "kit-plain"
    stopping.monitor, stopping.patience = "loss", 1
    assert stopping.stopping.stopped_epoch == 3
    assert mark() == "kit-yes"
    stopping.patience = 9
    assert stopping.stopping.stopped_epoch is None
    assert mark() == "kit-plain"


def test_with_a_min_delta_the_last_gain_is_told_and_no_best_epoch():
    curves = {"val_loss": [5, 4.9, 3, 2.5, 2.9]}
    explorer = explore_stopping(curves, patience=2, min_delta=1)
    # From 5 to 3 is more than 1, from 3 to 2.5 is not; but 2.5 is best.
    said = "The last gain of more than 1 was in epoch 3, val_loss 3; then 2 epochs with"
    assert said in repr(explorer)
    explorer.min_delta = 2
    said = "No gain of more than 2 after epoch 1, val_loss 5: 2 epochs without one."
    assert said in repr(explorer)
    explorer.min_delta = 0
    assert "val_loss was best in epoch 4, 2.5; then 1 epoch" in repr(explorer)


def test_who_watches_the_training_is_told_of_the_validation(stopping):
    assert "(val_loss" not in repr(stopping)
    stopping.monitor = "loss"
    # 2.5, 2, 3.3: the loss of training is best in epoch 2, with 4 in validation.
    assert "weights of epoch 2, loss 2 (val_loss 4)." in repr(stopping)
    alone = explore_stopping({"loss": CURVE}, monitor="loss")
    assert "(val_loss" not in repr(alone)


def test_more_is_better_for_an_accuracy():
    curve = [0.1, 0.5, 0.4, 0.3, 0.9]
    explorer = explore_stopping({"accuracy": curve}, monitor="accuracy", patience=2)
    assert explorer.stopping.best_epoch == 2
    assert "Too early: epoch 5" in repr(explorer)
    goal = explorer.as_figure().axes[0].lines[2].get_ydata()
    explorer.min_delta = 0.25
    moved = explorer.as_figure().axes[0].lines[2].get_ydata()
    assert moved[0] - goal[0] == pytest.approx(0.25)


def test_trainings_with_other_curves_can_be_changed_between():
    explorer = explore_stopping(
        {
            "one": {"loss": CURVE, "val_loss": CURVE},
            "two": {"accuracy": [0.1, 0.2], "odd": [1, 2]},
        }
    )
    before = picture(explorer)
    explorer.training = "two"
    # Of "odd" nobody knows whether more is better.
    assert explorer._controls["monitor"].options == ("accuracy",)
    assert explorer.monitor == "accuracy"
    assert explorer.stopping.epochs == 2
    assert (picture(explorer) != before).any()
    explorer.training = "one"
    assert set(explorer._controls["monitor"].options) == {"val_loss", "loss"}


def test_the_curve_that_is_watched_stays_where_the_other_training_has_it():
    more = {"loss": CURVE[:4], "val_loss": CURVE[:4], "val_accuracy": CURVE[:4]}
    trainings = {"one": {"loss": CURVE, "val_loss": CURVE}, "two": more}
    explorer = explore_stopping(trainings, monitor="loss")
    explorer.training = "two"
    assert explorer.monitor == explorer._controls["monitor"].value == "loss"
    assert explorer.stopping.monitor == "loss"


def test_controls_and_state_are_one(stopping):
    controls = stopping._controls
    controls["patience"].value = 7
    assert stopping.patience == 7
    stopping.patience, stopping.min_delta = 40, 123.0
    assert (controls["patience"].value, controls["min_delta"].value) == (40, 123.0)


def test_curves_that_blew_up_can_be_looked_at():
    explorer = explore_stopping({"val_loss": [float("nan")] * 3}, patience=1)
    assert explorer.stopping.stopped_epoch == 2
    assert "Stopped after epoch 2 of 3: 1 epoch saved." in repr(explorer)


def test_impossible_stopping_is_refused():
    with pytest.raises(ValueError, match=r"no curve 'auc' to choose\. There are: loss"):
        explore_stopping({"loss": CURVE}, monitor="auc")
    with pytest.raises(ValueError, match="There are: none"):
        explore_stopping({})
    with pytest.raises(ValueError, match="The curve 'val_loss' is empty"):
        explore_stopping({"a": {"val_loss": []}})
    with pytest.raises(ValueError, match=r"`patience` is -1\. Give 0 or more"):
        explore_stopping({"loss": CURVE}, monitor="loss", patience=-1)
    with pytest.raises(TypeError, match=r"`patience` is a whole .* epochs, not 1\.5"):
        explore_stopping({"val_loss": CURVE}, patience=1.5)


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


def drawn_pictures(browser):
    return browser.as_figure().axes[0].images


def test_pages_hold_all_patches_of_a_class_once():
    browser = browse_patches(some_patches(), count=4)
    for label in (1, 0):
        browser.label = label
        assert browser.page == 1
        found = []
        for page in range(1, browser.page_count + 1):
            browser.page = page
            found += browser.indices
        expected = np.flatnonzero(some_patches()["labels"] == label).tolist()
        assert sorted(found) == expected
        assert found != expected
    with pytest.raises(traitlets.TraitError, match=r"no page 4: class 0 has 3"):
        browser.page = 4
    with pytest.raises(
        traitlets.TraitError, match=r"class 7\. There are some of \[0, 1"
    ):
        browser.label = 7


def test_a_seed_gives_one_order_and_another_one_another():
    def order(**options):
        return browse_patches(some_patches(), count=12, **options).indices

    assert order() == order(seed=0)
    assert order(seed=1) != order()


def test_patches_stay_large_where_there_are_many():
    def page(count):
        browser = browse_patches(some_patches() | {"labels": np.zeros(19)}, count=count)
        images = drawn_pictures(browser)
        assert len(images) == 2 * len(browser.indices)
        return browser, images

    # 18 positions are 3 rows of 6, with two sources each.
    browser, images = page(18)
    left, top = np.array([image.get_extent() for image in images])[:, [0, 3]].T
    assert len(set(left.round(6))) == 6
    assert len(set(top.round(6))) == 6
    width, height = browser.as_figure().get_size_inches()
    assert left.max() + 1 <= browser.as_figure().axes[0].get_xlim()[1] + 1e-9
    # No source of a position lies on another.
    assert np.diff(sorted(set(top.round(6)))).min() > 1
    few = page(6)[0].as_figure().get_size_inches()
    assert width == few[0]
    assert height > 2 * few[1]
    # The last page has room for as many: nothing below it moves.
    browser, _ = page(18)
    browser.page = 2
    assert tuple(browser.as_figure().get_size_inches()) == (width, height)


def test_the_centre_is_the_pixel_after_the_middle():
    browser = browse_patches(some_patches(), count=2, centre=True)
    ax = browser.as_figure().axes[0]
    marked = [p for p in ax.patches if p.get_path_effects()]
    images = drawn_pictures(browser)
    assert len(marked) == len(images) == 4
    for image, mark in zip(images, marked, strict=True):
        left, right, bottom, top = image.get_extent()
        rows, columns = image.get_array().shape[:2]
        corner = (
            (mark.get_x() - left) / (right - left) * columns,
            (mark.get_y() - top) / (bottom - top) * rows,
        )
        assert corner == pytest.approx((columns // 2, rows // 2))
        assert mark.get_width() == pytest.approx((right - left) / columns)
        assert mark.get_height() == pytest.approx((bottom - top) / rows)
    plain = browse_patches(some_patches(), count=2).as_figure().axes[0]
    assert not [p for p in plain.patches if p.get_path_effects()]


def test_the_title_has_the_bands_and_the_colour_of_the_class():
    legend = Legend(("reed", "pond"), ("#00ff00", "#0000ff"))
    browser = browse_patches(some_patches(), bands=3, legend=legend)
    browser.label = 1
    # The panchromatic source has one band, which is no choice.
    assert repr(browser).startswith("Patches of pond (1), band 3, page 1 of 1: ")
    faces = [patch.get_facecolor() for patch in browser.as_figure().axes[0].patches]
    assert (0, 0, 1, 1) in faces
    assert "bands 1, 2, 3, page" in repr(browse_patches(some_patches()))
    pan = {"pan": some_patches()["pan"]}
    assert repr(browse_patches(pan)).startswith("Patches of all patches, page 1 of 3")


def test_sources_have_their_size_on_the_ground():
    # A patch of pan is 8 x 12 m, one of xs 2 x 3 pixels of 2 m: half as large.
    sizes = {"pan": 1.0, "xs": 2.0}
    browser = browse_patches(some_patches(), count=3, pixel_sizes=sizes)
    images = drawn_pictures(browser)
    assert len(images) == 6
    extents = np.array([image.get_extent() for image in images])
    widths = extents[:, 1] - extents[:, 0]
    heights = extents[:, 2] - extents[:, 3]
    np.testing.assert_allclose(widths, [1, 1, 1, 0.5, 0.5, 0.5])
    np.testing.assert_allclose(heights, widths * 2 / 3)
    middles = extents[:, :2].mean(axis=1)
    np.testing.assert_allclose(middles[:3], middles[3:])
    # Without pixel sizes both cover the same ground.
    for image in drawn_pictures(browse_patches(some_patches(), count=3)):
        left, right, *_ = image.get_extent()
        assert right - left == pytest.approx(1)


def test_a_patch_of_each_source_stands_in_one_column():
    patches = some_patches()
    browser = browse_patches(patches, count=4, bands=(3, 2, 1))
    browser.label = 1
    order = np.argsort(browser.indices)
    assert (np.diff(order) < 0).any()
    pictures = [np.asarray(image.get_array()) for image in drawn_pictures(browser)]
    shades = [picture[..., :3].mean() for picture in pictures]
    for source in (shades[:4], shades[4:]):
        # Each patch is brighter than the one before it in the file.
        np.testing.assert_array_equal(np.argsort(source), order)
    np.testing.assert_allclose(shades[:4], shades[4:], atol=12)


def test_impossible_patches_are_refused():
    patches = some_patches()
    with pytest.raises(ValueError, match=r"different numbers of patches: .*'xs': 5"):
        browse_patches(patches | {"xs": patches["xs"][:5]})
    with pytest.raises(ValueError, match=r"`pixel_sizes` has none for \['xs'\]"):
        browse_patches(patches, pixel_sizes={"pan": 1.0})
    with pytest.raises(ValueError, match="no source but the labels"):
        browse_patches({"labels": patches["labels"]})
    with pytest.raises(ValueError, match="`count` is 0"):
        browse_patches(patches, count=0)


# All


@pytest.mark.parametrize("kind", ["fields", "stopping", "patches"])
def test_where_no_widget_runs_there_is_a_picture_with_its_words(pan_xs, stopping, kind):
    explorer = {
        "fields": lambda: explore_fields(pan_xs),
        "stopping": lambda: stopping,
        "patches": lambda: browse_patches(some_patches()),
    }[kind]()
    bundle, about = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert about["image/png"]["alt"] == repr(explorer)
    assert bundle["text/plain"] == repr(explorer)
    assert Image.open(io.BytesIO(b64decode(bundle["image/png"]))).width > 500
    figure = explorer.as_figure()
    texts = [text.get_text() for text in (*figure.texts, *figure.axes[0].texts)]
    assert any(repr(explorer).split(":")[0].split(".")[0] in text for text in texts)
