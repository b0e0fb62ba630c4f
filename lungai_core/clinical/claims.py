"""Whether printed rates, their difference and its interval can come from one study, and from how many cases."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from lungai_core.clinical._checks import two_sided_z
from lungai_core.clinical._roots import bisect_decreasing
from lungai_core.clinical.differences import DifferenceMethod, score_statistic
from lungai_core.clinical.paired import PairedMethod, tango_statistic
from lungai_core.domain.model import FrozenModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

__all__ = ["ClaimDesign", "ClaimReport", "DesignFinding", "RateClaim", "check_claim"]

_Percent = Annotated[float, Field(ge=0, le=100)]
_SLACK = 1e-9
_FALLBACK = 2000


class ClaimDesign(StrEnum):
    """How the two rates could have been obtained.

    :implements: SRS-CLIN-009, SDS-CLIN-009
    """

    PAIRED = "paired: the same cases, twice"
    UNPAIRED = "unpaired: two independent groups of equal size"
    ANY_SPLIT = "unpaired: two independent groups that together have the claimed n"


class RateClaim(FrozenModel):
    """What a paper prints, in per cent, to ``decimals`` digits.

    :implements: SRS-CLIN-009, SDS-CLIN-009

    ``n`` is the number of cases the paper names: pairs, or both groups together.
    """

    first_percent: _Percent
    second_percent: _Percent
    difference_percent: Annotated[float, Field(ge=-100, le=100)]
    lower_percent: Annotated[float, Field(ge=-100, le=100)]
    upper_percent: Annotated[float, Field(ge=-100, le=100)]
    decimals: Annotated[int, Field(ge=0, le=4)] = 1
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95
    n: Annotated[int, Field(ge=2)] | None = None

    @model_validator(mode="after")
    def _limits_in_order(self) -> Self:
        if not self.lower_percent <= self.difference_percent <= self.upper_percent:
            message = "the difference must lie between its limits"
            raise ValueError(message)
        return self


class DesignFinding(FrozenModel):
    """Which tables of one design and method reproduce the claim.

    :implements: SRS-CLIN-009, SDS-CLIN-009

    ``smallest_n`` and ``largest_n`` count pairs, or cases of one group. ``phi_range`` is the correlation between the
    two decisions that a paired table implies. ``at_claimed_n`` counts the tables with the number the paper names, and
    ``half_widths_at_claimed_n`` are the narrowest and the widest interval, in percentage points, that such rates can
    have at that number.
    """

    design: ClaimDesign
    method: str
    tables: int
    smallest_n: int | None
    largest_n: int | None
    phi_range: tuple[float, float] | None
    example: tuple[int, ...] | None
    at_claimed_n: int | None
    half_widths_at_claimed_n: tuple[float, float] | None


class ClaimReport(FrozenModel):
    """The claim with what each design and method say of it.

    :implements: SRS-CLIN-009, SDS-CLIN-009
    """

    claim: RateClaim
    searched_up_to: int
    findings: tuple[DesignFinding, ...]

    @property
    def verdict(self) -> str:
        """One sentence."""
        n = self.claim.n
        if not any(finding.tables for finding in self.findings):
            return f"No table of either design with up to {self.searched_up_to} cases reproduces the printed digits."
        parts = []
        for design in ClaimDesign:
            found = [one for one in self.findings if one.design is design and one.tables]
            if found and design is not ClaimDesign.ANY_SPLIT:
                low = min(one.smallest_n or 0 for one in found)
                high = max(one.largest_n or 0 for one in found)
                parts.append(f"{low} to {high} {'pairs' if design is ClaimDesign.PAIRED else 'cases in each group'}")
        text = "The printed digits need " + " or ".join(parts) + "."
        if n is not None:
            possible = any(finding.at_claimed_n for finding in self.findings)
            text += f" They {'can' if possible else 'cannot'} come from n = {n}."
        return text


def check_claim(claim: RateClaim, /, *, search_up_to: int | None = None) -> ClaimReport:
    """Search all integer tables that print as a claim does.

    :implements: SRS-CLIN-009, SDS-CLIN-009

    Own method: enumeration of every table of independent groups of equal size and of pairs; intervals by Wald,
    Newcombe 1998 and Miettinen-Nurminen 1985 (unpaired), by Wald, Newcombe 1998 and Tango 1998 (paired). A number
    agrees with a printed one if it lies within half a unit of the last digit, so that either rule of rounding is met.

    Parameters
    ----------
    claim
        The printed numbers.
    search_up_to
        Largest number of pairs, or of cases in a group; four thirds of the claimed n if absent, or 2000.
    """
    limit = search_up_to or (max(200, claim.n * 4 // 3) if claim.n else _FALLBACK)
    equal, pairs = _equal_groups(claim, limit), _paired_tables(claim, limit)
    findings = [_judge_unpaired(claim, equal, method, ClaimDesign.UNPAIRED) for method in _UNPAIRED]
    if claim.n is not None:
        splits = _any_split(claim, claim.n)
        findings += [_judge_unpaired(claim, splits, method, ClaimDesign.ANY_SPLIT) for method in _UNPAIRED]
    findings += [_judge_paired(claim, pairs, method) for method in _PAIRED]
    return ClaimReport(claim=claim, searched_up_to=limit, findings=tuple(findings))


_UNPAIRED = (DifferenceMethod.WALD, DifferenceMethod.NEWCOMBE, DifferenceMethod.MIETTINEN_NURMINEN)
_PAIRED = (PairedMethod.WALD, PairedMethod.NEWCOMBE, PairedMethod.TANGO)


def _half_unit(claim: RateClaim) -> float:
    return 0.5 * 10.0**-claim.decimals / 100 + _SLACK


def _successes(claim: RateClaim, percent: float, n: int) -> range:
    half = _half_unit(claim)
    low = max(0, math.ceil((percent / 100 - half) * n))
    high = min(n, math.floor((percent / 100 + half) * n))
    return range(low, high + 1)


def _groups(claim: RateClaim, sizes: Iterator[tuple[int, int]]) -> NDArray[np.float64]:
    rows = [
        (n1, x1, n2, x2)
        for n1, n2 in sizes
        for x1 in _successes(claim, claim.first_percent, n1)
        for x2 in _successes(claim, claim.second_percent, n2)
    ]
    table = np.asarray(rows, dtype=np.float64).reshape(-1, 4)
    difference = table[:, 1] / table[:, 0] - table[:, 3] / table[:, 2]
    return table[np.abs(difference - claim.difference_percent / 100) <= _half_unit(claim)].T


def _equal_groups(claim: RateClaim, limit: int) -> NDArray[np.float64]:
    return _groups(claim, ((n, n) for n in range(2, limit + 1)))


def _any_split(claim: RateClaim, total: int) -> NDArray[np.float64]:
    return _groups(claim, ((n, total - n) for n in range(1, total)))


def _paired_tables(claim: RateClaim, limit: int) -> NDArray[np.float64]:
    half = _half_unit(claim)
    blocks = [np.empty((4, 0))]
    for n in range(2, limit + 1):
        for x1 in _successes(claim, claim.first_percent, n):
            for x2 in _successes(claim, claim.second_percent, n):
                if abs((x1 - x2) / n - claim.difference_percent / 100) <= half:
                    blocks.append(_pairs_with(n, x1, x2))  # noqa: PERF401 - three nested loops do not read as one expression
    return np.concatenate(blocks, axis=1)


def _pairs_with(n: int, x1: int, x2: int) -> NDArray[np.float64]:
    """Give every paired table with the two numbers of positives: rows n, x1, only first, only second."""
    only_first = np.arange(max(0, x1 - x2), min(x1, n - x2) + 1)
    constant = np.ones_like(only_first)
    return np.stack((n * constant, x1 * constant, only_first, only_first - x1 + x2)).astype(np.float64)


def _agrees(claim: RateClaim, lower: NDArray[np.float64], upper: NDArray[np.float64]) -> NDArray[np.bool_]:
    half = _half_unit(claim)
    near: NDArray[np.bool_] = (np.abs(lower - claim.lower_percent / 100) <= half) & (
        np.abs(upper - claim.upper_percent / 100) <= half
    )
    return near


def _judge_unpaired(
    claim: RateClaim, table: NDArray[np.float64], method: DifferenceMethod, design: ClaimDesign
) -> DesignFinding:
    n1, _, n2, _ = table
    good = _agrees(claim, *_unpaired_limits(table, claim, method))
    # A paper may name the cases of each group, or of both together.
    whole = design is ClaimDesign.ANY_SPLIT
    at = np.full(n1.shape, whole) | (n1 == claim.n) | (n1 + n2 == claim.n)
    finding = _finding(design, method.value, n1, table, good)
    if claim.n is None:
        return finding
    half = claim.n // 2
    nearest = np.asarray([[half, _nearest(claim.first_percent, half), half, _nearest(claim.second_percent, half)]]).T
    width = _half_width(*_unpaired_limits(nearest.astype(np.float64), claim, method))
    count = int(np.count_nonzero(good & at))
    return finding.model_copy(update={"at_claimed_n": count, "half_widths_at_claimed_n": width})


def _judge_paired(claim: RateClaim, table: NDArray[np.float64], method: PairedMethod) -> DesignFinding:
    n, x1, b, c = table
    good = _agrees(claim, *_paired_limits(table, claim, method))
    cells = np.stack((x1 - b, b, c, n - x1 - c))
    finding = _finding(ClaimDesign.PAIRED, method.value, n, cells, good)
    if finding.tables:
        both, only_first, only_second, neither = cells[:, good]
        margins = (both + only_first) * (only_second + neither) * (both + only_second) * (only_first + neither)
        phi = (both * neither - only_first * only_second) / np.sqrt(np.maximum(margins, 1))
        finding = finding.model_copy(update={"phi_range": (float(phi.min()), float(phi.max()))})
    if claim.n is None:
        return finding
    possible = _pairs_with(claim.n, _nearest(claim.first_percent, claim.n), _nearest(claim.second_percent, claim.n))
    widths = _half_width(*_paired_limits(possible, claim, method))
    at = int(np.count_nonzero(good & (n == claim.n)))
    return finding.model_copy(update={"at_claimed_n": at, "half_widths_at_claimed_n": widths})


def _nearest(percent: float, n: int) -> int:
    return round(percent / 100 * n)


def _half_width(lower: NDArray[np.float64], upper: NDArray[np.float64]) -> tuple[float, float]:
    half = 50 * (upper - lower)
    return float(half.min()), float(half.max())


def _finding(
    design: ClaimDesign, method: str, n: NDArray[np.float64], cells: NDArray[np.float64], good: NDArray[np.bool_]
) -> DesignFinding:
    places = np.flatnonzero(good)
    example = tuple(int(cell) for cell in cells[:, places[places.size // 2]]) if places.size else None
    return DesignFinding(
        design=design,
        method=method,
        tables=places.size,
        smallest_n=int(n[good].min()) if places.size else None,
        largest_n=int(n[good].max()) if places.size else None,
        phi_range=None,
        example=example,
        at_claimed_n=None,
        half_widths_at_claimed_n=None,
    )


def _wilson(
    x: NDArray[np.float64], n: NDArray[np.float64], z: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    centre = (x + z * z / 2) / (n + z * z)
    half = z * np.sqrt(x * (n - x) / n + z * z / 4) / (n + z * z)
    return centre - half, centre + half


def _unpaired_limits(
    table: NDArray[np.float64], claim: RateClaim, method: DifferenceMethod
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    n1, x1, n2, x2 = table
    z = two_sided_z(claim.confidence)
    p1, p2 = x1 / n1, x2 / n2
    if method is DifferenceMethod.WALD:
        half = z * np.sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
        return p1 - p2 - half, p1 - p2 + half
    if method is DifferenceMethod.NEWCOMBE:
        (l1, u1), (l2, u2) = _wilson(x1, n1, z), _wilson(x2, n2, z)
        return p1 - p2 - np.hypot(p1 - l1, u2 - p2), p1 - p2 + np.hypot(u1 - p1, p2 - l2)
    return _inverted(lambda difference: score_statistic(x1, n1, x2, n2, difference, method), n1.shape, z)


def _inverted(
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]], shape: tuple[int, ...], z: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    start, end = np.full(shape, -1.0), np.full(shape, 1.0)
    return (
        bisect_decreasing(lambda difference: statistic(difference) - z, lower=start, upper=end),
        bisect_decreasing(lambda difference: statistic(difference) + z, lower=start, upper=end),
    )


def _paired_limits(
    table: NDArray[np.float64], claim: RateClaim, method: PairedMethod
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    n, x1, b, c = table
    z = two_sided_z(claim.confidence)
    difference = (b - c) / n
    if method is PairedMethod.WALD:
        half = z * np.sqrt(b + c - (b - c) ** 2 / n) / n
        return difference - half, difference + half
    if method is PairedMethod.TANGO:
        return _inverted(lambda value: tango_statistic(b, c, n, value), n.shape, z)
    x2 = x1 - b + c
    (l1, u1), (l2, u2) = _wilson(x1, n, z), _wilson(x2, n, z)
    p1, p2 = x1 / n, x2 / n
    product = (x1 - b) * (n - x1 - c) - b * c
    corrected = np.where(product > 0, np.maximum(product - n / 2, 0), product)
    margins = x1 * (n - x1) * x2 * (n - x2)
    phi = np.where(margins > 0, corrected / np.sqrt(np.maximum(margins, 1)), 0.0)

    def away(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.sqrt(np.maximum(one**2 - 2 * phi * one * other + other**2, 0))

    return difference - away(p1 - l1, u2 - p2), difference + away(u1 - p1, p2 - l2)
