"""The code in README.md is code that runs."""

import re
import shutil

import numpy as np

from tutorial_lib import rasters, testing


def test_the_examples_of_the_readme_run(repository, tmp_path, monkeypatch, capfd):
    text = (repository / "README.md").read_text()
    # Further blocks go on with the names of the first.
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
    # The classes of the small scene are easy to tell apart; guessing gives a quarter.
    assert np.mean(labels[known] == truth[known]) > 0.6
    assert rasters.read_legend(tmp_path / "map.tif") == testing.SMALL_LEGEND
