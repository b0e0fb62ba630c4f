"""What the binormal model says about the variance of an AUC: for planning, and for comparison with DeLong's."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.clinical._checks import check_confidence, not_estimable
from lungai_core.clinical._distributions import normal_quantile, normal_quantiles
from lungai_core.clinical.roc import roc_curve

if TYPE_CHECKING:
    from lungai_core.clinical.roc import RocData

__all__ = ["binormal_auc_variance", "binormal_auc_variance_factor", "hanley_mcneil_se"]


def hanley_mcneil_se(auc: float, /, *, n_positive: int, n_negative: int) -> float:
    """Give the standard error of an AUC from the area and the class sizes alone.

    :implements: SRS-CLIN-008, SDS-CLIN-005

    Source: Hanley JA, McNeil BJ, Radiology 1982;143:29-36. For planning; with data use DeLong.

    Parameters
    ----------
    auc
        Expected area, 0 to 1.
    n_positive, n_negative
        Cases of each class.
    """
    check_confidence(auc)
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (n_positive - 1) * (q1 - auc**2) + (n_negative - 1) * (q2 - auc**2)
    return math.sqrt(spread / (n_positive * n_negative))


def binormal_auc_variance_factor(auc: float, /, *, ratio: float) -> float:
    """Give the variance of a binormal AUC times the number of positives.

    :implements: SRS-CLIN-008, SDS-CLIN-005

    Source: Obuchowski NA, Invest Radiol 1994;29:238-243, whose constants 1.414 and 0.0099 are kept as printed.

    Parameters
    ----------
    auc
        Expected area, 0 to 1.
    ratio
        Negatives over positives.
    """
    a = normal_quantile(check_confidence(auc)) * 1.414
    return 0.0099 * math.exp(-a * a / 2) * ((5 * a * a + 8) + (a * a + 8) / ratio)


def binormal_auc_variance(data: RocData, /) -> float:
    """Estimate the variance of an AUC from a binormal curve fitted to the empirical one.

    :implements: SRS-CLIN-005, SDS-CLIN-005

    Source: Obuchowski NA, McClish DK, Stat Med 1997;16:1529-1542; the curve is fitted by least squares of
    normal-transformed specificity on sensitivity, as pROC does it (Robin 2011).

    Parameters
    ----------
    data
        Result of :func:`lungai_core.clinical.roc.roc_data`; its curve needs two corners inside the unit square.
    """
    curve = roc_curve(data)
    inside = (curve.false_positive_rate > 0) & (curve.false_positive_rate < 1)
    inside &= (curve.sensitivity > 0) & (curve.sensitivity < 1)
    if np.count_nonzero(inside) < 2:  # a line needs two points
        raise not_estimable(
            "A binormal curve cannot be fitted.", where="ROC curve", allowed="two corners inside (0, 1)"
        )
    slope, intercept = np.polyfit(
        normal_quantiles(curve.sensitivity[inside]), normal_quantiles(1 - curve.false_positive_rate[inside]), 1
    )
    ratio = data.v01.size / data.v10.size
    spread = 1 + slope**2
    f = math.exp(-(intercept**2) / (2 * spread)) / math.sqrt(2 * math.pi * spread)
    g = -f * intercept * slope / spread
    variance = f**2 * (1 + slope**2 / ratio + intercept**2 / 2) + g**2 * slope**2 * (1 + ratio) / (2 * ratio)
    return float(variance / data.v10.size)
