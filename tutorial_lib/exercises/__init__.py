"""The exercises of the notebooks, and what makes them work.

Each notebook has a module of exercises here, imported under the name `ex`:

    from tutorial_lib.exercises import nb00_start as ex

    ex.ground_size.check(ground_km, grid=grid)   # right, wrong, raised, not attempted
    ex.ground_size.hint()                        # the next hint
    ex.ground_size.solution()                    # after passing, or three attempts
    ground_km = ex.ground_size.answer(grid=grid)   # to go on with

Importing it needs neither TensorFlow nor matplotlib.
"""

from tutorial_lib.exercises.exercise import Exercise, Mistake
from tutorial_lib.exercises.judging import OTHER, close, diagnose
from tutorial_lib.exercises.notes import Note

__all__ = ["OTHER", "Exercise", "Mistake", "Note", "close", "diagnose"]
