"""`check_tiling`: which tiles and crops give the whole map, and the nearest that do."""

import keras
import numpy as np
import pytest
from keras import layers

from tutorial_lib import analyse, architectures
from tutorial_lib.fields.tiling import check_tiling


@pytest.fixture(scope="module")
def pan_xs():
    return analyse(architectures.pan_xs_unet(4, crops=()))


@pytest.mark.parametrize(
    ("tile", "crop", "rules"),
    [
        (128, 0, ["borders"]),
        (80, 24, ["borders"]),
        (64, 32, []),
        (48, 40, []),
        (80, (32, 32, 16, 16), []),
        (80, (32, 32, 0, 16), ["borders"]),
        (80, (16, 16, 32, 32), ["borders"]),
        (66, 31, ["follow"]),
        (68, 30, ["borders", "follow"]),
        (80, 31, ["is 142 px"]),
        (72, 32, ["follow", "is 136 px"]),
    ],
)
def test_the_rules_of_tutorial_2(pan_xs, tile, crop, rules):
    """Margins 31 and 16, total stride 16: 32 works because of these, not as 2^5."""
    verdict = check_tiling(pan_xs, "estimated", tile=tile, crop=crop)
    assert verdict.exact == (not rules) == bool(verdict)
    assert len(verdict.broken) == len(rules)
    for rule, text in zip(rules, verdict.broken, strict=True):
        assert rule in text


@pytest.mark.parametrize(
    ("tile", "crop", "tiles", "crops"),
    [(66, 31, (64, 80), (32,)), (100, 50, (96, 112), (48, 56)), (7, 0, (16,), (32,))],
)
def test_the_nearest_legal_tiles_and_crops_are_exact(pan_xs, tile, crop, tiles, crops):
    verdict = check_tiling(pan_xs, "estimated", tile=tile, crop=crop)
    assert (verdict.tiles, verdict.crops) == (tiles, crops)
    for legal_tile in tiles:
        for legal_crop in crops:
            assert check_tiling(pan_xs, "estimated", tile=legal_tile, crop=legal_crop)


def test_a_start_beside_the_total_stride_is_not_exact(pan_xs):
    options = {"tile": 64, "crop": 32}
    for start in (128, 16, 0):
        assert check_tiling(pan_xs, "estimated", start=start, **options)
    verdict = check_tiling(pan_xs, "estimated", start=136, **options)
    assert "The first chunk begins at 136 px" in verdict.broken[0]


@pytest.mark.parametrize("depth", [3, 4, 5])
def test_the_smallest_crop_doubles_with_each_halving(depth):
    """It is 2^(depth + 1), because the second source has a convolution at level 2."""
    analysis = analyse(architectures.deeper_unet(2, depth=depth, crops=()))
    verdict = check_tiling(analysis, "estimated", tile=2**depth, crop=0)
    assert verdict.crops == (2 ** (depth + 1),)


def test_networks_that_do_not_pad_need_no_crop():
    analysis = analyse(architectures.pooled_cnn(6, crops=()))
    for tile in (1, 7, 64):
        assert check_tiling(analysis, "estimated", tile=tile, crop=0)
    assert (
        "5 px" in check_tiling(analysis, "estimated", tile=7, crop=0, start=5).broken[0]
    )


def test_the_verdict_agrees_with_the_network_itself(pan_xs):
    """Cropped tiles are compared with the network's output for the whole image."""
    network = architectures.pan_xs_unet(3, crops=())
    rng = np.random.default_rng(0)
    pan = rng.uniform(0, 300, (1, 320, 256, 1)).astype("float32")
    xs = rng.uniform(0, 300, (1, 80, 64, 4)).astype("float32")

    def run(top, left, height, width):
        return network(
            {
                "input_p": pan[:, top : top + height, left : left + width],
                "input_xs": xs[
                    :, top // 4 : (top + height) // 4, left // 4 : (left + width) // 4
                ],
            }
        )["estimated"][0].numpy()

    whole = run(0, 0, 320, 256)
    for tile, (left, top, right, bottom) in (
        (64, (32, 32, 32, 32)),
        (80, (32, 32, 16, 16)),
        (80, (24, 24, 24, 24)),
    ):
        crop = left, top, right, bottom
        verdict = check_tiling(pan_xs, "estimated", tile=tile, crop=crop)
        errors = []
        for row in range(0, 320 - tile - top - bottom + 1, tile):
            for col in range(0, 256 - tile - left - right + 1, tile):
                part = run(row, col, tile + top + bottom, tile + left + right)
                kept = part[top : top + tile, left : left + tile]
                due = whole[row + top :, col + left :][:tile, :tile]
                errors.append(np.abs(kept - due).max())
        assert len(errors) > 4
        assert (max(errors) < 1e-6) == verdict.exact


def test_no_crop_helps_if_a_layer_looks_at_the_whole_chunk():
    image = keras.Input((None, None, 2), name="input")
    x = layers.GroupNormalization(groups=2, name="per_tile")(image)
    analysis = analyse(keras.Model({"input": image}, {"out": x}))
    verdict = check_tiling(analysis, "out", tile=64, crop=32)
    assert not verdict.exact
    assert "'per_tile' looks at the whole chunk" in repr(verdict)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tile": 0, "crop": 0}, r"`tile` is 0\. Give a whole number, 1 or more"),
        ({"tile": -16, "crop": 0}, r"`tile` is -16\. Give"),
        ({"tile": 16.0, "crop": 0}, r"`tile` is 16\.0\. Give"),
        ({"tile": "16", "crop": 0}, r"`tile` is '16'\. Give"),
        ({"tile": "auto", "crop": 0}, r"`tile` is 'auto'\. Give"),
        ({"tile": None, "crop": 0}, r"`tile` is None\. Give"),
        ({"tile": 16, "crop": -1}, r"`crop` is -1\. Give a whole number, 0 or more"),
        ({"tile": 16, "crop": (1, 2)}, "Give one number, or four: left, top"),
        ({"tile": 16, "crop": ()}, "`crop` is .*Give a list of at least one"),
        ({"tile": 16, "crop": 32.5}, r"`crop` is 32\.5\. Give"),
        ({"tile": 16, "crop": "32"}, r"`crop` is '32'\. Give"),
        ({"tile": 16, "crop": None}, r"`crop` is None\. Give"),
        ({"tile": 16, "crop": (0, 0, 1.0, 0)}, r"`crop` is 1\.0\. Give"),
        ({"tile": 16, "crop": 0, "start": 8.0}, r"`start` is 8\.0\. Give"),
        ({"tile": 16, "crop": 0, "start": -8}, r"`start` is -8\. Give"),
    ],
)
def test_sizes_of_a_wrong_type_or_value_are_refused(pan_xs, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        check_tiling(pan_xs, "estimated", **options)


@pytest.mark.parametrize("wrong", [None, "model.keras", {}, [1]])
def test_only_an_analysis_can_be_checked(wrong):
    with pytest.raises(TypeError, match=r"`analysis` is .*`tl.analyse\(mod"):
        check_tiling(wrong, "estimated", tile=16, crop=0)


@pytest.mark.parametrize("output", [None, 0, ["estimated"], b"estimated"])
def test_an_output_is_named_by_a_text(pan_xs, output):
    with pytest.raises(TypeError, match=r"`output` is .* Give a text"):
        check_tiling(pan_xs, output, tile=16, crop=0)


@pytest.mark.parametrize("crop", [np.int64(32), np.full(4, 32), [32] * 4])
def test_integers_of_any_type_are_accepted(pan_xs, crop):
    options = {"tile": np.int32(64), "start": np.uint8(16)}
    assert check_tiling(pan_xs, "estimated", crop=crop, **options).exact


def test_an_unknown_output_is_refused(pan_xs):
    with pytest.raises(ValueError, match=r"no output 'no'\. It has: estimated"):
        check_tiling(pan_xs, "no", tile=64, crop=32)


def test_output_pixels_may_be_smaller_than_reference_pixels():
    """Three output pixels of half a reference pixel are not whole strides."""
    image = keras.Input((None, None, 2), name="input")
    x = layers.Conv2D(2, 3, padding="same")(layers.UpSampling2D(2)(image))
    analysis = analyse(keras.Model({"input": image}, {"out": x}))
    assert check_tiling(analysis, "out", tile=4, crop=1).exact
    verdict = check_tiling(analysis, "out", tile=3, crop=1)
    assert not verdict.exact
    assert verdict.tiles == (2, 4)
