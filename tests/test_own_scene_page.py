"""The page docs/your_own_scene.md tells the commands, numbers and names of the kit."""

import re
import shlex

import pytest

from data_fetch import areas, layout, worldcover
from data_fetch.__main__ import build_parser
from data_fetch.places import grid_of, place_of
from data_fetch.scenes import check_name
from tutorial_lib import rasters


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs" / "your_own_scene.md").read_text(encoding="utf-8")


def commands_of(page):
    """The arguments of each command in the page's `sh` blocks."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines]


def test_the_real_parser_understands_all_commands(page):
    seen = set()
    for python, flag, package, *words in commands_of(page):
        assert (python, flag, package) == ("python", "-m", "data_fetch")
        options = build_parser().parse_args(words)
        assert check_name(getattr(options, "name", None) or "my_town")
        seen.add(words[0])
    assert seen == {"stac", "local", "practice", "synthetic"}


def test_the_table_lists_all_commands_for_own_scenes(page):
    (commands,) = build_parser()._subparsers._group_actions
    listed = re.findall(r"^\| .* \| `(\w+)` \| (?:yes|no) \|$", page, re.MULTILINE)
    assert {"sample", *listed} == set(commands.choices)


def test_options_that_the_text_names_exist(page):
    (commands,) = build_parser()._subparsers._group_actions
    known = {
        option
        for command in commands.choices.values()
        for option in command._option_string_actions
    }
    assert set(re.findall(r"(?<!-)--[a-z][a-z-]*", page)) <= known


def test_places_on_the_page_are_large_enough_for_the_notebooks(page, havel_folder):
    height, width = rasters.read_grid(havel_folder / "s2_10m.tif").shape
    assert f"**{width} x {height} pixels**" in page
    boxes = {
        tuple(options.bbox)
        for _, _, _, *words in commands_of(page)
        if getattr(options := build_parser().parse_args(words), "bbox", None)
    }
    assert boxes
    for box in boxes:
        zone = 32600 + int((box[0] + 180) // 6) + 1
        grid = grid_of(place_of(box), zone)
        assert grid.height >= height
        assert grid.width >= width


def test_the_page_names_the_files_and_bands_of_the_layout(page):
    for name in layout.FILES:
        stem = re.sub(r"terrain_truth_[bc].tif", "terrain_truth_a.tif", name)
        assert f"`{stem}`" in page
    assert f"{', '.join(layout.BANDS_10M)} at 10 m" in page
    assert f"{', '.join(layout.BANDS_20M)} at 20 m" in page


def test_the_page_has_the_classes_and_the_numbers_of_worldcover(page):
    rows = re.findall(r"^\| (\d) \| ([a-z ]+) \| (.*) \|$", page, re.MULTILINE)
    assert [(int(number), name) for number, name, _ in rows] == list(
        enumerate(layout.LEGEND.names)
    )
    told = {
        int(value): int(number)
        for number, _, text in rows
        for value in re.findall(r"\d+", text)
    }
    assert told == worldcover.CLASS_OF


def test_the_page_says_what_to_write_about_sources(page):
    assert worldcover.ATTRIBUTION in page
    assert worldcover.LICENCE in page
    assert "Contains modified Copernicus Sentinel data [year]" in page


def test_numbers_of_the_page_are_those_of_the_code(page):
    text = " ".join(page.split())
    assert f"Up to {areas.LARGEST_GAP} pixels (640 m) lie between two areas" in text
    assert f"at least {areas.SMALLEST_GAP} in a small scene" in text
    assert f"{layout.ENOUGH['a']} pixels (A) or {layout.ENOUGH['b']} pixels (B" in text
    assert layout.ENOUGH["b"] == layout.ENOUGH["c"]
    assert f"Below {3 * areas.SMALLEST_SIDE} pixels on its longer side" in text
