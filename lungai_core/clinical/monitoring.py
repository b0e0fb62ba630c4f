"""Drift after release: statistics with the null distribution that their sample sizes give them, not a rule of thumb."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.clinical._checks import as_numbers, bad_data, check_confidence
from lungai_core.clinical._distributions import binomial_cdf, chi2_quantile, chi2_sf, kolmogorov_sf
from lungai_core.clinical.results import Alternative, HypothesisTest
from lungai_core.domain.model import FrozenModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from lungai_core.clinical.proportions import Count

__all__ = [
    "AcceptanceResult",
    "KsMethod",
    "StabilityResult",
    "acceptance_test",
    "category_drift",
    "holm",
    "kolmogorov_smirnov",
    "maximum_mean_discrepancy",
    "population_stability",
]

_EXACT_LIMIT = 10_000_000
_MOST_ROWS = 6000


class KsMethod(StrEnum):
    """How the p-value of a two-sample Kolmogorov-Smirnov test is computed.

    :implements: SRS-CLIN-018, SDS-CLIN-018
    """

    EXACT = "exact, lattice paths (Hodges 1958)"
    LIMITING = "limiting distribution (Kolmogorov 1933)"


class StabilityResult(FrozenModel):
    """A population stability index with its law under no drift.

    :implements: SRS-CLIN-018, SDS-CLIN-018

    ``null_quantile`` is the value that an index exceeds with probability alpha if nothing drifts; the rules of thumb
    0.1 and 0.25 take no account of the numbers of cases.
    """

    index: float
    bins: int
    n_reference: int
    n_current: int
    null_quantile: float
    test: HypothesisTest


class AcceptanceResult(FrozenModel):
    """A rate compared with its acceptance value.

    :implements: SRS-CLIN-018, SDS-CLIN-018
    """

    observed: float
    acceptance: float
    alarm: bool
    test: HypothesisTest


def population_stability(
    reference: ArrayLike, current: ArrayLike, /, *, bins: int = 10, alpha: float = 0.05
) -> StabilityResult:
    """Compute the population stability index and test it.

    :implements: SRS-CLIN-018, SDS-CLIN-018

    Under no drift the index divided by (1/n + 1/m) follows a chi-square law with B - 1 degrees of freedom (Yurdakul B,
    Naranjo J, J Risk Model Valid 2020;14(4):89). Bins hold equal shares of the reference; half a case is added to each
    bin of both samples so that an empty bin gives a finite index.

    Parameters
    ----------
    reference, current
        Numbers, such as scores, of the reference period and of now.
    bins
        Number of bins, 2 or more; equal quantiles fall together.
    alpha
        Level of the null quantile.
    """
    old, new = as_numbers(reference, name="reference"), as_numbers(current, name="current")
    cuts = np.unique(np.quantile(old, np.linspace(0, 1, bins + 1)[1:-1]))
    counts = [
        np.bincount(np.searchsorted(cuts, values, side="right"), minlength=cuts.size + 1) for values in (old, new)
    ]
    index = _stability(counts[0], counts[1])
    used = cuts.size + 1
    if used < 2:
        raise bad_data("The reference has no variation.", where="reference", allowed="different values")
    scale = 1 / old.size + 1 / new.size
    return StabilityResult(
        index=index,
        bins=used,
        n_reference=old.size,
        n_current=new.size,
        null_quantile=scale * chi2_quantile(1 - check_confidence(alpha), df=used - 1),
        test=HypothesisTest(
            statistic=index / scale,
            p_value=chi2_sf(index / scale, df=used - 1),
            method="population stability index, chi-square law (Yurdakul and Naranjo 2020)",
            alternative=Alternative.GREATER,
            df1=used - 1,
        ),
    )


def kolmogorov_smirnov(
    reference: ArrayLike, current: ArrayLike, /, *, method: KsMethod = KsMethod.EXACT
) -> HypothesisTest:
    """Test whether two samples come from one continuous distribution.

    :implements: SRS-CLIN-018, SDS-CLIN-018

    Source: Smirnov NV, 1939; exact p-value by counting lattice paths: Hodges JL, Ark Mat 1958;3:469. With ties the
    exact p-value is conservative.

    Parameters
    ----------
    reference, current
        The samples.
    method
        Exact up to a product of sizes of 10 million, limiting above it.
    """
    old, new = np.sort(as_numbers(reference, name="reference")), np.sort(as_numbers(current, name="current"))
    n, m = old.size, new.size
    everything = np.concatenate((old, new))
    gaps = np.abs(
        np.searchsorted(old, everything, side="right") * m - np.searchsorted(new, everything, side="right") * n
    )
    # In units of 1/(n m), so that the comparison inside the count of paths is one of whole numbers.
    largest = int(gaps.max())
    exact = method is KsMethod.EXACT and n * m <= _EXACT_LIMIT
    distance = largest / (n * m)
    p_value = _exact_ks(n, m, largest) if exact else kolmogorov_sf(distance * math.sqrt(n * m / (n + m)))
    return HypothesisTest(
        statistic=distance,
        p_value=min(1.0, max(0.0, p_value)),
        method=f"Kolmogorov-Smirnov, {(KsMethod.EXACT if exact else KsMethod.LIMITING).value}",
    )


def maximum_mean_discrepancy(
    reference: ArrayLike, current: ArrayLike, /, *, seed: int, permutations: int = 1000
) -> HypothesisTest:
    """Test whether two samples of vectors, such as embeddings, come from one distribution.

    :implements: SRS-CLIN-018, SDS-CLIN-018

    Source: Gretton A et al., J Mach Learn Res 2012;13:723: unbiased squared discrepancy, Gaussian kernel of the median
    distance, p-value by permutation.

    Parameters
    ----------
    reference, current
        ``(n, features)`` and ``(m, features)`` float arrays; n + m at most 6000.
    seed
        Seed of the permutations.
    permutations
        Their number; the smallest p-value is 1 / (permutations + 1).
    """
    x, y = np.asarray(reference, dtype=np.float64), np.asarray(current, dtype=np.float64)
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or min(len(x), len(y)) < 2:
        raise bad_data("Two samples of vectors do not fit.", where=f"{x.shape}, {y.shape}", allowed="(n, f) and (m, f)")
    if len(x) + len(y) > _MOST_ROWS:
        raise bad_data("Too many vectors.", where=f"{len(x) + len(y)} rows", allowed=f"at most {_MOST_ROWS}")
    both = np.concatenate((x, y))
    squares = np.sum(both**2, axis=1)
    distances = np.maximum(squares[:, None] + squares[None, :] - 2 * both @ both.T, 0)
    median = float(np.median(distances[np.triu_indices(len(both), k=1)]))
    kernel = np.exp(-distances / median) if median > 0 else (distances == 0).astype(np.float64)
    np.fill_diagonal(kernel, 0)
    n, m = len(x), len(y)
    generator = np.random.default_rng(seed)
    member = np.zeros((permutations + 1, n + m))
    member[0, :n] = 1
    for row in range(1, permutations + 1):
        member[row, generator.permutation(n + m)[:n]] = 1
    within_x = np.einsum("bi,bi->b", member @ kernel, member)
    within_y = np.einsum("bi,bi->b", (1 - member) @ kernel, 1 - member)
    across = (kernel.sum() - within_x - within_y) / 2
    values = within_x / (n * (n - 1)) + within_y / (m * (m - 1)) - 2 * across / (n * m)
    return HypothesisTest(
        statistic=float(values[0]),
        # A permutation that only rounds differently is a tie, and ties count against the null.
        p_value=float((np.count_nonzero(values[1:] >= values[0] - 1e-12) + 1) / (permutations + 1)),
        method=f"maximum mean discrepancy, {permutations} permutations (Gretton 2012)",
        alternative=Alternative.GREATER,
    )


def category_drift(reference: Sequence[int], current: Sequence[int], /) -> HypothesisTest:
    """Test whether categories, such as scanner or slice thickness, are as frequent as before.

    :implements: SRS-CLIN-018, SDS-CLIN-018

    Source: Pearson K, Philos Mag 1900;50:157 (homogeneity of two samples).

    Parameters
    ----------
    reference, current
        Counts of the same categories in the same order.
    """
    table = np.asarray([reference, current], dtype=np.float64)
    if table.ndim != 2 or table.min() < 0 or (table.sum(axis=1) == 0).any():
        raise bad_data("Counts of categories do not fit.", where="reference, current", allowed="equal lists of counts")
    table = table[:, table.sum(axis=0) > 0]
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    chi2, df = float(np.sum((table - expected) ** 2 / expected)), table.shape[1] - 1
    p_value = chi2_sf(chi2, df=df) if df else 1.0
    return HypothesisTest(statistic=chi2, p_value=p_value, method="chi-square of homogeneity (Pearson 1900)", df1=df)


def acceptance_test(observed: Count, /, *, acceptance: float, alpha: float = 0.05) -> AcceptanceResult:
    """Test whether a rate, such as sensitivity, has fallen below its acceptance value.

    :implements: SRS-CLIN-018, SDS-CLIN-018

    Exact one-sided binomial test of the rate being at least the acceptance value (Clopper CJ, Pearson ES, 1934).

    Parameters
    ----------
    observed
        Successes and trials, independent.
    acceptance
        The value that was promised, 0 to 1.
    alpha
        Level of the alarm.
    """
    check_confidence(acceptance)
    p_value = binomial_cdf(observed.successes, n=observed.n, probability=acceptance)
    return AcceptanceResult(
        observed=observed.rate,
        acceptance=acceptance,
        alarm=p_value <= check_confidence(alpha),
        test=HypothesisTest(
            statistic=float(observed.successes), p_value=p_value, method="exact binomial", alternative=Alternative.LESS
        ),
    )


def holm(p_values: Sequence[float], /) -> tuple[float, ...]:
    """Adjust the p-values of a family of tests.

    :implements: SRS-CLIN-018, SDS-CLIN-018

    Source: Holm S, Scand J Stat 1979;6:65.

    Parameters
    ----------
    p_values
        One a test.

    Returns
    -------
    tuple
        Adjusted p-values in the same order; compare each with the level of the family.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.minimum(1, np.maximum.accumulate(p[order] * (p.size - np.arange(p.size))))
    result = np.empty(p.size)
    result[order] = adjusted
    return tuple(float(value) for value in result)


def _stability(old: NDArray[np.intp], new: NDArray[np.intp]) -> float:
    p, q = ((counts + 0.5) / (counts.sum() + counts.size / 2) for counts in (old, new))
    return float(np.sum((q - p) * np.log(q / p)))


def _exact_ks(n: int, m: int, largest: int) -> float:
    """Give the share of lattice paths that reach the distance, by following those that never do."""
    if largest == 0:
        return 1.0
    columns = np.arange(m + 1)
    inside = columns * n < largest
    paths = np.where(inside, 1.0, 0.0)
    # Share of paths, not their number: each step into row i divides by the growth of the binomial coefficient.
    logarithm = 0.0
    for i in range(1, n + 1):
        allowed = np.abs(i * m - columns * n) < largest
        paths = np.where(allowed, np.cumsum(np.where(allowed, paths, 0.0)), 0.0)
        top = float(paths.max())
        if top == 0:
            return 1.0
        paths /= top
        logarithm += math.log(top)
    total = math.lgamma(n + m + 1) - math.lgamma(n + 1) - math.lgamma(m + 1)
    staying = math.exp(math.log(paths[m]) + logarithm - total) if paths[m] > 0 else 0.0
    return 1 - staying
