"""Gaussian maximum likelihood: the classifier that remote sensing had before networks.

Each class is a normal distribution with a mean vector and a covariance matrix. A patch
gets the class under which its values are most likely. Nothing is trained step by step,
so the result is there at once and is the same every time.

Source: P. H. Swain and S. M. Davis (eds., 1978), Remote Sensing: The Quantitative
Approach, McGraw-Hill, chapter 3.
"""

from collections.abc import Callable, Mapping

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.display import counted
from tutorial_lib.patches.extraction import LABELS, Patches

# Added to the variances, in units of the variance over all classes. It makes every
# covariance invertible, and is too small to change the scores on the Havel by 0.005.
RIDGE = 1e-5

__all__ = ["maximum_likelihood"]


def maximum_likelihood(
    train: Patches, test: Patches, *, features: str = "statistics"
) -> np.ndarray:
    """Classify patches by Gaussian maximum likelihood, with equal priors.

    The features of all sources are used side by side, so 10 m and 20 m patches go
    together. A class without a training patch is never estimated.

    Args:
        train: Patches of the training area, with the class of each.
        test: Patches to classify, with the same sources. Their classes are not used.
        features: "statistics" for the mean and the standard deviation of each band over
            the patch, or "center" for the values of the pixel in the middle.

    Returns:
        (n,) class numbers of the test patches.

    Raises:
        TypeError: If `train` or `test` are not patches.
        ValueError: If they have different sources or bands, there are no patches, a
            value is not finite, or there are no such features.

    Source:
        Swain and Davis (1978), with g(x) = -ln |C| - (x - m)' C^-1 (x - m) for each
        class with the mean m and the covariance C.

    Example:
        >>> from tutorial_lib import extract_patches, select_positions, testing
        >>> scene = dict(testing.small_scene())
        >>> positions = select_positions(scene.pop("labels"), count=25, margin=8)
        >>> sizes = {"input_10m": 16, "input_20m": 8}
        >>> patches = extract_patches(scene, positions, sizes=sizes)
        >>> estimated = maximum_likelihood(patches, patches, features="center")
        >>> float((estimated == patches.arrays["labels"].ravel()).mean()) > 0.9
        True
    """
    arguments.choice("features", features, _FEATURES)
    for name, patches in (("train", train), ("test", test)):
        what = "patches that `extract_patches` returned"
        arguments.instance(name, patches, Patches, what)
    _check_alike(train, test)
    known = _features("train", train, _FEATURES[features])
    unknown = _features("test", test, _FEATURES[features])
    # In units of the whole training area, so that the ridge suits every band.
    mean, std = known.mean(axis=0), known.std(axis=0)
    std[std == 0] = 1
    known, unknown = (known - mean) / std, (unknown - mean) / std
    labels = train.arrays[LABELS].ravel()
    classes = np.unique(labels)
    likelihoods = [_log_likelihood(known[labels == one], unknown) for one in classes]
    return classes[np.argmax(likelihoods, axis=0)]


def _center(patches: np.ndarray) -> np.ndarray:
    """Pixel in the middle, (n, channel); of an even side the one that has the class."""
    _, height, width, _ = patches.shape
    return patches[:, height // 2, width // 2].astype("float64")


def _statistics(patches: np.ndarray) -> np.ndarray:
    """Mean and standard deviation of each band, (n, 2 x channel)."""
    mean = patches.mean(axis=(1, 2), dtype="float64")
    std = patches.std(axis=(1, 2), dtype="float64")
    return np.concatenate([mean, std], axis=1)


_FEATURES: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "statistics": _statistics,
    "center": _center,
}


def _features(
    name: str, patches: Patches, of: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Features of the patches of all sources, (n, feature)."""
    if not patches.count:
        raise ValueError(f"`{name}` has no patches. Give at least one.")
    arrays = [patches.arrays[source] for source in _sources(patches)]
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError(f"`{name}` holds NaN or infinity. Leave these patches out.")
    return np.concatenate([of(array) for array in arrays], axis=1)


def _sources(patches: Patches) -> list[str]:
    return sorted(name for name in patches.arrays if name != LABELS)


def _check_alike(train: Patches, test: Patches) -> None:
    """Raise ValueError if two patches have different sources or bands."""
    one, two = _sources(train), _sources(test)
    if one != two:
        raise ValueError(
            f"`train` has the sources {', '.join(one)} and `test` {', '.join(two)}. "
            "Give patches of the same sources."
        )
    for name in one:
        bands, others = (x.arrays[name].shape[-1] for x in (train, test))
        if bands != others:
            raise ValueError(
                f"'{name}' has {counted(bands, 'band')} in `train` and {others} in "
                "`test`. Give patches of the same image bands."
            )


def _log_likelihood(known: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    """Log-likelihoods of a class, times two and without their common constant.

    Args:
        known: (n, feature) features of the training patches of the class.
        unknown: (m, feature) features of the patches to classify.

    Returns:
        (m,) values; the class with the largest one is estimated.
    """
    away = unknown - known.mean(axis=0)
    covariance = np.cov(known, rowvar=False, bias=True)
    covariance = np.atleast_2d(covariance) + RIDGE * np.eye(known.shape[1])
    squares = np.sum(away * np.linalg.solve(covariance, away.T).T, axis=1)
    return -np.linalg.slogdet(covariance)[1] - squares
