"""Numbers of cases for two tests: closed formulas, each with its source, and exact power by enumeration."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from lungai_core.clinical._checks import check_confidence
from lungai_core.clinical._distributions import binomial_cdf_array, log_gamma, normal_quantile
from lungai_core.clinical.differences import constrained_rates
from lungai_core.clinical.paired import tango_statistic
from lungai_core.domain.model import FrozenModel
from lungai_core.errors import InvalidArgumentError

__all__ = [
    "ErrorRates",
    "NonInferiorityMethod",
    "PairedRates",
    "SampleSize",
    "exact_mcnemar_power",
    "exact_paired_non_inferiority_power",
    "mcnemar_pairs",
    "paired_non_inferiority_pairs",
    "precision_cases",
    "unpaired_non_inferiority_cases",
    "unpaired_superiority_cases",
]

_Rate = Annotated[float, Field(gt=0, lt=1)]
_Share = Annotated[float, Field(ge=0, lt=1)]


class NonInferiorityMethod(StrEnum):
    """Which variance the planning formula uses.

    :implements: SRS-CLIN-008, SDS-CLIN-008
    """

    SCORE = "score (constrained variance under the null)"
    WALD = "Wald"


class ErrorRates(FrozenModel):
    """One-sided error rate and power.

    :implements: SRS-CLIN-008, SDS-CLIN-008

    A two-sided test at 0.05 has ``alpha_one_sided`` 0.025.
    """

    alpha_one_sided: _Rate = 0.025
    power: _Rate = 0.8

    @property
    def quantiles(self) -> tuple[float, float]:
        """The normal quantiles of alpha and power."""
        return normal_quantile(1 - self.alpha_one_sided), normal_quantile(self.power)


class PairedRates(FrozenModel):
    """Expected shares of discordant pairs.

    :implements: SRS-CLIN-008, SDS-CLIN-008
    """

    only_test: _Share
    only_control: _Share

    @model_validator(mode="after")
    def _some_discordance(self) -> Self:
        if not 0 < self.only_test + self.only_control <= 1:
            message = "the discordant shares must sum to more than 0 and at most 1"
            raise ValueError(message)
        return self


class SampleSize(FrozenModel):
    """A computed size: the exact solution of the formula and the whole number to enrol.

    :implements: SRS-CLIN-008, SDS-CLIN-008
    """

    exact: float
    method: str

    @property
    def n(self) -> int:
        """The size, rounded up."""
        return math.ceil(self.exact - 1e-9)


def mcnemar_pairs(*, discordant: float, difference: float, rates: ErrorRates) -> SampleSize:
    """Give the number of pairs that shows a difference of two paired rates by McNemar's test.

    :implements: SRS-CLIN-008, SDS-CLIN-008

    Source: Connor RJ, Biometrics 1987;43:207-211; Miettinen OS, Biometrics 1968;24:339.

    Parameters
    ----------
    discordant
        Share of pairs in which the two decisions differ; at least the absolute difference.
    difference
        Expected difference of the rates, not 0.
    rates
        Error rates.
    """
    if not 0 < abs(difference) <= discordant <= 1:
        raise _impossible(
            "A share of discordant pairs lies between the difference and 1.", f"{discordant}, {difference}"
        )
    z_alpha, z_beta = rates.quantiles
    root = z_alpha * math.sqrt(discordant) + z_beta * math.sqrt(discordant - difference**2)
    return SampleSize(exact=(root / difference) ** 2, method="McNemar pairs (Connor 1987)")


def paired_non_inferiority_pairs(
    expected: PairedRates,
    /,
    *,
    margin: float,
    rates: ErrorRates,
    method: NonInferiorityMethod = NonInferiorityMethod.SCORE,
) -> SampleSize:
    """Give the number of pairs that shows that a test is not worse than a control by a margin.

    :implements: SRS-CLIN-008, SDS-CLIN-008

    Source: Nam JM, Biometrics 1997;53:1422-1430 (score); Liu JP et al., Stat Med 2002;21:231 (Wald).

    Parameters
    ----------
    expected
        Shares of discordant pairs expected.
    margin
        Largest acceptable loss, above 0.
    rates
        Error rates.
    method
        Score (for Tango's test) or Wald.
    """
    difference = expected.only_test - expected.only_control
    if margin <= 0 or difference + margin <= 0:
        raise _impossible(
            "The expected difference does not lie above minus the margin.", f"{difference:g}, margin {margin}"
        )
    z_alpha, z_beta = rates.quantiles
    under_alternative = expected.only_test + expected.only_control - difference**2
    under_null = under_alternative
    if method is NonInferiorityMethod.SCORE:
        delta = -margin
        b = -expected.only_test - expected.only_control + (2 - difference) * delta
        c = -expected.only_control * delta * (1 - delta)
        under_null = 2 * (math.sqrt(b * b - 8 * c) - b) / 4 + delta * (1 - delta)
    root = z_alpha * math.sqrt(under_null) + z_beta * math.sqrt(under_alternative)
    return SampleSize(
        exact=(root / (difference + margin)) ** 2, method=f"paired non-inferiority, {method.value} (Nam 1997)"
    )


def unpaired_non_inferiority_cases(
    *,
    test: float,
    control: float,
    margin: float,
    rates: ErrorRates,
    control_per_test: float = 1.0,
    method: NonInferiorityMethod = NonInferiorityMethod.SCORE,
) -> SampleSize:
    """Give the number of cases in the test group that shows non-inferiority with independent groups.

    :implements: SRS-CLIN-008, SDS-CLIN-008

    Source: Farrington CP, Manning G, Stat Med 1990;9:1447-1454 (score); Chow SC, Shao J, Wang H, Sample Size
    Calculations in Clinical Research, 2008 (Wald).

    Parameters
    ----------
    test, control
        Expected rates.
    margin
        Largest acceptable loss, above 0.
    rates
        Error rates.
    control_per_test
        Cases of the control group for each of the test group.
    method
        Score or Wald.
    """
    distance = test - control + margin
    if margin <= 0 or distance <= 0:
        raise _impossible("The expected difference does not lie above minus the margin.", f"{test - control:g}")
    under_alternative = test * (1 - test) + control * (1 - control) / control_per_test
    under_null = under_alternative
    if method is NonInferiorityMethod.SCORE:
        one = np.ones(1)
        p1, p2 = constrained_rates((one * test, one * control), (one, one * control_per_test), difference=-margin * one)
        under_null = float(p1[0] * (1 - p1[0]) + p2[0] * (1 - p2[0]) / control_per_test)
    z_alpha, z_beta = rates.quantiles
    root = z_alpha * math.sqrt(under_null) + z_beta * math.sqrt(under_alternative)
    return SampleSize(
        exact=(root / distance) ** 2, method=f"unpaired non-inferiority, {method.value} (Farrington and Manning 1990)"
    )


def unpaired_superiority_cases(*, test: float, control: float, rates: ErrorRates) -> SampleSize:
    """Give the number of cases in each of two equal independent groups that shows a difference.

    :implements: SRS-CLIN-008, SDS-CLIN-008

    Source: Fleiss JL, Statistical Methods for Rates and Proportions, 1981 (pooled variance under the null).

    Parameters
    ----------
    test, control
        Expected rates, different.
    rates
        Error rates.
    """
    if test == control:
        raise _impossible("Two equal rates have no difference to show.", f"{test}")
    z_alpha, z_beta = rates.quantiles
    pooled = (test + control) / 2
    root = z_alpha * math.sqrt(2 * pooled * (1 - pooled)) + z_beta * math.sqrt(
        test * (1 - test) + control * (1 - control)
    )
    return SampleSize(exact=(root / (test - control)) ** 2, method="unpaired superiority, pooled (Fleiss 1981)")


def precision_cases(*, expected: float, half_width: float, confidence: float = 0.95) -> SampleSize:
    """Give the number of cases with the condition for an interval of a given half-width.

    :implements: SRS-CLIN-008, SDS-CLIN-008

    Source: Buderer NMF, Acad Emerg Med 1996;3:895-900. Divide by the prevalence (sensitivity) or by its complement
    (specificity) for the number to enrol.

    Parameters
    ----------
    expected
        Expected rate.
    half_width
        Half-width of the interval.
    confidence
        Two-sided nominal coverage.
    """
    check_confidence(confidence)
    z = normal_quantile(0.5 + confidence / 2)
    return SampleSize(exact=z**2 * expected * (1 - expected) / half_width**2, method="precision (Buderer 1996)")


def exact_mcnemar_power(*, n: int, expected: PairedRates, alpha_two_sided: float = 0.05) -> float:
    """Give the power of the exact conditional McNemar test by enumeration of all tables.

    :implements: SRS-CLIN-008, SDS-CLIN-008

    Parameters
    ----------
    n
        Number of pairs.
    expected
        Shares of discordant pairs.
    alpha_two_sided
        Level.
    """
    b, c, weight = _discordant_tables(n, expected)
    tail = 2 * binomial_cdf_array(np.minimum(b, c), n=np.maximum(b + c, 1))
    rejected = (tail <= check_confidence(alpha_two_sided)) & (b + c > 0)
    return float(weight[rejected].sum())


def exact_paired_non_inferiority_power(
    *, n: int, expected: PairedRates, margin: float, alpha_one_sided: float = 0.025
) -> float:
    """Give the power of Tango's non-inferiority test by enumeration; at minus the margin it is the size.

    :implements: SRS-CLIN-008, SDS-CLIN-008

    Parameters
    ----------
    n
        Number of pairs.
    expected
        Shares of discordant pairs.
    margin
        Largest acceptable loss.
    alpha_one_sided
        Level.
    """
    b, c, weight = _discordant_tables(n, expected)
    size = np.full(b.shape, float(n))
    statistic = tango_statistic(b.astype(np.float64), c.astype(np.float64), size, np.full(b.shape, -margin))
    return float(weight[statistic >= normal_quantile(1 - check_confidence(alpha_one_sided))].sum())


def _discordant_tables(n: int, expected: PairedRates) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    b, c = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    possible = b + c <= n
    b, c = b[possible], c[possible]
    shares = (expected.only_test, expected.only_control, 1 - expected.only_test - expected.only_control)
    logarithm = log_gamma(np.asarray([n + 1.0]))[0]
    for count, share in zip((b, c, n - b - c), shares, strict=True):
        logarithm = logarithm - log_gamma(np.asarray(count, dtype=np.float64) + 1)
        logarithm = logarithm + (count * math.log(share) if share > 0 else np.where(count == 0, 0.0, -np.inf))
    return b, c, np.exp(logarithm)


def _impossible(what: str, where: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        what,
        where=where,
        allowed="0 < |difference| <= discordant <= 1; margin > 0; expected difference > -margin",
        remedy="Correct the assumption; no sample size exists for it.",
    )
