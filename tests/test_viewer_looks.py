"""What can be seen in figures: bright patches, marked centres, confusion matrices."""

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from tutorial_lib.training import ClassScores
from tutorial_lib.viewers.patches import show_patches
from tutorial_lib.viewers.pictures import brightening
from tutorial_lib.viewers.single_patches import patch_pictures


@pytest.fixture
def dark_patches():
    """Patches of dark ground, one in twenty of them with a bright cloud."""
    rng = np.random.default_rng(0)
    patches = rng.uniform(300, 600, (60, 16, 16, 3))
    patches[::20] = rng.uniform(3000, 6000, (3, 16, 16, 3))
    return patches


def test_dark_ground_beside_bright_clouds_can_be_seen(dark_patches):
    pictures = patch_pictures(dark_patches, (1, 2, 3), None, np.arange(1, 20))
    # Without the brightening it is below 10 of 255.
    assert np.median([picture[..., :3] for picture in pictures.values()]) > 30


def test_all_patches_of_a_sheet_have_one_stretch(dark_patches):
    pictures = patch_pictures(dark_patches, (1, 2, 3), None, np.arange(60))
    values = dark_patches[..., 0].ravel()
    shades = np.stack([pictures[i][..., 0] for i in range(60)]).ravel()
    order = np.argsort(values)
    assert (np.diff(shades[order].astype(int)) >= 0).all()


def test_an_image_that_is_bright_already_stays_as_it_is():
    values = np.array([[0.0], [60.0], [100.0]])
    assert brightening(values, (0, 100)) == 1


def frames(figure):
    (ax,) = figure.as_figure().axes
    found = [one for one in ax.patches if isinstance(one, Rectangle)]
    return [one for one in found if one.get_edgecolor()[:3] == (1, 1, 0)]


@pytest.mark.parametrize(("height", "width"), [(16, 16), (5, 8)])
def test_the_centre_pixel_is_framed(height, width):
    figure = show_patches(np.random.default_rng(0).random((1, height, width, 3)))
    (frame,) = frames(figure)
    (image,) = figure.as_figure().axes[0].images
    left, _, _, top = image.get_extent()
    assert frame.get_width() == pytest.approx(1 / width)
    assert frame.get_x() == pytest.approx(left + (width // 2) / width)
    assert frame.get_y() == pytest.approx(top + (height // 2) / height)


def test_a_tiny_patch_is_not_hidden_by_a_frame():
    assert frames(show_patches(np.ones((2, 3, 3, 1)))) == []


def texts(figure):
    return [text.get_text() for text in figure.as_figure().axes[0].texts]


def test_a_confusion_matrix_has_its_numbers_and_says_which_side_is_true():
    scores = ClassScores(np.array([[8, 2], [1, 9]]), ("water", "a $x$ <b>"))
    figure = scores.plot()
    shown = texts(figure)
    for text in ("8", "2", "1", "9", "true class", "estimated class"):
        assert text in shown
    assert shown.count("0.80") == 1  # the recall of water
    assert "0.89" in shown  # its precision
    assert "water: 80% right, 20% taken for a $x$ <b>" in figure.description
    assert "&lt;b&gt;" in figure._repr_mimebundle_()[0]["text/html"]


def test_a_class_without_pixels_has_a_row_too():
    figure = ClassScores(np.array([[0, 0], [0, 3]]), ("one", "two")).plot()
    assert "one: 0% right;" in figure.description


def test_many_classes_are_drawn_without_numbers():
    figure = ClassScores(np.eye(30), [f"class {i}" for i in range(30)]).plot()
    assert "class 29" in texts(figure)
    assert not {"1", "0"} & set(texts(figure))
