"""The command `python -m data_fetch practice`."""

import argparse
import sys
from contextlib import suppress
from pathlib import Path

from data_fetch.practice.files import AREA, make_practice
from data_fetch.practice.items import EARTH_SEARCH
from data_fetch.practice.running import serve
from data_fetch.practice.serving import Server
from data_fetch.practice.site import WORLDCOVER_FOLDER

__all__ = ["add_practice"]


def add_practice(commands: argparse._SubParsersAction) -> None:
    """Add `practice` to the commands of `python -m data_fetch`."""
    practice = commands.add_parser(
        "practice",
        help="start a small catalogue of images on this machine, to try `stac` with",
        description="Start a small STAC catalogue on this machine, made from the Havel "
        "scene, until Ctrl-C. It needs no internet, and no other machine can reach it.",
    )
    practice.add_argument(
        "--folder",
        type=Path,
        help="folder for its files, 40 MB (default: .practice beside the Havel scene)",
    )
    practice.add_argument(
        "--port",
        type=int,
        default=0,
        help="number of the port (default: a free one)",
    )
    practice.add_argument("--for-a-parent", action="store_true", help=argparse.SUPPRESS)
    practice.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    # A parent has made the files. It finds the Havel scene from its own folder.
    folder = options.folder if options.for_a_parent else make_practice(options.folder)
    try:
        server = Server(folder, port=options.port)
    except (OSError, OverflowError) as err:
        reason = str(err).rstrip(".")
        raise OSError(
            f"The port {options.port} cannot be used: {reason}. Give another one with "
            "`--port`, or leave it out."
        ) from err
    if options.for_a_parent:
        # JupyterLab ends a kernel and its children with a signal. Nothing is lost then.
        with suppress(KeyboardInterrupt):
            serve(server)
        return
    print(_instructions(server.address, folder), flush=True)
    try:
        with server:
            server.serve_forever()
    except KeyboardInterrupt:
        print("\nThe practice catalogue has stopped.")


def _instructions(address: str, folder: Path) -> str:
    return (
        f"The practice catalogue runs at {address}/{EARTH_SEARCH}\n"
        "Its images are those of the Havel scene. Dates and clouds are invented.\n"
        "In another terminal, in the folder of the kit, try:\n\n"
        f"  {_python()} -m data_fetch stac --catalogue {address}/{EARTH_SEARCH} \\\n"
        f"      --area '{folder / AREA}' --date 2023-02-01/2023-03-01 \\\n"
        f"      --labels {address}/{WORLDCOVER_FOLDER} --name practice\n\n"
        "Stop the catalogue with Ctrl-C."
    )


def _python() -> str:
    """How to call the Python that runs this, also where none is called `python`."""
    path = Path(sys.executable)
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return f'"{path}"' if " " in str(path) else str(path)
