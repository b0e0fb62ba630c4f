"""Multi-reader multi-case studies: Obuchowski-Rockette and DBM, with three estimates of the covariance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.clinical._checks import bad_data, check_confidence, not_estimable
from lungai_core.clinical._distributions import chi2_sf, f_sf, normal_quantile, t_quantile
from lungai_core.clinical._jackknife import jackknife_covariance
from lungai_core.clinical.results import HypothesisTest, Interval
from lungai_core.domain.model import FrozenModel

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from lungai_core.clinical.mrmc_covariance import MeritEstimates

__all__ = [
    "Generalisation",
    "MrmcResult",
    "ReaderStudy",
    "VarianceComponents",
    "dbm",
    "obuchowski_rockette",
    "reader_study",
]


_ROUNDING = 1e-24  # squares of differences that are nothing but rounding


class Generalisation(StrEnum):
    """To whom the result of a reader study shall apply.

    :implements: SRS-CLIN-007, SDS-CLIN-007
    """

    READERS_AND_CASES = "random readers, random cases"
    CASES = "fixed readers, random cases"
    READERS = "random readers, fixed cases"


@dataclass(frozen=True, slots=True, eq=False)
class ReaderStudy:
    """The scores of a fully crossed reader study; made by :func:`reader_study`.

    :implements: SRS-CLIN-007, SDS-CLIN-007

    Parameters
    ----------
    scores
        ``(modalities, readers, cases)`` float64; NaN where a reader did not read a case.
    truth
        ``(cases,)`` bool.
    modalities, readers
        Their names, in the order of the axes.
    """

    scores: NDArray[np.float64]
    truth: NDArray[np.bool_]
    modalities: tuple[str, ...]
    readers: tuple[str, ...]

    @property
    def is_fully_crossed(self) -> bool:
        """Whether every reader read every case in every modality."""
        return not bool(np.isnan(self.scores).any())


class VarianceComponents(FrozenModel):
    """The variance components of the Obuchowski-Rockette model.

    :implements: SRS-CLIN-007, SDS-CLIN-007
    """

    reader: float
    treatment_reader: float
    error: float
    cov1: float
    cov2: float
    cov3: float


class MrmcResult(FrozenModel):
    """A multi-reader analysis: means, variance components, test of equality, and first minus second modality.

    :implements: SRS-CLIN-007, SDS-CLIN-007
    """

    modalities: tuple[str, ...]
    n_readers: int
    generalisation: Generalisation
    figures: tuple[Interval, ...]
    components: VarianceComponents
    test: HypothesisTest
    difference: Interval | None
    standard_error: float


def reader_study(
    scores: ArrayLike,
    /,
    *,
    readers: ArrayLike,
    modalities: ArrayLike,
    cases: ArrayLike,
    truth: ArrayLike,
) -> ReaderStudy:
    """Arrange a list of reads as a study.

    :implements: SRS-CLIN-007, SDS-CLIN-007

    Parameters
    ----------
    scores
        ``(reads,)`` score of each read.
    readers, modalities, cases
        ``(reads,)`` names or numbers.
    truth
        ``(reads,)`` of 0 and 1, the same for all reads of a case.

    Raises
    ------
    StudyDataError
        If a read occurs twice or a case has two truths.
    """
    values = np.asarray(scores, dtype=np.float64)
    axes = [np.unique(np.asarray(axis), return_inverse=True) for axis in (modalities, readers, cases)]
    if any(codes.size != values.size for _, codes in axes):
        raise bad_data("The columns of a reader study have different lengths.", where="reads", allowed="one row a read")
    (modality_names, i), (reader_names, j), (case_names, k) = axes
    grid = np.full((modality_names.size, reader_names.size, case_names.size), np.nan)
    times = np.zeros(grid.shape, dtype=np.int64)
    np.add.at(times, (i, j, k), 1)
    if times.max() > 1:
        raise bad_data(
            "A reader read a case twice in one modality.", where="reads", allowed="one read a reader, modality, case"
        )
    grid[i, j, k] = values
    labels = np.asarray(truth, dtype=np.float64)
    positive = np.bincount(k, weights=labels) / np.bincount(k)
    if not np.isin(positive, (0.0, 1.0)).all():
        raise bad_data(
            "A case has two different truths.", where="truth", allowed="0 or 1, the same for all reads of a case"
        )
    return ReaderStudy(
        scores=grid,
        truth=positive.astype(np.bool_),
        modalities=tuple(str(name) for name in modality_names),
        readers=tuple(str(name) for name in reader_names),
    )


def obuchowski_rockette(
    estimates: MeritEstimates,
    /,
    *,
    generalisation: Generalisation = Generalisation.READERS_AND_CASES,
    confidence: float = 0.95,
) -> MrmcResult:
    """Analyse figures of merit of modalities and readers with correlated errors.

    :implements: SRS-CLIN-007, SDS-CLIN-007

    Source: Obuchowski NA, Rockette HE, Commun Stat Simul Comput 1995;24:285-308; degrees of freedom: Hillis SL, Stat
    Med 2007;26:596-619.

    Parameters
    ----------
    estimates
        Figures and their covariance, from :mod:`lungai_core.clinical.mrmc_covariance`.
    generalisation
        Random readers and cases if absent.
    confidence
        Two-sided nominal coverage.
    """
    check_confidence(confidence)
    theta = estimates.figures
    n_modalities, n_readers = theta.shape
    _check_design(n_modalities, n_readers, generalisation)
    squares = _mean_squares(theta)
    error, cov1, cov2, cov3 = _mean_covariances(estimates.covariance)
    denominator, ddf = _error_term(squares, (error, cov1, cov2, cov3), theta.shape, generalisation)
    df1 = float(n_modalities - 1)
    if denominator <= _ROUNDING:
        raise not_estimable("All readers agree exactly: no error term.", where="figures of merit", allowed="variation")
    f = squares.treatment / denominator
    p_value = chi2_sf(df1 * f, df=df1) if math.isinf(ddf) else f_sf(f, df1=df1, df2=ddf)
    standard_error = math.sqrt(2 / n_readers * denominator)
    return MrmcResult(
        modalities=estimates.modalities,
        n_readers=n_readers,
        generalisation=generalisation,
        figures=_figure_intervals(estimates, generalisation, confidence),
        components=VarianceComponents(
            reader=(squares.reader - squares.interaction) / n_modalities - cov1 + cov3,
            treatment_reader=squares.interaction - error + cov1 + cov2 - cov3,
            error=error,
            cov1=cov1,
            cov2=cov2,
            cov3=cov3,
        ),
        test=HypothesisTest(
            statistic=f,
            p_value=p_value,
            method=f"Obuchowski-Rockette, {estimates.method}, Hillis degrees of freedom",
            df1=df1,
            df2=None if math.isinf(ddf) else ddf,
        ),
        difference=_difference(theta, standard_error, ddf, confidence, estimates.method),
        standard_error=standard_error,
    )


def dbm(
    figures: NDArray[np.float64],
    jackknife: NDArray[np.float64],
    /,
    *,
    modalities: tuple[str, ...],
    confidence: float = 0.95,
) -> MrmcResult:
    """Analyse jackknife pseudovalues by a three-way analysis of variance.

    :implements: SRS-CLIN-007, SDS-CLIN-007

    Source: Dorfman DD, Berbaum KS, Metz CE, Invest Radiol 1992;27:723; with Hillis' degrees of freedom (Hillis SL,
    Berbaum KS, Metz CE, Acad Radiol 2008;15:647). Equals Obuchowski-Rockette with jackknife covariances, which also
    gives the intervals of single modalities: ``figures`` is empty here.

    Parameters
    ----------
    figures
        ``(modalities, readers)``.
    jackknife
        ``(cases, modalities, readers)`` figures with each case left out.
    modalities
        Names.
    confidence
        Two-sided nominal coverage.
    """
    n = jackknife.shape[0]
    i, j = figures.shape
    _check_design(i, j, Generalisation.READERS_AND_CASES)
    pseudo = n * figures[None] - (n - 1) * jackknife
    mean_tr, mean_tc, mean_rc = pseudo.mean(axis=0), pseudo.mean(axis=2), pseudo.mean(axis=1)
    mean_t, mean_r, mean_c, grand = mean_tr.mean(axis=1), mean_tr.mean(axis=0), mean_tc.mean(axis=1), pseudo.mean()
    ms_t = n * j * np.sum((mean_t - grand) ** 2) / (i - 1)
    ms_tr = n * np.sum((mean_tr - mean_t[:, None] - mean_r + grand) ** 2) / ((i - 1) * (j - 1))
    ms_tc = j * np.sum((mean_tc - mean_t - mean_c[:, None] + grand) ** 2) / ((i - 1) * (n - 1))
    residual = (
        pseudo
        - mean_tr[None]
        - mean_tc[:, :, None]
        - mean_rc[:, None, :]
        + mean_t[None, :, None]
        + mean_r[None, None, :]
        + mean_c[:, None, None]
        - grand
    )
    ms_trc = np.sum(residual**2) / ((i - 1) * (j - 1) * (n - 1))
    denominator = float(ms_tr + max(ms_tc - ms_trc, 0))
    ddf = float(denominator**2 / (ms_tr**2 / ((i - 1) * (j - 1)))) if ms_tr > 0 else math.inf
    f = float(ms_t / denominator)
    standard_error = math.sqrt(2 * denominator / (n * j))
    covariance = jackknife_covariance(jackknife)
    error, cov1, cov2, cov3 = _mean_covariances(covariance)
    squares = _mean_squares(mean_tr)
    return MrmcResult(
        modalities=modalities,
        n_readers=j,
        generalisation=Generalisation.READERS_AND_CASES,
        figures=(),
        components=VarianceComponents(
            reader=(squares.reader - squares.interaction) / i - cov1 + cov3,
            treatment_reader=squares.interaction - error + cov1 + cov2 - cov3,
            error=error,
            cov1=cov1,
            cov2=cov2,
            cov3=cov3,
        ),
        test=HypothesisTest(
            statistic=f,
            p_value=f_sf(f, df1=i - 1, df2=ddf),
            method="DBM, Hillis degrees of freedom",
            df1=i - 1,
            df2=ddf,
        ),
        difference=_difference(mean_tr, standard_error, ddf, confidence, "DBM"),
        standard_error=standard_error,
    )


@dataclass(frozen=True, slots=True)
class _MeanSquares:
    treatment: float
    reader: float
    interaction: float


def _check_design(modalities: int, readers: int, generalisation: Generalisation) -> None:
    if modalities < 2:
        raise not_estimable("A comparison needs two modalities.", where=f"{modalities} modality", allowed="at least 2")
    if readers < 2 and generalisation is not Generalisation.CASES:
        raise not_estimable(
            "Nothing can be said about readers in general.",
            where=f"{readers} reader",
            allowed="at least 2 readers, or fixed readers",
        )


def _mean_squares(theta: NDArray[np.float64]) -> _MeanSquares:
    modalities, readers = theta.shape
    by_modality, by_reader, grand = theta.mean(axis=1), theta.mean(axis=0), theta.mean()
    interaction = theta - by_modality[:, None] - by_reader + grand
    return _MeanSquares(
        treatment=float(readers * np.sum((by_modality - grand) ** 2) / (modalities - 1)),
        reader=float(modalities * np.sum((by_reader - grand) ** 2) / max(readers - 1, 1)),
        interaction=float(np.sum(interaction**2) / max((modalities - 1) * (readers - 1), 1)),
    )


def _mean_covariances(covariance: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Average the ``(i, j, i', j')`` covariances by what modality and reader have in common."""
    i, j = covariance.shape[:2]
    same_modality = np.eye(i, dtype=np.bool_)[:, None, :, None]
    same_reader = np.eye(j, dtype=np.bool_)[None, :, None, :]

    def mean(chosen: NDArray[np.bool_]) -> float:
        values = covariance[np.broadcast_to(chosen, covariance.shape)]
        return float(values.mean()) if values.size else 0.0

    return (
        mean(same_modality & same_reader),
        mean(~same_modality & same_reader),
        mean(same_modality & ~same_reader),
        mean(~same_modality & ~same_reader),
    )


def _error_term(
    squares: _MeanSquares,
    covariances: tuple[float, float, float, float],
    shape: tuple[int, ...],
    generalisation: Generalisation,
) -> tuple[float, float]:
    modalities, readers = shape
    error, cov1, cov2, cov3 = covariances
    df = (modalities - 1) * (readers - 1)
    if generalisation is Generalisation.CASES:
        return error - cov1 + (readers - 1) * (cov2 - cov3), math.inf
    if generalisation is Generalisation.READERS:
        return squares.interaction, float(df)
    denominator = squares.interaction + max(readers * (cov2 - cov3), 0.0)
    if squares.interaction == 0:
        return denominator, math.inf
    return denominator, denominator**2 / (squares.interaction**2 / df)


def _figure_intervals(
    estimates: MeritEstimates, generalisation: Generalisation, confidence: float
) -> tuple[Interval, ...]:
    theta, covariance = estimates.figures, estimates.covariance
    readers = theta.shape[1]
    intervals = []
    for i in range(theta.shape[0]):
        own = covariance[i, :, i, :]
        variance = float(np.trace(own)) / readers
        cov2 = float((own.sum() - np.trace(own)) / (readers * (readers - 1))) if readers > 1 else 0.0
        spread = float(theta[i].var(ddof=1)) if readers > 1 else 0.0
        if generalisation is Generalisation.CASES:
            total, df = (variance + (readers - 1) * cov2) / readers, math.inf
        elif generalisation is Generalisation.READERS:
            total, df = spread / readers, float(readers - 1)
        else:
            both = spread + max(readers * cov2, 0.0)
            total = both / readers
            df = both**2 / (spread**2 / (readers - 1)) if spread > 0 else math.inf
        half = _t_or_normal(confidence, df) * math.sqrt(total)
        mean = float(theta[i].mean())
        intervals.append(
            Interval(
                estimate=mean,
                lower=mean - half,
                upper=mean + half,
                confidence=confidence,
                method=f"Obuchowski-Rockette, {estimates.method}, one modality",
            )
        )
    return tuple(intervals)


def _difference(
    theta: NDArray[np.float64], standard_error: float, ddf: float, confidence: float, method: str
) -> Interval | None:
    if theta.shape[0] != 2:  # the difference of more than two modalities is no single number
        return None
    estimate = float(theta[0].mean() - theta[1].mean())
    half = _t_or_normal(confidence, ddf) * standard_error
    return Interval(
        estimate=estimate,
        lower=estimate - half,
        upper=estimate + half,
        confidence=confidence,
        method=f"multi-reader, {method}",
    )


def _t_or_normal(confidence: float, df: float) -> float:
    tail = 0.5 + confidence / 2
    return normal_quantile(tail) if math.isinf(df) else t_quantile(tail, df=df)
