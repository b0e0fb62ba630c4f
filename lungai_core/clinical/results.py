"""What a statistic returns: an interval or a test, always with the name of its method."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from lungai_core.domain.model import FrozenModel

__all__ = ["Alternative", "HypothesisTest", "Interval", "Unit"]


class Unit(StrEnum):
    """What one observation of an analysis is.

    :implements: SRS-CLIN-016, SDS-CLIN-016
    """

    PATIENT = "patient"
    LESION = "lesion"
    SCAN = "scan"
    READ = "read"


class Alternative(StrEnum):
    """The side of a test's alternative hypothesis.

    :implements: SRS-CLIN-016, SDS-CLIN-016
    """

    TWO_SIDED = "two-sided"
    GREATER = "greater"
    LESS = "less"


class Interval(FrozenModel):
    """An estimate with its confidence limits.

    :implements: SRS-CLIN-016, SDS-CLIN-016

    ``confidence`` is the nominal two-sided coverage, between 0 and 1; ``method`` names method, first author and year.
    """

    estimate: float
    lower: float
    upper: float
    confidence: Annotated[float, Field(gt=0, lt=1)]
    method: str


class HypothesisTest(FrozenModel):
    """A test statistic with its p-value and, where the reference distribution has them, degrees of freedom.

    :implements: SRS-CLIN-016, SDS-CLIN-016
    """

    statistic: float
    p_value: Annotated[float, Field(ge=0, le=1)]
    method: str
    alternative: Alternative = Alternative.TWO_SIDED
    df1: float | None = None
    df2: float | None = None
