"""Input checks shared by the statistics: each refuses with a typed error instead of computing nonsense."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lungai_core.clinical._distributions import normal_quantile
from lungai_core.errors import InvalidArgumentError, NotEstimableError, StudyDataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "as_binary",
    "as_numbers",
    "as_probabilities",
    "bad_data",
    "check_confidence",
    "not_estimable",
    "same_length",
    "two_sided_z",
]


def bad_data(what: str, /, *, where: str, allowed: str) -> StudyDataError:
    """Build the error for contradictory data."""
    return StudyDataError(what, where=where, allowed=allowed, remedy="Correct the data that the study file gives.")


def not_estimable(what: str, /, *, where: str, allowed: str) -> NotEstimableError:
    """Build the error for a statistic that does not exist for these data."""
    return NotEstimableError(
        what,
        where=where,
        allowed=allowed,
        remedy="Report the statistic as not estimable, or collect the missing kind of case.",
    )


def check_confidence(confidence: float, /) -> float:
    """Return the confidence level, or refuse one outside (0, 1)."""
    if not 0 < confidence < 1:
        raise InvalidArgumentError(
            "A confidence level or an error rate is not a proportion.",
            where=f"value {confidence}",
            allowed="greater than 0 and less than 1, such as 0.95",
            remedy="Give the level as a proportion, not in per cent.",
        )
    return confidence


def two_sided_z(confidence: float, /) -> float:
    """Return the normal quantile of a two-sided confidence level."""
    return normal_quantile(0.5 + check_confidence(confidence) / 2)


def as_numbers(values: ArrayLike, /, *, name: str) -> NDArray[np.float64]:
    """Return a one-dimensional float64 array of finite numbers."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise bad_data("A list of numbers is empty or not one-dimensional.", where=name, allowed="at least one number")
    if not np.isfinite(array).all():
        raise bad_data("A number is missing or not finite.", where=name, allowed="finite numbers")
    return array


def as_probabilities(values: ArrayLike, /, *, name: str) -> NDArray[np.float64]:
    """Return a one-dimensional array of probabilities."""
    array = as_numbers(values, name=name)
    if array.min() < 0 or array.max() > 1:
        raise bad_data("A probability lies outside 0 to 1.", where=name, allowed="0 to 1")
    return array


def as_binary(values: ArrayLike, /, *, name: str) -> NDArray[np.bool_]:
    """Return a one-dimensional boolean array from zeros and ones."""
    array = as_numbers(values, name=name)
    if not np.isin(array, (0.0, 1.0)).all():
        raise bad_data("A truth or decision is neither 0 nor 1.", where=name, allowed="0 or 1")
    return array.astype(np.bool_)


def same_length(first: NDArray[np.generic], second: NDArray[np.generic], /, *, names: str) -> None:
    """Refuse arrays of different lengths."""
    if first.shape[0] != second.shape[0]:
        raise bad_data(
            f"Two lists that belong together have {first.shape[0]} and {second.shape[0]} entries.",
            where=names,
            allowed="equal lengths",
        )
