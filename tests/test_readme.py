"""The code in README.md runs, and makes a good map."""

import re
import shutil

import keras
import numpy as np
import pytest

from tutorial_lib import rasters, testing


@pytest.fixture
def two_epochs(monkeypatch):
    """Trainings stop after two epochs, which are enough for a good map."""
    fit = keras.Model.fit

    def fit_two_epochs(self, *args, epochs, **options):
        return fit(self, *args, epochs=min(epochs, 2), verbose=0, **options)

    monkeypatch.setattr(keras.Model, "fit", fit_two_epochs)


@pytest.mark.thorough
def test_the_examples_of_the_readme_run(
    repository, tmp_path, monkeypatch, capfd, two_epochs
):
    text = (repository / "README.md").read_text()
    # The blocks are one program: later ones use names of earlier ones.
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    scene = testing.small_scene()
    shutil.copy(scene["input_10m"], tmp_path / "s2_10m.tif")
    shutil.copy(scene["labels"], tmp_path / "terrain_truth_a.tif")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    labels = rasters.read_array(tmp_path / "map.tif")
    assert labels.shape == (105, 153, 1)
    truth = rasters.read_array(scene["labels"])[8:-7, 8:-7]
    known = truth != 255
    # The four classes of the small scene are easy to tell apart; guessing gives 0.25.
    assert np.mean(labels[known] == truth[known]) > 0.6
    assert rasters.read_legend(tmp_path / "map.tif") == testing.SMALL_LEGEND
