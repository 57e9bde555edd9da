"""Files that viewers write: whole or not at all, and never onto what they show."""

import json
import os
import subprocess
import sys

import numpy as np
import pyogrio
import pytest
import shapely
from PIL import Image
from scenes import constant, image, write

import tutorial_lib as tl

IMAGE = np.arange(1200).reshape(30, 40) % 4


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def scene(tmp_path):
    (tmp_path / "in").mkdir()
    return write(tmp_path / "in" / "scene.tif", image(30, 40))


def figures(scene, patches_image):
    """What has a figure, by name, and the file that it shows."""
    patches = {"x": patches_image}
    web = tl.show_map(scene)
    model = tl.architectures.pixelwise_fcnn(4)
    plan = tl.plan_inference(model, scene, output="estimated_labels")
    of_scene = {
        "show": tl.show(scene),
        "compare": tl.compare(scene, scene).still(),
        "difference": tl.compare(scene, scene, mode="difference").still(),
        "compare as figure": tl.compare(scene, scene).as_figure(),
        "show_map": web.as_figure(),
        "plot of a plan": plan.plot(),
    }
    of_patches = {
        "show_patches": tl.show_patches(patches),
        "browse_patches": tl.browse_patches(patches).as_figure(),
    }
    return {scene: of_scene, patches_image: of_patches}


@pytest.mark.thorough
def test_no_figure_is_written_onto_a_file_that_it_shows(scene, tmp_path):
    stored = tl.write_patches(tmp_path / "in" / "x.tif", image(96, 32)[np.newaxis, :32])
    for shown, by_name in figures(scene, stored).items():
        before = shown.read_bytes()
        link, hard = tmp_path / f"link_{shown.name}", tmp_path / f"hard_{shown.name}"
        link.symlink_to(shown)
        os.link(shown, hard)
        for name, figure in by_name.items():
            for path in (shown, str(shown), link, hard):
                with pytest.raises(ValueError, match=r"is also an input"):
                    figure.savefig(path)
            figure.savefig(tmp_path / f"{name}.tif", dpi=50)
            with Image.open(tmp_path / f"{name}.tif") as drawn:
                assert drawn.width > 100, name
        assert shown.read_bytes() == before


def pages(scene):
    """Functions that write a page of the file `scene`."""
    return {"compare": tl.compare(scene, scene).to_html, "map": tl.show_map(scene).save}


def test_no_page_is_written_onto_a_file_that_it_shows(scene, tmp_path):
    before = scene.read_bytes()
    link = tmp_path / "link.html"
    link.symlink_to(scene)
    for write_page in pages(scene).values():
        for path in (scene, link):
            with pytest.raises(ValueError, match="is also an input"):
                write_page(path)
    assert scene.read_bytes() == before


def test_no_page_is_written_onto_its_vectors_or_the_parts_of_a_mosaic(tmp_path):
    path = tmp_path / "points.gpkg"
    point = [shapely.to_wkb(shapely.Point(500_100, 4_799_900))]
    pyogrio.raw.write(
        path,
        np.array(point, object),
        [np.arange(1)],
        ["number"],
        geometry_type="Point",
        crs="EPSG:32631",
    )
    (tmp_path / "points.html").symlink_to(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="is also an input"):
        tl.show_map(path).save(tmp_path / "points.html")
    assert path.read_bytes() == before
    part = constant(tmp_path / "part.tif", 3)
    mosaic = tmp_path / "mosaic.vrt"
    mosaic.write_text(
        '<VRTDataset rasterXSize="40" rasterYSize="30"><VRTRasterBand dataType="Byte" '
        'band="1"><SimpleSource><SourceFilename relativeToVRT="1">part.tif'
        "</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>"
        "</VRTDataset>"
    )
    with pytest.raises(ValueError, match="is also an input"):
        tl.show(mosaic).savefig(part)


@pytest.mark.parametrize("name", ["a.xyz", "a.html", "noending", ".png", "a."])
def test_a_figure_has_the_ending_of_an_image(tmp_path, name):
    with pytest.raises(ValueError, match=r"ending '.*Give a path that ends in \.png"):
        tl.show(IMAGE).savefig(tmp_path / name)
    with pytest.raises(ValueError, match=r"ending '.*Give a path that ends in \.png"):
        tl.show(IMAGE).as_figure().savefig(tmp_path / name)
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["a.png", "a", "a.html.gz"])
def test_a_page_ends_in_html(tmp_path, scene, name):
    for write_page in pages(scene).values():
        with pytest.raises(ValueError, match=r"Give a path that ends in \.html"):
            write_page(tmp_path / name)
    assert names(tmp_path) == ["in"]


WRONG_PATHS = {
    "None": (None, TypeError),
    "a number": (3, TypeError),
    "bytes": (b"a.png", TypeError),
    "nothing": ("", ValueError),
    "an address": ("s3://bucket/a.png", ValueError),
    "a virtual file": ("/vsimem/a.png", ValueError),
    # As a device is. A real one would be lost if this test failed.
    "a pipe": ("pipe.png", ValueError),
    "within a file": ("in/scene.tif/a.png", (OSError, ValueError)),
    "a folder of the system": ("/proc/a.png", OSError),
    "too long a name": ("n" * 300 + ".png", (OSError, ValueError)),
}


@pytest.mark.parametrize("name", WRONG_PATHS)
def test_a_wrong_path_is_one_sentence(tmp_path, monkeypatch, scene, name):
    monkeypatch.chdir(tmp_path)
    path, error = WRONG_PATHS[name]
    if name == "a pipe":
        os.mkfifo("pipe.png")
        os.mkfifo("pipe.html")
    page = path.replace(".png", ".html") if isinstance(path, str) else path
    for save, target in (
        (tl.show(IMAGE).savefig, path),
        *((write_page, page) for write_page in pages(scene).values()),
    ):
        with pytest.raises(error) as caught:
            save(target)
        text = str(caught.value)
        assert text.endswith(".")
        assert "Errno" not in text
    assert [name for name in names(tmp_path) if "pipe" not in name] == ["in"]


def test_a_folder_is_no_file(tmp_path, scene):
    (tmp_path / "a.png").mkdir()
    (tmp_path / "a.html").mkdir()
    with pytest.raises(ValueError, match="is a folder"):
        tl.show(IMAGE).savefig(tmp_path / "a.png")
    for write_page in pages(scene).values():
        with pytest.raises(ValueError, match="is a folder"):
            write_page(tmp_path / "a.html")


def test_missing_folders_are_made(tmp_path, scene):
    tl.show(IMAGE).savefig(tmp_path / "new" / "a.PNG", dpi=50)
    for name, write_page in pages(scene).items():
        path = write_page(str(tmp_path / "new" / f"{name}.html"))
        assert path.read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype")
    assert names(tmp_path / "new") == ["a.PNG", "compare.html", "map.html"]


@pytest.mark.parametrize("options", [{"dpi": "a"}, {"dpi": -1}, {"colour": 1}])
def test_options_that_matplotlib_does_not_know_are_named(tmp_path, options):
    (tmp_path / "a.png").write_bytes(b"old")
    with pytest.raises(ValueError, match=f"{next(iter(options))}=.*dpi=200"):
        tl.show(IMAGE).savefig(tmp_path / "a.png", **options)
    assert names(tmp_path) == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == b"old"


def test_an_image_of_another_format_is_written_if_that_is_said(tmp_path):
    tl.show(IMAGE).savefig(tmp_path / "figure", format="png")
    with Image.open(tmp_path / "figure") as drawn:
        assert drawn.format == "PNG"


# A full disk: `RLIMIT_FSIZE` ends every file at a size.
FULL_DISK = """
import json, resource, signal, sys
import tutorial_lib as tl
from pathlib import Path

folder, limits = Path(sys.argv[1]), json.loads(sys.argv[2])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
scene = folder / "in" / "scene.tif"
figure, web, widget = tl.show(scene), tl.show_map(scene), tl.compare(scene, scene)
for limit in limits:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    for save, name in (
        *((figure.savefig, f"a.{e}") for e in ("png", "pdf", "svg", "tif", "jpg")),
        (figure.as_figure().savefig, "b.png"),
        (web.save, "map.html"),
        (widget.to_html, "compare.html"),
    ):
        try:
            save(folder / name)
        except OSError as err:
            print(name, err)
        else:
            print(name, "written")
"""


@pytest.mark.slow
def test_a_full_disk_is_one_sentence_and_leaves_the_old_files(tmp_path, scene):
    written = ("a.png", "a.pdf", "a.svg", "a.tif", "a.jpg", "b.png")
    written += ("map.html", "compare.html")
    for name in written:
        (tmp_path / name).write_bytes(b"old")
    limits = (0, 100, 5000)
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path), json.dumps(limits)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = run.stdout.splitlines()
    assert len(lines) == len(limits) * len(written)
    for line in lines:
        assert "could not be written" in line
        assert "disk has space" in line
        assert line.endswith(".")
    assert names(tmp_path) == sorted(["in", *written])
    assert all((tmp_path / name).read_bytes() == b"old" for name in written)
