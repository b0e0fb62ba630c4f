"""A claim such as "alpha above 0.8", checked before it is believed."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from lungai_core.domain.model import FrozenModel
from lungai_core.errors import AgreementClaimError

if TYPE_CHECKING:
    from lungai_core.clinical.krippendorff import Metric
    from lungai_core.clinical.results import Interval, Unit

__all__ = ["AgreementClaim", "ClaimVerdict", "judge_agreement"]

_Coefficient = Annotated[float, Field(ge=-1, le=1)]


class ClaimVerdict(StrEnum):
    """What the lower confidence bound says of a claim.

    :implements: SRS-CLIN-011, SDS-CLIN-011
    """

    SUPPORTED = "supported: the lower bound is above the threshold"
    NOT_SHOWN = "not shown: the estimate is above the threshold, the lower bound is not"
    CONTRADICTED = "contradicted: the estimate is not above the threshold"


class AgreementClaim(FrozenModel):
    """A statement about an agreement coefficient; a field that was not stated is ``None``.

    :implements: SRS-CLIN-011, SDS-CLIN-011
    """

    coefficient: str
    variable: str
    estimate: _Coefficient
    threshold: _Coefficient
    metric: str | None = None
    unit: str | None = None
    n_units: Annotated[int, Field(ge=1)] | None = None
    lower: _Coefficient | None = None
    confidence: Annotated[float, Field(gt=0, lt=1)] | None = None


def judge_agreement(claim: AgreementClaim, /) -> ClaimVerdict:
    """Judge a claim by its lower confidence bound.

    :implements: SRS-CLIN-011, SDS-CLIN-011

    Source: Hayes AF, Krippendorff K, Commun Methods Meas 2007;1:77: reliability is judged by the interval, not the
    point.

    Parameters
    ----------
    claim
        What was stated.

    Raises
    ------
    AgreementClaimError
        If metric, unit, number of units, lower bound or confidence are missing.
    """
    missing = [name for name in ("metric", "unit", "n_units", "lower", "confidence") if getattr(claim, name) is None]
    if missing or claim.lower is None:
        raise AgreementClaimError(
            f"{claim.coefficient} > {claim.threshold:g} for {claim.variable} cannot be judged.",
            where=", ".join(missing),
            allowed="metric, unit of analysis, number of units, lower confidence bound and its level",
            remedy="State what is missing; the same ratings give other values under other metrics.",
        )
    if claim.lower > claim.threshold:
        return ClaimVerdict.SUPPORTED
    return ClaimVerdict.NOT_SHOWN if claim.estimate > claim.threshold else ClaimVerdict.CONTRADICTED


def claim_of(
    interval: Interval, metric: Metric, unit: Unit, n_units: int, variable: str, threshold: float, /
) -> AgreementClaim:
    """Make the claim that an interval computed here supports or not.

    :implements: SRS-CLIN-011, SDS-CLIN-011

    Parameters
    ----------
    interval
        From :func:`lungai_core.clinical.krippendorff.krippendorff_alpha_interval`.
    metric, unit, n_units, variable
        What was rated, and how.
    threshold
        Value to be exceeded.
    """
    return AgreementClaim(
        coefficient="alpha",
        variable=variable,
        estimate=interval.estimate,
        threshold=threshold,
        metric=metric.value,
        unit=unit.value,
        n_units=n_units,
        lower=interval.lower,
        confidence=interval.confidence,
    )
