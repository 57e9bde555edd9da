"""The exercises of the notebooks: questions with checks, hints and solutions.

Each notebook imports its module of exercises under the name `ex`:

    from tutorial_lib.exercises import nb00_start as ex

    ex.ground_size.check(size_km, grid=grid)     # right, wrong, raised, not attempted
    ex.ground_size.hint()                        # the next hint
    ex.ground_size.solution()                    # after a pass, or three attempts
    size_km = ex.ground_size.answer(grid=grid)   # the learner's, or the solution's

    ex.darkest.check("b")                        # of a `Choice`: a click does the same
    ex.darkest.reveal(figure)                    # shown after an answer

The exercises load TensorFlow only in the checks that need it, and never matplotlib.
"""

from tutorial_lib.exercises.choice import Choice, Option
from tutorial_lib.exercises.clear import was_clear
from tutorial_lib.exercises.exercise import Exercise, Mistake
from tutorial_lib.exercises.findings import Finding, try_cases
from tutorial_lib.exercises.judging import OTHER, close, diagnose
from tutorial_lib.exercises.line_order import LineOrder, Rule
from tutorial_lib.exercises.networks import compare_networks
from tutorial_lib.exercises.notes import Note
from tutorial_lib.exercises.parts import in_parts
from tutorial_lib.exercises.questions import Question
from tutorial_lib.freed_memory import give_back_large_arrays

# Here, and not in `tutorial_lib`: a notebook's process is the kit's own. How memory is
# kept in the process of somebody's program is not for a library to decide.
give_back_large_arrays()

__all__ = [
    "OTHER",
    "Choice",
    "Exercise",
    "Finding",
    "LineOrder",
    "Mistake",
    "Note",
    "Option",
    "Question",
    "Rule",
    "close",
    "compare_networks",
    "diagnose",
    "in_parts",
    "try_cases",
    "was_clear",
]
