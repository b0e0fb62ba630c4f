"""Agreement between readers corrected for chance: kappas and Gwet's coefficients, each with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.clinical._checks import bad_data, not_estimable, two_sided_z
from lungai_core.clinical._distributions import normal_sf
from lungai_core.clinical.results import HypothesisTest, Interval
from lungai_core.domain.model import FrozenModel

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "AgreementEstimate",
    "ChanceModel",
    "Ratings",
    "Weighting",
    "chance_corrected",
    "cohen_kappa",
    "fleiss_kappa",
    "fleiss_kappa_test",
    "gwet_ac1_of_table",
    "ratings",
]


class Weighting(StrEnum):
    """How much two different categories agree.

    :implements: SRS-CLIN-010, SDS-CLIN-010
    """

    IDENTITY = "identity"
    LINEAR = "linear"
    QUADRATIC = "quadratic"
    ORDINAL = "ordinal"


class ChanceModel(StrEnum):
    """What agreement by chance is taken to be.

    :implements: SRS-CLIN-010, SDS-CLIN-010
    """

    FLEISS = "Fleiss' kappa (Fleiss 1971)"
    CONGER = "Conger's exact kappa (Conger 1980)"
    GWET = "Gwet's AC (Gwet 2008)"
    BRENNAN_PREDIGER = "Brennan and Prediger 1981"


@dataclass(frozen=True, slots=True, eq=False)
class Ratings:
    """Ratings of units by readers; made by :func:`ratings`.

    :implements: SRS-CLIN-010, SDS-CLIN-010

    Parameters
    ----------
    codes
        ``(units, readers)`` index of the category, -1 where a reader did not rate.
    categories
        ``(categories,)`` sorted values.
    """

    codes: NDArray[np.int64]
    categories: NDArray[np.float64]

    @property
    def counts(self) -> NDArray[np.float64]:
        """``(units, categories)``: how many readers chose each category."""
        counts = np.stack([(self.codes == k).sum(axis=1) for k in range(self.categories.size)], axis=1)
        return np.asarray(counts, dtype=np.float64)


class AgreementEstimate(FrozenModel):
    """A chance-corrected coefficient with observed and expected agreement.

    :implements: SRS-CLIN-010, SDS-CLIN-010
    """

    interval: Interval
    standard_error: float
    observed: float
    expected: float


def ratings(values: ArrayLike, /) -> Ratings:
    """Arrange ratings for the coefficients of this module.

    :implements: SRS-CLIN-010, SDS-CLIN-010

    Parameters
    ----------
    values
        ``(units, readers)`` numbers; NaN or ``None`` where a reader did not rate. Categories are coded as numbers.

    Raises
    ------
    StudyDataError
        If no unit has two ratings.
    """
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or np.isinf(table).any():  # units by readers
        raise bad_data(
            "Ratings are no table of units by readers.", where="ratings", allowed="finite numbers or missing"
        )
    present = ~np.isnan(table)
    if not (present.sum(axis=1) > 1).any():
        raise bad_data(
            "No unit was rated by two readers.", where="ratings", allowed="at least one unit with two ratings"
        )
    categories = np.unique(table[present])
    codes = np.where(present, np.searchsorted(categories, np.where(present, table, categories[0])), -1)
    return Ratings(codes=codes.astype(np.int64), categories=categories)


def chance_corrected(
    data: Ratings, /, *, model: ChanceModel, weighting: Weighting = Weighting.IDENTITY, confidence: float = 0.95
) -> AgreementEstimate:
    """Compute a chance-corrected coefficient of any number of readers; missing ratings are allowed.

    :implements: SRS-CLIN-010, SDS-CLIN-010

    Source: Gwet KL, Handbook of Inter-Rater Reliability, 4th ed., 2014, chapters 2 to 5; the standard error is the one
    of Gwet for all models (variation of units), linearised as for AC.

    Parameters
    ----------
    data
        Result of :func:`ratings`; categories nobody used do not count.
    model
        The chance model.
    weighting
        Agreement of different categories; identity gives AC1 with ``GWET``, quadratic or ordinal give AC2.
    confidence
        Two-sided nominal coverage (normal).
    """
    if data.categories.size < 2:
        raise not_estimable(
            "A kappa does not exist without variation.", where="ratings", allowed="two categories in use"
        )
    weights = _weights(data.categories, weighting)
    counts = data.counts
    readers_of = counts.sum(axis=1)
    counts, readers_of = counts[readers_of > 0], readers_of[readers_of > 0]
    units, several = counts.shape[0], readers_of > 1
    agreed = (counts * (counts @ weights - 1)).sum(axis=1)
    own = np.divide(agreed, readers_of * (readers_of - 1), out=np.zeros(units), where=several)
    observed = float(own.sum() / several.sum())
    shares = counts / readers_of[:, None]
    expected, own_expected = _expected(data, weights, shares, model)
    value = (observed - expected) / (1 - expected)
    contribution = units / several.sum() * (own - expected * several) / (1 - expected)
    contribution = contribution - 2 * (1 - value) * (own_expected - expected) / (1 - expected)
    error = math.sqrt(float(np.sum((contribution - value) ** 2)) / (units * (units - 1))) if units > 1 else 0.0
    interval = _interval(value, error, confidence=confidence, method=f"{model.value}, {weighting.value} weights")
    return AgreementEstimate(interval=interval, standard_error=error, observed=observed, expected=expected)


def cohen_kappa(
    table: ArrayLike, /, *, weighting: Weighting = Weighting.IDENTITY, confidence: float = 0.95
) -> AgreementEstimate:
    """Compute Cohen's kappa of two readers from their square table.

    :implements: SRS-CLIN-010, SDS-CLIN-010

    Source: Cohen J, Educ Psychol Meas 1960;20:37; weighted: Psychol Bull 1968;70:213; asymptotic standard error: Fleiss
    JL, Cohen J, Everitt BS, Psychol Bull 1969;72:323.

    Parameters
    ----------
    table
        ``(categories, categories)`` counts; rows the first reader, columns the second.
    weighting
        Identity, linear or quadratic.
    confidence
        Two-sided nominal coverage.
    """
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.sum() <= 0:
        raise bad_data("The table of two readers is not square or empty.", where="table", allowed="equal categories")
    n = counts.sum()
    p = counts / n
    weights = _weights(np.arange(counts.shape[0], dtype=np.float64), weighting)
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    observed, expected = float(np.sum(weights * p)), float(rows @ weights @ columns)
    if expected >= 1:
        raise not_estimable("A kappa does not exist without variation.", where="table", allowed="two categories in use")
    value = (observed - expected) / (1 - expected)
    spread = (weights @ columns)[:, None] + (rows @ weights)[None, :]
    variance = np.sum(p * (weights - spread * (1 - value)) ** 2) - (value - expected * (1 - value)) ** 2
    error = math.sqrt(max(0.0, float(variance)) / n) / (1 - expected)
    interval = _interval(
        value,
        error,
        confidence=confidence,
        method=f"Cohen's kappa, {weighting.value} weights (Fleiss, Cohen and Everitt 1969)",
    )
    return AgreementEstimate(interval=interval, standard_error=error, observed=observed, expected=expected)


def gwet_ac1_of_table(table: ArrayLike, /, *, confidence: float = 0.95) -> AgreementEstimate:
    """Compute Gwet's AC1 of two readers from their square table.

    :implements: SRS-CLIN-010, SDS-CLIN-010

    Source: Gwet KL, Br J Math Stat Psychol 2008;61:29. The variance of a table divides by n where that of raw ratings
    (:func:`chance_corrected`) divides by n - 1.

    Parameters
    ----------
    table
        ``(categories, categories)`` counts; rows the first reader, columns the second.
    confidence
        Two-sided nominal coverage.
    """
    counts = np.asarray(table, dtype=np.int64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.sum() <= 0 or counts.min() < 0:
        raise bad_data("The table of two readers is not square or empty.", where="table", allowed="equal categories")
    pairs = np.repeat(np.indices(counts.shape).reshape(2, -1).T, counts.ravel(), axis=0)
    raw = chance_corrected(ratings(pairs), model=ChanceModel.GWET, confidence=confidence)
    n = int(counts.sum())
    error = raw.standard_error * math.sqrt((n - 1) / n)
    interval = _interval(raw.interval.estimate, error, confidence=confidence, method=raw.interval.method)
    return raw.model_copy(update={"interval": interval, "standard_error": error})


def fleiss_kappa_test(counts: ArrayLike, /) -> HypothesisTest:
    """Test Fleiss' kappa of complete ratings against 0; the statistic's kappa is given by :func:`chance_corrected`.

    :implements: SRS-CLIN-010, SDS-CLIN-010

    Source: Fleiss JL, Nee JCM, Landis JR, Psychol Bull 1979;86:974 (standard error under the null hypothesis).

    Parameters
    ----------
    counts
        ``(units, categories)`` how many readers chose each category; the same number of readers a unit.
    """
    table = np.asarray(counts, dtype=np.float64)
    kappa, readers = fleiss_kappa(table), float(table[0].sum())
    units = table.shape[0]
    p = table.sum(axis=0) / table.sum()
    spread = float(np.sum(p * (1 - p)))
    variance = (
        2 * (spread**2 - float(np.sum(p * (1 - p) * (1 - 2 * p)))) / (spread**2 * units * readers * (readers - 1))
    )
    z = kappa / math.sqrt(variance)
    return HypothesisTest(
        statistic=z, p_value=min(1.0, 2 * normal_sf(abs(z))), method="Fleiss' kappa = 0 (Fleiss, Nee and Landis 1979)"
    )


def fleiss_kappa(counts: ArrayLike, /) -> float:
    """Compute Fleiss' kappa from a table of counts.

    :implements: SRS-CLIN-010, SDS-CLIN-010

    Source: Fleiss JL, Psychol Bull 1971;76:378.

    Parameters
    ----------
    counts
        ``(units, categories)``; the same number of readers a unit, 2 or more.
    """
    table = np.asarray(counts, dtype=np.float64)
    readers = table.sum(axis=1)
    if table.ndim != 2 or (readers != readers[0]).any() or readers[0] < 2:
        raise bad_data(
            "Units have different numbers of ratings.", where="counts", allowed="the same number, at least 2"
        )
    observed = np.mean((np.sum(table**2, axis=1) - readers) / (readers * (readers - 1)))
    expected = np.sum((table.sum(axis=0) / table.sum()) ** 2)
    if expected >= 1:
        raise not_estimable(
            "A kappa does not exist without variation.", where="counts", allowed="two categories in use"
        )
    return float((observed - expected) / (1 - expected))


def _interval(value: float, error: float, /, *, confidence: float, method: str) -> Interval:
    half = two_sided_z(confidence) * error
    lower, upper = max(-1.0, value - half), min(1.0, value + half)
    return Interval(estimate=value, lower=lower, upper=upper, confidence=confidence, method=method)


def _weights(values: NDArray[np.float64], weighting: Weighting) -> NDArray[np.float64]:
    count = values.size
    steps = np.abs(np.arange(count)[:, None] - np.arange(count)[None, :]).astype(np.float64)
    distance = np.abs(values[:, None] - values[None, :])
    if weighting is Weighting.IDENTITY:
        return np.asarray(steps == 0, dtype=np.float64)
    if weighting is Weighting.LINEAR:
        return np.asarray(1 - distance / distance.max())
    if weighting is Weighting.QUADRATIC:
        return np.asarray(1 - distance**2 / distance.max() ** 2)
    between = np.where(steps == 0, 0.0, steps * (steps + 1) / 2)
    return np.asarray(1 - between / between.max())


def _expected(
    data: Ratings, weights: NDArray[np.float64], shares: NDArray[np.float64], model: ChanceModel
) -> tuple[float, NDArray[np.float64]]:
    """Give the agreement expected by chance, and each unit's part in it."""
    mean = shares.mean(axis=0)
    count = mean.size
    if model is ChanceModel.GWET:
        factor = weights.sum() / (count * (count - 1))
        return float(factor * np.sum(mean * (1 - mean))), factor * shares @ (1 - mean)
    if model is ChanceModel.BRENNAN_PREDIGER:
        return float(weights.sum() / count**2), np.full(shares.shape[0], weights.sum() / count**2)
    fleiss = float(mean @ weights @ mean)
    if model is ChanceModel.FLEISS:
        return fleiss, shares @ (weights @ mean + mean @ weights) / 2
    rated = data.codes >= 0
    by_reader = np.stack([(data.codes == k).sum(axis=0) for k in range(count)], axis=1) / rated.sum(axis=0)[:, None]
    average = by_reader.mean(axis=0)
    centred = by_reader - average
    readers = by_reader.shape[0]
    spread = centred.T @ centred / (readers - 1)
    expected = float(average @ weights @ average - np.sum(weights * spread) / readers)
    return expected, shares @ (weights @ average + average @ weights) / 2
