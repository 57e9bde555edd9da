"""Times and memory that texts state are those that `make bench` measured."""

import doctest
import json
import subprocess
import sys
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from PIL import Image

import tutorial_lib as tl
from tutorial_lib.rasters import read_array


@pytest.fixture(scope="module", autouse=True)
def programs(repository):
    """Makes the programs of `benchmarks` importable."""
    sys.path.insert(0, str(repository / "benchmarks"))
    yield
    sys.path.remove(str(repository / "benchmarks"))


@pytest.fixture(scope="module")
def bench():
    return import_module("notebooks")


@pytest.fixture(scope="module")
def engine():
    return import_module("engine")


def test_readme_and_notebooks_state_what_was_measured(bench):
    found = bench.differences(bench.read_measured())
    assert not found, "\n".join(["", *found])


def test_every_notebook_is_within_the_budget(bench, repository):
    measured = bench.read_measured()
    sources = (repository / "notebooks" / "source").glob("*.py")
    notebooks = {path.stem for path in sources}
    assert set(measured) == notebooks, "Run `make bench`."
    for name, one in measured.items():
        assert one["seconds"] <= bench.BUDGET_S, name
        assert one["gigabytes"] <= bench.BUDGET_GB, name


def test_the_examples_of_the_rounding_are_right(bench):
    assert doctest.testmod(bench).failed == 0


def test_the_message_says_what_to_write_where(bench, repository, monkeypatch, tmp_path):
    source = "# %% [markdown]\n# **Needs** about 20 minutes of your time, seconds of "
    source += "computing and 0.4 GB of memory; no\n# internet.\n"
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "03_one.py").write_text(source)
    (tmp_path / "README.md").write_text(
        "| [03 One](notebooks/03_one.ipynb) | what | 20 min | seconds | 0.4 GB |\n"
    )
    monkeypatch.setattr(bench, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(bench, "REPOSITORY", tmp_path)
    right = {"03_one": {"seconds": 12, "gigabytes": 0.42}}
    assert bench.differences(right) == []
    needs, row = bench.differences({"03_one": {"seconds": 50, "gigabytes": 0.42}})
    assert "notebooks/source/03_one.py" in needs
    assert "20 minutes of your time, 1 minute of computing and 0.4 GB" in needs
    assert "| 20 min | 1 min | 0.4 GB |" in row
    assert bench.differences({}) == ["03_one was not measured: run `make bench`."]


# Numbers as a machine might give them that fulfils each goal.
SIZES = [
    {"side": 512, "s/Mpx": 0.5, "wall ratio": 1.3, "CPU ratio": 1.3, "peak GB": 0.8},
    {"side": 2000, "s/Mpx": 0.36, "wall ratio": 1.1, "CPU ratio": 1.1, "peak GB": 1.0},
    {"side": 10980, "s/Mpx": 0.35, "wall ratio": 1.05, "CPU ratio": 1.08, "peak GB": 1},
]
WAYS = {
    "engine": 1,
    "engine, two sources (10 m and 20 m)": 1.2,
    "engine, patch-based": 44,
    "model.predict, tile by tile, with rasterio": 3,
}


def rows_that_fulfil():
    tiles = [("auto", 480, 0.36), (16, 16, 3.0), (64, 64, None), (512, 512, 0.35)]
    runs = [
        ("tensorflow", "SavedModel", "float32", 0.35),
        ("openvino", "SavedModel", "bfloat16", 0.2),
        ("onnxruntime", "ONNX", "float32", 0.3),
    ]
    two = {"way": "Dask, 2 workers", "s/Mpx": 0.4}
    two |= {"throughput / 2 bare": 0.9, "same labels": 1.0}
    return {
        "sizes": [{**row, "bare s/Mpx": row["s/Mpx"] / 1.1} for row in SIZES],
        "tiles": [
            {"network": network, "tile": tile, "side": side, "s/Mpx": seconds}
            | {"auto / best fixed": 1.04 if tile == "auto" else None}
            for network in ("FCNN", "pan/xs U-Net", "MobileNetV2 U-Net")
            for tile, side, seconds in tiles
        ],
        "alternatives": [
            {"way": way, "times the engine's": times} for way, times in WAYS.items()
        ],
        "workers": [two],
        "runners": [
            {"runner": r, "file": f, "precision": p, "s/Mpx": s} for r, f, p, s in runs
        ],
    }


def results_of(rows):
    return {"machine": {}, "parts": {name: {"rows": one} for name, one in rows.items()}}


def test_texts_quote_what_was_measured_of_the_engine(engine, repository):
    known = engine.texts_of(engine.read_results())
    found = import_module("parts.tables").stale_texts(repository, known)
    assert not found, "\n".join(["", *found])


def test_every_part_was_measured_and_every_goal_met(engine, repository):
    results = engine.read_results()
    assert results["parts"].keys() == engine.PARTS.keys(), "Run `make bench`."
    assert [goal for goal in engine.goals_of(results) if not goal.met] == []
    for name in import_module("parts.pictures").FIGURES:
        assert (repository / "docs" / f"bench_{name}.png").exists(), "Run `make bench`."


def test_every_goal_of_the_issue_is_judged_once(engine):
    goals = engine.goals_of(results_of(rows_that_fulfil()))
    limits = {goal.key: (goal.kind, goal.limit) for goal in goals}
    assert limits == {
        "wall_ratio": ("at most", 1.1),
        "cpu_ratio": ("at most", 1.1),
        "flatness": ("at most", 1.1),
        "peak": ("at most", 1.2),
        "growth": ("at most", 1.1),
        "auto_tile_0": ("at most", 1.05),
        "auto_tile_1": ("at most", 1.05),
        "auto_tile_2": ("at most", 1.05),
        "predict_loop": ("at least", 2),
        "patch_based": ("at least", 20),
        "two_workers": ("at least", 0.85),
        "same_pixels": ("at least", 1),
    }
    assert len(goals) == len(limits)
    assert all(goal.met for goal in goals)


@pytest.mark.parametrize(
    ("part", "row", "key", "value", "missed"),
    [
        ("sizes", 2, "wall ratio", 1.11, {"wall_ratio"}),
        ("sizes", 2, "CPU ratio", 1.11, {"cpu_ratio"}),
        # The smallest scene may take longer, and need less memory.
        ("sizes", 0, "s/Mpx", 9, set()),
        ("sizes", 1, "s/Mpx", 0.386, {"flatness"}),
        ("sizes", 2, "peak GB", 1.11, {"growth"}),
        ("sizes", 2, "peak GB", 1.21, {"growth", "peak"}),
        ("tiles", 4, "auto / best fixed", 1.06, {"auto_tile_1"}),
        ("alternatives", 2, "times the engine's", 19.9, {"patch_based"}),
        ("alternatives", 3, "times the engine's", 1.9, {"predict_loop"}),
        ("workers", 0, "throughput / 2 bare", 0.84, {"two_workers"}),
        ("workers", 0, "same labels", 0.999, {"same_pixels"}),
    ],
)
def test_a_number_beyond_its_limit_misses_its_goal(
    engine, part, row, key, value, missed
):
    rows = rows_that_fulfil()
    rows[part][row][key] = value
    goals = engine.goals_of(results_of(rows))
    assert {goal.key for goal in goals if not goal.met} == missed


@pytest.mark.parametrize(("ratio", "status"), [(1.05, 0), (1.2, 1)])
def test_a_missed_goal_is_the_exit_status(
    engine, monkeypatch, tmp_path, capsys, ratio, status
):
    rows = rows_that_fulfil()
    rows["sizes"][2]["wall ratio"] = ratio
    (tmp_path / "docs").mkdir()
    (tmp_path / "CONTRIBUTING.md").touch()
    readme = tmp_path / "README.md"
    readme.write_text(
        "It takes <!-- bench:wall_ratio --><!-- /bench --> times as long."
    )
    (tmp_path / "engine.json").write_text(json.dumps(results_of(rows)))
    monkeypatch.setattr(engine, "REPOSITORY", tmp_path)
    monkeypatch.setattr(engine, "RESULTS", tmp_path / "engine.json")
    monkeypatch.setattr(sys, "argv", ["engine.py", "--draw"])
    assert engine.main() == status
    assert ("**missed**" in capsys.readouterr().out) == bool(status)
    assert f"wall_ratio -->{ratio:.2f}<!-- /bench --> times" in readme.read_text()
    pictures = {path.name: path for path in (tmp_path / "docs").iterdir()}
    assert {*pictures} == {f"bench_{name}.png" for name in ("sizes", "tiles", "ratios")}
    # PNG, and wide enough to be read.
    for path in pictures.values():
        with Image.open(path) as picture:
            assert picture.format == "PNG"
            assert picture.width > 800


def test_texts_are_filled_and_checked(tmp_path):
    tables = import_module("parts.tables")
    (tmp_path / "docs").mkdir()
    page = tmp_path / "docs" / "speed.md"
    for path in (tmp_path / "README.md", tmp_path / "CONTRIBUTING.md"):
        path.write_text("Nothing is quoted.")
    before = "a <!-- bench:ratio -->1.30<!-- /bench --> b\n"
    before += "<!-- bench:sizes -->\nold\n<!-- /bench -->\nc\n"
    page.write_text(before)
    known = tables.texts({"sizes": [{"side": 512, "s/Mpx": 0.5}], "tiles": []}, [])
    known["ratio"] = "1.06"
    found = tables.stale_texts(tmp_path, known)
    assert [text.partition(":")[0] for text in found] == ["docs/speed.md"] * 2
    assert "1.06" in found[0]
    tables.fill_texts(tmp_path, known)
    assert tables.stale_texts(tmp_path, known) == []
    table = "\n\n| side | s/Mpx |\n|---|---|\n| 512 | 0.500 |\n\n"
    after = "a <!-- bench:ratio -->1.06<!-- /bench --> b\n"
    assert page.read_text() == (
        f"{after}<!-- bench:sizes -->{table}<!-- /bench -->\nc\n"
    )
    # A key that is not known keeps its text, and is named.
    del known["ratio"]
    tables.fill_texts(tmp_path, known)
    assert after in page.read_text()
    (sentence,) = tables.stale_texts(tmp_path, known)
    assert "`bench:ratio` is not known. It is one of sizes." in sentence


@pytest.mark.parametrize("name", ["goals", "processes", "scenes", "tables", "timing"])
def test_the_examples_of_the_bench_are_right(name):
    tried = doctest.testmod(import_module(f"parts.{name}"))
    assert tried.failed == 0
    assert tried.attempted


def test_a_fresh_process_does_not_count_the_memory_of_the_one_that_starts_it():
    processes, timing = (import_module(f"parts.{n}") for n in ("processes", "timing"))
    large = np.ones(10**8, "uint8")
    assert timing.peak_gigabytes() > large.nbytes / 1e9
    # Python alone takes about 0.02 GB.
    assert processes.in_fresh_process(timing.peak_gigabytes) < 0.08


def test_a_part_that_fails_is_named(capfd):
    processes = import_module("parts.processes")
    with pytest.raises(RuntimeError, match=r"`json\.dumps` failed with .*'depth': 3"):
        processes.in_fresh_process(json.dumps, depth=3)
    assert "TypeError" in capfd.readouterr().err


def test_the_best_run_is_the_one_that_counts():
    timing = import_module("parts.timing")
    costs = {
        "one": [timing.Cost(4.0, 6.0), timing.Cost(3.0, 7.0)],
        "other": [timing.Cost(2.0, 4.0), timing.Cost(9.0, 3.0)],
    }
    assert timing.ratio(costs, "one", "other") == timing.Cost(1.5, 2.0)


def test_scenes_are_the_same_each_time_and_compress_as_real_ones(tmp_path):
    scenes = import_module("parts.scenes")
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    first, again = (scenes.two_sources(folder, 614) for folder in folders)
    for name, size in (("input_10m", (614, 614, 4)), ("input_20m", (307, 307, 6))):
        pixels = read_array(first[name])
        assert pixels.shape == size
        assert np.array_equal(pixels, read_array(again[name]))
        assert 0.5 < first[name].stat().st_size / pixels.nbytes < 0.8
        # Not the same pixels in each band, nor in each block.
        bands = np.corrcoef(pixels.reshape(-1, size[2]), rowvar=False)
        assert np.abs(bands - np.eye(size[2])).max() < 0.9
        assert not np.array_equal(pixels[:51], pixels[256:307])
    grids = [tl.read_grid(path) for path in first.values()]
    assert grids[0].extent == grids[1].extent


@pytest.mark.thorough
def test_the_bare_model_runs_on_the_tiles_of_the_engine():
    networks = import_module("parts.networks")
    scene = tl.testing.small_scene()["input_10m"]
    plan = tl.plan_inference(
        networks.fcnn(), scene, output="estimated_labels", tile_size=40
    )
    predictor, seen = plan.job.predictor, []

    def function(inputs, outputs):
        seen.append((inputs["input"].shape, inputs["input"].dtype, outputs))
        return predictor.function(inputs, outputs)

    job = replace(plan.job, predictor=replace(predictor, function=function))
    watched = replace(plan, job=job)
    watched.read()
    engine = [shape for shape, *_ in seen]
    # Tiles at the right and at the bottom are smaller.
    assert len(set(engine)) == 4
    assert len(engine) == len(plan.tiles)
    seen.clear()
    networks.bare_model(watched)()
    assert seen == [(shape, "float32", ("estimated_labels",)) for shape in engine]
    seen.clear()
    networks.bare_model(watched, slice(1, None, 2))()
    assert [shape for shape, *_ in seen] == engine[1::2]


@pytest.mark.thorough
def test_predict_by_tiles_gives_the_engine_s_map(tmp_path):
    alternatives = import_module("parts.alternatives")
    model = import_module("parts.networks").fcnn()
    scene, paths = tl.testing.small_scene()["input_10m"], [tmp_path / "a.tif"]
    paths += [tmp_path / "b.tif"]
    tl.predict_raster(model, scene, paths[0], output="estimated_labels", progress=False)
    labels = alternatives.labels_model(model)
    alternatives.predict_by_tiles(labels, str(scene), paths[1], tile=50)
    grids = [tl.read_grid(path) for path in paths]
    assert grids[0] == grids[1]
    engine, loop = map(read_array, paths)
    assert len(np.unique(engine)) > 2
    assert np.array_equal(engine, loop)


PARTS = (
    *("sizes", "tiles", "alternatives", "workers", "runners", "formats"),
    *("extraction", "start_up", "certificates"),
)


# The others start TensorFlow in several processes each.
DAILY = ("extraction",)


def test_every_part_is_tried(engine):
    assert (*engine.PARTS,) == PARTS


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(
            part,
            marks=pytest.mark.thorough if part in DAILY else pytest.mark.slow,
        )
        for part in PARTS
    ],
)
def test_each_part_runs_on_a_tiny_scene(repository, tmp_path, part):
    kept = repository / "benchmarks" / "engine.json"
    before = kept.read_bytes() if kept.exists() else None
    command = [sys.executable, repository / "benchmarks" / "engine.py", "--quick"]
    command += ["--scratch", tmp_path, part]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"({part})" in done.stdout
    # The table has its head, its line and at least one row, of the same columns.
    rows = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert len(rows) > 2
    assert len({row.count("|") for row in rows}) == 1
    # A try keeps nothing.
    assert not [*tmp_path.iterdir()]
    assert (kept.read_bytes() if kept.exists() else None) == before


def test_a_part_that_does_not_exist_is_named(engine, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["engine.py", "size"])
    with pytest.raises(SystemExit):
        engine.main()
    assert "'size' is not a part. Give some of: sizes, tiles" in capsys.readouterr().err


def test_the_hours_for_a_thousand_tiles_follow_from_the_measured_rate():
    tables = import_module("parts.tables")
    rows = [{"way": "local", "s/Mpx": 9}, {"way": "Dask, 2 workers", "s/Mpx": 0.3}]
    first, *others = tables.thousand_tiles(0.3)
    # 120.56 megapixels x 0.3 s are 36.2 s a tile on two cores: 20.1 core hours for all.
    assert first["core hours"] == pytest.approx(20.09, abs=0.01)
    assert first["hours on 32 cores"] == pytest.approx(0.628, abs=0.001)
    assert [row["r, s/Mpx on 2 cores"] for row in others] == [1, 10]
    known = tables.texts({"workers": rows}, [])
    assert "| 0.300 | 20.1 |" in known["thousand_tiles"]
