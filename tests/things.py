"""Files, models and results to try functions on, each made when it is first needed.

A table of a test names them: `the("image")` stands for `Things.image`.
"""

from functools import cached_property
from operator import attrgetter
from typing import NamedTuple

import keras
import numpy as np
import rasterio
from odc.geo.crs import CRS
from rasterio.windows import Window
from scenes import image, write

import tutorial_lib as tl
from tutorial_lib import testing, training


class Thing(NamedTuple):
    """Stands for `Things.<name>` in a table, until its row runs."""

    name: str


the = Thing


class Things:
    """Files, models and results, made when the first row needs them."""

    def __init__(self, folder):
        self.folder = folder / "folder"
        self.folder.mkdir()
        self.missing = folder / "missing.tif"
        self._files, self._count = folder, 0

    def _file(self, name, content):
        path = self._files / name
        path.write_bytes(content)
        return path

    # Where something may be written, a new place each time.

    def _new(self, name):
        self._count += 1
        return self._files / f"new_{self._count}" / name

    @property
    def new(self):
        return self._new("file.tif")

    @property
    def new_page(self):
        return self._new("page.html")

    @property
    def new_picture(self):
        return self._new("picture.png")

    @property
    def new_points(self):
        return self._new("points.geojson")

    @property
    def new_folder(self):
        return self._new("folder")

    @property
    def new_onnx_file(self):
        return self._new("network.onnx")

    # Rasters

    @cached_property
    def scene(self):
        return testing.small_scene(48, 64)

    @property
    def image(self):
        return self.scene["input_10m"]

    @property
    def labels(self):
        return self.scene["labels"]

    @cached_property
    def written_map(self):
        return write(self._files / "map.tif", image(20, 30, 1, dtype="uint8"))

    @property
    def sources(self):
        return {name: self.scene[name] for name in ("input_10m", "input_20m")}

    @property
    def sources_with_labels(self):
        return {"input_10m": self.image, "labels": self.labels}

    @cached_property
    def text(self):
        return self._file("text.tif", b"These are no pixels.\n")

    @cached_property
    def zero_bytes(self):
        return self._file("zero_bytes.tif", b"")

    @cached_property
    def cut_off(self):
        whole = write(self._files / "whole.tif", image(300, 400, largest=60_000))
        return self._file("cut_off.tif", whole.read_bytes()[: 2**16])

    @cached_property
    def points(self):
        return self.positions.to_file(self._files / "points.geojson")

    @cached_property
    def table(self):
        return self._file("table.csv", b"a,b\n1,2\n")

    @cached_property
    def float_labels(self):
        return write(self._files / "floats.tif", np.full((20, 30), 1.5, "float32"))

    @cached_property
    def complex_raster(self):
        path = self._files / "complex.tif"
        size = {"width": 30, "height": 20, "count": 1, "dtype": "complex64"}
        place = {"crs": self.grid.crs.to_wkt(), "transform": self.grid.transform}
        with rasterio.open(path, "w", driver="GTiff", **size, **place) as dataset:
            dataset.write(np.ones((1, 20, 30), "complex64"))
        return path

    @cached_property
    def without_crs(self):
        return write(self._files / "nowhere.tif", image(20, 30), crs=None)

    @property
    def below_a_file(self):
        return self.image / "file.tif"

    @property
    def image_source(self):
        return tl.Source(self.image)

    @property
    def declared(self):
        return tl.Source(self.image, receptive_field=3)

    @property
    def image_window(self):
        return Window(2, 3, width=20, height=10)

    @property
    def array(self):
        return image(20, 30).astype("float32")

    @property
    def grid(self):
        return testing.small_grid(20, 30)

    # Patches

    @cached_property
    def positions(self):
        return tl.select_positions(self.labels, count=3, margin=8)

    @cached_property
    def patches(self):
        sizes = {"input_10m": 16, "input_20m": 8}
        return tl.extract_patches(
            self.sources, self.positions, sizes=sizes, out_dir=self._files / "patches"
        )

    @property
    def patch_paths(self):
        return dict(self.patches.paths)

    @property
    def patch_paths_as_lists(self):
        return {name: [str(path)] for name, path in self.patches.paths.items()}

    @cached_property
    def cut_patches(self):
        patches = image(1280, 64, largest=60_000).reshape(20, 64, 64, 4)
        whole = tl.write_patches(self._files / "many.tif", patches)
        return self._file("cut_patches.tif", whole.read_bytes()[: 2**17])

    @property
    def no_labels(self):
        return {"input_10m": self.patches.paths["input_10m"]}

    @property
    def fewer_labels(self):
        return {"input": np.zeros((3, 8, 8, 1)), "labels": np.zeros(2, int)}

    @property
    def patches_of_text(self):
        return self.patch_paths | {"input_10m": self.text}

    @property
    def patches_missing(self):
        return self.patch_paths | {"input_10m": self.missing}

    @property
    def patches_image(self):
        return self.patches.paths["input_10m"]

    # Models

    @cached_property
    def model(self):
        return Small(crops=(1,)).build({"input": 4})

    @cached_property
    def unbuilt(self):
        return Small()

    @cached_property
    def sequential(self):
        return keras.Sequential([keras.layers.Conv2D(2, 3)])

    @property
    def function(self):
        return testing.BlockMean({"input": 3})

    @cached_property
    def model_file(self):
        path = self._files / "model.keras"
        self.model.save(path)
        return path

    @cached_property
    def cut_model(self):
        return self._file("cut.keras", self.model_file.read_bytes()[:900])

    @cached_property
    def old_model(self):
        return self._file("model.h5", b"\x89HDF")

    @cached_property
    def text_model(self):
        return self._file("text.keras", b"model")

    @cached_property
    def text_onnx_file(self):
        return self._file("text.onnx", b"model")

    @cached_property
    def broken_saved_model(self):
        folder = self._files / "broken_saved_model"
        folder.mkdir()
        (folder / "saved_model.pb").write_bytes(b"nothing")
        return folder

    @cached_property
    def saved_model(self):
        return tl.export(self.model, self._files / "saved_model")

    @cached_property
    def predictor(self):
        return tl.load_predictor(self.model_file)

    @property
    def batch(self):
        return {"input": np.ones((1, 9, 9, 4), "float32")}

    @cached_property
    def analysis(self):
        return tl.analyse(self.model)

    @cached_property
    def certificate(self):
        return tl.certify(self.model, "estimated", tile=8)

    @property
    def certificate_text(self):
        return self.certificate.to_json()

    @cached_property
    def plan(self):
        return tl.plan_inference(self.model, self.image, output="estimated")

    # Results and pictures

    @cached_property
    def comparison(self):
        return tl.compare(self.image, self.image, titles=["one", "two"])

    @cached_property
    def map(self):
        return tl.show_map(self.labels)

    @cached_property
    def figure(self):
        return tl.show(self.labels)

    @property
    def scores(self):
        return training.ClassScores(np.eye(2, dtype=int), ("water", "land"))

    @property
    def scores_of_others(self):
        scores = training.ClassScores(np.eye(2, dtype=int), ("maize", "wheat"))
        return {"one": self.scores, "two": scores}

    @property
    def dataset(self):
        batch = {"input": np.ones((2, 3, 3, 4), "float32")}
        return [(batch, {"estimated": np.eye(4)[:2].reshape(2, 1, 1, 4)})]

    @property
    def batches(self):
        return tl.patch_dataset(self.patch_paths, class_count=4)

    @property
    def arrays(self):
        return {"input": np.arange(32.0).reshape(2, 2, 2, 4)}

    @property
    def statistics(self):
        """Statistics of every input of every network of the kit."""
        bands = {"input": 4, "input_10m": 4, "input_20m": 6, "input_p": 1}
        bands |= {"input_xs": 4}
        return {n: tl.BandStatistics([0] * k, [1] * k) for n, k in bands.items()}

    @property
    def generator(self):
        return (number for number in (1, 2))

    @property
    def class_of_model(self):
        return Small

    def __getattr__(self, name):
        """`<name>_as_text`: a path, or paths by name, as text."""
        whole, ending, _ = name.rpartition("_as_text")
        if not ending:
            raise AttributeError(name)
        value = getattr(self, whole)
        if isinstance(value, dict):
            return {key: str(one) for key, one in value.items()}
        return str(value)

    def found(self, value):
        """A value of a table, with the things that it names."""
        if isinstance(value, Thing):
            return attrgetter(value.name)(self)
        if isinstance(value, dict):
            return {key: self.found(one) for key, one in value.items()}
        if type(value) in (list, tuple):
            return type(value)(self.found(one) for one in value)
        return value


class Small(tl.PatchModel):
    """The smallest network that classifies each pixel from its neighbours."""

    def network(self, inputs):
        """One convolution."""
        layer = keras.layers.Conv2D(4, 3, activation="softmax")
        estimated = layer(inputs["input"])
        return {"estimated": estimated, "classes": tl.labels_of(estimated)}


def positions_of(x=(500_005.0, 500_015.0), y=(4_799_995.0,) * 2, labels=(0, 1), **crs):
    """Two positions; arguments that are left out are right."""
    x, y, labels = (
        np.asarray(v) if isinstance(v, tuple) else v for v in (x, y, labels)
    )
    return tl.Positions(x, y, labels, **({"crs": CRS("EPSG:32631")} | crs))
