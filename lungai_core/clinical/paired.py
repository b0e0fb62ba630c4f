"""Two decisions on the same independent cases: intervals of the difference, McNemar tests, non-inferiority."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from lungai_core.clinical._checks import check_confidence, not_estimable, two_sided_z
from lungai_core.clinical._distributions import binomial_cdf, chi2_sf, normal_sf
from lungai_core.clinical._roots import bisect_decreasing
from lungai_core.clinical.proportions import Count, proportion_interval
from lungai_core.clinical.results import Alternative, HypothesisTest, Interval
from lungai_core.domain.model import FrozenModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "GatekeepingResult",
    "McNemarMethod",
    "PairedMethod",
    "PairedTable",
    "mcnemar_test",
    "non_inferiority_then_superiority",
    "paired_interval",
    "paired_non_inferiority_test",
    "tango_statistic",
]

_N = Annotated[int, Field(ge=0)]


class PairedTable(FrozenModel):
    """How often two decisions on the same case are positive.

    :implements: SRS-CLIN-003, SDS-CLIN-003

    For sensitivity the cases are the diseased ones and a positive is a hit; for specificity the non-diseased and a
    correct rejection.
    """

    both: _N
    only_first: _N
    only_second: _N
    neither: _N

    @property
    def n(self) -> int:
        """The number of pairs."""
        return self.both + self.only_first + self.only_second + self.neither

    @property
    def first(self) -> Count:
        """The positives of the first decision."""
        return Count(successes=self.both + self.only_first, n=self.n)

    @property
    def second(self) -> Count:
        """The positives of the second decision."""
        return Count(successes=self.both + self.only_second, n=self.n)


class PairedMethod(StrEnum):
    """How the interval of a paired difference is computed.

    :implements: SRS-CLIN-003, SDS-CLIN-003
    """

    WALD = "Wald"
    AGRESTI_MIN = "Agresti and Min 2005"
    BONETT_PRICE = "Bonett and Price 2012"
    NEWCOMBE = "hybrid score, method 10 (Newcombe 1998)"
    TANGO = "score (Tango 1998)"


class McNemarMethod(StrEnum):
    """How the p-value of McNemar's test is computed.

    :implements: SRS-CLIN-003, SDS-CLIN-003
    """

    ASYMPTOTIC = "McNemar 1947"
    CONTINUITY = "McNemar with continuity correction (Edwards 1948)"
    EXACT = "exact conditional McNemar"
    MID_P = "McNemar mid-p (Fagerland, Lydersen and Laake 2013)"


class GatekeepingResult(FrozenModel):
    """Non-inferiority and then superiority at one level, without a split of alpha.

    :implements: SRS-CLIN-003, SDS-CLIN-003

    ``superiority`` is ``None`` where non-inferiority was not shown: the gate is closed and the test is not made.
    """

    margin: float
    alpha_one_sided: float
    interval: Interval
    non_inferiority: HypothesisTest
    non_inferior: bool
    superiority: HypothesisTest | None
    superior: bool


def paired_interval(
    table: PairedTable, /, *, method: PairedMethod = PairedMethod.TANGO, confidence: float = 0.95
) -> Interval:
    """Compute the interval of the first rate minus the second, for pairs.

    :implements: SRS-CLIN-003, SDS-CLIN-003

    Source: Tango T, Stat Med 1998;17:891-908; Newcombe RG, Stat Med 1998;17:2635-2650; Fagerland MW, Lydersen S, Laake
    P, Stat Med 2014;33:2850-2875 (all five side by side).

    Parameters
    ----------
    table
        Counts of pairs, at least one.
    method
        The method; Tango's score interval if absent.
    confidence
        Two-sided nominal coverage.
    """
    check_confidence(confidence)
    if table.n == 0:
        raise not_estimable("A paired table is empty.", where="table", allowed="at least one pair")
    if method is PairedMethod.NEWCOMBE:
        lower, upper = _newcombe(table, confidence)
    elif method is PairedMethod.TANGO:
        lower, upper = _tango(table, confidence)
    else:
        added = {PairedMethod.WALD: 0.0, PairedMethod.AGRESTI_MIN: 0.5, PairedMethod.BONETT_PRICE: 1.0}[method]
        lower, upper = _wald(table, confidence, added)
    difference = (table.only_first - table.only_second) / table.n
    return Interval(estimate=difference, lower=lower, upper=upper, confidence=confidence, method=method.value)


def mcnemar_test(table: PairedTable, /, *, method: McNemarMethod = McNemarMethod.MID_P) -> HypothesisTest:
    """Test whether two paired rates are equal.

    :implements: SRS-CLIN-003, SDS-CLIN-003

    Source: McNemar Q, Psychometrika 1947;12:153; Fagerland MW et al., BMC Med Res Methodol 2013;13:91 (mid-p).

    Parameters
    ----------
    table
        Counts of pairs. Without a discordant pair the p-value is 1.
    method
        The mid-p test if absent: exact tests are conservative, the asymptotic one is liberal in small samples.
    """
    b, c = table.only_first, table.only_second
    discordant = b + c
    if discordant == 0:
        return HypothesisTest(statistic=0.0, p_value=1.0, method=method.value, df1=1)
    if method in {McNemarMethod.ASYMPTOTIC, McNemarMethod.CONTINUITY}:
        distance = abs(b - c) - (method is McNemarMethod.CONTINUITY)
        chi2 = max(0, distance) ** 2 / discordant
        return HypothesisTest(statistic=chi2, p_value=chi2_sf(chi2, df=1), method=method.value, df1=1)
    smaller = min(b, c)
    tail = binomial_cdf(smaller, n=discordant, probability=0.5)
    if method is McNemarMethod.MID_P:
        tail = (tail + binomial_cdf(smaller - 1, n=discordant, probability=0.5)) / 2
    return HypothesisTest(statistic=float(smaller), p_value=min(1.0, 2 * tail), method=method.value)


def paired_non_inferiority_test(table: PairedTable, /, *, margin: float) -> HypothesisTest:
    """Test that the first paired rate is not below the second by ``margin`` or more.

    :implements: SRS-CLIN-003, SDS-CLIN-003

    Source: Tango T, Stat Med 1998;17:891-908; equal to Nam's test (Nam JM, Biometrics 1997;53:1422).

    Parameters
    ----------
    table
        Counts of pairs.
    margin
        Largest acceptable loss, 0 to 1, as a difference of proportions; 0 is superiority.
    """
    b, c, n = (np.asarray([value], dtype=np.float64) for value in (table.only_first, table.only_second, table.n))
    statistic = float(tango_statistic(b, c, n, np.asarray([-margin]))[0])
    return HypothesisTest(
        statistic=statistic,
        p_value=normal_sf(statistic),
        method="non-inferiority, score (Tango 1998)",
        alternative=Alternative.GREATER,
    )


def non_inferiority_then_superiority(
    table: PairedTable, /, *, margin: float, alpha_one_sided: float = 0.025
) -> GatekeepingResult:
    """Test non-inferiority and, only if it is shown, superiority, both at the full one-sided level.

    :implements: SRS-CLIN-003, SDS-CLIN-003

    The order is a closed test: the error rate over both stays at ``alpha_one_sided`` (Morikawa and Yoshida, J Biopharm
    Stat 1995;5:297). It holds only if the order stands in the plan before the data are seen.

    Parameters
    ----------
    table
        Counts of pairs, test first, control second.
    margin
        Largest acceptable loss as a difference of proportions.
    alpha_one_sided
        One-sided level of both tests.
    """
    check_confidence(alpha_one_sided)
    non_inferiority = paired_non_inferiority_test(table, margin=margin)
    passed = non_inferiority.p_value <= alpha_one_sided
    superiority = paired_non_inferiority_test(table, margin=0.0) if passed else None
    return GatekeepingResult(
        margin=margin,
        alpha_one_sided=alpha_one_sided,
        interval=paired_interval(table, confidence=1 - 2 * alpha_one_sided),
        non_inferiority=non_inferiority,
        non_inferior=passed,
        superiority=superiority,
        superior=superiority is not None and superiority.p_value <= alpha_one_sided,
    )


def tango_statistic(
    only_first: NDArray[np.float64],
    only_second: NDArray[np.float64],
    n: NDArray[np.float64],
    difference: NDArray[np.float64],
    /,
) -> NDArray[np.float64]:
    """Give Tango's score statistic of a hypothesised paired difference, elementwise.

    :implements: SRS-CLIN-003, SDS-CLIN-003

    Parameters
    ----------
    only_first, only_second, n
        Discordant counts and number of pairs, float64 arrays of one shape.
    difference
        Hypothesised difference, first minus second, -1 to 1.
    """
    a = 2 * n
    b = -only_first - only_second + (2 * n - only_first + only_second) * difference
    c = -only_second * difference * (1 - difference)
    q21 = (np.sqrt(np.maximum(b * b - 4 * a * c, 0)) - b) / (2 * a)
    variance = n * (2 * q21 + difference * (1 - difference))
    distance = only_first - only_second - n * difference
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = distance / np.sqrt(variance)
    degenerate = np.where(distance == 0, 0.0, np.copysign(np.inf, distance))
    return np.where(variance > np.finfo(np.float64).eps, statistic, degenerate)


def _wald(table: PairedTable, confidence: float, added: float) -> tuple[float, float]:
    n = table.n + (2 if added else 0)
    p12, p21 = (table.only_first + added) / n, (table.only_second + added) / n
    half = two_sided_z(confidence) * math.sqrt((p12 + p21 - (p12 - p21) ** 2) / n)
    return max(-1.0, p12 - p21 - half), min(1.0, p12 - p21 + half)


def _newcombe(table: PairedTable, confidence: float) -> tuple[float, float]:
    first = proportion_interval(table.first, confidence=confidence)
    second = proportion_interval(table.second, confidence=confidence)
    phi = _corrected_phi(table)
    difference = first.estimate - second.estimate

    def distance(one: float, other: float) -> float:
        return math.sqrt(max(0.0, one * one - 2 * phi * one * other + other * other))

    lower = difference - distance(first.estimate - first.lower, second.upper - second.estimate)
    upper = difference + distance(first.upper - first.estimate, second.estimate - second.lower)
    return max(-1.0, lower), min(1.0, upper)


def _corrected_phi(table: PairedTable) -> float:
    a, b, c, d = table.both, table.only_first, table.only_second, table.neither
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    if margins == 0:
        return 0.0
    product = float(a * d - b * c)
    if product > 0:
        product = max(0.0, product - table.n / 2)
    return product / math.sqrt(margins)


def _tango(table: PairedTable, confidence: float) -> tuple[float, float]:
    z = two_sided_z(confidence)
    b, c, n = (np.asarray([value] * 2, dtype=np.float64) for value in (table.only_first, table.only_second, table.n))
    target = np.asarray([z, -z])
    ends = bisect_decreasing(
        lambda difference: tango_statistic(b, c, n, difference) - target, lower=np.full(2, -1.0), upper=np.full(2, 1.0)
    )
    return float(ends[0]), float(ends[1])
