"""The result of a check, and the table of several."""

from dataclasses import dataclass

from tutorial_lib.display import html_table

__all__ = ["Check", "MachineReport"]


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes:
        subject: What was checked.
        found: The version, number or folder that was found.
        cure: What to do about it; empty if all is well.
        is_advice: Whether the notebooks run even if nobody follows the cure.
    """

    subject: str
    found: str
    cure: str = ""
    is_advice: bool = False

    @property
    def mark(self) -> str:
        """The sign "✔" for fine, "○" for an advice, "✘" for what has to be done."""
        if not self.cure:
            return "✔"
        return "○" if self.is_advice else "✘"

    @property
    def verdict(self) -> str:
        """The mark, and "fine" or the cure."""
        return f"{self.mark} {self.cure or 'fine'}"


@dataclass(frozen=True)
class MachineReport:
    """The results of `check_machine`, displayed as a table."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether the notebooks can run: every check is fine, or only an advice."""
        return not any(check.mark == "✘" for check in self.checks)

    def __repr__(self) -> str:
        return "\n".join(
            f"{x.subject:<18} {x.found:<28} {x.verdict}" for x in self.checks
        )

    def _repr_html_(self) -> str:
        rows = [(x.subject, x.found, x.verdict) for x in self.checks]
        return html_table(rows, sides=("left",) * 3)
