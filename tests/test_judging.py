"""What a plan says of itself: fields that are not known, sources off the lattice."""

import warnings

import keras
import numpy as np
import pytest
from scenes import LEFT, TOP, coordinates, image, write

from tutorial_lib import Source, architectures, certify, extract_patches, plan_inference
from tutorial_lib.patches.positions import Positions
from tutorial_lib.testing import BlockMean

UNKNOWN = "Whether the tiles give the map of the whole image is not known"
OFF_LATTICE = "Pixels of source 'b' do not begin where those of 'a' do"


@pytest.fixture
def source(tmp_path):
    return Source(write(tmp_path / "a.tif", image(60, 80)), receptive_field=5)


def strided_mean(inputs):
    """Means that jump from chunk to chunk: the whole chunk counts."""
    image = np.asarray(inputs["input"], "float64")
    mean = image.mean(axis=(1, 2, 3), keepdims=True)
    return {"estimated": image[:, 2:-2, 2:-2, :1] - mean}


def test_a_map_that_may_change_with_the_tile_size_is_warned_of(source):
    """With declared fields nothing is derived, so nothing is known of a function."""
    maps = []
    for tile in (16, 32):
        with pytest.warns(UserWarning, match=UNKNOWN + r".*`certificate=tl\.certify"):
            plan = plan_inference(
                strided_mean, source, output="estimated", tile_size=tile
            )
        assert plan.verdict is None
        maps.append(plan.read())
    assert not np.allclose(*maps)


@pytest.mark.parametrize(
    "options", [{"tile_size": 1000}, {"mode": "patch_based", "tile_size": 16}]
)
def test_a_map_that_cannot_change_with_the_tile_size_is_not(source, options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plan_inference(BlockMean({"input": 5}), source, output="estimated", **options)


def without_mean(inputs):
    """Differs from chunk to chunk, and is as large as the image."""
    image = np.asarray(inputs["input"], "float64")
    if image.shape[2] > 64:
        raise MemoryError("An image of more than 64 columns.")
    return {"estimated": image[..., :1] - image.mean(axis=(1, 2, 3), keepdims=True)}


def test_one_tile_of_the_whole_image_is_its_map(tmp_path):
    pixels = image(40, 60)
    source = Source(write(tmp_path / "a.tif", pixels), receptive_field=4)
    given = {"output": "estimated", "expression_field": 4}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plan = plan_inference(without_mean, source, tile_size=60, **given)
    assert plan.verdict.exact
    expected = without_mean({"input": pixels[np.newaxis]})["estimated"][0]
    np.testing.assert_allclose(plan.read(), expected, rtol=1e-6)
    # Fields that do not divide the sides leave some of the image out.
    short = Source(write(tmp_path / "b.tif", image(41, 60)), receptive_field=4)
    assert plan_inference(without_mean, short, tile_size=60, **given).verdict is None


def test_a_tile_of_the_whole_image_is_not_halved(tmp_path):
    """A smaller one would give another map."""
    source = Source(write(tmp_path / "a.tif", image(40, 80)), receptive_field=4)
    plan = plan_inference(
        without_mean, source, output="estimated", expression_field=4, tile_size=80
    )
    assert plan.verdict.exact
    with pytest.raises(MemoryError, match="has 80 px a side"):
        plan.read()


def test_tiles_of_a_network_that_looks_at_the_whole_chunk_are_warned_of(tmp_path):
    net = keras.Input((None, None, 4), name="input")
    norm = keras.layers.GroupNormalization(1, name="estimated")(net)
    model = keras.Model(net, {"estimated": norm})
    source = Source(write(tmp_path / "a.tif", image(40, 60)), receptive_field=4)
    given = {"output": "estimated", "expression_field": 4}
    with pytest.warns(UserWarning, match="Give one tile for the whole image"):
        plan = plan_inference(model, source, tile_size=20, **given)
    assert not plan.verdict.exact
    assert plan_inference(model, source, tile_size=60, **given).verdict.exact


def test_a_certificate_tells_what_the_layers_do_not(source):
    function = BlockMean({"input": 5})
    sizes = {"input": (4, 1, 4000)}
    certificate = certify(function, "estimated", tile=16, inputs=sizes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plan = plan_inference(
            function, source, output="estimated", tile_size=16, certificate=certificate
        )
    assert plan.verdict.exact


def test_layers_that_are_known_need_no_warning(source):
    model = architectures.pixelwise_fcnn(4, crops=())
    known = Source(source.path, receptive_field=16)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plan_inference(model, known, output="estimated", tile_size=16)


def pixels_of_second(folder, spacing, corner, *, side=4):
    """First row and column of source b that the map and that training patches read.

    For each pixel of a map of 'a' (10 m) where both exist.
    """
    coordinates(folder / "a.tif", 40, 50)
    coordinates(folder / "b.tif", 30, 40, spacing=spacing, corner=corner)
    field = side * int(max(1, spacing // 10))
    fields = {"a": field, "b": side}
    sources = {
        n: Source(folder / f"{n}.tif", receptive_field=f) for n, f in fields.items()
    }
    plan = plan_inference(
        BlockMean(fields, {"a": field, "b": side}),
        sources,
        output="estimated",
        mode="patch_based",
    )
    rows, cols = plan.rows, plan.cols
    mapped = np.array(
        [
            (
                plan.job.rows.windows("b", range(r, r + 1))[0][0],
                plan.job.cols.windows("b", range(c, c + 1))[0][0],
            )
            for r in rows
            for c in cols
        ]
    )
    x, y = plan.grid.transform @ np.meshgrid(
        np.arange(len(cols)) + 0.5, np.arange(len(rows)) + 0.5
    )
    positions = Positions(x.ravel(), y.ravel(), np.zeros(x.size, int), plan.grid.crs)
    patches = extract_patches({"b": sources["b"]}, positions, sizes={"b": side})
    kept = np.ones(len(positions), bool)
    kept[[one.index for one in patches.rejected]] = False
    return mapped[kept], patches.arrays["b"][:, 0, 0].astype(int)


@pytest.mark.sampled(daily=7)
@pytest.mark.parametrize("spacing", [10, 15, 20, 30])
@pytest.mark.parametrize("aside", [0, 1, 5, 10, 15, 20, 29.99])
def test_maps_read_the_pixels_of_training_patches_or_say_so(tmp_path, spacing, aside):
    corner = (LEFT - 60 + aside, TOP + 60 - 3 * aside)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mapped, trained = pixels_of_second(tmp_path, spacing, corner)
    said = any(OFF_LATTICE in str(one.message) for one in caught)
    assert len(mapped) > 100
    assert said or np.array_equal(mapped, trained)
    # On the lattice nothing is said.
    if aside % 10 == 0 and spacing % 10 == 0:
        assert not said
