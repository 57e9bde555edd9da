"""The jobs of the library from a terminal: `python -m tutorial_lib`."""
