"""Diagrams: the layers of a network, and the two fields of a map that is tiled."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.patches import (
    Ellipse,
    FancyArrowPatch,
    FancyBboxPatch,
    Patch,
    Rectangle,
)

from tutorial_lib import arguments
from tutorial_lib.fields.analysis import LayerField
from tutorial_lib.fields.graph import images_of
from tutorial_lib.fields.spans import ROWS
from tutorial_lib.viewers.figures import TEXT_SIZE, WIDTH, LiteralFigure, StillFigure

if TYPE_CHECKING:
    from tutorial_lib.fields.analysis import FieldAnalysis

# Inches of a layer in the picture of a network, and of a row of one pixel size.
COLUMN, ROW = 0.72, 0.98

# Colours of what makes an image smaller, keeps its size, makes it larger; of inputs.
_SMALLER, _SAME, _LARGER, _INPUT = "#f6c9a0", "#e8e8e8", "#a9d3ee", "#ffffff"
_READ, _WRITTEN, _LINE = "#d55e00", "#0072b2", "#404040"

# A larger image would have cells that are too small to see.
MOST_PIXELS = 64

__all__ = ["show_fields", "show_network"]


def show_network(analysis: "FieldAnalysis", size: int, output: str) -> StillFigure:
    """Draw the layers that lead to an output.

    From left to right the layers run one after the other. The lower a layer, the larger
    the pixels of what it gives. Boxes between two rows make the image smaller (orange)
    or larger (blue). A circle adds or joins images.

    Args:
        analysis: By `analyse`.
        size: Side of the chunk in reference pixels.
        output: Name of the output.

    Returns:
        A figure that displays itself.

    Example:
        >>> from tutorial_lib import analyse, architectures
        >>> show_network(analyse(architectures.pan_xs_unet(4)), 128, "estimated")
        Network of the output 'estimated' for a chunk of 128 px. input_p: 128 px. ...
    """
    layout = _Layout(analysis, size, output)
    columns, rows = layout.columns, len(layout.spacings)
    figsize = max(WIDTH, COLUMN * (columns + 1.1)), ROW * (rows + 0.4)
    figure = LiteralFigure(figsize=figsize, layout="constrained")
    ax = figure.subplots()
    ax.set_xlim(-1.6, columns - 0.5)
    ax.set_ylim(rows - 0.5, -0.6)
    ax.axis("off")
    _draw_rows(ax, layout)
    shapes = {number: _draw_layer(ax, layout, number) for number in layout.places}
    for number in layout.places:
        for read in layout.shown_inputs(number):
            _draw_arrow(ax, layout, (read, number), (shapes[read], shapes[number]))
    return StillFigure(figure, _network_text(layout))


class _Layout:
    """Which layers are drawn, and where: (column, row) of each step's number.

    Attributes:
        spacings: Pixel sizes, the smallest first: one row each.
    """

    def __init__(self, analysis: "FieldAnalysis", size: int, output: str) -> None:
        self.analysis, self.size, self.output = analysis, size, output
        self.fields = analysis.layers(size)
        self.last = analysis.outputs[output]
        needed = sorted(analysis.steps_before(self.last))
        shown = [number for number in needed if self._is_shown(number)]
        self.spacings = sorted({self.fields[number].spacing for number in needed})
        self.places = dict(self._placed(shown))
        self.columns = 1 + int(max(column for column, _ in self.places.values()))

    def _is_shown(self, number: int) -> bool:
        step, kind = self.analysis.steps[number], self.fields[number]
        return not step.inputs or bool(kind.kernel) or self.is_merge(number)

    def is_merge(self, number: int) -> bool:
        """Whether a step joins several images."""
        step = self.analysis.steps[number]
        return len(images_of(self.analysis.steps, step)) > 1

    def shown_inputs(self, number: int) -> list[int]:
        """The drawn steps that a step reads, through steps that are not drawn."""
        found = []
        for read in self.analysis.steps[number].inputs:
            found += [read] if read in self.places else self.shown_inputs(read)
        return found

    def row(self, number: int) -> int:
        """Row of the pixel size of a step's output."""
        return self.spacings.index(self.fields[number].spacing)

    def _placed(
        self, shown: Sequence[int]
    ) -> Iterator[tuple[int, tuple[float, float]]]:
        """Each layer stands behind all that it reads.

        A layer that changes the pixel size stands between the two rows.
        """
        self.places: dict[int, tuple[float, float]] = {}
        for number in shown:
            reads = self.shown_inputs(number)
            column = 1 + max((self.places[i][0] for i in reads), default=-1)
            rows = [self.row(number), *(self.row(i) for i in reads)]
            place = column, (rows[0] + rows[-1]) / 2
            self.places[number] = place
            yield number, place


def _draw_rows(ax: Axes, layout: _Layout) -> None:
    for row, spacing in enumerate(layout.spacings):
        ax.axhline(row, color="#d0d0d0", linewidth=1, zorder=0)
        text = f"pixel size {float(spacing):g}"
        ax.text(-1.58, row - 0.06, text, fontsize=TEXT_SIZE, color="#505050")


def _draw_layer(ax: Axes, layout: _Layout, number: int) -> Patch:
    """Draw a layer; its shape, at which arrows end."""
    (x, y), field = layout.places[number], layout.fields[number]
    style = {"ha": "center", "va": "center", "fontsize": TEXT_SIZE - 1, "zorder": 3}
    look = {"edgecolor": _LINE, "linewidth": 0.8, "zorder": 2}
    if layout.is_merge(number):
        shape = Ellipse((x, y), 0.3, 0.3, facecolor="white", **look)
        ax.text(x, y, "+" if field.kind == "Add" else "…", **style)
        return ax.add_patch(shape)
    name = layout.output if number == layout.last else field.name
    lines, color = [*name.split(" "), f"{field.size[ROWS]} px"], _INPUT
    if field.kernel:
        lines[-1:-1] = [f"kernel {field.kernel[ROWS]}", f"stride {field.stride[ROWS]}"]
        color = _colour(layout, number)
    width, height = 0.9, 0.12 + 0.16 * len(lines)
    corner, rounded = (x - width / 2, y - height / 2), "round,pad=0,rounding_size=0.08"
    shape = FancyBboxPatch(
        corner, width, height, boxstyle=rounded, facecolor=color, **look
    )
    ax.text(x, y, "\n".join(lines), **style)
    return ax.add_patch(shape)


def _draw_arrow(
    ax: Axes, layout: _Layout, numbers: tuple[int, int], shapes: tuple[Patch, Patch]
) -> None:
    (x, y), (to_x, to_y) = (layout.places[number] for number in numbers)
    # A branch that waits is dashed, and goes round layers that stand in its way.
    waits = to_x - x > 1
    in_way = any(x < a < to_x and b == y == to_y for a, b in layout.places.values())
    arrow = FancyArrowPatch(
        (x, y),
        (to_x, to_y),
        patchA=shapes[0],
        patchB=shapes[1],
        shrinkA=0,
        shrinkB=1,
        arrowstyle="-|>",
        mutation_scale=9,
        connectionstyle=f"arc3,rad={0.25 if in_way else 0}",
        color="#707070" if waits else _LINE,
        linestyle="--" if waits else "-",
        zorder=1,
    )
    ax.add_patch(arrow)


def _colour(layout: _Layout, number: int) -> str:
    before = {layout.row(i) for i in layout.shown_inputs(number)}
    change = layout.row(number) - max(before, default=layout.row(number))
    return _SMALLER if change > 0 else _LARGER if change < 0 else _SAME


def _network_text(layout: _Layout) -> str:
    lines = [
        f"Network of the output '{layout.output}' for a chunk of {layout.size} px."
    ]
    for number in layout.places:
        field = layout.fields[number]
        lines.append(f"{_words(field, layout, number)}: {field.size[ROWS]} px.")
    return " ".join(lines)


def _words(field: LayerField, layout: _Layout, number: int) -> str:
    names = [layout.fields[i].name for i in layout.shown_inputs(number)]
    if not names:
        return field.name
    text = f"{field.name} ({field.kind}"
    if field.kernel:
        text += f", kernel {field.kernel[ROWS]}, stride {field.stride[ROWS]}"
    return f"{text}) of {' and '.join(names)}"


def show_fields(
    receptive_field: int, expression_field: int, *, image: int = 24
) -> StillFigure:
    """Draw the block that a network reads, and the block of the map that it fills.

    Args:
        receptive_field: Side of the block that is read, in pixels.
        expression_field: Side of the block that is written, in pixels, at most the
            receptive field.
        image: Side of the image that is drawn, in pixels, at most 64.

    Returns:
        A figure that displays itself.

    Raises:
        ValueError: If a field is larger than what it must fit into.

    Example:
        >>> show_fields(12, 4)
        Left: an image of 24 x 24 px, in which a receptive field of 12 x 12 px is read.
        Right: the map, in which an expression field of 4 x 4 px is written...
    """
    image = arguments.whole_number("image", image, least=2, most=MOST_PIXELS)
    read = arguments.whole_number("receptive_field", receptive_field, least=1)
    written = arguments.whole_number("expression_field", expression_field, least=1)
    if written > read or read + written > image:
        raise ValueError(
            f"`receptive_field` is {read} and `expression_field` {written}. Both "
            f"together must fit into the image of {image} px, and the second into the "
            "first."
        )
    figure = LiteralFigure(figsize=(8, 4), layout="constrained")
    corner = (image - read - written) // 2
    for ax, side, inside, color, words in zip(
        figure.subplots(1, 2),
        (read, written),
        (0, (read - written) // 2),
        (_READ, _WRITTEN),
        ("image: {0} x {0} px are read", "map: {0} x {0} px are written"),
        strict=True,
    ):
        _draw_cells(ax, image, words.format(side))
        at = corner + inside
        _draw_block(ax, (at, at), side, color, "first block", (color, 0.35))
        _draw_block(ax, (at + written, at), side, color, "next block", "none")
        ax.legend(fontsize=TEXT_SIZE, loc="lower center", ncols=2, frameon=False)
    return StillFigure(
        figure,
        f"Left: an image of {image} x {image} px, in which a receptive field of {read} "
        f"x {read} px is read. Right: the map, in which an expression field of "
        f"{written} x {written} px is written, in the middle of the same place. The "
        f"next block lies {written} px to the right in both.",
    )


def _draw_cells(ax: Axes, image: int, title: str) -> None:
    for line in range(image + 1):
        ax.axhline(line, color="#dddddd", linewidth=0.6, zorder=0)
        ax.axvline(line, color="#dddddd", linewidth=0.6, zorder=0)
    ax.set_xlim(0, image)
    ax.set_ylim(image, 0)
    ax.set_aspect("equal")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_title(title, fontsize=TEXT_SIZE + 1)


def _draw_block(
    ax: Axes, at: tuple[int, int], side: int, color: str, words: str, face: Any
) -> None:
    line = "--" if face == "none" else "-"
    box = Rectangle(at, side, side, facecolor=face, edgecolor=color, label=words)
    box.set(linestyle=line, linewidth=1.8, zorder=2)
    ax.add_patch(box)
