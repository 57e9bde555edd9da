"""What notebooks 07 and 08 say holds for networks of other random seeds too."""

import sys
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest

import tutorial_lib as tl
from tutorial_lib.recorded import recipes

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"

sys.path.insert(0, str(FOLDER))

build = import_module("build")
lint = import_module("lint")

pytestmark = pytest.mark.slow

# Enough for buildings, roads and vegetation to be told apart.
EPOCHS = 8
NETWORKS = {
    "07": ("pan_xs_town", tl.architectures.pan_xs_unet),
    "08": ("deep_town", partial(tl.architectures.deeper_unet, depth=5)),
}


@pytest.fixture(scope="module")
def batches(repository, tmp_path_factory):
    """Batches of the town's patches, as the recorded networks had them."""
    folder = tmp_path_factory.mktemp("patches")
    patches = recipes.cut_town_patches(repository / "data" / "town", folder)
    return recipes.datasets(patches, class_count=4, labels="truth", batch_size=16)[:2]


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("start", NETWORKS)
def test_the_claims_hold(start, seed, batches, tmp_path):
    # The solved notebook's own code runs, with another network: its cells tagged
    # `claim` stop with an error where the text would be wrong.
    name, architecture = NETWORKS[start]
    best = tmp_path / "trained.keras"
    recipes.train(architecture, batches, best, class_count=4, epochs=EPOCHS, seed=seed)
    (source,) = build.list_sources(starts=[start])
    names, claims, replaced = {"trained_path": best}, 0, 0
    recording = f'recorded.weights_path("{name}")'
    for cell in build.build_notebook(source, solved=True).cells:
        if cell.cell_type != "code":
            continue
        code = cell.source.replace(recording, "trained_path")
        exec(compile(code, f"cell {cell.id}", "exec"), names)
        replaced += recording in cell.source
        claims += lint.CLAIM in cell.metadata.get("tags", [])
        if "parameters" in cell.metadata.get("tags", []):
            names["work"] = tmp_path
    assert (replaced, claims) == (1, 1 if start == "07" else 2)
