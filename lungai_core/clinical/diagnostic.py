"""A two-by-two table of test and truth, with every rate and ratio that follows from it."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from lungai_core.clinical._checks import bad_data, two_sided_z
from lungai_core.clinical.proportions import Count, ProportionMethod, proportion_interval
from lungai_core.clinical.results import Interval
from lungai_core.domain.model import FrozenModel

__all__ = ["DiagnosticAccuracy", "TwoByTwo", "diagnostic_accuracy"]

_N = Annotated[int, Field(ge=0)]


class TwoByTwo(FrozenModel):
    """Counts of independent cases by test result and truth.

    :implements: SRS-CLIN-022, SDS-CLIN-022
    """

    tp: _N
    fp: _N
    fn: _N
    tn: _N


class DiagnosticAccuracy(FrozenModel):
    """What a two-by-two table says; a ratio is ``None`` where a zero count leaves it undefined.

    :implements: SRS-CLIN-022, SDS-CLIN-022
    """

    sensitivity: Interval
    specificity: Interval
    ppv: Interval | None
    npv: Interval | None
    accuracy: Interval
    lr_positive: Interval | None
    lr_negative: Interval | None
    diagnostic_odds_ratio: Interval | None
    youden: float


def diagnostic_accuracy(
    table: TwoByTwo, /, *, method: ProportionMethod = ProportionMethod.CLOPPER_PEARSON, confidence: float = 0.95
) -> DiagnosticAccuracy:
    """Compute sensitivity, specificity, predictive values, likelihood ratios and odds ratio.

    :implements: SRS-CLIN-022, SDS-CLIN-022

    Source: Simel, Samsa and Matchar, J Clin Epidemiol 1991;44:763 (log intervals of likelihood ratios); Glas, J Clin
    Epidemiol 2003;56:1129 (odds ratio). Predictive values hold for the prevalence of the table alone.

    Parameters
    ----------
    table
        Counts; at least one diseased and one non-diseased case.
    method
        Interval of the proportions.
    confidence
        Two-sided nominal coverage.

    Raises
    ------
    StudyDataError
        If there is no diseased or no non-diseased case.
    """
    tp, fp, fn, tn = table.tp, table.fp, table.fn, table.tn
    diseased, healthy = tp + fn, fp + tn
    if diseased == 0 or healthy == 0:
        raise bad_data(
            "A two-by-two table has no diseased or no non-diseased case.",
            where=f"diseased {diseased}, non-diseased {healthy}",
            allowed="at least one of each",
        )

    def rate(successes: int, n: int) -> Interval:
        return proportion_interval(Count(successes=successes, n=n), method=method, confidence=confidence)

    def ratio(numerator: float, denominator: float, variance_terms: tuple[float, ...]) -> Interval | None:
        if not all(variance_terms):
            return None
        value = numerator / denominator
        half = two_sided_z(confidence) * math.sqrt(_signed_sum(variance_terms))
        return Interval(
            estimate=value,
            lower=value * math.exp(-half),
            upper=value * math.exp(half),
            confidence=confidence,
            method="log normal (Simel 1991)",
        )

    return DiagnosticAccuracy(
        sensitivity=rate(tp, diseased),
        specificity=rate(tn, healthy),
        ppv=rate(tp, tp + fp) if tp + fp else None,
        npv=rate(tn, tn + fn) if tn + fn else None,
        accuracy=rate(tp + tn, diseased + healthy),
        lr_positive=ratio(tp / diseased, fp / healthy, (tp, -diseased, fp, -healthy)),
        lr_negative=ratio(fn / diseased, tn / healthy, (fn, -diseased, tn, -healthy)),
        diagnostic_odds_ratio=ratio(tp * tn, fp * fn, (tp, fp, fn, tn)),
        youden=tp / diseased + tn / healthy - 1,
    )


def _signed_sum(terms: tuple[float, ...], /) -> float:
    return sum(1 / term for term in terms)
