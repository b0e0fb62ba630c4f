"""Intra-class correlations of measurements by several readers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.clinical._checks import bad_data, check_confidence, not_estimable
from lungai_core.clinical._distributions import f_quantile, f_sf
from lungai_core.clinical.results import Alternative, HypothesisTest, Interval
from lungai_core.domain.model import FrozenModel

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["IccForm", "IccResult", "intraclass_correlation"]


class IccForm(StrEnum):
    """Which intra-class correlation, in the notation of Shrout and Fleiss.

    :implements: SRS-CLIN-010, SDS-CLIN-010
    """

    ICC1 = "ICC(1,1): one-way, single reader"
    ICC2 = "ICC(2,1): random readers, absolute agreement, single reader"
    ICC3 = "ICC(3,1): fixed readers, consistency, single reader"
    ICC1K = "ICC(1,k): one-way, mean of readers"
    ICC2K = "ICC(2,k): random readers, absolute agreement, mean of readers"
    ICC3K = "ICC(3,k): fixed readers, consistency, mean of readers"


class IccResult(FrozenModel):
    """An intra-class correlation with its interval and the F test against 0.

    :implements: SRS-CLIN-010, SDS-CLIN-010
    """

    interval: Interval
    test: HypothesisTest


@dataclass(frozen=True, slots=True)
class _Table:
    n: int
    k: int
    ms_units: float
    ms_readers: float
    ms_error: float
    ms_within: float


def intraclass_correlation(measurements: ArrayLike, /, *, form: IccForm, confidence: float = 0.95) -> IccResult:
    """Compute an intra-class correlation of complete measurements.

    :implements: SRS-CLIN-010, SDS-CLIN-010

    Source: Shrout PE, Fleiss JL, Psychol Bull 1979;86:420-428; McGraw KO, Wong SP, Psychol Methods 1996;1:30.

    Parameters
    ----------
    measurements
        ``(units, readers)`` numbers without gaps, at least 2 by 2.
    form
        The model; without a choice in the plan there is no ICC.
    confidence
        Two-sided nominal coverage.
    """
    tail = 1 - (1 - check_confidence(confidence)) / 2
    table = _table(measurements)
    value, lower, upper, f, df = (
        _one_way(table, tail) if form in {IccForm.ICC1, IccForm.ICC1K} else _two_way(table, form, tail)
    )
    if form in {IccForm.ICC1K, IccForm.ICC2K, IccForm.ICC3K}:
        # Spearman and Brown: the mean of k readers.
        value, lower, upper = (table.k * part / (1 + (table.k - 1) * part) for part in (value, lower, upper))
    return IccResult(
        interval=Interval(estimate=value, lower=lower, upper=upper, confidence=confidence, method=form.value),
        test=HypothesisTest(
            statistic=f,
            p_value=f_sf(f, df1=table.n - 1, df2=df),
            method="F test of no variation between units",
            alternative=Alternative.GREATER,
            df1=table.n - 1,
            df2=df,
        ),
    )


def _table(measurements: ArrayLike) -> _Table:
    x = np.asarray(measurements, dtype=np.float64)
    if x.ndim != 2 or min(x.shape) < 2 or not np.isfinite(x).all():
        raise bad_data(
            "An ICC needs a complete table of units by readers.",
            where="measurements",
            allowed="at least 2 by 2, no gaps",
        )
    n, k = x.shape
    units, readers, grand = x.mean(axis=1), x.mean(axis=0), x.mean()
    ss_units, ss_readers = k * np.sum((units - grand) ** 2), n * np.sum((readers - grand) ** 2)
    ss_within = np.sum((x - units[:, None]) ** 2)
    if ss_within == 0:
        raise not_estimable(
            "All readers agree exactly: the F test does not exist.", where="measurements", allowed="variation"
        )
    return _Table(
        n=n,
        k=k,
        ms_units=float(ss_units / (n - 1)),
        ms_readers=float(ss_readers / (k - 1)),
        ms_error=float((ss_within - ss_readers) / ((n - 1) * (k - 1))),
        ms_within=float(ss_within / (n * (k - 1))),
    )


def _one_way(table: _Table, tail: float) -> tuple[float, float, float, float, float]:
    n, k = table.n, table.k
    f = table.ms_units / table.ms_within
    df = float(n * (k - 1))
    low = f / f_quantile(tail, df1=n - 1, df2=df)
    high = f * f_quantile(tail, df1=df, df2=n - 1)
    return (f - 1) / (f + k - 1), (low - 1) / (low + k - 1), (high - 1) / (high + k - 1), f, df


def _two_way(table: _Table, form: IccForm, tail: float) -> tuple[float, float, float, float, float]:
    n, k = table.n, table.k
    units, readers, error = table.ms_units, table.ms_readers, table.ms_error
    df = float((n - 1) * (k - 1))
    if error == 0:
        raise not_estimable(
            "Readers differ by constants alone: no error term.", where="measurements", allowed="variation"
        )
    f = units / error
    if form in {IccForm.ICC3, IccForm.ICC3K}:
        low = f / f_quantile(tail, df1=n - 1, df2=df)
        high = f * f_quantile(tail, df1=df, df2=n - 1)
        return (f - 1) / (f + k - 1), (low - 1) / (low + k - 1), (high - 1) / (high + k - 1), f, df
    value = (units - error) / (units + (k - 1) * error + k * (readers - error) / n)
    fj = readers / error
    a = k * value * fj + n * (1 + (k - 1) * value) - k * value
    satterthwaite = (
        (k - 1) * (n - 1) * a**2 / ((n - 1) * k**2 * value**2 * fj**2 + (n * (1 + (k - 1) * value) - k * value) ** 2)
    )
    upper_f = f_quantile(tail, df1=n - 1, df2=satterthwaite)
    lower_f = f_quantile(tail, df1=satterthwaite, df2=n - 1)
    lower = n * (units - upper_f * error) / (upper_f * (k * readers + (k * n - k - n) * error) + n * units)
    upper = n * (lower_f * units - error) / (k * readers + (k * n - k - n) * error + n * lower_f * units)
    return value, lower, upper, f, df
