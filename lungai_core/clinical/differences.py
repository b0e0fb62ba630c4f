"""Differences of two independent proportions, with the score methods that statsmodels gets wrong."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.clinical._checks import check_confidence, two_sided_z
from lungai_core.clinical._distributions import normal_sf
from lungai_core.clinical._roots import bisect_decreasing
from lungai_core.clinical.proportions import Count, proportion_interval
from lungai_core.clinical.results import Alternative, HypothesisTest, Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "DifferenceMethod",
    "constrained_rates",
    "difference_interval",
    "non_inferiority_test",
    "score_statistic",
]


class DifferenceMethod(StrEnum):
    """How the interval of a difference of independent proportions is computed.

    :implements: SRS-CLIN-002, SDS-CLIN-002
    """

    WALD = "Wald"
    NEWCOMBE = "hybrid score, method 10 (Newcombe 1998)"
    MIETTINEN_NURMINEN = "score with N/(N-1) (Miettinen and Nurminen 1985)"
    MEE = "score (Mee 1984; Farrington and Manning 1990)"


def difference_interval(
    test: Count,
    control: Count,
    /,
    *,
    method: DifferenceMethod = DifferenceMethod.MIETTINEN_NURMINEN,
    confidence: float = 0.95,
) -> Interval:
    """Compute the interval of the rate of ``test`` minus the rate of ``control`` for independent groups.

    :implements: SRS-CLIN-002, SDS-CLIN-002

    Source: Newcombe RG, Stat Med 1998;17:873-890; Miettinen O, Nurminen M, Stat Med 1985;4:213-226; Mee RW,
    Biometrics 1984;40:1175.

    Parameters
    ----------
    test, control
        Successes and trials of the two groups. The same cases read twice are not independent: use
        :func:`lungai_core.clinical.paired.paired_interval`.
    method
        The method; Miettinen and Nurminen's score interval if absent.
    confidence
        Two-sided nominal coverage.
    """
    check_confidence(confidence)
    if method is DifferenceMethod.WALD:
        lower, upper = _wald(test, control, confidence)
    elif method is DifferenceMethod.NEWCOMBE:
        lower, upper = _newcombe(test, control, confidence)
    else:
        lower, upper = _score(test, control, confidence, method)
    return Interval(
        estimate=test.rate - control.rate, lower=lower, upper=upper, confidence=confidence, method=method.value
    )


def non_inferiority_test(
    test: Count, control: Count, /, *, margin: float, method: DifferenceMethod = DifferenceMethod.MEE
) -> HypothesisTest:
    """Test that the rate of ``test`` is not below that of ``control`` by ``margin`` or more, independent groups.

    :implements: SRS-CLIN-002, SDS-CLIN-002

    Source: Farrington CP, Manning G, Stat Med 1990;9:1447-1454.

    Parameters
    ----------
    test, control
        Successes and trials of the two groups.
    margin
        The largest acceptable loss, 0 to 1, as a difference of proportions. With 0 this is a test of superiority.
    method
        ``MEE`` (Farrington-Manning) or ``MIETTINEN_NURMINEN``.
    """
    x1, n1, x2, n2 = (
        np.asarray([value], dtype=np.float64) for value in (test.successes, test.n, control.successes, control.n)
    )
    statistic = float(score_statistic(x1, n1, x2, n2, np.asarray([-margin]), method)[0])
    return HypothesisTest(
        statistic=statistic,
        p_value=normal_sf(statistic),
        method=f"non-inferiority, {method.value}",
        alternative=Alternative.GREATER,
    )


def constrained_rates(
    rates: tuple[NDArray[np.float64], NDArray[np.float64]],
    sizes: tuple[NDArray[np.float64], NDArray[np.float64]],
    /,
    *,
    difference: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the maximum-likelihood rates of two groups whose difference is fixed.

    :implements: SRS-CLIN-002, SDS-CLIN-002

    Closed solution of the cubic likelihood equation: Farrington and Manning 1990, appendix.

    Parameters
    ----------
    rates
        Observed (or assumed) proportions of the two groups, arrays of one shape.
    sizes
        Group sizes, or their ratio with the first set to 1.
    difference
        First rate minus second rate under the hypothesis, -1 to 1.
    """
    (rate1, rate2), (size1, size2) = rates, sizes
    ratio = size2 / size1
    a = 1 + ratio
    b = -(1 + ratio + rate1 + ratio * rate2 + difference * (ratio + 2))
    c = difference**2 + difference * (2 * rate1 + ratio + 1) + rate1 + ratio * rate2
    d = -rate1 * difference * (1 + difference)
    shift = b / (3 * a)
    v = shift**3 - b * c / (6 * a**2) + d / (2 * a)
    u = np.where(v >= 0, 1.0, -1.0) * np.sqrt(np.maximum(shift**2 - c / (3 * a), 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = np.where(u == 0, 0.0, v / u**3)
    w = (np.pi + np.arccos(np.clip(cosine, -1, 1))) / 3
    first = np.clip(2 * u * np.cos(w) - shift, np.maximum(difference, 0), np.minimum(1 + difference, 1))
    return first, np.clip(first - difference, 0, 1)


def score_statistic(
    x1: NDArray[np.float64],
    n1: NDArray[np.float64],
    x2: NDArray[np.float64],
    n2: NDArray[np.float64],
    difference: NDArray[np.float64],
    method: DifferenceMethod,
    /,
) -> NDArray[np.float64]:
    """Give the score statistic of a hypothesised difference, elementwise.

    :implements: SRS-CLIN-002, SDS-CLIN-002

    Parameters
    ----------
    x1, n1, x2, n2
        Counts as float64 arrays of one shape.
    difference
        The hypothesised difference of the rates, first minus second.
    method
        ``MIETTINEN_NURMINEN`` multiplies the variance by N/(N-1).
    """
    rate1, rate2 = constrained_rates((x1 / n1, x2 / n2), (n1, n2), difference=difference)
    variance = rate1 * (1 - rate1) / n1 + rate2 * (1 - rate2) / n2
    if method is DifferenceMethod.MIETTINEN_NURMINEN:
        variance = variance * (n1 + n2) / (n1 + n2 - 1)
    distance = x1 / n1 - x2 / n2 - difference
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = distance / np.sqrt(variance)
    # A variance of 0 means that only one table is possible under the hypothesis: a match is 0, anything else infinite.
    degenerate = np.where(np.abs(distance) <= np.finfo(np.float64).eps, 0.0, np.copysign(np.inf, distance))
    return np.where(variance > np.finfo(np.float64).tiny, statistic, degenerate)


def _wald(test: Count, control: Count, confidence: float) -> tuple[float, float]:
    variance = test.rate * (1 - test.rate) / test.n + control.rate * (1 - control.rate) / control.n
    half = two_sided_z(confidence) * math.sqrt(variance)
    difference = test.rate - control.rate
    return difference - half, difference + half


def _newcombe(test: Count, control: Count, confidence: float) -> tuple[float, float]:
    a, b = proportion_interval(test, confidence=confidence), proportion_interval(control, confidence=confidence)
    difference = a.estimate - b.estimate
    lower = difference - math.hypot(a.estimate - a.lower, b.upper - b.estimate)
    upper = difference + math.hypot(a.upper - a.estimate, b.estimate - b.lower)
    return max(-1.0, lower), min(1.0, upper)


def _score(test: Count, control: Count, confidence: float, method: DifferenceMethod) -> tuple[float, float]:
    z = two_sided_z(confidence)
    x1, n1, x2, n2 = (
        np.asarray([value] * 2, dtype=np.float64) for value in (test.successes, test.n, control.successes, control.n)
    )
    target = np.asarray([z, -z])
    ends = bisect_decreasing(
        lambda difference: score_statistic(x1, n1, x2, n2, difference, method) - target,
        lower=np.full(2, -1.0),
        upper=np.full(2, 1.0),
    )
    return float(ends[0]), float(ends[1])
