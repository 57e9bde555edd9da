"""Mutants that pass because they equal the solution on all valid inputs.

By exercise: the change, as `python -m tests.mutants` prints it, and the reason.
"""

EQUAL: dict[str, dict[str, str]] = {}
