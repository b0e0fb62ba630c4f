"""Whether predicted probabilities mean what they say, and whether acting on them helps."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.clinical._checks import as_binary, as_probabilities, not_estimable, same_length
from lungai_core.clinical._distributions import chi2_sf, normal_sf
from lungai_core.clinical.results import HypothesisTest
from lungai_core.domain.model import FrozenModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from lungai_core.errors import NotEstimableError

__all__ = [
    "Binning",
    "BinningError",
    "CalibrationResult",
    "LogisticFit",
    "ModelOrigin",
    "NetBenefit",
    "binned_calibration",
    "calibration",
    "decision_curve",
    "hosmer_lemeshow",
    "reliability_bins",
]

_TINY = 1e-15
_NEWTON_STEPS = 50
_CONVERGED = 1e-12


class Binning(StrEnum):
    """How probabilities are put into bins.

    :implements: SRS-CLIN-013, SDS-CLIN-013
    """

    EQUAL_WIDTH = "equal width, [k/B, (k+1)/B)"
    EQUAL_MASS = "equal mass"


class ModelOrigin(StrEnum):
    """Whether the model was fitted to these cases or comes from elsewhere: it decides degrees of freedom.

    :implements: SRS-CLIN-013, SDS-CLIN-013
    """

    EXTERNAL = "external"
    INTERNAL = "internal"


class LogisticFit(FrozenModel):
    """Coefficients of a logistic recalibration with their standard errors.

    :implements: SRS-CLIN-013, SDS-CLIN-013
    """

    intercept: float
    intercept_se: float
    slope: float
    slope_se: float


class CalibrationResult(FrozenModel):
    """Calibration of probabilities against truth.

    :implements: SRS-CLIN-013, SDS-CLIN-013

    ``in_the_large`` is the intercept with the slope fixed at 1; ``unreliability`` tests intercept 0 and slope 1 at
    once.
    """

    n: int
    events: int
    brier: float
    brier_scaled: float
    log_loss: float
    in_the_large: float
    in_the_large_se: float
    fit: LogisticFit
    unreliability: HypothesisTest
    spiegelhalter: HypothesisTest


class BinningError(FrozenModel):
    """Binned calibration errors with Murphy's decomposition of the Brier score.

    :implements: SRS-CLIN-013, SDS-CLIN-013
    """

    bins: int
    binning: Binning
    expected_error: float
    maximum_error: float
    reliability: float
    resolution: float
    uncertainty: float


class NetBenefit(FrozenModel):
    """Net benefit of a model, of treating all and of treating none at one threshold.

    :implements: SRS-CLIN-013, SDS-CLIN-013
    """

    threshold: float
    model: float
    treat_all: float
    treat_none: float = 0.0


def calibration(probabilities: ArrayLike, /, *, truth: ArrayLike) -> CalibrationResult:
    """Compute proper scores, recalibration and calibration tests.

    :implements: SRS-CLIN-013, SDS-CLIN-013

    Source: Brier 1950; Cox DR, Biometrika 1958;45:562 (slope); Harrell FE, Regression Modeling Strategies, 2015
    (unreliability); Spiegelhalter DJ, Stat Med 1986;5:421.

    Parameters
    ----------
    probabilities
        ``(n,)`` predicted probabilities; for the logistic fits they are kept 1e-15 away from 0 and 1.
    truth
        ``(n,)`` of 0 and 1, both present.
    """
    p, y = _paired(probabilities, truth)
    safe = np.clip(p, _TINY, 1 - _TINY)
    logit = np.log(safe / (1 - safe))
    likelihood = float(np.sum(np.where(y == 1, np.log(safe), np.log1p(-safe))))
    offset_fit, offset_error, _ = _logistic(np.ones((y.size, 1)), y, logit)
    both, errors, fitted = _logistic(np.stack((np.ones(y.size), logit), axis=1), y, np.zeros(y.size))
    chi2 = max(0.0, 2 * (fitted - likelihood))
    prevalence = float(y.mean())
    brier = float(np.mean((p - y) ** 2))
    spread = float(np.sum((1 - 2 * p) ** 2 * p * (1 - p)))
    z = float(np.sum((y - p) * (1 - 2 * p))) / math.sqrt(spread) if spread > 0 else 0.0
    return CalibrationResult(
        n=y.size,
        events=int(y.sum()),
        brier=brier,
        brier_scaled=1 - brier / (prevalence * (1 - prevalence)),
        log_loss=-likelihood / y.size,
        in_the_large=float(offset_fit[0]),
        in_the_large_se=float(offset_error[0]),
        fit=LogisticFit(
            intercept=float(both[0]), intercept_se=float(errors[0]), slope=float(both[1]), slope_se=float(errors[1])
        ),
        unreliability=HypothesisTest(
            statistic=chi2, p_value=chi2_sf(chi2, df=2), method="likelihood ratio, intercept 0 and slope 1", df1=2
        ),
        spiegelhalter=HypothesisTest(statistic=z, p_value=min(1.0, 2 * normal_sf(abs(z))), method="Spiegelhalter 1986"),
    )


def binned_calibration(
    probabilities: ArrayLike, /, *, truth: ArrayLike, bins: int = 10, binning: Binning = Binning.EQUAL_WIDTH
) -> BinningError:
    """Compute expected and maximum calibration error with stated bins.

    :implements: SRS-CLIN-013, SDS-CLIN-013

    The same data give other errors with other bins, so the bins are part of the result.
    Source: Naeini MP, Cooper GF, Hauskrecht M, AAAI 2015 (errors); Murphy AH, J Appl Meteorol 1973;12:595.

    Parameters
    ----------
    probabilities, truth
        As for :func:`calibration`.
    bins
        Number of bins, 1 or more.
    binning
        Equal width or equal mass.
    """
    p, y = _paired(probabilities, truth)
    sizes, mean_p, mean_y = reliability_bins(p, truth=y, bins=bins, binning=binning)
    gaps = np.abs(mean_p - mean_y)
    share = sizes / y.size
    prevalence = float(y.mean())
    return BinningError(
        bins=bins,
        binning=binning,
        expected_error=float(share @ gaps),
        maximum_error=float(gaps.max()),
        reliability=float(share @ gaps**2),
        resolution=float(share @ (mean_y - prevalence) ** 2),
        uncertainty=prevalence * (1 - prevalence),
    )


def reliability_bins(
    probabilities: ArrayLike, /, *, truth: ArrayLike, bins: int = 10, binning: Binning = Binning.EQUAL_WIDTH
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Put cases into bins of predicted probability: the points of a reliability diagram.

    :implements: SRS-CLIN-013, SDS-CLIN-013

    Parameters
    ----------
    probabilities, truth, bins, binning
        As for :func:`binned_calibration`.

    Returns
    -------
    tuple
        Sizes, mean probabilities and observed rates of the bins that hold a case, each float64.
    """
    p, y = _paired(probabilities, truth)
    if binning is Binning.EQUAL_WIDTH:
        codes = np.minimum((p * bins).astype(np.int64), bins - 1)
    else:
        order = np.argsort(p, kind="stable")
        codes = np.empty(p.size, dtype=np.int64)
        for number, part in enumerate(np.array_split(order, bins)):
            codes[part] = number
    sizes = np.bincount(codes, minlength=bins).astype(np.float64)
    used = sizes > 0
    sums_p, sums_y = np.bincount(codes, weights=p, minlength=bins), np.bincount(codes, weights=y, minlength=bins)
    return sizes[used], sums_p[used] / sizes[used], sums_y[used] / sizes[used]


def hosmer_lemeshow(
    probabilities: ArrayLike, /, *, truth: ArrayLike, groups: int = 10, origin: ModelOrigin = ModelOrigin.EXTERNAL
) -> HypothesisTest:
    """Test calibration in groups of predicted probability.

    :implements: SRS-CLIN-013, SDS-CLIN-013

    Source: Hosmer DW, Lemeshow S, Commun Stat Theory Methods 1980;9:1043. A model from elsewhere has ``groups`` degrees
    of freedom, one fitted to these cases two fewer.

    Parameters
    ----------
    probabilities, truth
        As for :func:`calibration`.
    groups
        Number of quantile groups; tied quantiles fall together.
    origin
        Decides the degrees of freedom.
    """
    p, y = _paired(probabilities, truth)
    cuts = np.unique(np.quantile(p, np.linspace(0, 1, groups + 1)))
    codes = np.clip(np.searchsorted(cuts, p, side="left") - 1, 0, max(cuts.size - 2, 0))
    sizes = np.bincount(codes).astype(np.float64)
    observed, expected = np.bincount(codes, weights=y), np.bincount(codes, weights=p)
    used = sizes > 0
    observed, expected, sizes = observed[used], expected[used], sizes[used]
    others = sizes - expected
    if (expected <= 0).any() or (others <= 0).any():
        raise not_estimable("A group expects no event or only events.", where="probabilities", allowed="fewer groups")
    chi2 = float(np.sum((observed - expected) ** 2 / expected + (observed - expected) ** 2 / others))
    df = used.sum() - (0 if origin is ModelOrigin.EXTERNAL else 2)
    return HypothesisTest(
        statistic=chi2,
        p_value=chi2_sf(chi2, df=float(df)),
        method=f"Hosmer-Lemeshow, {origin.value} model",
        df1=float(df),
    )


def decision_curve(
    probabilities: ArrayLike, /, *, truth: ArrayLike, thresholds: Sequence[float]
) -> tuple[NetBenefit, ...]:
    """Compute net benefit at each threshold probability.

    :implements: SRS-CLIN-013, SDS-CLIN-013

    Source: Vickers AJ, Elkin EB, Med Decis Making 2006;26:565. A case is treated at or above the threshold.

    Parameters
    ----------
    probabilities, truth
        As for :func:`calibration`.
    thresholds
        Each 0 or more and less than 1.
    """
    p, y = _paired(probabilities, truth)
    prevalence = float(y.mean())
    points = []
    for threshold in thresholds:
        if not 0 <= threshold < 1:
            raise not_estimable(
                "Net benefit does not exist at this threshold.", where=f"{threshold}", allowed="0 to <1"
            )
        odds = threshold / (1 - threshold)
        treated = p >= threshold
        hits, false = float(np.sum(treated & (y == 1))) / y.size, float(np.sum(treated & (y == 0))) / y.size
        points.append(
            NetBenefit(threshold=threshold, model=hits - false * odds, treat_all=prevalence - (1 - prevalence) * odds)
        )
    return tuple(points)


def _paired(probabilities: ArrayLike, truth: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    p, y = as_probabilities(probabilities, name="probabilities"), as_binary(truth, name="truth").astype(np.float64)
    same_length(p, y, names="probabilities and truth")
    if y.min() == y.max():
        raise not_estimable("Calibration needs both classes.", where="truth", allowed="at least one case of each")
    return p, y


def _logistic(
    design: NDArray[np.float64], y: NDArray[np.float64], offset: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Fit a logistic regression by Newton's method: coefficients, standard errors, log likelihood."""
    beta = np.zeros(design.shape[1])
    information = np.eye(beta.size)
    for _ in range(_NEWTON_STEPS):
        eta = np.clip(design @ beta + offset, -700, 700)
        mu = 1 / (1 + np.exp(-eta))
        information = (design * (mu * (1 - mu))[:, None]).T @ design
        if np.linalg.cond(information) > 1 / _TINY:
            raise _separated()
        step = np.linalg.solve(information, design.T @ (y - mu))
        beta = beta + step
        if float(np.abs(step).max()) < _CONVERGED:
            break
    else:
        raise _separated()
    eta = design @ beta + offset
    likelihood = float(np.sum(y * eta - np.logaddexp(0, eta)))
    return beta, np.sqrt(np.diag(np.linalg.inv(information))), likelihood


def _separated() -> NotEstimableError:
    return not_estimable(
        "A logistic recalibration does not converge.", where="probabilities", allowed="classes that overlap"
    )
