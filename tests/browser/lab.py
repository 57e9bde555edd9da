"""Start a JupyterLab for tests, and work in its notebooks.

It has its own folders and no token. It listens on the loopback interface only.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import nbformat

REPOSITORY = Path(__file__).parents[2]
# Without a kernelspec, JupyterLab asks which kernel to start.
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
# Without news and saved tabs, and with every cell in the page, visible or not.
SETTINGS = {
    "apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "notebook-extension/tracker": {"windowingMode": "none"},
    "docmanager-extension/plugin": {"autosave": False},
}
OPTIONS = {
    "ServerApp.ip": "127.0.0.1",
    "ServerApp.port_retries": 0,
    "IdentityProvider.token": "",
    "ServerApp.password": "",
    "ServerApp.disable_check_xsrf": True,
    "LabApp.expose_app_in_browser": True,
}

# Keys that JupyterLab's command mode has for cells: move, insert, cut, delete, undo,
# copy, paste, types of cells, run, edit, leave; again after those that change the mode.
COMMAND_KEYS = (
    *("ArrowDown", "ArrowUp", "j", "k", "a", "b", "x", "d", "d", "z", "c", "v"),
    *("m", "y", "r", "1", "Delete", "Space", "Enter", "Escape", "Shift+Enter"),
    *("Control+Enter", "Alt+Enter", "Enter", "x", "d", "d", "Escape", "x", "d", "d"),
)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _environment(private):
    names = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    }
    environment = os.environ | {n: str(private / part) for n, part in names.items()}
    paths = str(REPOSITORY), os.environ.get("PYTHONPATH", "")
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    return environment


@contextmanager
def jupyterlab(notebooks, private):
    """Run JupyterLab on a folder of notebooks; yields its address."""
    for name, settings in SETTINGS.items():
        file = private / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings))
    port = _free_port()
    options = OPTIONS | {"ServerApp.port": port, "ServerApp.root_dir": str(notebooks)}
    with (private / "lab.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
            + [f"--{name}={value}" for name, value in options.items()],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=_environment(private),
            start_new_session=True,
        )
        try:
            _wait(server, f"http://127.0.0.1:{port}", private / "lab.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


def _wait(server, address, log):
    end = time.monotonic() + 60
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/api/status", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start: {log.read_text()[-3000:]}")


def _inside(page, code, argument=None):
    """The result of an async function of JavaScript, which may take 180 s."""
    late = "new Promise((_, no) => setTimeout(() => no('not done in 180 s'), 180000))"
    return page.evaluate(
        f"(given) => Promise.race([({code})(given), {late}])", argument
    )


def write_notebook(path, *cells):
    """Write a notebook of code cells; a cell is its source, or has outputs already."""
    cells = [nbformat.v4.new_code_cell(c) if isinstance(c, str) else c for c in cells]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, path)


def open_notebook(page, address, name):
    """Open a notebook in a fresh workspace and wait for its kernel."""
    page.goto(f"{address}/lab/tree/{name}?reset", wait_until="domcontentloaded")
    page.locator(".jp-NotebookPanel .jp-Notebook").first.wait_for(timeout=60_000)
    page.wait_for_function(
        "window.jupyterapp?.shell.currentWidget?.sessionContext", timeout=60_000
    )
    ready = """async () => {
        const panel = jupyterapp.shell.currentWidget;
        await panel.context.ready;
        await panel.sessionContext.ready;
        await panel.sessionContext.session.kernel.info;
    }"""
    _inside(page, ready)


def run_cells(page):
    """Run all cells; returns the texts of their errors."""
    run = """async () => {
        await jupyterapp.commands.execute("notebook:run-all-cells");
        const cells = [...jupyterapp.shell.currentWidget.content.model.cells];
        const outputs = cells.filter((cell) => cell.type === "code")
            .flatMap((cell) => cell.outputs.toJSON());
        return outputs.filter((output) => output.output_type === "error")
            .map((output) => output.evalue);
    }"""
    return _inside(page, run)


def run_code(page, code):
    """Run code in the notebook's kernel; returns what it prints."""
    execute = """async (code) => {
        const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
        const future = kernel.requestExecute({ code, store_history: false });
        let text = "", failure = "";
        future.onIOPub = ({ content, header }) => {
            if (header.msg_type === "stream") text += content.text;
            if (header.msg_type === "error") failure = content.evalue;
        };
        await future.done;
        if (failure) throw new Error(failure);
        return text;
    }"""
    return _inside(page, execute, code)


def cells(page):
    """Number of the active cell, mode of the notebook, and sources of the cells."""
    return page.evaluate(
        """() => {
            const notebook = jupyterapp.shell.currentWidget.content;
            const sources = [...notebook.model.cells].map((c) => c.sharedModel.source);
            return [notebook.activeCellIndex, notebook.mode, sources];
        }"""
    )
