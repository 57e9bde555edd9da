"""Names and colours of classes."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Legend:
    """Names and colours of the classes 0, 1, 2… of a label map.

    Attributes:
        names: One name for each class.
        colors: One colour for each class, as "#rrggbb".

    Example:
        >>> Legend(names=("water", "forest"), colors=("#7fbcfc", "#106b00")).names[1]
        'forest'
    """

    names: tuple[str, ...]
    colors: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.names) != len(self.colors):
            raise ValueError(
                f"The legend has {len(self.names)} names and {len(self.colors)} "
                "colours. Give one colour for each name."
            )
        wrong = [c for c in self.colors if not re.fullmatch("#[0-9a-fA-F]{6}", c)]
        if wrong:
            raise ValueError(
                f"The colour '{wrong[0]}' of the legend does not have the form "
                "'#rrggbb'. Write for example '#106b00'."
            )

    def __len__(self) -> int:
        return len(self.names)

    @property
    def rgb(self) -> tuple[tuple[int, int, int], ...]:
        """The colours as (red, green, blue), 0 to 255."""
        return tuple(
            tuple(int(color[i : i + 2], 16) for i in (1, 3, 5)) for color in self.colors
        )
