"""Confidence intervals of one proportion."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from lungai_core.clinical._checks import check_confidence, two_sided_z
from lungai_core.clinical._distributions import beta_quantile, incomplete_beta
from lungai_core.clinical._roots import bisect_decreasing
from lungai_core.clinical.results import Interval
from lungai_core.domain.model import FrozenModel

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Count", "ProportionMethod", "proportion_interval"]


class Count(FrozenModel):
    """Successes out of n trials.

    :implements: SRS-CLIN-001, SDS-CLIN-001
    """

    successes: Annotated[int, Field(ge=0)]
    n: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _not_more_successes_than_trials(self) -> Self:
        if self.successes > self.n:
            message = "more successes than trials"
            raise ValueError(message)
        return self

    @property
    def rate(self) -> float:
        """The observed proportion."""
        return self.successes / self.n


class ProportionMethod(StrEnum):
    """How the interval of a proportion is computed.

    :implements: SRS-CLIN-001, SDS-CLIN-001
    """

    WILSON = "Wilson score (Wilson 1927)"
    WILSON_CC = "Wilson score with continuity correction (Newcombe 1998)"
    CLOPPER_PEARSON = "exact (Clopper and Pearson 1934)"
    MID_P = "mid-p (Berry and Armitage 1995)"
    JEFFREYS = "Jeffreys, closed at 0 and n (Brown, Cai and DasGupta 2001)"
    AGRESTI_COULL = "Agresti and Coull 1998, limited to 0 to 1"


def proportion_interval(
    count: Count, /, *, method: ProportionMethod = ProportionMethod.WILSON, confidence: float = 0.95
) -> Interval:
    """Compute the confidence interval of a proportion of independent trials.

    :implements: SRS-CLIN-001, SDS-CLIN-001

    For lesions use :func:`lungai_core.clinical.clustered.lesion_proportion`, which asks for their patients.
    Source: Newcombe RG, Stat Med 1998;17:857-872, and the papers named in :class:`ProportionMethod`.

    Parameters
    ----------
    count
        Successes and trials.
    method
        The method; Wilson's score interval if absent.
    confidence
        Two-sided nominal coverage, 0 to 1.
    """
    check_confidence(confidence)
    lower, upper = _METHODS[method](count.successes, count.n, confidence)
    return Interval(estimate=count.rate, lower=lower, upper=upper, confidence=confidence, method=method.value)


def _wilson(x: int, n: int, confidence: float) -> tuple[float, float]:
    z = two_sided_z(confidence)
    centre = (x + z * z / 2) / (n + z * z)
    half = z * math.sqrt(x * (n - x) / n + z * z / 4) / (n + z * z)
    return (0.0 if x == 0 else centre - half), (1.0 if x == n else centre + half)


def _wilson_cc(x: int, n: int, confidence: float) -> tuple[float, float]:
    z = two_sided_z(confidence)
    p = x / n
    scale = 2 * (n + z * z)
    low_root = math.sqrt(max(0.0, z * z - 2 - 1 / n + 4 * p * (n * (1 - p) + 1)))
    high_root = math.sqrt(max(0.0, z * z + 2 - 1 / n + 4 * p * (n * (1 - p) - 1)))
    lower = 0.0 if x == 0 else max(0.0, (2 * n * p + z * z - 1 - z * low_root) / scale)
    upper = 1.0 if x == n else min(1.0, (2 * n * p + z * z + 1 + z * high_root) / scale)
    return lower, upper


def _clopper_pearson(x: int, n: int, confidence: float) -> tuple[float, float]:
    tail = (1 - confidence) / 2
    lower = 0.0 if x == 0 else beta_quantile(tail, a=x, b=n - x + 1)
    upper = 1.0 if x == n else beta_quantile(1 - tail, a=x + 1, b=n - x)
    return lower, upper


def _mid_p(x: int, n: int, confidence: float) -> tuple[float, float]:
    tail = (1 - confidence) / 2

    def at_least(p: np.ndarray, k: int) -> np.ndarray:
        if k <= 0:
            return np.ones_like(p)
        return np.zeros_like(p) if k > n else incomplete_beta(p, a=k, b=n - k + 1)

    def upper_tail(p: np.ndarray) -> np.ndarray:
        return np.asarray((at_least(p, x) + at_least(p, x + 1)) / 2)

    zero, one = np.zeros(1), np.ones(1)
    lower = bisect_decreasing(lambda p: tail - upper_tail(p), lower=zero, upper=one)
    upper = bisect_decreasing(lambda p: 1 - upper_tail(p) - tail, lower=zero, upper=one)
    return (0.0 if x == 0 else float(lower[0])), (1.0 if x == n else float(upper[0]))


def _jeffreys(x: int, n: int, confidence: float) -> tuple[float, float]:
    tail = (1 - confidence) / 2
    lower = 0.0 if x == 0 else beta_quantile(tail, a=x + 0.5, b=n - x + 0.5)
    upper = 1.0 if x == n else beta_quantile(1 - tail, a=x + 0.5, b=n - x + 0.5)
    return lower, upper


def _agresti_coull(x: int, n: int, confidence: float) -> tuple[float, float]:
    z = two_sided_z(confidence)
    trials = n + z * z
    centre = (x + z * z / 2) / trials
    half = z * math.sqrt(centre * (1 - centre) / trials)
    return max(0.0, centre - half), min(1.0, centre + half)


_METHODS: dict[ProportionMethod, Callable[[int, int, float], tuple[float, float]]] = {
    ProportionMethod.WILSON: _wilson,
    ProportionMethod.WILSON_CC: _wilson_cc,
    ProportionMethod.CLOPPER_PEARSON: _clopper_pearson,
    ProportionMethod.MID_P: _mid_p,
    ProportionMethod.JEFFREYS: _jeffreys,
    ProportionMethod.AGRESTI_COULL: _agresti_coull,
}
