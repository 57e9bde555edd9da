"""The time of the proof by experiment, `certify`, for the kit's networks."""

from pathlib import Path
from typing import Any

from parts.goals import Goal
from parts.processes import in_fresh_process
from parts.timing import cost_of

TITLE = "Certificates"
NOTE = "Time of `tl.certify` for `estimated`; a new process for each network."

# A tile for each network, in its output pixels.
NETWORKS = {
    "pooled_cnn": 16,
    "pixelwise_fcnn": 64,
    "dual_source_fcnn": 32,
    "pan_xs_unet": 64,
    "deeper_unet": 128,
}
OPTIONS = {"deeper_unet": {"depth": 5}}
QUICK = ("pooled_cnn",)


def measure(folder: Path, *, quick: bool = False) -> list[dict[str, Any]]:
    """Time of each certificate."""
    names = QUICK if quick else NETWORKS
    return [in_fresh_process(measure_network, network=name) for name in names]


def measure_network(network: str) -> dict[str, Any]:
    """Certify one network."""
    import keras

    import tutorial_lib as tl

    keras.utils.set_random_seed(0)
    model = getattr(tl.architectures, network)(6, crops=(), **OPTIONS.get(network, {}))
    tile = NETWORKS[network]
    cost = cost_of(lambda: tl.certify(model, "estimated", tile=tile))
    return {"network": network, "tile": tile, "s": cost.wall, "CPU s": cost.cpu}


def goals(rows: list[dict[str, Any]]) -> list[Goal]:
    """An empty list: this part has no goal."""
    return []
