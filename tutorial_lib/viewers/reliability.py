"""What `Reliability.plot` draws: accuracy against probability."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tutorial_lib.viewers.figures import TEXT_SIZE, LiteralFigure, StillFigure

if TYPE_CHECKING:
    from tutorial_lib.training.calibration import Reliability

# The colours differ in lightness too, and each has another line and marker.
_STYLES = (
    {"color": "#0072b2", "linestyle": "-", "marker": "o"},
    {"color": "#d55e00", "linestyle": "--", "marker": "s"},
    {"color": "#404040", "linestyle": ":", "marker": "^"},
)
# A difference that the picture does not show.
_SMALL = 0.01

__all__ = ["show_reliability"]


def show_reliability(curves: "Mapping[str, Reliability]") -> StillFigure:
    """Draw reliability curves; the diagonal is that of a calibrated network.

    Args:
        curves: The curves by their names.
    """
    figure = LiteralFigure(figsize=(5.6, 4.6), layout="constrained")
    ax = figure.subplots()
    line = {"color": "#808080", "linewidth": 1, "zorder": 0}
    ax.plot([0, 1], [0, 1], label="calibrated", **line)
    for number, (name, one) in enumerate(curves.items()):
        style = _STYLES[number % len(_STYLES)]
        filled = one.counts > 0
        ax.plot(
            one.probability[filled],
            one.accuracy[filled],
            label=name,
            markersize=5,
            **style,
        )
    ax.set_xlabel("probability of the estimated class", fontsize=TEXT_SIZE)
    ax.set_ylabel("share of right patches", fontsize=TEXT_SIZE)
    ax.text(0.97, 0.03, "below the line: too sure", ha="right", fontsize=TEXT_SIZE)
    ax.tick_params(labelsize=TEXT_SIZE)
    ax.set(xlim=(0, 1.02), ylim=(0, 1.02), aspect="equal")
    ax.grid(alpha=0.3)
    ax.legend(fontsize=TEXT_SIZE, loc="upper left")
    return StillFigure(figure, _description(curves))


def _description(curves: "Mapping[str, Reliability]") -> str:
    said = "; ".join(
        f"{name}: calibration error {one.error:.2f}, {_sureness(one.overconfidence)}"
        for name, one in curves.items()
    )
    return f"Accuracy against probability. {said}."


def _sureness(overconfidence: float) -> str:
    if abs(overconfidence) < _SMALL:
        return "about as sure as it is right"
    return "too sure" if overconfidence > 0 else "not sure enough"
