"""Predictive values of two tests on the same cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungai_core.clinical._checks import not_estimable
from lungai_core.clinical._distributions import chi2_sf
from lungai_core.clinical.results import HypothesisTest
from lungai_core.domain.model import FrozenModel

if TYPE_CHECKING:
    from lungai_core.clinical.paired import PairedTable

__all__ = ["PredictiveComparison", "PredictiveValue", "compare_npv", "compare_ppv"]


class PredictiveValue(FrozenModel):
    """A pair of predictive values.

    :implements: SRS-CLIN-022, SDS-CLIN-022
    """

    first: float
    second: float

    @property
    def relative(self) -> float:
        """The second over the first."""
        return self.second / self.first


class PredictiveComparison(FrozenModel):
    """Two predictive values compared by two score tests.

    :implements: SRS-CLIN-022, SDS-CLIN-022
    """

    values: PredictiveValue
    generalised_score: HypothesisTest
    weighted_score: HypothesisTest


def compare_ppv(diseased: PairedTable, non_diseased: PairedTable, /) -> PredictiveComparison:
    """Compare the positive predictive values of two tests on the same cases.

    :implements: SRS-CLIN-022, SDS-CLIN-022

    Source: Leisenring W, Alonzo T, Pepe MS, Biometrics 2000;56:345-351 (generalised score); Kosinski AS, Stat Med
    2013;32:964-977 (weighted generalised score).

    Parameters
    ----------
    diseased, non_diseased
        Positive results of the two tests among diseased and non-diseased cases.
    """
    return _compare(
        (diseased.both, diseased.only_first, diseased.only_second),
        (non_diseased.both, non_diseased.only_first, non_diseased.only_second),
    )


def compare_npv(diseased: PairedTable, non_diseased: PairedTable, /) -> PredictiveComparison:
    """Compare the negative predictive values of two tests on the same cases.

    :implements: SRS-CLIN-022, SDS-CLIN-022

    Source: as :func:`compare_ppv`, with negative results in the place of positive ones.

    Parameters
    ----------
    diseased, non_diseased
        Positive results of the two tests among diseased and non-diseased cases.
    """
    # A case that only the second test calls positive is one that only the first calls negative.
    return _compare(
        (non_diseased.neither, non_diseased.only_second, non_diseased.only_first),
        (diseased.neither, diseased.only_second, diseased.only_first),
    )


def _compare(right: tuple[int, int, int], wrong: tuple[int, int, int]) -> PredictiveComparison:
    """Compare by counts (both, only first, only second) of results that are right and wrong."""
    called_first = right[0] + right[1] + wrong[0] + wrong[1]
    called_second = right[0] + right[2] + wrong[0] + wrong[2]
    rows = called_first + called_second
    rows_right = 2 * right[0] + right[1] + right[2]
    if called_first == 0 or called_second == 0 or rows_right in {0, rows}:
        raise not_estimable(
            "Predictive values cannot be compared.",
            where=f"results of the first test {called_first}, of the second {called_second}",
            allowed="at least one result of each test, right ones and wrong ones",
        )
    pooled = rows_right / rows
    first, second = (right[0] + right[1]) / called_first, (right[0] + right[2]) / called_second
    share_second = called_second / rows
    weights = (1 - 2 * share_second, -share_second, 1 - share_second)
    numerator = sum(n * w for n, w in zip(right, weights, strict=True)) ** 2
    denominator = (1 - pooled) ** 2 * sum(n * w * w for n, w in zip(right, weights, strict=True)) + pooled**2 * sum(
        n * w * w for n, w in zip(wrong, weights, strict=True)
    )
    overlap = (right[0] * (1 - pooled) ** 2 + wrong[0] * pooled**2) / rows
    variance = (pooled * (1 - pooled) - 2 * overlap) * (1 / called_first + 1 / called_second)
    return PredictiveComparison(
        values=PredictiveValue(first=first, second=second),
        generalised_score=_chi2(numerator, denominator, "generalised score (Leisenring 2000)"),
        weighted_score=_chi2((first - second) ** 2, variance, "weighted generalised score (Kosinski 2013)"),
    )


def _chi2(numerator: float, denominator: float, method: str) -> HypothesisTest:
    if denominator <= 0:
        return HypothesisTest(statistic=0.0, p_value=1.0, method=method, df1=1)
    value = numerator / denominator
    return HypothesisTest(statistic=value, p_value=chi2_sf(value, df=1), method=method, df1=1)
