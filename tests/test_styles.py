"""The style beside a label raster, as far as it can be checked without QGIS."""

import os
import pickle
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
import resuming
import scenes

import tutorial_lib as tl
from tutorial_lib import testing
from tutorial_lib.inference import shard_files
from tutorial_lib.rasters import (
    Legend,
    create_raster,
    open_source,
    read_legend,
    sidecars,
    writing,
)
from tutorial_lib.rasters.styles import may_write_style

GRID = testing.small_grid(7, 11)
LEGEND = Legend(
    ("water", "wet & <dry>", "a \"b\" 'c' é 水"), ("#0000fe", "#00ff00", "#fe0000")
)
NUMBERED = Legend(
    ("maize", "wheat", "oats"), ("#ffd300", "#a57000", "#00aa00"), (20, 10, 30)
)
LARGE = Legend(("sea", "lake"), ("#000001", "#0000ff"), (255, 65535))

# A style as QGIS saves it, shortened.
OF_QGIS = """<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis minScale="1e+08" styleCategories="AllStyleCategories" version="3.22.16">
  <pipe><rasterrenderer band="1" type="paletted"><colorPalette>
    <paletteEntry alpha="255" color="#123456" label="mine" value="0"/>
  </colorPalette></rasterrenderer></pipe>
</qgis>
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def labels(legend, shape=GRID.shape.yx, dtype="uint8"):
    numbers = np.array([*legend.classes, 99], dtype)
    return np.resize(numbers, (*shape, 1))


def write(path, legend=LEGEND, dtype="uint8", **about):
    array = labels(LEGEND if legend is None else legend, dtype=dtype)
    return tl.rasters.write_array(path, array, GRID, nodata=99, legend=legend, **about)


def styled(path):
    """The classes in a style: (number, name, colour, opacity) of each."""
    root = ElementTree.parse(path).getroot()
    (renderer,) = root.iter("rasterrenderer")
    assert (root.tag, renderer.get("type"), renderer.get("band")) == (
        *("qgis", "paletted"),
        "1",
    )
    entries = root.findall("pipe/rasterrenderer/colorPalette/paletteEntry")
    assert len(entries) == len(list(root.iter("paletteEntry")))
    return [
        tuple(entry.get(key) for key in ("value", "label", "color", "alpha"))
        for entry in entries
    ]


def expected(legend):
    return [
        (str(number), name, color, "255")
        for number, name, color in zip(
            legend.classes, legend.names, legend.colors, strict=True
        )
    ]


# What is in a style


@pytest.mark.parametrize("cog", [False, True])
@pytest.mark.parametrize(
    ("legend", "dtype"),
    [(LEGEND, "uint8"), (NUMBERED, "uint8"), (NUMBERED, "uint16"), (LARGE, "uint16")],
)
def test_a_style_has_the_classes_of_the_legend_and_no_others(
    tmp_path, legend, dtype, cog
):
    path = write(tmp_path / "a.b.tif", legend, dtype, cog=cog)
    assert names(tmp_path) == ["a.b.qml", "a.b.tif"]
    assert (
        styled(tmp_path / "a.b.qml") == expected(legend) == expected(read_legend(path))
    )


def test_the_style_is_the_one_of_the_legend_that_is_read_back(tmp_path):
    # Names from the file of a stranger, that XML cannot hold as they are.
    strange = scenes.constant(tmp_path / "strange.tif", 1)
    with rasterio.open(strange, "r+") as dataset:
        dataset.update_tags(
            1, CLASS_1="]]><b>\x01&amp;", CLASS_2="--> -- <!--", CLASS_3=""
        )
    legend = read_legend(strange)
    write(tmp_path / "a.tif", legend)
    assert [name for _, name, *_ in styled(tmp_path / "a.qml")] == list(legend.names)


def test_values_and_rasters_without_a_legend_have_no_style(tmp_path):
    write(tmp_path / "a.tif", None)
    tl.write_patches(tmp_path / "b.tif", np.ones((4, 8, 8, 2)))
    assert names(tmp_path) == ["a.tif", "b.tif"]


# Every way to a map


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    source = resuming.write_image(tmp_path_factory.mktemp("a") / "a.tif", nodata=0)
    return tl.plan_inference(
        resuming.network(),
        source,
        output="estimated_labels",
        tile_size=12,
        legend=LEGEND,
    )


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            dashboard_address=":0",
            silence_logs=50,
            processes=False,
            n_workers=1,
            threads_per_worker=2,
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.mark.parametrize("cog", [False, True])
@pytest.mark.parametrize("resume", [False, True])
def test_a_map_has_the_style_of_its_legend(plan, tmp_path, resume, cog):
    plan.write(tmp_path / "map.tif", resume=resume, cog=cog, progress=False)
    assert names(tmp_path) == ["map.qml", "map.tif"]
    assert styled(tmp_path / "map.qml") == expected(LEGEND)


def test_a_map_that_is_interrupted_at_its_end_has_neither_file(
    plan, tmp_path, monkeypatch
):
    monkeypatch.setattr(shard_files, "SHARD_SIDE", 12)
    path = tmp_path / "map.tif"
    with monkeypatch.context() as patch:
        patch.setattr(sidecars, "style_of", fail)
        with pytest.raises(KeyboardInterrupt):
            plan.write(path, resume=True, progress=False)
    assert names(tmp_path) == ["map.tif.work"]
    assert list(tmp_path.rglob("row0_col0.tif"))
    assert not list(tmp_path.rglob("*.qml"))
    plan.write(path, resume=True, progress=False)
    assert names(tmp_path) == ["map.qml", "map.tif"]


def fail(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.thorough
def test_a_map_by_dask_has_the_style_of_its_legend(plan, client, tmp_path):
    plan.write(tmp_path / "map.tif", executor=client, progress=False)
    assert names(tmp_path) == ["map.qml", "map.tif"]
    assert styled(tmp_path / "map.qml") == expected(LEGEND)


def test_predict_raster_writes_the_style_too(tmp_path):
    source = resuming.write_image(tmp_path / "image.tif")
    about = {"output": "estimated_labels", "progress": False, "legend": LEGEND}
    tl.predict_raster(resuming.network(), source, tmp_path / "map.tif", **about)
    assert styled(tmp_path / "map.qml") == expected(LEGEND)


def test_values_that_are_no_classes_have_no_style(tmp_path):
    source = resuming.write_image(tmp_path / "image.tif")
    about = {"output": "estimated", "progress": False, "legend": LEGEND}
    tl.predict_raster(resuming.network(), source, tmp_path / "map.tif", **about)
    assert names(tmp_path) == ["image.tif", "map.tif"]


# A raster that is written again


def test_the_style_follows_the_raster(tmp_path):
    path, style = tmp_path / "a.tif", tmp_path / "a.qml"
    for legend in (LEGEND, NUMBERED):
        write(path, legend)
        assert styled(style) == expected(legend)
    write(path, None)
    assert names(tmp_path) == ["a.tif"]


def test_patches_images_remove_the_style_of_an_older_raster(tmp_path):
    write(tmp_path / "a.tif")
    writing.write_together({tmp_path / "a.tif": (labels(LEGEND), GRID)})
    assert names(tmp_path) == ["a.tif"]


@pytest.mark.parametrize("legend", [LEGEND, None])
@pytest.mark.parametrize("content", [OF_QGIS, "", "no XML", "<qgis>", "\0\xff\ud7ff"])
def test_a_style_of_the_user_is_kept(tmp_path, legend, content):
    style = tmp_path / "a.qml"
    style.write_text(content, encoding="utf-16" if "\0" in content else "utf-8")
    before = style.read_bytes(), style.stat().st_mtime_ns
    for _ in range(2):
        write(tmp_path / "a.tif", legend)
    writing.write_together({tmp_path / "a.tif": (labels(LEGEND), GRID)})
    assert (style.read_bytes(), style.stat().st_mtime_ns) == before
    assert names(tmp_path) == ["a.qml", "a.tif"]


def test_changes_are_kept_if_the_mark_of_the_kit_is_removed(tmp_path):
    write(tmp_path / "a.tif")
    style = tmp_path / "a.qml"
    tree = ElementTree.parse(style)
    tree.getroot().remove(tree.find("tutorial_lib"))
    tree.write(style)
    before = style.read_bytes()
    write(tmp_path / "a.tif", NUMBERED)
    assert style.read_bytes() == before


def test_a_style_that_is_saved_during_the_run_is_kept(tmp_path):
    write(tmp_path / "a.tif")
    with create_raster(
        *(tmp_path / "a.tif", GRID), channels=1, dtype="uint8", legend=NUMBERED
    ) as raster:
        raster.write(labels(NUMBERED))
        (tmp_path / "a.qml").write_text(OF_QGIS)
    assert (tmp_path / "a.qml").read_text() == OF_QGIS
    assert read_legend(tmp_path / "a.tif") == NUMBERED


@pytest.mark.parametrize("make", ["folder", "link", "broken link"])
def test_what_is_no_style_is_left_alone(tmp_path, make):
    style, other = tmp_path / "a.qml", tmp_path / "other"
    if make == "folder":
        style.mkdir()
        (style / "b").touch()
    else:
        if make == "link":
            other.write_text(OF_QGIS)
        style.symlink_to(other)
    for legend in (LEGEND, None):
        write(tmp_path / "a.tif", legend)
    assert style.is_symlink() == (make != "folder")
    assert not other.exists() or other.read_text() == OF_QGIS
    assert make != "folder" or (style / "b").exists()


def test_a_style_of_another_raster_is_kept_until_that_raster_is_gone(tmp_path):
    write(tmp_path / "a.tiff", NUMBERED)
    write(tmp_path / "a.tif", LEGEND)
    assert styled(tmp_path / "a.qml") == expected(NUMBERED)
    write(tmp_path / "a.tif", None)
    assert styled(tmp_path / "a.qml") == expected(NUMBERED)
    # The raster and its style get other names, together.
    (tmp_path / "a.tiff").rename(tmp_path / "b.tif")
    (tmp_path / "a.qml").rename(tmp_path / "b.qml")
    write(tmp_path / "b.tif", LEGEND)
    assert styled(tmp_path / "b.qml") == expected(LEGEND)


@pytest.mark.parametrize("name", ["/etc/hostname", "../a/b.tif", "", "."])
def test_a_strange_name_in_a_style_asks_for_no_other_file(tmp_path, name):
    (tmp_path / "a.qml").write_text(f'<qgis><tutorial_lib raster="{name}"/></qgis>')
    assert may_write_style(tmp_path / "a.tif")


def test_a_link_to_a_raster_has_the_style_beside_the_link(tmp_path):
    (tmp_path / "disk").mkdir()
    link = tmp_path / "link.tif"
    link.symlink_to(tmp_path / "disk" / "real.tif")
    for legend in (LEGEND, NUMBERED):
        write(link, legend)
        assert styled(tmp_path / "link.qml") == expected(legend)
    assert names(tmp_path) == ["disk", "link.qml", "link.tif"]
    assert names(tmp_path / "disk") == ["real.tif"]


def test_a_style_beside_a_relative_path_stays_there(tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    with create_raster(
        "a.tif", GRID, channels=1, dtype="uint8", legend=LEGEND
    ) as raster:
        raster.write(labels(LEGEND))
        monkeypatch.chdir(tmp_path / "other")
    assert names(tmp_path) == ["a.qml", "a.tif", "other"]
    assert names(tmp_path / "other") == []


def test_a_style_is_no_file_that_is_read(tmp_path):
    write(tmp_path / "a.tif")
    with open_source(tl.Source(tmp_path / "a.tif")) as reader:
        assert reader.files == (str(tmp_path / "a.tif"),)


@pytest.mark.parametrize("length", [245, 251])
def test_a_name_may_be_as_long_as_the_system_allows(tmp_path, length):
    path, style = (tmp_path / f"{'n' * length}.{end}" for end in ("tif", "qml"))
    for legend in (LEGEND, NUMBERED):
        write(path, legend)
        assert styled(style) == expected(legend)
    write(path, None)
    assert names(tmp_path) == [path.name]


def test_a_folder_with_the_name_of_a_sidecar_stays(tmp_path):
    (tmp_path / "a.tif.ovr").mkdir()
    (tmp_path / "a.tif.ovr" / "mine").touch()
    write(tmp_path / "a.tif")
    write(tmp_path / "a.tif", NUMBERED)
    assert names(tmp_path) == ["a.qml", "a.tif", "a.tif.ovr"]
    assert names(tmp_path / "a.tif.ovr") == ["mine"]


# Errors and kills


def test_after_an_error_the_old_style_and_sidecars_are_kept(tmp_path, monkeypatch):
    path = write(tmp_path / "a.tif")
    (tmp_path / "a.tif.ovr").write_text("overviews")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    replace = type(path).replace

    def refuse(self, target):
        if target == path:
            raise PermissionError(13, "Open in another program")
        return replace(self, target)

    for broken in ("replace", "write_bytes"):
        with monkeypatch.context() as patch:
            patch.setattr(type(path), broken, refuse)
            with pytest.raises(OSError, match=r"a.tif' could not be written: "):
                write(path, NUMBERED)
        assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    write(path, NUMBERED)
    assert names(tmp_path) == ["a.qml", "a.tif"]


# It imports the writer only: TensorFlow takes seconds in each of the processes.
KILLED = """
import os, pickle, signal, sys
from pathlib import Path
from tutorial_lib import rasters

left = int(sys.argv[2])
array, options = pickle.load(sys.stdin.buffer)

def counted(function):
    def call(*arguments, **options):
        global left
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return function(*arguments, **options)
    return call

for name in ("replace", "rename", "unlink"):
    setattr(Path, name, counted(getattr(Path, name)))
rasters.write_array(Path(sys.argv[1]), array, **options)
"""


@pytest.mark.slow
def test_a_killed_run_never_leaves_a_style_of_other_classes(tmp_path, repository):
    path, style = tmp_path / "a.tif", tmp_path / "a.qml"
    environment = os.environ | {"PYTHONPATH": str(repository)}
    options = {"grid": GRID, "nodata": 99, "legend": NUMBERED}
    given = pickle.dumps((labels(NUMBERED), options))
    found = set()
    for step in range(30):
        write(path, LEGEND)
        command = [sys.executable, "-c", KILLED, path, str(step)]
        done = subprocess.run(command, env=environment, input=given, check=False)
        legend = read_legend(path)
        if style.exists():
            assert styled(style) == expected(legend)
        found.add((legend == NUMBERED, style.exists()))
        if not done.returncode:
            break
    assert {(False, True), (True, True)} < found
    assert step >= 3
    assert names(tmp_path) == ["a.qml", "a.tif"]
