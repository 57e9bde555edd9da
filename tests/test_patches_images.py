"""Patches images: written together or not at all, and known by their extraction."""

import numpy as np
import pytest
from scenes import coordinates, image

import tutorial_lib as tl
from tutorial_lib import testing


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_patches_are_read_as_they_were_written(tmp_path, dtype):
    array = image(35, 5, 3, largest=100, dtype=dtype).reshape(7, 5, 5, 3)
    path = tl.write_patches(tmp_path / "a.tif", array)
    assert tl.read_grid(path).crs is None
    read = tl.read_patches(path)
    assert read.dtype == dtype
    assert np.array_equal(read, array)


@pytest.mark.parametrize("shape", [(2, 3, 4, 1), (3, 3, 1), (0, 3, 3, 1)])
def test_an_array_that_is_not_square_patches_is_refused(tmp_path, shape):
    with pytest.raises(ValueError, match=r"shape \(.*\(n, size, size, channel\)"):
        tl.write_patches(tmp_path / "a.tif", np.ones(shape))


def test_a_raster_that_is_not_a_patches_image_is_refused(tmp_path):
    path = coordinates(tmp_path / "a.tif", 50, 40)
    with pytest.raises(ValueError, match=r"\(50x40 px.*is not a patches image"):
        tl.read_patches(path)


@pytest.mark.parametrize(
    ("name", "prefix"),
    [("input", "../"), ("../input", ""), ("a/b", ""), (r"a\b", ""), ("input", "C:")],
)
def test_patches_are_written_into_their_folder_only(tmp_path, name, prefix):
    scene, out = testing.small_scene(), tmp_path / "a" / "out"
    positions = tl.select_positions(scene["labels"], count=2, margin=8)
    with pytest.raises(ValueError, match="leads to another folder"):
        tl.extract_patches(
            {name: scene["input_10m"]},
            positions,
            sizes={name: 16},
            out_dir=out,
            prefix=prefix,
        )
    assert list(tmp_path.iterdir()) == []
