"""Planning multi-reader studies: from assumed variabilities, or from the variance components of a pilot."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from lungai_core.clinical._checks import not_estimable
from lungai_core.clinical._distributions import f_quantile, noncentral_f_cdf
from lungai_core.clinical.mrmc import VarianceComponents
from lungai_core.clinical.roc_binormal import binormal_auc_variance_factor
from lungai_core.domain.model import FrozenModel
from lungai_core.errors import InvalidArgumentError

__all__ = ["MrmcAssumptions", "MrmcEndpoint", "MrmcPower", "MrmcSize", "mrmc_cases", "mrmc_power"]

_Rate = Annotated[float, Field(gt=0, lt=1)]


class MrmcEndpoint(StrEnum):
    """The figure of merit a reader study is planned for.

    :implements: SRS-CLIN-008, SDS-CLIN-008
    """

    AUC = "auc"
    SENSITIVITY = "sensitivity"


class MrmcAssumptions(FrozenModel):
    """What Obuchowski and Hillis' planning asks for.

    :implements: SRS-CLIN-008, SDS-CLIN-008

    ``range_between`` is the expected range of accuracy between the best and the worst reader, ``range_within`` that of
    one reader reading twice. ``r1`` is the correlation of one reader's accuracies in two modalities, ``r2`` that of two
    readers in one, ``r3`` of two readers in two, ``reader_correlation`` that of readers' true accuracies. With
    ``lesions_per_case`` above 1 ``icc`` inflates the number of lesions.
    """

    endpoint: MrmcEndpoint
    readers: Annotated[int, Field(ge=2)]
    difference: _Rate
    expected: _Rate
    range_between: _Rate
    range_within: _Rate
    r1: _Rate
    r2: _Rate = 0.3
    r3: _Rate = 0.3
    reader_correlation: _Rate = 0.8
    controls_per_case: Annotated[float, Field(gt=0)] = 1.0
    lesions_per_case: Annotated[float, Field(ge=1)] = 1.0
    icc: Annotated[float, Field(ge=0, le=1)] = 0.0
    alpha_two_sided: _Rate = 0.05
    power: _Rate = 0.8

    @model_validator(mode="after")
    def _two_modalities_share_no_more_than_one(self) -> Self:
        if self.r3 > min(self.r1, self.r2):
            message = "r3 must not be above r1 or r2: readers agree no better across modalities than within one"
            raise ValueError(message)
        return self


class MrmcSize(FrozenModel):
    """Cases a reader study needs, with the components they follow from.

    :implements: SRS-CLIN-008, SDS-CLIN-008
    """

    units: int
    diseased_cases: int
    control_cases: int
    total: int
    design_effect: float
    components: VarianceComponents
    within_reader: float


class MrmcPower(FrozenModel):
    """Power of a reader study of given size.

    :implements: SRS-CLIN-008, SDS-CLIN-008
    """

    power: float
    noncentrality: float
    ddf: float


def mrmc_cases(plan: MrmcAssumptions, /) -> MrmcSize:
    """Compute the number of cases for a number of readers.

    :implements: SRS-CLIN-008, SDS-CLIN-008

    Source: Obuchowski NA, Hillis SL, AJR 2011;197:W821; variance of an AUC: Obuchowski NA, Invest Radiol 1994;29:238;
    range to standard deviation by the expected range of normal samples. Agrees with MRMCsamplesize 1.0.0.

    Parameters
    ----------
    plan
        The assumptions.

    Raises
    ------
    NotEstimableError
        If no number of cases reaches the power with so few readers.
    """
    between = plan.range_between / _expected_range(plan.readers)
    within = plan.range_within / _expected_range(2)
    shift = _noncentrality(plan)
    interaction = between**2 * (1 - plan.reader_correlation)
    room = plan.readers * plan.difference**2 / (2 * shift) - (interaction + within**2)
    case_variance = room / ((1 - plan.r1) + (plan.readers - 1) * (plan.r2 - plan.r3))
    if case_variance <= 0:
        raise not_estimable(
            "No number of cases reaches this power with so few readers.",
            where=f"{plan.readers} readers",
            allowed="more readers, a larger difference or less variable readers",
        )
    if plan.endpoint is MrmcEndpoint.AUC:
        factor = binormal_auc_variance_factor(plan.expected, ratio=plan.controls_per_case)
    else:
        factor = plan.expected * (1 - plan.expected)
    units = math.ceil(factor / case_variance)
    design_effect = 1 + (plan.lesions_per_case - 1) * plan.icc
    cases = math.ceil(math.ceil(units * design_effect) / plan.lesions_per_case)
    controls = math.ceil(cases * plan.controls_per_case)
    error = case_variance + within**2
    return MrmcSize(
        units=units,
        diseased_cases=cases,
        control_cases=controls,
        total=cases + controls,
        design_effect=design_effect,
        components=VarianceComponents(
            reader=between**2,
            treatment_reader=interaction,
            error=error,
            cov1=plan.r1 * error,
            cov2=plan.r2 * error,
            cov3=plan.r3 * error,
        ),
        within_reader=within**2,
    )


def mrmc_power(
    components: VarianceComponents,
    /,
    *,
    pilot_cases: int,
    readers: int,
    cases: int,
    difference: float,
    alpha: float = 0.05,
) -> MrmcPower:
    """Compute the power of a two-modality study from a pilot's variance components.

    :implements: SRS-CLIN-008, SDS-CLIN-008

    Source: Hillis SL, Obuchowski NA, Berbaum KS, Acad Radiol 2011;18:129; Chakraborty DP 2017, chapter 11. Error
    variances shrink with the number of cases, components of readers do not.

    Parameters
    ----------
    components
        Of the pilot (Obuchowski-Rockette).
    pilot_cases
        Cases of the pilot, diseased and not.
    readers, cases
        Of the study planned.
    difference
        Difference of the figures of merit expected.
    alpha
        Two-sided level.

    Raises
    ------
    InvalidArgumentError
        If there are fewer than two readers, or no cases.
    NotEstimableError
        If the components leave no variance for the test.
    """
    if readers < 2 or min(pilot_cases, cases) < 1:  # one reader has no variability
        raise InvalidArgumentError(
            "The power of a reader study needs readers and cases.",
            where=f"{readers} readers, {cases} cases, pilot of {pilot_cases} cases",
            allowed="2 readers or more; 1 case or more in both studies",
            remedy="State the readers and cases planned, and the cases of the pilot.",
        )
    scale = pilot_cases / cases
    between = max(components.cov2 - components.cov3, 0.0)
    own = components.error - components.cov1
    interaction = max(components.treatment_reader, 0.0)
    denominator = interaction + scale * (own + (readers - 1) * between)
    mean_square = interaction + scale * (own - between)
    if min(denominator, mean_square) <= 0:
        raise not_estimable(
            "The variance components leave no variance for the test.",
            where="error, cov1, cov2, cov3",
            allowed="components with error > cov1 + cov2 - cov3, or a positive treatment_reader",
        )
    ddf = denominator**2 / (mean_square**2 / (readers - 1))
    shift = readers * difference**2 / 2 / denominator
    critical = f_quantile(1 - alpha, df1=1, df2=ddf)
    return MrmcPower(power=1 - noncentral_f_cdf(critical, df1=1, df2=ddf, shift=shift), noncentrality=shift, ddf=ddf)


def _expected_range(n: int) -> float:
    """Give the expected range of n standard normal values."""
    x = np.linspace(-10, 10, 40_001)
    density = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
    step = x[1] - x[0]
    cdf = np.cumsum(density) * step - density * step / 2
    return float(2 * n * np.sum(x * np.clip(cdf, 0, 1) ** (n - 1) * density) * step)


def _noncentrality(plan: MrmcAssumptions) -> float:
    df2 = float(plan.readers - 1)
    critical = f_quantile(1 - plan.alpha_two_sided, df1=1, df2=df2)
    low, high = 0.0, 1.0
    while noncentral_f_cdf(critical, df1=1, df2=df2, shift=high) > 1 - plan.power:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        if noncentral_f_cdf(critical, df1=1, df2=df2, shift=middle) > 1 - plan.power:
            low = middle
        else:
            high = middle
    return (low + high) / 2
