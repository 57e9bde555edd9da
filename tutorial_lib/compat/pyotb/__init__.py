"""pyotb's words: OTB's applications as Python objects, without OTB.

Example:
    >>> from tutorial_lib import testing
    >>> from tutorial_lib.compat import pyotb
    >>> scene = testing.small_scene()
    >>> part = pyotb.ExtractROI(scene["input_10m"], sizex=30, sizey=20)
    >>> part.shape
    (20, 30, 4)
"""

from typing import Any

from tutorial_lib.compat.application import Application
from tutorial_lib.compat.applications.names import MODULES, application
from tutorial_lib.compat.raster_objects import Input, Output

__all__ = ["App", "Input", "Output", *MODULES]


def App(name: str, *inputs: Any, **parameters: Any) -> Application:  # noqa: N802 - pyotb's name
    """An application by its name, as pyotb's class `App` makes it.

    Raises:
        LookupError: If the kit does not have it.
    """
    return application(name)(*inputs, **parameters)


def __getattr__(name: str) -> Any:
    # Dunder names are asked for by Python itself, and by tools that look around.
    if name.startswith("_"):
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    try:
        return application(name)
    except LookupError as err:
        raise AttributeError(str(err)) from err


def __dir__() -> list[str]:
    return sorted(__all__)
