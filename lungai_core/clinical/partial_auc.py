"""Area under a part of the ROC curve."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.clinical._checks import check_confidence
from lungai_core.clinical.results import Interval
from lungai_core.clinical.roc import RocData, roc_curve, roc_data
from lungai_core.domain.model import FrozenModel
from lungai_core.errors import InvalidArgumentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PartialAuc", "RocSide", "partial_auc", "partial_auc_interval"]


class RocSide(StrEnum):
    """Which rate the part of the curve is cut by.

    :implements: SRS-CLIN-005, SDS-CLIN-005
    """

    SPECIFICITY = "specificity"
    SENSITIVITY = "sensitivity"


class PartialAuc(FrozenModel):
    """A partial area, as it is and standardised to 0.5 (chance) and 1 (perfect).

    :implements: SRS-CLIN-005, SDS-CLIN-005
    """

    area: float
    standardised: float


def partial_auc(data: RocData, /, *, side: RocSide = RocSide.SPECIFICITY, at_least: float) -> PartialAuc:
    """Compute the area where specificity (or sensitivity) is at least a bound.

    :implements: SRS-CLIN-005, SDS-CLIN-005

    Source: McClish DK, Med Decis Making 1989;9:190 (standardised area); linear between the corners of the curve.

    Parameters
    ----------
    data
        Result of :func:`lungai_core.clinical.roc.roc_data`.
    side
        The rate that is bounded.
    at_least
        Its lower bound, 0 or more and less than 1.
    """
    if not 0 <= at_least < 1:
        raise InvalidArgumentError(
            "The bound of a partial AUC is not a rate.",
            where=f"at_least = {at_least}",
            allowed="0 to less than 1",
            remedy="Give the lowest specificity or sensitivity of interest, such as 0.9.",
        )
    curve = roc_curve(data)
    along, height = curve.false_positive_rate, curve.sensitivity
    if side is RocSide.SENSITIVITY:
        # Mirrored at the anti-diagonal, a bound on sensitivity becomes a bound on specificity.
        along, height = 1 - height[::-1], 1 - along[::-1]
    width = 1 - at_least
    area = _area_up_to(along, height, width)
    smallest = width * width / 2
    return PartialAuc(area=area, standardised=(1 + (area - smallest) / (width - smallest)) / 2)


def partial_auc_interval(
    data: RocData,
    /,
    *,
    side: RocSide = RocSide.SPECIFICITY,
    at_least: float,
    seed: int,
    replicates: int = 2000,
    confidence: float = 0.95,
) -> Interval:
    """Compute a percentile bootstrap interval of a partial area, cases drawn within each class.

    :implements: SRS-CLIN-005, SDS-CLIN-005

    Source: Efron B, Tibshirani R, An Introduction to the Bootstrap, 1993; stratified as in pROC (Robin 2011).

    Parameters
    ----------
    data, side, at_least
        As for :func:`partial_auc`.
    seed
        Seed of the generator.
    replicates
        Number of samples.
    confidence
        Two-sided nominal coverage.
    """
    generator = np.random.default_rng(seed)
    truth = np.r_[np.ones(data.positives.size), np.zeros(data.negatives.size)]
    areas = np.empty(replicates)
    for index in range(replicates):
        sample = np.r_[
            generator.choice(data.positives, data.positives.size), generator.choice(data.negatives, data.negatives.size)
        ]
        areas[index] = partial_auc(roc_data(sample, truth=truth), side=side, at_least=at_least).area
    tail = (1 - check_confidence(confidence)) / 2
    lower, upper = np.quantile(areas, (tail, 1 - tail))
    return Interval(
        estimate=partial_auc(data, side=side, at_least=at_least).area,
        lower=float(lower),
        upper=float(upper),
        confidence=confidence,
        method=f"stratified percentile bootstrap, {replicates} replicates",
    )


def _area_up_to(along: NDArray[np.float64], height: NDArray[np.float64], end: float) -> float:
    inside = along <= end
    x, y = along[inside], height[inside]
    if x[-1] < end:
        after = int(np.flatnonzero(~inside)[0])
        slope = (height[after] - y[-1]) / (along[after] - x[-1])
        x, y = np.append(x, end), np.append(y, y[-1] + slope * (end - x[-1]))
    return float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2))
