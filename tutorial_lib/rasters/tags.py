"""Texts in a file: its tags, and the names of its bands."""

from collections.abc import Mapping, Sequence

from tutorial_lib import arguments
from tutorial_lib.display import counted

__all__ = ["checked_texts"]


def checked_texts(
    tags: Mapping[str, str] | None, descriptions: Sequence[str] | None, channels: int
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The tags and the names of the bands, after a check that a file can hold them."""
    tags = {} if tags is None else tags
    tags = arguments.mapping("tags", tags, '{"MODEL": "unet"}')
    for name, value in tags.items():
        arguments.text(f"tags[{name!r}]", value)
        # "bidx" and "ns" are arguments of rasterio's function.
        if "=" in name or not name.isprintable() or name in ("", "bidx", "ns"):
            raise ValueError(
                f"{name!r} cannot be the name of a tag. Give a word without '=', "
                "such as 'MODEL'."
            )
        if "\0" in value:
            raise ValueError(
                f"The tag '{name}' holds a character that ends texts in a file. Give "
                "it without '\\0'."
            )
    if descriptions is None:
        return tags, ()
    descriptions = arguments.sequence("descriptions", descriptions, "texts")
    for description in descriptions:
        arguments.text("descriptions", description)
    if len(descriptions) != channels:
        raise ValueError(
            f"Received {counted(len(descriptions), 'description')} for "
            f"{counted(channels, 'band')}. Give one for each band."
        )
    return tags, tuple(descriptions)
