"""Runs in the system's Python: opens rasters in QGIS and tells what it shows, as JSON.

    /usr/bin/python3 qgis_looks.py MAP.tif PICTURE.png [MAP.tif PICTURE.png …]

Each raster is drawn pixel by pixel into its picture.
"""

import json
import os
import sys

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from qgis.core import (
    Qgis,
    QgsApplication,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsRasterLayer,
)
from qgis.PyQt.QtCore import QSize, Qt
from qgis.PyQt.QtGui import QColor


def look(path, picture):
    """What QGIS says of a raster, after it has drawn it."""
    layer = QgsRasterLayer(path, "map")
    renderer = layer.renderer()
    classes = renderer.classes() if hasattr(renderer, "classes") else []
    draw(layer, picture)
    return {
        "valid": layer.isValid(),
        "renderer": type(renderer).__name__,
        "classes": [[int(c.value), c.label, c.color.name()] for c in classes],
        "legend": [label for label, _ in renderer.legendSymbologyItems()],
        "nodata": layer.dataProvider().sourceNoDataValue(1),
    }


def draw(layer, picture):
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(layer.crs())
    settings.setExtent(layer.extent())
    settings.setOutputSize(QSize(layer.width(), layer.height()))
    settings.setBackgroundColor(QColor(Qt.transparent))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    job.renderedImage().save(picture)


def save_style(path):
    """Save what QGIS shows as its default style, as its button "Save as Default"."""
    layer = QgsRasterLayer(path, "map")
    said, done = layer.saveDefaultStyle()
    assert done, said


def main():
    app = QgsApplication([], False)
    app.initQgis()
    words = sys.argv[1:]
    if words[0] == "--save-style":
        save_style(words[1])
        answer = {}
    else:
        pairs = zip(words[::2], words[1::2], strict=True)
        answer = {path: look(path, picture) for path, picture in pairs}
    print(json.dumps({"version": Qgis.version(), "rasters": answer}), flush=True)
    app.exitQgis()


main()
