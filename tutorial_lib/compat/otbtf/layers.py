"""The layers of OTBTF; models that hold them open wherever the kit is imported."""

from tutorial_lib.fields.otbtf_layers import (
    ApplyMask,
    Argmax,
    DilatedMask,
    Max,
    ScalarsTile,
)

__all__ = ["ApplyMask", "Argmax", "DilatedMask", "Max", "ScalarsTile"]
