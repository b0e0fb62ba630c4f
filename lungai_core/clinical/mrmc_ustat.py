"""The one-shot variance of reader-averaged AUCs by U-statistics; it takes split-plot designs and missing reads."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.clinical._checks import check_confidence, not_estimable
from lungai_core.clinical._distributions import normal_quantile, normal_sf, t_quantile, t_sf
from lungai_core.clinical.results import HypothesisTest, Interval
from lungai_core.domain.model import FrozenModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lungai_core.clinical.mrmc import ReaderStudy

__all__ = ["UstatDifference", "UstatResult", "ustat_auc", "ustat_difference"]

# Whether a moment of the list M1..M8 sums over distinct readers, distinct diseased and distinct non-diseased cases. The
# sums over all pairs hold those over equal ones; the signs take them out again (Gallas 2009).
_TO_DISTINCT = np.array(
    [
        [1, 0, 0, 0, 0, 0, 0, 0],
        [-1, 1, 0, 0, 0, 0, 0, 0],
        [-1, 0, 1, 0, 0, 0, 0, 0],
        [1, -1, -1, 1, 0, 0, 0, 0],
        [-1, 0, 0, 0, 1, 0, 0, 0],
        [1, -1, 0, 0, -1, 1, 0, 0],
        [1, 0, -1, 0, -1, 0, 1, 0],
        [-1, 1, 1, -1, 1, -1, -1, 1],
    ],
    dtype=np.float64,
)
# Variance components of non-diseased cases, diseased cases and readers from the moments (Gallas 2009, equation 19).
_COMPONENT_ROWS = np.array(
    [[0, 0, 0, 0, 0, 0, 1, -1], [0, 0, 0, 0, 0, 1, 0, -1], [0, 0, 0, 1, 0, 0, 0, -1]], dtype=np.float64
)
_COEFFICIENT_ROWS = np.array(
    [[1, 0, 1, 0, 1, 0, 1, 0], [1, 1, 0, 0, 1, 1, 0, 0], [1, 1, 1, 1, 0, 0, 0, 0]], dtype=np.float64
)
_NORMAL_ABOVE_DF = 50


class UstatResult(FrozenModel):
    """The reader-averaged AUC of one modality.

    :implements: SRS-CLIN-007, SDS-CLIN-007

    ``moments`` are M1 to M8 of Gallas; ``variance_biased`` is never negative; ``df`` are those of Obuchowski, Gallas
    and Hillis, ``None`` where the unbiased variance is negative.
    """

    modality: str
    auc: float
    variance: float
    variance_biased: float
    df: float | None
    moments: tuple[float, ...]
    normal: Interval | None
    bdg: Interval | None
    test_normal: HypothesisTest | None
    test_bdg: HypothesisTest | None


class UstatDifference(FrozenModel):
    """Two modalities compared by U-statistics, the first minus the second.

    :implements: SRS-CLIN-007, SDS-CLIN-007
    """

    first: UstatResult
    second: UstatResult
    covariance: float
    variance: float
    variance_biased: float
    df: float | None
    moments: tuple[float, ...]
    normal: Interval | None
    bdg: Interval | None
    test_normal: HypothesisTest | None
    test_bdg: HypothesisTest | None


@dataclass(frozen=True, slots=True, eq=False)
class _Moments:
    covariance: float
    covariance_biased: float
    unbiased: NDArray[np.float64]
    components: NDArray[np.float64]
    dfs: NDArray[np.float64]


def ustat_auc(study: ReaderStudy, /, *, modality: int, confidence: float = 0.95) -> UstatResult:
    """Estimate the reader-averaged AUC of one modality and its variance over readers and cases.

    :implements: SRS-CLIN-007, SDS-CLIN-007

    Source: Gallas BD, Acad Radiol 2006;13:353; Gallas BD et al., Commun Stat Theory Methods 2009;38:2586; degrees of
    freedom: Obuchowski NA, Gallas BD, Hillis SL, Acad Radiol 2012;19:1508. Agrees with iMRMC 2.1.2.

    Parameters
    ----------
    study
        Missing reads are allowed.
    modality
        Index of the modality.
    confidence
        Two-sided nominal coverage.
    """
    wins, design = _successes(study, modality)
    moments = _moments(wins, design, wins, design)
    auc = float(wins.sum() / design.sum())
    df = _bdg_df(moments.covariance, moments.components, moments.dfs)
    parts = _tests(auc, 0.5, moments.covariance, df, confidence)
    return UstatResult(
        modality=study.modalities[modality],
        auc=auc,
        variance=moments.covariance,
        variance_biased=moments.covariance_biased,
        df=df,
        moments=tuple(float(value) for value in moments.unbiased),
        normal=parts[0],
        bdg=parts[1],
        test_normal=parts[2],
        test_bdg=parts[3],
    )


def ustat_difference(
    study: ReaderStudy, /, *, first: int = 0, second: int = 1, confidence: float = 0.95
) -> UstatDifference:
    """Compare the reader-averaged AUCs of two modalities.

    :implements: SRS-CLIN-007, SDS-CLIN-007

    Source: as :func:`ustat_auc`.

    Parameters
    ----------
    study
        Missing reads are allowed.
    first, second
        Indices of the modalities.
    confidence
        Two-sided nominal coverage.
    """
    one, two = (ustat_auc(study, modality=index, confidence=confidence) for index in (first, second))
    (wins1, design1), (wins2, design2) = _successes(study, first), _successes(study, second)
    own1, own2 = _moments(wins1, design1, wins1, design1), _moments(wins2, design2, wins2, design2)
    cross = _moments(wins1, design1, wins2, design2)
    variance = one.variance + two.variance - 2 * cross.covariance
    components = own1.components + own2.components - 2 * cross.components
    df = _bdg_df(variance, components, np.minimum(own1.dfs, own2.dfs))
    parts = _tests(one.auc - two.auc, 0.0, variance, df, confidence)
    return UstatDifference(
        first=one,
        second=two,
        covariance=cross.covariance,
        variance=variance,
        variance_biased=one.variance_biased + two.variance_biased - 2 * cross.covariance_biased,
        df=df,
        moments=tuple(float(value) for value in cross.unbiased),
        normal=parts[0],
        bdg=parts[1],
        test_normal=parts[2],
        test_bdg=parts[3],
    )


def _successes(study: ReaderStudy, modality: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give ``(readers, non-diseased, diseased)`` successes and which of them were observed."""
    scores = study.scores[modality]
    above = scores[:, None, study.truth] - scores[:, ~study.truth, None]
    seen = ~np.isnan(above)
    wins = np.where(seen, (above > 0) + 0.5 * (above == 0), 0.0)
    if not seen.any():
        raise not_estimable("An AUC needs both classes.", where="reads", allowed="a diseased and a non-diseased case")
    return wins, seen.astype(np.float64)


def _pair_sums(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum products over equal and over all readers, cases of each kind equal or all."""

    def four(a: NDArray[np.float64], b: NDArray[np.float64]) -> list[float]:
        return [
            float(np.sum(a * b)),
            float(np.sum(a.sum(axis=1) * b.sum(axis=1))),
            float(np.sum(a.sum(axis=2) * b.sum(axis=2))),
            float(np.sum(a.sum(axis=(1, 2)) * b.sum(axis=(1, 2)))),
        ]

    return np.array(four(first, second) + four(first.sum(axis=0, keepdims=True), second.sum(axis=0, keepdims=True)))


def _moments(
    wins1: NDArray[np.float64], design1: NDArray[np.float64], wins2: NDArray[np.float64], design2: NDArray[np.float64]
) -> _Moments:
    numerators, denominators = _pair_sums(wins1, wins2), _pair_sums(design1, design2)
    distinct, pairs = _TO_DISTINCT @ numerators, _TO_DISTINCT @ denominators
    unbiased = np.divide(distinct, pairs, out=np.zeros(8), where=pairs > 0)
    biased = np.divide(numerators, denominators, out=np.zeros(8), where=denominators > 0)
    coefficients = pairs / denominators[7]
    coefficients[7] -= 1
    shares = _COEFFICIENT_ROWS @ coefficients
    return _Moments(
        covariance=float(coefficients @ unbiased),
        covariance_biased=float(coefficients @ biased),
        unbiased=unbiased,
        components=_COMPONENT_ROWS @ biased,
        dfs=np.maximum(np.round(1 / shares - 1), 1),
    )


def _bdg_df(variance: float, components: NDArray[np.float64], dfs: NDArray[np.float64]) -> float | None:
    spread = float(np.sum(components**2 / dfs**3))
    if variance < 0 or spread == 0:
        return None
    return max(variance**2 / spread, float(dfs.min()))


def _tests(
    estimate: float, null: float, variance: float, df: float | None, confidence: float
) -> tuple[Interval | None, Interval | None, HypothesisTest | None, HypothesisTest | None]:
    check_confidence(confidence)
    if variance <= 0 or df is None:
        return None, None, None, None
    error = math.sqrt(variance)
    z = (estimate - null) / error
    tail = 0.5 + confidence / 2
    whole_df = float(math.floor(df)) if df <= _NORMAL_ABOVE_DF else math.inf
    normal, p_normal = normal_quantile(tail), 2 * normal_sf(abs(z))
    t = normal if math.isinf(whole_df) else t_quantile(tail, df=whole_df)
    p_t = p_normal if math.isinf(whole_df) else 2 * t_sf(abs(z), df=whole_df)

    def interval(quantile: float, method: str) -> Interval:
        half = quantile * error
        return Interval(
            estimate=estimate, lower=estimate - half, upper=estimate + half, confidence=confidence, method=method
        )

    return (
        interval(normal, "U-statistic, normal (Gallas 2006)"),
        interval(t, "U-statistic, t with BDG degrees of freedom (Obuchowski, Gallas and Hillis 2012)"),
        HypothesisTest(statistic=z, p_value=min(1.0, p_normal), method="U-statistic, normal"),
        HypothesisTest(statistic=z, p_value=min(1.0, p_t), method="U-statistic, BDG", df2=df),
    )
