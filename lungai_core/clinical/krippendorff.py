"""Krippendorff's alpha for any scale of measurement, with missing ratings and a bootstrap interval."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.clinical._checks import check_confidence, not_estimable
from lungai_core.clinical.results import Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lungai_core.clinical.agreement import Ratings

__all__ = ["Metric", "krippendorff_alpha", "krippendorff_alpha_interval"]


class Metric(StrEnum):
    """The distance between two ratings in Krippendorff's alpha.

    :implements: SRS-CLIN-010, SDS-CLIN-010
    """

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"
    RATIO = "ratio"


def krippendorff_alpha(data: Ratings, /, *, metric: Metric) -> float:
    """Compute Krippendorff's alpha; missing ratings are allowed.

    :implements: SRS-CLIN-010, SDS-CLIN-010

    Source: Krippendorff K, Content Analysis, 2004, chapter 11; Computing Krippendorff's alpha-reliability, 2011.

    Parameters
    ----------
    data
        Result of :func:`lungai_core.clinical.agreement.ratings`.
    metric
        The distance: nominal for classes, ordinal for grades, interval or ratio for measurements.

    Raises
    ------
    NotEstimableError
        If all ratings are equal: alpha does not exist, it is not 1.
    """
    pairable = _pairable(data.counts)
    value = _alphas(pairable, np.ones((1, pairable.shape[0])), data.categories, metric)[0]
    if math.isnan(value):
        raise not_estimable("Alpha does not exist without variation.", where="ratings", allowed="two different ratings")
    return float(value)


def krippendorff_alpha_interval(
    data: Ratings, /, *, metric: Metric, seed: int, replicates: int = 2000, confidence: float = 0.95
) -> Interval:
    """Compute alpha with a percentile bootstrap interval over units.

    :implements: SRS-CLIN-010, SDS-CLIN-010

    Source: Zapf A et al., BMC Med Res Methodol 2016;16:93 (bootstrap of units).

    Parameters
    ----------
    data, metric
        As for :func:`krippendorff_alpha`.
    seed
        Seed of the generator.
    replicates
        Number of samples; those without variation are left out.
    confidence
        Two-sided nominal coverage.
    """
    estimate = krippendorff_alpha(data, metric=metric)
    pairable = _pairable(data.counts)
    units = pairable.shape[0]
    draws = np.random.default_rng(seed).multinomial(units, np.full(units, 1 / units), size=replicates)
    values = _alphas(pairable, draws.astype(np.float64), data.categories, metric)
    tail = (1 - check_confidence(confidence)) / 2
    lower, upper = np.nanquantile(values, (tail, 1 - tail))
    return Interval(
        estimate=estimate,
        lower=float(lower),
        upper=float(upper),
        confidence=confidence,
        method=f"Krippendorff's alpha, {metric.value}; percentile bootstrap over units, {replicates} replicates",
    )


def _pairable(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    pairable: NDArray[np.float64] = counts[counts.sum(axis=1) > 1]
    return pairable


def _alphas(
    counts: NDArray[np.float64], draws: NDArray[np.float64], values: NDArray[np.float64], metric: Metric
) -> NDArray[np.float64]:
    """Compute alpha for each row of ``draws``, the weights of the units."""
    per_unit = counts.sum(axis=1) - 1
    totals = draws @ counts
    result = np.full(draws.shape[0], np.nan)
    fixed = None if metric is Metric.ORDINAL else _distance(values, totals[0], metric)
    # A distance that does not depend on the sample lets each unit's disagreement be computed once.
    unit_disagreement = None if fixed is None else _disagreement(counts, fixed) / per_unit
    for row, weights in enumerate(draws):
        distance = _distance(values, totals[row], metric) if fixed is None else fixed
        per = _disagreement(counts, distance) / per_unit if unit_disagreement is None else unit_disagreement
        expected = float(totals[row] @ distance @ totals[row])
        if expected > 0:
            result[row] = 1 - (totals[row].sum() - 1) * float(weights @ per) / expected
    return result


def _disagreement(counts: NDArray[np.float64], distance: NDArray[np.float64]) -> NDArray[np.float64]:
    disagreement: NDArray[np.float64] = np.sum(counts @ distance * counts, axis=1)
    return disagreement


def _distance(values: NDArray[np.float64], totals: NDArray[np.float64], metric: Metric) -> NDArray[np.float64]:
    difference = values[:, None] - values[None, :]
    if metric is Metric.NOMINAL:
        return np.asarray(difference != 0, dtype=np.float64)
    if metric is Metric.INTERVAL:
        return np.asarray(difference**2, dtype=np.float64)
    if metric is Metric.RATIO:
        total = values[:, None] + values[None, :]
        return np.asarray(np.divide(difference, total, out=np.zeros_like(difference), where=total != 0) ** 2)
    ranks = np.cumsum(totals) - totals / 2
    return np.asarray((ranks[:, None] - ranks[None, :]) ** 2, dtype=np.float64)
