"""OTBTF's words: scripts written for pyotb and otbtf run here.

    from tutorial_lib.compat import pyotb, otbtf

or, without any change of a script: `python -m tutorial_lib.compat script.py`.

Everything that OTBTF does differently from the kit is done here, and only here: the
grid of a map (`compat.geometry`), no-data by tiles, patches at the border, and numbers
that are cut off when they become integers. docs/from_otbtf.md lists the differences.
"""
