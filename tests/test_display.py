"""How results show themselves: alternative texts, no foreign markup, lines that fit."""

import ast
from pathlib import Path

import numpy as np
import pytest

from tutorial_lib import Source, display, plan_inference, testing
from tutorial_lib.distortion.curves import CropDistortion, DistortionCurve
from tutorial_lib.rasters import write_array
from tutorial_lib.viewers.show import show

LIBRARY = Path(__file__).resolve().parents[1] / "tutorial_lib"
MARKUP = '<img src=x onerror="alert(1)">'


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def test_only_one_module_escapes_texts():
    doors = {
        path.relative_to(LIBRARY).as_posix()
        for path in LIBRARY.rglob("*.py")
        if "html" in imported(path)
    }
    assert doors == {"display.py"}


@pytest.mark.parametrize(
    "made",
    [
        display.escaped(MARKUP),
        display.image_tag(b"x", MARKUP),
        display.html_table([(MARKUP, MARKUP)], (MARKUP, MARKUP)),
    ],
)
def test_a_text_never_becomes_markup(made):
    assert MARKUP not in made
    assert "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;" in made


def test_a_figure_carries_its_words_into_the_page():
    figure = show(np.zeros((4, 5)), titles=[MARKUP])
    bundle, metadata = figure._repr_mimebundle_()
    assert set(bundle) == {"text/html", "image/png", "text/plain"}
    assert metadata["image/png"]["alt"] == bundle["text/plain"] == figure.description
    assert f'alt="{display.escaped(figure.description)}"' in bundle["text/html"]
    assert bundle["image/png"].strip() in bundle["text/html"]


@pytest.fixture
def curve():
    crops = tuple(
        CropDistortion(crop, 1e-12 / 3, 0.1, 123456.789, share, 0.01, 1234.5, True, ok)
        for crop, share, ok in ((0, 0.5, False), (128, np.nan, True))
    )
    margins = (128, 127, 126, 125)
    return DistortionCurve(
        f"a {MARKUP}", 4096, 12, 100, margins, crops, np.ones((2, 2))
    )


def test_a_distortion_curve_prints_a_table_that_fits(curve):
    lines = repr(curve).splitlines()
    assert max(map(len, lines)) <= display.COLUMNS
    assert lines[-3].split()[:2] == ["crop", "RMSE"]
    assert lines[-1].split()[0] == "128"
    # Without labels, the share that has other labels is empty.
    assert "nan" not in lines[-1]


def test_a_distortion_curve_is_a_table_in_a_notebook(curve):
    text = curve._repr_html_()
    assert text.count("<tr>") == 3
    assert MARKUP not in text


def test_lines_break_between_words():
    text = display.wrapped("first line\n" + "a-word " * 30, indent="    ")
    first, *others = text.splitlines()
    assert first == "first line"
    assert all(len(line) <= 80 for line in others)
    assert " ".join(text.split()).count("a-word") == 30


def test_a_word_that_is_too_long_is_kept_whole():
    assert display.wrapped("x" * 100) == "x" * 100


def test_the_report_of_the_sample_scene_is_a_table():
    legend = testing.SMALL_LEGEND
    rows = [(name, number) for number, name in enumerate(legend.names)]
    lines = display.text_table(rows, ("class", "number")).splitlines()
    assert len({len(line) for line in lines}) == 1


def test_one_tile_is_not_called_tiles(tmp_path):
    grid = testing.small_grid(20, 30)
    image = write_array(tmp_path / "image.tif", np.zeros((20, 30, 1)), grid)
    model = testing.BlockMean({"input": 4})
    source = Source(image, receptive_field=4)
    plan = plan_inference(model, source, output="estimated", tile_size=64)
    report = plan.write(tmp_path / "map.tif", progress=False)
    for printed in (plan, plan.estimate(), report):
        assert "1 tile," in repr(printed)
    legend = plan.plot().as_figure().axes[0].get_legend()
    assert "1 tile" in [text.get_text() for text in legend.get_texts()]
