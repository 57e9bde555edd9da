"""Checks of the doctor that start something: TensorFlow, a kernel, JupyterLab."""

import json
import os
import re
import secrets
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tutorial_lib.commands.programs import FailedError, Programs
from tutorial_lib.display import counted
from tutorial_lib.machine.packages import INSTALL_AGAIN
from tutorial_lib.machine.report import Check

# A convolution learns, as in the notebooks: importing TensorFlow alone would not show
# that its kernels run on this processor.
FIT = """
import json
import keras, numpy, tensorflow
patches = numpy.random.default_rng(0).random((32, 8, 8, 4), "float32")
targets = patches.mean((1, 2, 3), keepdims=True)[..., 0, 0]
layers = [keras.layers.Conv2D(4, 3), keras.layers.Flatten(), keras.layers.Dense(1)]
model = keras.Sequential([keras.Input((8, 8, 4)), *layers])
model.compile("adam", "mse")
losses = model.fit(patches, targets, epochs=4, verbose=0).history["loss"]
cards = len(tensorflow.config.list_physical_devices("GPU"))
print(json.dumps([keras.backend.backend(), cards, losses[-1] < losses[0]]))
"""

ASK_KERNEL = """
import json
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name="python3", startup_timeout=300)
try:
    asked = {"sum": "1 + 1", "prefix": "__import__('sys').prefix"}
    reply = client.execute_interactive("", user_expressions=asked, timeout=300)
    told = reply["content"]["user_expressions"]
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
print(json.dumps([told[name]["data"]["text/plain"] for name in asked]))
"""

# What the page of JupyterLab is told when it opens.
LIST_EXTENSIONS = """
import json
from pathlib import Path
import anywidget, ipywidgets
from jupyter_core.paths import jupyter_path
from jupyterlab.commands import get_app_dir
from jupyterlab_server.config import get_page_config
settings = str(Path(get_app_dir(), "settings"))
config = get_page_config(jupyter_path("labextensions"), settings)
there = [one["name"] for one in config["federated_extensions"]]
print(json.dumps([there, config["disabledExtensions"]]))
"""
# Name of each extension in JupyterLab, and the package that brings it.
EXTENSIONS = {
    "@jupyter-widgets/jupyterlab-manager": "jupyterlab_widgets",
    "anywidget": "anywidget",
}
JUPYTERLAB = ("-m", "jupyterlab")
REMOVE_KERNEL = "run `python -m jupyter kernelspec remove python3` in a terminal"
USUAL_PORT = 8888
CHOOSE_TENSORFLOW = "unset KERAS_BACKEND, remove `.keras/keras.json` from your home"

__all__ = ["check_kernel", "check_lab", "check_tensorflow", "check_widgets"]


def check_tensorflow(programs: Programs) -> Check:
    """Train a tiny network in a process of its own, which may crash."""
    subject = "TensorFlow runs"
    try:
        backend, cards, learned = json.loads(programs.output(FIT))
    except FailedError as err:
        return Check(subject, err.how, _cure_of_tensorflow(err))
    if backend != "tensorflow":
        return Check(subject, f"Keras uses {backend} instead", CHOOSE_TENSORFLOW)
    if not learned:
        return Check(subject, "a small network does not learn", INSTALL_AGAIN)
    with_cards = f", with {counted(cards, 'GPU')}" if cards else ""
    return Check(subject, f"a small network learns{with_cards}")


def _cure_of_tensorflow(err: FailedError) -> str:
    if err.is_illegal:
        return (
            "this processor is too old for TensorFlow, which needs AVX: use another "
            "machine, or Binder"
        )
    if err.is_killed:
        return "the memory was probably full: close programs, and try again"
    # What Keras was told to use, and the kit does not install.
    if re.search("No module named '(torch|jax|openvino)'", err.text):
        return CHOOSE_TENSORFLOW
    if "DLL load failed" in err.text:
        return "install the Microsoft Visual C++ Redistributable"
    if "cannot open shared object file" in err.text:
        return "install the library that the message names with the system's installer"
    return INSTALL_AGAIN


def check_widgets(programs: Programs) -> Check:
    """Check that JupyterLab will load the widgets of the notebooks."""
    try:
        there, disabled = json.loads(programs.output(LIST_EXTENSIONS))
    except FailedError as err:
        return Check("Widgets", err.how, INSTALL_AGAIN)
    missing = [package for name, package in EXTENSIONS.items() if name not in there]
    if missing:
        found = f"JupyterLab does not find {' and '.join(missing)}"
        return Check("Widgets", found, INSTALL_AGAIN)
    # A part of an extension can be disabled too: "anywidget:plugin".
    off = [one for one in disabled if one.split(":")[0] in EXTENSIONS]
    if off:
        words = "python -m jupyter labextension enable"
        cure = " and ".join(f"`{words} {one}`" for one in off)
        return Check("Widgets", f"{' and '.join(off)} disabled", f"run {cure}")
    return Check("Widgets", "installed and enabled")


def check_kernel(programs: Programs) -> Check:
    """Start the kernel of the notebooks, and ask it for 1 + 1."""
    try:
        total, prefix = json.loads(programs.output(ASK_KERNEL))
    except FailedError as err:
        return Check("Kernel", err.how, f"{REMOVE_KERNEL}, and {INSTALL_AGAIN}")
    if total != "2":
        return Check("Kernel", f"1 + 1 gave {total}", INSTALL_AGAIN)
    if Path(prefix.strip("'\"")).resolve() != Path(sys.prefix).resolve():
        cure = f"{REMOVE_KERNEL}, and start JupyterLab again"
        return Check("Kernel", "python3 is a kernel of another Python", cure)
    return Check("Kernel", "answers, in this environment")


def check_lab(programs: Programs) -> Check:
    """Start JupyterLab as the course does, and ask for its page."""
    token = secrets.token_hex(16)
    as_root = ["--allow-root"] * (hasattr(os, "geteuid") and os.geteuid() == 0)
    folder = programs.folder
    server = programs.start(
        *(*JUPYTERLAB, "--no-browser", *as_root),
        f"--ServerApp.root_dir={folder}",
        # It would look for language servers for seconds, with programs such as npm.
        "--LanguageServerManager.autodetect=False",
        # In the environment: other users can read the words of a command.
        JUPYTER_TOKEN=token,
        JUPYTER_DATA_DIR=str(folder / "JUPYTER_DATA_DIR"),
    )
    try:
        port = _wait_for_page(server, folder / "JUPYTER_RUNTIME_DIR", token)
        if port is None:
            err = programs.failed(server)
            return Check("JupyterLab", err.how, _cure_of_lab(err))
    finally:
        programs.end()
    other = f", because {USUAL_PORT} is in use" if port != USUAL_PORT else ""
    return Check("JupyterLab", f"answers at port {port}{other}")


def _wait_for_page(server: subprocess.Popen, runtime: Path, token: str) -> int | None:
    """The port at which JupyterLab answers; None if it ends before.

    If it never answers, the doctor ends it when its time is over.
    """
    # A proxy of the network does not know this machine's own addresses.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while server.poll() is None:
        for path in runtime.glob("jpserver-*.json"):
            try:
                told = json.loads(path.read_text(encoding="utf-8"))
                page = urllib.request.Request(
                    f"{told['url']}lab", headers={"Authorization": f"token {token}"}
                )
                with opener.open(page, timeout=10) as answer:
                    if answer.status == 200:
                        return told["port"]
            # ValueError: the file is not whole yet.
            except (OSError, ValueError):
                pass
        time.sleep(0.1)
    return None


def _cure_of_lab(err: FailedError) -> str:
    if "no available port" in err.text:
        return f"close programs that use the ports from {USUAL_PORT} on"
    return "run `python -m jupyterlab` in a terminal, and read its last lines"
