"""`show_tensorboard`: TensorBoard below a cell, on one's own machine and on Binder."""

import os
import warnings
from importlib.util import find_spec
from pathlib import Path

from jupyter_server.serverapp import list_running_servers

from tutorial_lib import arguments
from tutorial_lib.display import escaped
from tutorial_lib.rasters import PathLike

# Height of the frame, px.
HEIGHT = 640

# Addresses of the TensorBoards of this kernel, by folder.
_RUNNING: dict[Path, str] = {}

__all__ = ["TensorBoardFrame", "show_tensorboard"]


class TensorBoardFrame:
    """TensorBoard in a notebook; `show_tensorboard` makes it.

    Attributes:
        folder: Folder of the logs.
        address: Address of TensorBoard on this machine.
        source: Address that the frame loads.
    """

    def __init__(self, folder: Path, address: str, height: int) -> None:
        self.folder = folder
        self.address = address
        self.source = _address_in_browser(address)
        self._height = height

    def __repr__(self) -> str:
        return f"TensorBoard of {self.folder.name}: {self.address}"

    def _repr_html_(self) -> str:
        name, source = (escaped(x) for x in (self.folder.name, self.source))
        # The exported pages look for this class: a page without a kernel has no server.
        return (
            '<div class="kit-needs-kernel">'
            f'<iframe title="TensorBoard of {name}" src="{source}" style="width: 100%; '
            f'height: {self._height}px; border: 1px solid #808080"></iframe>'
            f'<p><a href="{source}" target="_blank">Open TensorBoard in a tab of its '
            "own</a>. It ends with this notebook's kernel.</p></div>"
        )


def show_tensorboard(folder: PathLike, *, height: int = HEIGHT) -> TensorBoardFrame:
    """Show TensorBoard below a cell.

    TensorBoard runs inside this notebook's kernel and ends with it. It needs neither a
    terminal nor the internet, and other machines cannot reach it. A second call with
    the same folder shows the same TensorBoard again. New runs appear after a click on
    its reload button.

    Args:
        folder: Folder that `keras.callbacks.TensorBoard(folder)` writes to, or a folder
            of several of them: each is listed as a run.
        height: Height of the frame, px.

    Returns:
        A frame that displays itself; `address` is for a browser on this machine.

    Raises:
        FileNotFoundError: If there is no such folder.
        ModuleNotFoundError: If TensorBoard is not installed.
        TypeError: If the folder is not a path, or the height not a whole number.
        ValueError: If the height is too small.

    Example:
        >>> import tempfile
        >>> show_tensorboard(tempfile.mkdtemp(prefix="logs_"))
        TensorBoard of logs_...: http://127.0.0.1:...
    """
    path = arguments.file_path("folder", folder)
    height = arguments.whole_number("height", height, least=200)
    if not path.is_dir():
        raise FileNotFoundError(
            f"There is no folder '{folder}'. Give the folder that "
            "`keras.callbacks.TensorBoard(folder)` writes to, after the training has "
            "begun."
        )
    path = path.resolve()
    if path not in _RUNNING:
        _RUNNING[path] = _start(path)
    return TensorBoardFrame(path, _RUNNING[path], height)


def _start(folder: Path) -> str:
    """Start TensorBoard in a thread of this process; its address.

    As a process of its own it would load TensorFlow once more, 0.5 GB.
    """
    if find_spec("tensorboard") is None:
        raise ModuleNotFoundError(
            "TensorBoard is not installed. Install it with `pip install tensorboard`, "
            "and restart the kernel."
        )
    # Port 0 stands for any free one. The fast loader would be a second process.
    options = ["--host=127.0.0.1", "--port=0", "--load_fast=false"]
    with warnings.catch_warnings():
        # TensorBoard's copy of bleach warns of its own copy of html5lib.
        warnings.simplefilter("ignore", DeprecationWarning)
        from tensorboard import program

        board = program.TensorBoard()
        board.configure(argv=["tensorboard", f"--logdir={folder}", *options])
        return board.launch()


def _address_in_browser(address: str) -> str:
    """The address at which the browser of this notebook reaches a local address.

    The browser may be on another machine, as on Binder. It reaches the Jupyter server,
    and jupyter-server-proxy passes on what comes to `proxy/<port>/`.
    """
    base = _server_base()
    if base is None or find_spec("jupyter_server_proxy") is None:
        return address
    port = address.rstrip("/").rpartition(":")[2]
    return f"{base}proxy/{port}/"


def _server_base() -> str | None:
    """Path of the Jupyter server that started this kernel; None without a server."""
    # A hub, such as Binder's, says so itself.
    prefix = os.environ.get("JUPYTERHUB_SERVICE_PREFIX")
    if prefix:
        return prefix
    own = os.environ.get("JPY_PARENT_PID")
    for server in list_running_servers():
        if str(server["pid"]) == own:
            return server["base_url"]
    return None
