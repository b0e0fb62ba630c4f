"""Area under the ROC curve in O(n log n), with DeLong's variance, paired, unpaired and clustered."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.clinical._checks import as_binary, as_numbers, not_estimable, same_length, two_sided_z
from lungai_core.clinical._distributions import normal_sf, t_sf
from lungai_core.clinical.clustered import patient_codes
from lungai_core.clinical.results import Alternative, HypothesisTest, Interval
from lungai_core.domain.model import FrozenModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "AucComparison",
    "AucInterval",
    "RocCurve",
    "RocData",
    "auc_interval",
    "auc_non_inferiority_test",
    "compare_auc_paired",
    "compare_auc_unpaired",
    "obuchowski_auc_variance",
    "roc_curve",
    "roc_data",
]


class AucInterval(StrEnum):
    """How the interval of an AUC is computed.

    :implements: SRS-CLIN-005, SDS-CLIN-005
    """

    WALD = "DeLong 1988, Wald limits cut at 0 and 1"
    LOGIT = "DeLong 1988, logit limits"


@dataclass(frozen=True, slots=True, eq=False)
class RocData:
    """Scores of positives and negatives with their structural components.

    :implements: SRS-CLIN-005, SDS-CLIN-005

    Parameters
    ----------
    positives, negatives
        Scores, float64, in the order of the cases.
    v10, v01
        DeLong's placements: the share of negatives below each positive, and of positives above each negative; ties
        count one half.
    """

    positives: NDArray[np.float64]
    negatives: NDArray[np.float64]
    v10: NDArray[np.float64]
    v01: NDArray[np.float64]

    @property
    def auc(self) -> float:
        """The area under the empirical ROC curve (Mann-Whitney)."""
        return float(self.v10.mean())

    @property
    def variance(self) -> float:
        """DeLong's variance of the area; it needs two cases of each class."""
        if min(self.v10.size, self.v01.size) < 2:
            raise not_estimable("A variance of an AUC does not exist.", where="cases", allowed="two of each class")
        return float(self.v10.var(ddof=1) / self.v10.size + self.v01.var(ddof=1) / self.v01.size)


@dataclass(frozen=True, slots=True, eq=False)
class RocCurve:
    """The corners of an empirical ROC curve from (0, 0) to (1, 1).

    :implements: SRS-CLIN-005, SDS-CLIN-005

    Parameters
    ----------
    false_positive_rate, sensitivity
        Non-decreasing, float64, 0 to 1.
    thresholds
        A case is called positive at or above the threshold; the first is infinity.
    """

    false_positive_rate: NDArray[np.float64]
    sensitivity: NDArray[np.float64]
    thresholds: NDArray[np.float64]


class AucComparison(FrozenModel):
    """Two areas, their difference and its test.

    :implements: SRS-CLIN-005, SDS-CLIN-005
    """

    first: float
    second: float
    difference: Interval
    covariance: float
    test: HypothesisTest


def roc_data(scores: ArrayLike, /, *, truth: ArrayLike) -> RocData:
    """Sort scores once and compute DeLong's placements from ranks.

    :implements: SRS-CLIN-005, SDS-CLIN-005

    Source: DeLong ER, DeLong DM, Clarke-Pearson DL, Biometrics 1988;44:837; by ranks in O(n log n) as in Sun X, Xu W,
    IEEE Signal Process Lett 2014;21:1389.

    Parameters
    ----------
    scores
        ``(n,)`` finite numbers; higher means more likely diseased.
    truth
        ``(n,)`` of 0 and 1.

    Raises
    ------
    NotEstimableError
        If one class has no case.
    """
    values = as_numbers(scores, name="scores")
    positive = as_binary(truth, name="truth")
    same_length(values, positive, names="scores and truth")
    positives, negatives = values[positive], values[~positive]
    if positives.size == 0 or negatives.size == 0:
        raise not_estimable(
            "An AUC needs both classes.",
            where=f"{positives.size} positive, {negatives.size} negative cases",
            allowed="at least one of each",
        )
    return RocData(
        positives=positives,
        negatives=negatives,
        v10=_placements(positives, negatives),
        v01=1 - _placements(negatives, positives),
    )


def auc_interval(data: RocData, /, *, method: AucInterval = AucInterval.LOGIT, confidence: float = 0.95) -> Interval:
    """Compute the interval of an AUC; it never leaves 0 to 1.

    :implements: SRS-CLIN-005, SDS-CLIN-005

    Source: DeLong 1988; logit limits: Pepe MS, The Statistical Evaluation of Medical Tests, 2003, section 5.2.

    Parameters
    ----------
    data
        Result of :func:`roc_data`, two cases of each class or more.
    method
        Logit limits if absent; at an area of 0 or 1 the logit does not exist and the Wald limits are given.
    confidence
        Two-sided nominal coverage.
    """
    z = two_sided_z(confidence)
    auc, error = data.auc, math.sqrt(data.variance)
    if method is AucInterval.LOGIT and 0 < auc < 1:
        centre, half = math.log(auc / (1 - auc)), z * error / (auc * (1 - auc))
        lower, upper = 1 / (1 + math.exp(half - centre)), 1 / (1 + math.exp(-half - centre))
    else:
        method = AucInterval.WALD
        lower, upper = max(0.0, auc - z * error), min(1.0, auc + z * error)
    return Interval(estimate=auc, lower=lower, upper=upper, confidence=confidence, method=method.value)


def compare_auc_paired(first: RocData, second: RocData, /, *, confidence: float = 0.95) -> AucComparison:
    """Compare two AUCs of the same cases.

    :implements: SRS-CLIN-005, SDS-CLIN-005

    Source: DeLong ER, DeLong DM, Clarke-Pearson DL, Biometrics 1988;44:837.

    Parameters
    ----------
    first, second
        Made from scores of the same cases in the same order.
    confidence
        Two-sided nominal coverage.

    Raises
    ------
    NotEstimableError
        If a class has less than two cases.
    """
    same_length(first.v10, second.v10, names="positive cases of the two tests")
    same_length(first.v01, second.v01, names="negative cases of the two tests")
    variances = first.variance + second.variance
    covariance = (
        _covariance(first.v10, second.v10) / first.v10.size + _covariance(first.v01, second.v01) / first.v01.size
    )
    return _compare(first, second, covariance, max(0.0, variances - 2 * covariance), confidence)


def compare_auc_unpaired(first: RocData, second: RocData, /, *, confidence: float = 0.95) -> AucComparison:
    """Compare two AUCs of different cases, with Satterthwaite's degrees of freedom.

    :implements: SRS-CLIN-005, SDS-CLIN-005

    Source: DeLong 1988 for the variances; Welch-Satterthwaite degrees of freedom as in Robin X et al., BMC
    Bioinformatics 2011;12:77.

    Parameters
    ----------
    first, second
        Made from independent cases.
    confidence
        Two-sided nominal coverage of the (normal) interval.
    """
    comparison = _compare(first, second, 0.0, first.variance + second.variance, confidence)
    parts = [(data.v10.var(ddof=1) / data.v10.size + data.v01.var(ddof=1) / data.v01.size) for data in (first, second)]
    sizes = [data.v10.size + data.v01.size for data in (first, second)]
    df = sum(parts) ** 2 / sum(part**2 / (size - 1) for part, size in zip(parts, sizes, strict=True))
    test = HypothesisTest(
        statistic=comparison.test.statistic,
        p_value=2 * t_sf(abs(comparison.test.statistic), df=float(df)),
        method="unpaired DeLong, Satterthwaite",
        df1=float(df),
    )
    return comparison.model_copy(update={"test": test})


def auc_non_inferiority_test(first: RocData, second: RocData, /, *, margin: float) -> HypothesisTest:
    """Test that the first AUC of the same cases is not below the second by ``margin`` or more.

    :implements: SRS-CLIN-005, SDS-CLIN-005

    Source: Liu JP et al., Stat Med 2006;25:1219 (DeLong variance, shifted null).

    Parameters
    ----------
    first, second
        As for :func:`compare_auc_paired`.
    margin
        Largest acceptable loss of area, 0 to 1.
    """
    comparison = compare_auc_paired(first, second)
    variance = first.variance + second.variance - 2 * comparison.covariance
    statistic = _standardised(comparison.first - comparison.second + margin, variance)
    return HypothesisTest(
        statistic=statistic,
        p_value=normal_sf(statistic),
        method="non-inferiority, paired DeLong (Liu 2006)",
        alternative=Alternative.GREATER,
    )


def roc_curve(data: RocData, /) -> RocCurve:
    """Give every corner of the empirical ROC curve, both end points included.

    :implements: SRS-CLIN-005, SDS-CLIN-005

    Parameters
    ----------
    data
        Result of :func:`roc_data`.
    """
    thresholds = np.unique(np.concatenate((data.positives, data.negatives)))[::-1]
    sensitivity = 1 - np.searchsorted(np.sort(data.positives), thresholds, side="left") / data.positives.size
    false_positive = 1 - np.searchsorted(np.sort(data.negatives), thresholds, side="left") / data.negatives.size
    return RocCurve(
        false_positive_rate=np.concatenate(([0.0], false_positive)),
        sensitivity=np.concatenate(([0.0], sensitivity)),
        thresholds=np.concatenate(([np.inf], thresholds)),
    )


def obuchowski_auc_variance(
    scores: ArrayLike, /, *, truth: ArrayLike, patient_ids: Sequence[str] | None
) -> tuple[float, float]:
    """Give a lesion-level AUC and its variance when lesions share patients.

    :implements: SRS-CLIN-004, SDS-CLIN-005

    Source: Obuchowski NA, Biometrics 1997;53:567-578. With one lesion a patient it equals DeLong's variance.

    Parameters
    ----------
    scores, truth
        As for :func:`roc_data`.
    patient_ids
        The patient of each lesion.

    Returns
    -------
    tuple
        Area and variance.

    Raises
    ------
    PatientIdsMissingError
        If ``patient_ids`` is ``None``.
    """
    data = roc_data(scores, truth=truth)
    positive = as_binary(truth, name="truth")
    codes, patients = patient_codes(patient_ids, n_lesions=positive.size)
    m, n = data.v10.size, data.v01.size
    diseased = _centred_sums(codes[positive], data.v10 - data.auc, patients)
    healthy = _centred_sums(codes[~positive], data.v01 - data.auc, patients)
    with_positive, with_negative = np.unique(codes[positive]).size, np.unique(codes[~positive]).size
    if min(with_positive, with_negative, patients) < 2:
        raise not_estimable(
            "A variance between patients cannot be estimated.", where="patients", allowed="two of each class"
        )
    s10 = with_positive / ((with_positive - 1) * m) * float(diseased @ diseased)
    s01 = with_negative / ((with_negative - 1) * n) * float(healthy @ healthy)
    s11 = patients / (patients - 1) * float(diseased @ healthy)
    return data.auc, s10 / m + s01 / n + 2 * s11 / (m * n)


def _placements(of: NDArray[np.float64], among: NDArray[np.float64]) -> NDArray[np.float64]:
    # Sorted queries walk the sorted array in order, which is several times quicker than random ones.
    reference = np.sort(among)
    order = np.argsort(of)
    queries = of[order]
    below = np.searchsorted(reference, queries, side="left") + np.searchsorted(reference, queries, side="right")
    placements = np.empty(of.size)
    placements[order] = below / (2 * among.size)
    return placements


def _covariance(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    return float((first - first.mean()) @ (second - second.mean()) / (first.size - 1))


def _centred_sums(codes: NDArray[np.intp], values: NDArray[np.float64], patients: int) -> NDArray[np.float64]:
    return np.bincount(codes, weights=values, minlength=patients).astype(np.float64)


def _standardised(distance: float, variance: float) -> float:
    if variance > 0:
        return distance / math.sqrt(variance)
    return 0.0 if distance == 0 else math.copysign(1e300, distance)


def _compare(first: RocData, second: RocData, covariance: float, variance: float, confidence: float) -> AucComparison:
    difference = first.auc - second.auc
    half = two_sided_z(confidence) * math.sqrt(variance)
    z = _standardised(difference, variance)
    return AucComparison(
        first=first.auc,
        second=second.auc,
        difference=Interval(
            estimate=difference,
            lower=max(-1.0, difference - half),
            upper=min(1.0, difference + half),
            confidence=confidence,
            method="DeLong 1988",
        ),
        covariance=covariance,
        test=HypothesisTest(statistic=z, p_value=min(1.0, 2 * normal_sf(abs(z))), method="DeLong 1988"),
    )
