"""The one door to scipy: distribution functions with plain floats in and out, or arrays where a caller needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lungai_core.errors import MissingDependencyError

try:
    from scipy import ndimage, special
except ImportError as error:
    raise MissingDependencyError(
        "Clinical statistics need scipy, which is not installed.",
        where="lungai_core.clinical",
        allowed="scipy >= 1.15, < 2",
        remedy='pip install "lungai-core[clinical]"',
    ) from error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "beta_quantile",
    "binomial_cdf",
    "binomial_cdf_array",
    "chi2_quantile",
    "chi2_sf",
    "distance_to",
    "erode",
    "f_quantile",
    "f_sf",
    "incomplete_beta",
    "kolmogorov_sf",
    "log_gamma",
    "noncentral_f_cdf",
    "noncentral_t_quantile",
    "normal_cdf",
    "normal_quantile",
    "normal_quantiles",
    "normal_sf",
    "t_quantile",
    "t_sf",
]


def normal_cdf(value: float, /) -> float:
    """Give P(Z <= value) of a standard normal."""
    return float(special.ndtr(value))


def normal_sf(value: float, /) -> float:
    """Give P(Z > value) of a standard normal."""
    return float(special.ndtr(-value))


def normal_quantile(probability: float, /) -> float:
    """Give the standard normal quantile."""
    return float(special.ndtri(probability))


def normal_quantiles(probability: NDArray[np.float64], /) -> NDArray[np.float64]:
    """Give standard normal quantiles, elementwise."""
    return np.asarray(special.ndtri(probability), dtype=np.float64)


def chi2_sf(value: float, /, *, df: float) -> float:
    """Give P(X > value) of a chi-square."""
    return float(special.chdtrc(df, value))


def chi2_quantile(probability: float, /, *, df: float) -> float:
    """Give the chi-square quantile."""
    return float(special.chdtri(df, 1 - probability))


def t_sf(value: float, /, *, df: float) -> float:
    """Give P(T > value) of Student's t."""
    return float(special.stdtr(df, -value))


def t_quantile(probability: float, /, *, df: float) -> float:
    """Give the quantile of Student's t."""
    return float(special.stdtrit(df, probability))


def noncentral_t_quantile(probability: float, /, *, df: float, shift: float) -> float:
    """Give the quantile of the non-central t."""
    return float(special.nctdtrit(df, shift, probability))


def f_sf(value: float, /, *, df1: float, df2: float) -> float:
    """Give P(F > value)."""
    return float(special.fdtrc(df1, df2, value))


def f_quantile(probability: float, /, *, df1: float, df2: float) -> float:
    """Give the F quantile."""
    return float(special.fdtri(df1, df2, probability))


def noncentral_f_cdf(value: float, /, *, df1: float, df2: float, shift: float) -> float:
    """Give P(F <= value) of the non-central F."""
    return float(special.ncfdtr(df1, df2, shift, value))


def beta_quantile(probability: float, /, *, a: float, b: float) -> float:
    """Give the beta quantile."""
    return float(special.betaincinv(a, b, probability))


def incomplete_beta(value: NDArray[np.float64], /, *, a: float, b: float) -> NDArray[np.float64]:
    """Give the regularised incomplete beta function."""
    return np.asarray(special.betainc(a, b, value), dtype=np.float64)


def binomial_cdf(successes: float, /, *, n: int, probability: float) -> float:
    """Give P(X <= successes); 0 below 0."""
    return 0.0 if successes < 0 else float(special.bdtr(successes, n, probability))


def binomial_cdf_array(successes: NDArray[np.int64], /, *, n: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give P(X <= successes) for a fair coin, elementwise."""
    cdf = special.bdtr(np.maximum(successes, 0).astype(np.float64), n, 0.5)
    return np.where(successes < 0, 0.0, np.asarray(cdf, dtype=np.float64))


def log_gamma(value: NDArray[np.float64], /) -> NDArray[np.float64]:
    """Give the logarithm of the gamma function."""
    return np.asarray(special.gammaln(value), dtype=np.float64)


def kolmogorov_sf(value: float, /) -> float:
    """Give the limiting survival function of Kolmogorov's statistic."""
    return float(special.kolmogorov(value))


def distance_to(surface: NDArray[np.bool_], /, *, spacing_mm: Sequence[float]) -> NDArray[np.float64]:
    """Give each voxel's Euclidean distance in mm to the nearest true voxel."""
    return np.asarray(ndimage.distance_transform_edt(~surface, sampling=tuple(spacing_mm)), dtype=np.float64)


def erode(mask: NDArray[np.bool_], /) -> NDArray[np.bool_]:
    """Remove the voxels that touch the outside by a face."""
    return np.asarray(ndimage.binary_erosion(mask), dtype=np.bool_)
