"""The results as three figures for the documentation."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parts import alternatives, runners, tiles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Three colours of Okabe and Ito (2008), which colour-blind people tell apart.
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"

Rows = Sequence[Mapping[str, Any]]
Tables = Mapping[str, Rows]

__all__ = ["draw"]


def draw(tables: Tables, folder: Path) -> list[Path]:
    """Draw each figure whose parts were measured.

    Args:
        tables: Rows by the name of the part.
        folder: Where the figures are written, as bench_NAME.png.

    Returns:
        The files.
    """
    paths = []
    for name, (make, needed) in FIGURES.items():
        if all(tables.get(part) for part in needed):
            paths.append(folder / f"bench_{name}.png")
            figure = make(tables)
            figure.savefig(paths[-1], dpi=110, metadata={"Software": None})
    return paths


def _figure(columns: int, height: float = 3.4) -> tuple["Figure", Any]:
    # Without pyplot, which would keep the figure and may open a window.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, height), layout="constrained")
    return figure, figure.subplots(1, columns)


def _plain_axes(axes: "Axes") -> None:
    axes.grid(color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _ticks(axis: Any, values: Sequence[float]) -> None:
    """Only these ticks, on a logarithmic axis too, as plain numbers."""
    axis.set_ticks(values, [f"{value:g}" for value in values])
    axis.set_ticks([], minor=True)


def _sizes(tables: Tables) -> "Figure":
    rows = tables["sizes"]
    sides = [row["side"] for row in rows]
    figure, (left, right) = _figure(2)
    for key, label, style in (
        ("s/Mpx", "engine", {"color": BLUE, "marker": "o"}),
        ("bare s/Mpx", "model alone", {"color": ORANGE, "marker": "s", "ls": "--"}),
    ):
        left.plot(sides, [row[key] for row in rows], label=label, **style)
    left.set(title="Time", ylabel="seconds per megapixel")
    left.legend(frameon=False)
    right.plot(sides, [row["peak GB"] for row in rows], color=BLUE, marker="o")
    right.axhline(1.2, color="black", ls=":", lw=1)
    right.text(sides[0], 1.21, "goal: at most 1.2 GB", va="bottom")
    right.set(title="Peak memory of the process", ylabel="GB")
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_xlabel("side of the scene, pixels")
        axes.set_ylim(0, 1.2 * axes.get_ylim()[1])
        _ticks(axes.xaxis, sides)
        _plain_axes(axes)
    return figure


def _tiles(tables: Tables) -> "Figure":
    figure, columns = _figure(len(tiles.NETWORKS))
    marks = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"))
    for axes, network, (color, marker) in zip(
        columns, tiles.NETWORKS, marks, strict=True
    ):
        rows = [r for r in tables["tiles"] if r["network"] == network and r["s/Mpx"]]
        auto = next(row for row in rows if row["tile"] == "auto")
        fixed = sorted(
            (row["tile"], row["s/Mpx"]) for row in rows if row["tile"] != "auto"
        )
        axes.plot(*zip(*fixed, strict=True), color=color, marker=marker)
        # A ring around the place: the curve stays visible below it.
        ring = {"ms": 15, "mfc": "none", "mec": "black", "ls": "", "mew": 1.5}
        label = f"automatic: {auto['side']}"
        axes.plot(auto["side"], auto["s/Mpx"], "o", label=label, **ring)
        axes.set(title=network, xscale="log", xlabel="tile, pixels")
        axes.set_ylim(0, 1.25 * max(row["s/Mpx"] for row in rows))
        axes.legend(frameon=False, loc="upper right")
        _ticks(axes.xaxis, (16, 64, 256, 1024))
        _plain_axes(axes)
    columns[0].set_ylabel("seconds per megapixel")
    return figure


def _ratios(tables: Tables) -> "Figure":
    bars = dict(reversed(_times(tables).items()))
    figure, axes = _figure(1, height=0.8 + 0.4 * len(bars))
    # Bars begin at the engine's time: slower ways go to the right, faster to the left.
    colors = [ORANGE if value > 1 else BLUE for value in bars.values()]
    lengths = [value - 1 for value in bars.values()]
    axes.barh([*bars], lengths, left=1, color=colors, height=0.6)
    for place, value in enumerate(bars.values()):
        end = 1.08 * max(value, 1)
        axes.text(end, place, f"{value:.3g}", va="center")
    axes.set(xscale="log", xlabel="time for each pixel mapped; the engine's is 1")
    axes.set_xlim(0.4, 2 * max(bars.values()))
    axes.axvline(1, color="black", lw=1)
    _ticks(
        axes.xaxis, [x for x in (0.5, 1, 2, 5, 10, 20, 50) if x < axes.get_xlim()[1]]
    )
    _plain_axes(axes)
    axes.grid(visible=False, axis="y")
    return figure


def _times(tables: Tables) -> dict[str, float]:
    """Times of other ways, as multiples of the engine's for the same network."""
    ways = {row["way"]: row["times the engine's"] for row in tables["alternatives"]}
    runs = {
        (row["runner"], row["file"], row["precision"]): row for row in tables["runners"]
    }
    whole = tables["sizes"][-1]
    first = runs.pop(runners.FIRST)["s/Mpx"]
    names = {
        ("tensorflow", runners.SAVED_MODEL): "TensorFlow",
        ("openvino", runners.SAVED_MODEL): "OpenVINO",
        ("openvino", runners.ONNX): "OpenVINO from ONNX",
        ("onnxruntime", runners.ONNX): "ONNX Runtime",
    }
    return {
        "engine, patch-based": ways[alternatives.PATCHES],
        "model.predict, tile by tile": ways[alternatives.LOOP],
        "model alone, arrays in memory": 1 / whole["wall ratio"],
        **{
            f"engine with {names[runner, form]}, {precision}": row["s/Mpx"] / first
            for (runner, form, precision), row in runs.items()
        },
    }


# How each figure is made, and which parts it needs.
FIGURES: Mapping[str, tuple[Callable[[Tables], "Figure"], tuple[str, ...]]] = {
    "sizes": (_sizes, ("sizes",)),
    "tiles": (_tiles, ("tiles",)),
    "ratios": (_ratios, ("alternatives", "runners", "sizes")),
}
