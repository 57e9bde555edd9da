"""What all tests share: where the data is, and quiet libraries."""

import os
import signal
from collections import defaultdict
from pathlib import Path

# Before anything imports TensorFlow or matplotlib: no log lines, and no windows.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["MPLBACKEND"] = "Agg"
# Where tests run side by side, threads of each would only wait for the others.
if "PYTEST_XDIST_WORKER" in os.environ:
    for name in ("OMP_NUM", "OPENBLAS_NUM", "TF_NUM_INTRAOP", "TF_NUM_INTEROP"):
        os.environ.setdefault(f"{name}_THREADS", "1")

import pytest

# It decides when it is imported whether bars are widgets. Tests that make a shell of
# IPython would turn the bars of all later tests in their process into widgets.
import tqdm.auto  # noqa: F401

REPOSITORY = Path(__file__).resolve().parents[1]

# What doctests would import: a program in the Python of QGIS, networks of PyTorch that
# is seldom installed, and scripts in OTB's words.
collect_ignore = ["qgis_looks.py", "torch_networks.py"]
collect_ignore_glob = ["compat/scripts/*.py"]

# Tests end programs by signals. A runner may ignore some, as `nohup` and a shell's `&`
# do, and every process that it starts inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)
for name in ("SIGTERM", "SIGHUP"):
    if hasattr(signal, name):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


# Before pytest leaves out what `-m 'not slow'` does not ask for.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    _leave_a_sample(items)
    if os.environ.get("KIT_REFERENCE_DATA"):
        return
    absent = pytest.mark.skip(
        reason="rasters written by the real OTBTF are not part of the kit, and "
        "KIT_REFERENCE_DATA does not name a folder with them"
    )
    for item in items:
        if item.get_closest_marker("reference"):
            item.add_marker(absent)


def _leave_a_sample(items):
    """Mark cases as slow where a test is `sampled`, but for as many as it says."""
    cases = defaultdict(list)
    for item in items:
        if item.get_closest_marker("sampled") and not item.get_closest_marker("slow"):
            cases[item.parent.nodeid, item.originalname].append(item)
    for each in cases.values():
        daily = each[0].get_closest_marker("sampled").kwargs["daily"]
        # Spread over all of them: neighbours are alike.
        kept = {len(each) * i // daily for i in range(daily)}
        for number, item in enumerate(each):
            if number not in kept:
                item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The folder of the reference rasters; its tests are marked `reference`."""
    folder = Path(os.environ["KIT_REFERENCE_DATA"])
    if not folder.is_dir():
        raise FileNotFoundError(
            f"KIT_REFERENCE_DATA names '{folder}', which is no folder. Correct it, or "
            "unset it to leave these tests out."
        )
    return folder


@pytest.fixture(scope="session")
def networks():
    """The module with networks of PyTorch. The kit does not install PyTorch."""
    for package in ("torch", "onnxscript"):
        pytest.importorskip(package, reason="pip install torch onnxscript")
    import torch_networks

    return torch_networks


@pytest.fixture(scope="session")
def havel_folder() -> Path:
    """The folder of the real sample scene."""
    folder = REPOSITORY / "data" / "havel"
    if not folder.is_dir():
        raise FileNotFoundError(
            f"The sample scene is not in '{folder}'. Run `make sample`."
        )
    return folder
