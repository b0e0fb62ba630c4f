"""Figures of merit of free-response reader studies: AFROC, weighted AFROC and those inferred from highest ratings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.clinical._checks import bad_data, not_estimable

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FreeResponse", "FreeResponseMerit", "free_response_jackknife", "free_response_merit"]


class FreeResponseMerit(StrEnum):
    """Which figure of merit is computed.

    :implements: SRS-CLIN-006, SDS-CLIN-006
    """

    WAFROC = "weighted AFROC (Chakraborty 2017)"
    AFROC = "AFROC (Chakraborty and Berbaum 2004)"
    WAFROC1 = "weighted AFROC1, false marks of all cases"
    AFROC1 = "AFROC1, false marks of all cases"
    HR_AUC = "AUC of the highest rating"
    HR_SENSITIVITY = "share of diseased cases with a mark"
    HR_SPECIFICITY = "share of non-diseased cases without a mark"
    MAX_LLF = "share of lesions with a mark"
    MAX_NLF = "false marks a non-diseased case"


@dataclass(frozen=True, slots=True, eq=False)
class FreeResponse:
    """The marks of a fully crossed free-response study.

    :implements: SRS-CLIN-006, SDS-CLIN-006

    Parameters
    ----------
    highest_false
        ``(modalities, readers, cases)`` highest rating of a non-lesion mark, minus infinity where there is none.
    n_false
        ``(modalities, readers, cases)`` number of non-lesion marks.
    lesion_ratings
        ``(modalities, readers, cases, most lesions)``: rating of each lesion, minus infinity where it was not marked,
        NaN where the case has no such lesion. A case without lesions is non-diseased.
    """

    highest_false: NDArray[np.float64]
    n_false: NDArray[np.int64]
    lesion_ratings: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.highest_false.shape != self.n_false.shape or self.highest_false.shape != self.lesion_ratings.shape[:3]:
            raise bad_data(
                "The marks of a study have different shapes.", where="FreeResponse", allowed="one study design"
            )

    @property
    def lesions(self) -> NDArray[np.int64]:
        """The number of lesions of each case."""
        return np.asarray(np.count_nonzero(~np.isnan(self.lesion_ratings[0, 0]), axis=-1), dtype=np.int64)


def free_response_merit(study: FreeResponse, /, *, merit: FreeResponseMerit) -> NDArray[np.float64]:
    """Compute a figure of merit of each modality and reader.

    :implements: SRS-CLIN-006, SDS-CLIN-006

    Source: Chakraborty DP, Observer Performance Methods for Diagnostic Imaging, 2017, chapter 13 (equal lesion
    weights); agrees with RJafroc 2.1.2.

    Parameters
    ----------
    study
        The marks; at least one diseased and one non-diseased case.
    merit
        The figure.

    Returns
    -------
    numpy.ndarray
        ``(modalities, readers)`` float64.
    """
    return _merit_and_jackknife(study, merit)[0]


def free_response_jackknife(study: FreeResponse, /, *, merit: FreeResponseMerit) -> NDArray[np.float64]:
    """Compute a figure of merit with each case left out in turn.

    :implements: SRS-CLIN-006, SDS-CLIN-006

    Parameters
    ----------
    study, merit
        As for :func:`free_response_merit`.

    Returns
    -------
    numpy.ndarray
        ``(cases, modalities, readers)`` float64, input of
        ``jackknife_covariance`` in ``mrmc``.
    """
    return _merit_and_jackknife(study, merit)[1]


def _merit_and_jackknife(
    study: FreeResponse, merit: FreeResponseMerit
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lesions = study.lesions
    diseased = lesions > 0
    if diseased.all() or not diseased.any():
        raise not_estimable(
            "A figure of merit needs diseased and non-diseased cases.",
            where=f"{np.count_nonzero(diseased)} diseased of {diseased.size}",
            allowed="at least one of each",
        )
    modalities, readers, cases = study.highest_false.shape
    merits = np.empty((modalities, readers))
    left_out = np.empty((cases, modalities, readers))
    for i in range(modalities):
        for j in range(readers):
            total, rows, columns, weights = _kernel(study, merit, (i, j), lesions)
            merits[i, j], left_out[:, i, j] = _ratio_and_jackknife(total, rows, columns, weights)
    return merits, left_out


def _kernel(
    study: FreeResponse, merit: FreeResponseMerit, cell: tuple[int, int], lesions: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float64]]:
    """Give the kernel of every pair of cases, which cases are rows and columns, and the weight of each column."""
    false, ratings = study.highest_false[cell], study.lesion_ratings[cell]
    diseased = lesions > 0
    healthy = ~diseased
    everybody = np.ones_like(diseased)
    one = np.ones(lesions.size)
    if merit in {FreeResponseMerit.HR_SENSITIVITY, FreeResponseMerit.HR_SPECIFICITY, FreeResponseMerit.MAX_LLF}:
        best = np.maximum(false, np.where(np.isnan(ratings), -np.inf, ratings).max(axis=-1))
        marked = np.count_nonzero(np.isfinite(ratings), axis=-1).astype(np.float64)
        single = {
            FreeResponseMerit.HR_SENSITIVITY: (np.isfinite(best).astype(np.float64), diseased, one),
            FreeResponseMerit.HR_SPECIFICITY: (np.isneginf(best).astype(np.float64), healthy, one),
            FreeResponseMerit.MAX_LLF: (marked, diseased, lesions.astype(np.float64)),
        }[merit]
        return single[0][None, :], np.ones(1, dtype=np.bool_), single[1], single[2]
    if merit is FreeResponseMerit.MAX_NLF:
        return study.n_false[cell].astype(np.float64)[None, :], np.ones(1, dtype=np.bool_), healthy, one
    if merit is FreeResponseMerit.HR_AUC:
        best = np.maximum(false, np.where(np.isnan(ratings), -np.inf, ratings).max(axis=-1))
        return _wins(best[None, :], best[:, None]), healthy, diseased, one
    wins = np.where(np.isnan(ratings)[None], 0.0, _wins(ratings[None], false[:, None, None])).sum(axis=-1)
    rows = everybody if merit in {FreeResponseMerit.WAFROC1, FreeResponseMerit.AFROC1} else healthy
    if merit in {FreeResponseMerit.WAFROC, FreeResponseMerit.WAFROC1}:
        return wins / np.maximum(lesions, 1), rows, diseased, one
    return wins, rows, diseased, lesions.astype(np.float64)


def _wins(ratings: NDArray[np.float64], against: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((ratings > against) + 0.5 * (ratings == against), dtype=np.float64)


def _ratio_and_jackknife(
    kernel: NDArray[np.float64],
    rows: NDArray[np.bool_],
    columns: NDArray[np.bool_],
    weights: NDArray[np.float64],
) -> tuple[float, NDArray[np.float64]]:
    """Compute sum(kernel) / (rows * weights) of the chosen rows and columns, whole and without each case."""
    used = np.where(rows[:, None] & columns[None, :], kernel, 0.0)
    total, n_rows = used.sum(), np.count_nonzero(rows)
    weight = weights[columns].sum()
    cases = columns.size
    column_sums, column_weights = used.sum(axis=0), np.where(columns, weights, 0.0)
    if rows.size == 1:
        # A figure of columns alone, such as a share of lesions: the single row is no case.
        left = (total - column_sums) / np.maximum(weight - column_weights, np.finfo(np.float64).tiny)
        return float(total / weight), left
    own = used[np.arange(cases), np.arange(cases)]
    remaining = total - column_sums - used.sum(axis=1) + own
    denominators = (n_rows - rows) * (weight - column_weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(total / (n_rows * weight)), remaining / denominators
