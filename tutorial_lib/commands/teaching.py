"""Actions for teachers: `doctor` before a course, and `feedback` after it.

What they need is imported when they run, so that `--help` is quick.
"""

from argparse import Namespace

__all__ = ["doctor", "feedback"]


def doctor(options: Namespace) -> int:
    """Check this machine; the exit code is 0 if a course can be held on it."""
    from tutorial_lib.commands.doctor import doctor

    return doctor(options)


def feedback(options: Namespace) -> None:
    """Print how many learners found each section clear, and their notes."""
    from tutorial_lib.exercises.feedback import FILE, read_feedback
    from tutorial_lib.machine import find_work_folder

    # Without a file, the option is absent or an empty list.
    files = getattr(options, "files", None) or [find_work_folder() / FILE]
    print(read_feedback(files))
