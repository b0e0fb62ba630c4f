"""Two measurements of the same thing: bias, limits of agreement with exact intervals, and concordance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.clinical._checks import as_numbers, check_confidence, not_estimable, same_length, two_sided_z
from lungai_core.clinical._distributions import noncentral_t_quantile, t_quantile, t_sf
from lungai_core.clinical.results import Interval
from lungai_core.domain.model import FrozenModel

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["MeasurementAgreement", "bland_altman"]


class MeasurementAgreement(FrozenModel):
    """Agreement of two measurements of the same units, first minus second.

    :implements: SRS-CLIN-014, SDS-CLIN-014

    ``lower_limit`` and ``upper_limit`` carry Bland and Altman's approximate intervals, the ``…_exact`` ones Carkeet's.
    """

    n: int
    bias: Interval
    sd: float
    lower_limit: Interval
    upper_limit: Interval
    lower_limit_exact: Interval
    upper_limit_exact: Interval
    mean_absolute_error: float
    root_mean_square_error: float
    proportional_bias_slope: float
    proportional_bias_p: float
    pearson: float
    concordance: float


def bland_altman(
    first: ArrayLike, second: ArrayLike, /, *, coverage: float = 0.95, confidence: float = 0.95
) -> MeasurementAgreement:
    """Compare two measurements of the same units.

    :implements: SRS-CLIN-014, SDS-CLIN-014

    Source: Bland JM, Altman DG, Lancet 1986;i:307 and Stat Methods Med Res 1999;8:135; exact intervals of the limits:
    Carkeet A, Optom Vis Sci 2015;92:e71; concordance: Lin LI, Biometrics 1989;45:255.

    Parameters
    ----------
    first, second
        ``(units,)`` measurements in one unit, at least three.
    coverage
        Share of differences that the limits shall hold.
    confidence
        Two-sided nominal coverage of the intervals.
    """
    check_confidence(confidence)
    a, b = as_numbers(first, name="first"), as_numbers(second, name="second")
    same_length(a, b, names="first and second")
    n = a.size
    differences, means = a - b, (a + b) / 2
    if n < 3 or a.std() == 0 or b.std() == 0 or differences.std() == 0:  # a slope needs three points
        raise not_estimable(
            "Limits of agreement do not exist.", where=f"{n} pairs", allowed="3 pairs or more that vary"
        )
    bias, sd = float(differences.mean()), float(differences.std(ddof=1))
    z, t = two_sided_z(coverage), t_quantile(0.5 + confidence / 2, df=n - 1)

    def around(centre: float, half: float, method: str) -> Interval:
        return Interval(estimate=centre, lower=centre - half, upper=centre + half, confidence=confidence, method=method)

    half_limit = t * sd * math.sqrt(1 / n + z * z / (2 * (n - 1)))
    near, far = (
        noncentral_t_quantile(p, df=n - 1, shift=z * math.sqrt(n)) / math.sqrt(n) * sd
        for p in (0.5 - confidence / 2, 0.5 + confidence / 2)
    )
    exact = "exact, non-central t (Carkeet 2015)"
    slope, slope_p = _slope(means, differences)
    covariance = float(np.cov(a, b, ddof=1)[0, 1])
    return MeasurementAgreement(
        n=n,
        bias=around(bias, t * sd / math.sqrt(n), "Student's t"),
        sd=sd,
        lower_limit=around(bias - z * sd, half_limit, "approximate (Bland and Altman 1999)"),
        upper_limit=around(bias + z * sd, half_limit, "approximate (Bland and Altman 1999)"),
        lower_limit_exact=Interval(
            estimate=bias - z * sd, lower=bias - far, upper=bias - near, confidence=confidence, method=exact
        ),
        upper_limit_exact=Interval(
            estimate=bias + z * sd, lower=bias + near, upper=bias + far, confidence=confidence, method=exact
        ),
        mean_absolute_error=float(np.abs(differences).mean()),
        root_mean_square_error=math.sqrt(float(np.mean(differences**2))),
        proportional_bias_slope=slope,
        proportional_bias_p=slope_p,
        pearson=covariance / float(a.std(ddof=1) * b.std(ddof=1)),
        concordance=_concordance(a, b),
    )


def _slope(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    centred = x - x.mean()
    slope = float(centred @ y / (centred @ centred))
    residual = y - y.mean() - slope * centred
    df = x.size - 2
    error = math.sqrt(float(residual @ residual) / df / float(centred @ centred))
    return slope, min(1.0, 2 * t_sf(abs(slope) / error, df=df)) if error > 0 else 0.0


def _concordance(a: np.ndarray, b: np.ndarray) -> float:
    covariance = float(np.mean((a - a.mean()) * (b - b.mean())))
    return 2 * covariance / float(a.var() + b.var() + (a.mean() - b.mean()) ** 2)
