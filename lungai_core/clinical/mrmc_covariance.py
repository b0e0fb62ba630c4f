"""Figures of merit of every modality and reader, and the covariance of their errors: jackknife, DeLong, bootstrap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.clinical._checks import bad_data, not_estimable
from lungai_core.clinical._jackknife import jackknife_covariance
from lungai_core.clinical.roc import roc_data

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lungai_core.clinical.mrmc import ReaderStudy

__all__ = [
    "MeritEstimates",
    "auc_bootstrap",
    "auc_delong",
    "auc_jackknife",
    "auc_left_out",
    "from_jackknife",
    "sensitivity_jackknife",
]


@dataclass(frozen=True, slots=True, eq=False)
class MeritEstimates:
    """Figures of merit with the covariance of their estimates over cases.

    :implements: SRS-CLIN-007, SDS-CLIN-007

    Parameters
    ----------
    figures
        ``(modalities, readers)`` float64.
    covariance
        ``(modalities, readers, modalities, readers)`` float64.
    modalities
        Names.
    method
        How the covariance was estimated.
    """

    figures: NDArray[np.float64]
    covariance: NDArray[np.float64]
    modalities: tuple[str, ...]
    method: str


def auc_delong(study: ReaderStudy, /) -> MeritEstimates:
    """Estimate AUCs and their covariance by DeLong's placements.

    :implements: SRS-CLIN-007, SDS-CLIN-007

    Source: DeLong 1988.

    Parameters
    ----------
    study
        Fully crossed.
    """
    v10, v01, figures = _placements(study)
    covariance = _sample_covariance(v10) / v10.shape[1] + _sample_covariance(v01) / v01.shape[1]
    return _estimates(study, figures, covariance, "DeLong covariance")


def auc_jackknife(study: ReaderStudy, /) -> MeritEstimates:
    """Estimate AUCs and their covariance by leaving out each case.

    :implements: SRS-CLIN-007, SDS-CLIN-007

    Source: Obuchowski and Rockette 1995; Hillis 2007.

    Parameters
    ----------
    study
        Fully crossed, two cases of each class or more.
    """
    figures, left_out = auc_left_out(study)
    return _estimates(study, figures, jackknife_covariance(left_out), "jackknife covariance")


def auc_bootstrap(study: ReaderStudy, /, *, seed: int, replicates: int = 2000) -> MeritEstimates:
    """Estimate AUCs and their covariance by drawing cases with replacement within each class.

    :implements: SRS-CLIN-007, SDS-CLIN-007

    Source: Efron and Tibshirani 1993; Obuchowski and Rockette 1995.

    Parameters
    ----------
    study
        Fully crossed.
    seed
        Seed of the generator.
    replicates
        Number of samples.
    """
    _, _, figures = _placements(study)
    generator = np.random.default_rng(seed)
    positives = study.scores[:, :, study.truth].reshape(figures.size, -1)
    negatives = study.scores[:, :, ~study.truth].reshape(figures.size, -1)
    m, n = positives.shape[1], negatives.shape[1]
    weights_m = generator.multinomial(m, np.full(m, 1 / m), size=replicates).astype(np.float64) / m
    weights_n = generator.multinomial(n, np.full(n, 1 / n), size=replicates).astype(np.float64) / n
    samples = np.empty((replicates, figures.size))
    for cell in range(figures.size):
        above = positives[cell][:, None] - negatives[cell][None, :]
        kernel = (above > 0) + 0.5 * (above == 0)
        samples[:, cell] = np.einsum("bm,mn,bn->b", weights_m, kernel, weights_n, optimize=True)
    centred = samples - samples.mean(axis=0)
    covariance = (centred.T @ centred / (replicates - 1)).reshape(figures.shape * 2)
    return _estimates(study, figures, covariance, f"bootstrap covariance ({replicates} replicates)")


def auc_left_out(study: ReaderStudy, /) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute AUCs, whole and with each case left out.

    :implements: SRS-CLIN-007, SDS-CLIN-007

    Parameters
    ----------
    study
        Fully crossed, two cases of each class or more.

    Returns
    -------
    tuple
        ``(modalities, readers)`` and ``(cases, modalities, readers)``.
    """
    v10, v01, figures = _placements(study)
    m, n = v10.shape[1], v01.shape[1]
    if min(m, n) < 2:
        raise not_estimable(
            "A jackknife needs two cases of each class.", where=f"{m} and {n} cases", allowed="two of each"
        )
    flat = figures.ravel()[:, None]
    left = np.empty((study.truth.size, figures.size))
    left[study.truth] = ((m * flat - v10) / (m - 1)).T
    left[~study.truth] = ((n * flat - v01) / (n - 1)).T
    return figures, left.reshape(study.truth.size, *figures.shape)


def sensitivity_jackknife(study: ReaderStudy, /, *, threshold: float) -> MeritEstimates:
    """Estimate sensitivities at a threshold and their covariance over the diseased cases.

    :implements: SRS-CLIN-007, SDS-CLIN-007

    The jackknife runs over the diseased cases alone, as in MRMCaov: the others do not enter the figure.

    Parameters
    ----------
    study
        Fully crossed.
    threshold
        A case is called positive at or above it.
    """
    _require_crossed(study)
    hits = (study.scores[:, :, study.truth] >= threshold).astype(np.float64)
    n = hits.shape[2]
    if n < 2:
        raise not_estimable("A jackknife needs two diseased cases.", where=f"{n} cases", allowed="at least 2")
    figures = hits.mean(axis=2)
    left = np.moveaxis((n * figures[:, :, None] - hits) / (n - 1), 2, 0)
    return _estimates(study, figures, jackknife_covariance(left), "jackknife covariance over diseased cases")


def from_jackknife(
    figures: NDArray[np.float64], left_out: NDArray[np.float64], /, *, modalities: tuple[str, ...]
) -> MeritEstimates:
    """Make estimates of any figure of merit from its values with each case left out.

    :implements: SRS-CLIN-007, SDS-CLIN-007

    Parameters
    ----------
    figures
        ``(modalities, readers)``.
    left_out
        ``(cases, modalities, readers)``.
    modalities
        Names.
    """
    return MeritEstimates(
        figures=figures,
        covariance=jackknife_covariance(left_out),
        modalities=modalities,
        method="jackknife covariance",
    )


def _placements(study: ReaderStudy) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    _require_crossed(study)
    cells = [roc_data(scores, truth=study.truth) for scores in study.scores.reshape(-1, study.truth.size)]
    v10, v01 = np.stack([cell.v10 for cell in cells]), np.stack([cell.v01 for cell in cells])
    return v10, v01, v10.mean(axis=1).reshape(study.scores.shape[:2])


def _require_crossed(study: ReaderStudy) -> None:
    if not study.is_fully_crossed:
        raise bad_data(
            "Obuchowski-Rockette needs every reader to read every case in every modality.",
            where=f"{np.count_nonzero(np.isnan(study.scores))} reads are missing",
            allowed="a fully crossed study; U-statistics (mrmc_ustat) take missing reads",
        )


def _sample_covariance(values: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = values - values.mean(axis=1, keepdims=True)
    covariance: NDArray[np.float64] = centred @ centred.T / (values.shape[1] - 1)
    return covariance


def _estimates(
    study: ReaderStudy, figures: NDArray[np.float64], covariance: NDArray[np.float64], method: str
) -> MeritEstimates:
    return MeritEstimates(
        figures=figures, covariance=covariance.reshape(figures.shape * 2), modalities=study.modalities, method=method
    )
