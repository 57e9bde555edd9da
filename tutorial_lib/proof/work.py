"""The images that `certify` still has to compute: how many, and how long they take."""

from collections import Counter
from collections.abc import Mapping
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tutorial_lib.notices import warn

if TYPE_CHECKING:
    from tqdm import tqdm

Pair = tuple[int, int]

# Seconds up to which nobody needs to be told, and from which a cure is worth reading.
QUIET_SECONDS, LONG_SECONDS = 2.0, 300.0
# Memory that small machines do not have, in bytes.
MUCH_MEMORY = 4e9
# Longest side of the image by which the speed is measured, in reference pixels.
LARGEST_TRIAL = 512

__all__ = ["LONG_SECONDS", "QUIET_SECONDS", "Work", "spoken"]


def spoken(seconds: float) -> str:
    """A duration in words of at most two digits.

    Example:
        >>> spoken(0.2), spoken(41.7), spoken(130), spoken(9000)
        ('1 s', '42 s', '2 min', '2.5 h')
    """
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class Work:
    """What is planned, what is done, and a progress bar if it takes long.

    Args:
        progress: Whether there may be a bar.
        cure: A sentence on how to get by with less, for work that takes minutes or much
            memory.
        bytes_per_pixel: Memory that the model takes for one reference pixel; None where
            it is not known.

    Example:
        >>> with Work(progress=False) as work:
        ...     work.plan("tiles", {(200, 100): 3})
        ...     work.ran((200, 100), seconds=0.5)
        ...     work.expected  # of the two that are left
        1.0
    """

    def __init__(
        self,
        *,
        progress: bool = False,
        cure: str = "",
        bytes_per_pixel: float | None = None,
    ) -> None:
        self._progress, self._cure = progress, cure
        self._bytes_per_pixel = bytes_per_pixel or 0.0
        self._parts: dict[str, Counter[Pair]] = {}
        self._at_most = ""
        self._seconds: dict[Pair, list[float]] = {}
        self._bar: tqdm | None = None
        self._start, self._warned = perf_counter(), False
        # Pixels that are computed, and those that the bar knows of.
        self._done = self._shown = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    @property
    def left(self) -> Counter[Pair]:
        """Number of images by shape that are planned and not yet computed."""
        return sum(self._parts.values(), Counter())

    @property
    def expected(self) -> float:
        """Seconds that the rest will take, by the images that were computed."""
        if not self._seconds:
            return 0.0
        per_image, per_pixel = self._pace()
        left = self.left
        # Some models are compiled for each new size, in the first run.
        new = len(left.keys() - self._seconds.keys())
        times = self._seconds[max(self._seconds, key=_pixels)]
        compiling = new * (times[0] - min(times))
        return left.total() * per_image + _total(left) * per_pixel + compiling

    def _pace(self) -> tuple[float, float]:
        """Seconds for an image and for a pixel, by the smallest and largest images."""
        sizes = sorted(self._seconds, key=_pixels)
        few, many = _pixels(sizes[0]), _pixels(sizes[-1])
        short, long = (min(self._seconds[size]) for size in (sizes[0], sizes[-1]))
        per_pixel = long / many
        if many > few:
            # Other programs disturb the clock, so not all may be put down to the image.
            slope = (long - short) / (many - few)
            per_pixel = min(max(slope, per_pixel / 2), per_pixel)
        return long - per_pixel * many, per_pixel

    def plan(
        self, part: str, images: Mapping[Pair, int], *, at_most: bool = False
    ) -> None:
        """Plan the images of a part of the work, in place of what was planned of it.

        Args:
            part: Name of the part.
            images: Number of images by their shape in reference pixels.
            at_most: Whether fewer of them may be enough.
        """
        self._parts[part] = Counter(images)
        self._at_most = "at most " if at_most else ""

    def trial(self) -> Pair | None:
        """Shape of an image that would tell the speed better; None if it is known.

        An image that is much smaller than the others takes longer for each pixel.
        """
        if not self._seconds or self.expected < QUIET_SECONDS:
            return None
        largest = max(self.left, key=_pixels)
        shape = tuple(min(side // 4, LARGEST_TRIAL) for side in largest)
        known = max(map(_pixels, self._seconds))
        return shape if _pixels(shape) > 2 * known else None

    def ran(self, shape: Pair, seconds: float) -> None:
        """Note that an image was computed."""
        self._seconds.setdefault(shape, []).append(seconds)
        for images in self._parts.values():
            if images[shape] > 0:
                images[shape] -= 1
                self._done += _pixels(shape)
                self.tell()
                break

    def tell(self) -> None:
        """Show the bar if all takes long, and bring it up to date."""
        expected = self.expected
        much = expected > LONG_SECONDS or self._memory > MUCH_MEMORY
        if much and not self._warned:
            self._warned = True
            warn(f"{self._sentence()}. {self._cure}")
        gone = perf_counter() - self._start
        long = gone + expected > QUIET_SECONDS and expected > QUIET_SECONDS / 2
        if self._bar is None and self._progress and long:
            self._bar = self._opened()
        elif self._bar is not None:
            self._move(self._bar)

    def _move(self, bar: "tqdm") -> None:
        """Bring the bar up to date; it begins anew when other images are planned."""
        left, step = _total(self.left), self._done - self._shown
        self._shown = self._done
        if bar.n + step + left == bar.total:
            bar.update(step)
        elif left:
            bar.set_description_str(self._sentence(), refresh=False)
            bar.reset(total=left)

    def _opened(self) -> "tqdm":
        # Here, so that a short proof does not wait for the widgets of notebooks.
        from tqdm.auto import tqdm

        self._shown = self._done
        return tqdm(
            total=_total(self.left),
            desc=self._sentence(),
            bar_format="{desc}: {percentage:3.0f}% [{elapsed}<{remaining}]",
            leave=False,
        )

    def _sentence(self) -> str:
        left = self.left
        height, width = max(left, key=_pixels)
        gigabytes = round(self._memory / 1e9)
        memory = f" and {gigabytes} GB of memory" if gigabytes else ""
        return (
            f"certify computes {self._at_most}{left.total()} images of up to "
            f"{height}x{width} px, about {spoken(self.expected)}{memory}"
        )

    @property
    def _memory(self) -> float:
        """Bytes that the largest of the images takes, as far as it is known."""
        return max(map(_pixels, self.left), default=0) * self._bytes_per_pixel


def _pixels(shape: Pair) -> int:
    return shape[0] * shape[1]


def _total(images: Mapping[Pair, int]) -> int:
    """Number of pixels of images, by their number and shape."""
    return sum(count * _pixels(shape) for shape, count in images.items())
