"""Published models of the probability that a nodule is malignant, for comparison with a reader or a network.

Each gives a number for a study's comparison arm; none is a recommendation for a patient.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from lungai_core.domain.model import FrozenModel

__all__ = [
    "BrockInput",
    "GouldInput",
    "MayoInput",
    "NoduleType",
    "RiskEstimate",
    "brock_risk",
    "gould_risk",
    "mayo_risk",
]

_Age = Annotated[float, Field(ge=18, le=120)]
_Diameter = Annotated[float, Field(gt=0, le=100)]


class NoduleType(StrEnum):
    """Attenuation of a nodule in the Brock model.

    :implements: SRS-CLIN-021, SDS-CLIN-021
    """

    SOLID = "solid"
    PART_SOLID = "part-solid"
    NON_SOLID = "non-solid"


class BrockInput(FrozenModel):
    """What the Brock model asks for.

    :implements: SRS-CLIN-021, SDS-CLIN-021
    """

    age_years: _Age
    female: bool
    family_history: bool
    emphysema: bool
    diameter_mm: _Diameter
    nodule_type: NoduleType
    upper_lobe: bool
    nodule_count: Annotated[int, Field(ge=1)]
    spiculation: bool


class MayoInput(FrozenModel):
    """What the Mayo model asks for.

    :implements: SRS-CLIN-021, SDS-CLIN-021
    """

    age_years: _Age
    ever_smoker: bool
    extrathoracic_cancer_over_5_years_ago: bool
    diameter_mm: _Diameter
    spiculation: bool
    upper_lobe: bool


class GouldInput(FrozenModel):
    """What the VA model of Gould asks for.

    :implements: SRS-CLIN-021, SDS-CLIN-021
    """

    age_years: _Age
    ever_smoker: bool
    years_since_quitting: Annotated[float, Field(ge=0)]
    diameter_mm: _Diameter


class RiskEstimate(FrozenModel):
    """A linear predictor and its probability.

    :implements: SRS-CLIN-021, SDS-CLIN-021
    """

    logit: float
    probability: float
    model: str


def brock_risk(nodule: BrockInput, /) -> RiskEstimate:
    """Compute the full Brock (PanCan) model with spiculation.

    :implements: SRS-CLIN-021, SDS-CLIN-021

    Source: McWilliams A et al., N Engl J Med 2013;369:910, model 2b; coefficients as in Uthoff J et al., Eur Radiol
    2019 (PMC6717521) table 2, whose expanded intercept confirms the centring.

    Parameters
    ----------
    nodule
        Patient and nodule; the diameter is the longest, in mm.
    """
    kind = {NoduleType.SOLID: 0.0, NoduleType.PART_SOLID: 0.377, NoduleType.NON_SOLID: -0.1276}[nodule.nodule_type]
    logit = (
        -6.7892
        + 0.0287 * (nodule.age_years - 62)
        + 0.6011 * nodule.female
        + 0.2961 * nodule.family_history
        + 0.2953 * nodule.emphysema
        - 5.3854 * ((nodule.diameter_mm / 10) ** -0.5 - 1.58113883)
        + kind
        + 0.6581 * nodule.upper_lobe
        - 0.0824 * (nodule.nodule_count - 4)
        + 0.7729 * nodule.spiculation
    )
    return _estimate(logit, "Brock 2b (McWilliams 2013)")


def mayo_risk(nodule: MayoInput, /) -> RiskEstimate:
    """Compute the Mayo Clinic model.

    :implements: SRS-CLIN-021, SDS-CLIN-021

    Source: Swensen SJ et al., Arch Intern Med 1997;157:849. Some secondary sources print other intercepts (-6.872,
    -6.8238); this is -6.8272.

    Parameters
    ----------
    nodule
        Patient and nodule.
    """
    logit = (
        -6.8272
        + 0.0391 * nodule.age_years
        + 0.7917 * nodule.ever_smoker
        + 1.3388 * nodule.extrathoracic_cancer_over_5_years_ago
        + 0.1274 * nodule.diameter_mm
        + 1.0407 * nodule.spiculation
        + 0.7838 * nodule.upper_lobe
    )
    return _estimate(logit, "Mayo (Swensen 1997)")


def gould_risk(nodule: GouldInput, /) -> RiskEstimate:
    """Compute the VA model of Gould.

    :implements: SRS-CLIN-021, SDS-CLIN-021

    Source: Gould MK, Ananth L, Barnett PG, Chest 2007;131:383; the worked example (62 years, never smoker, 10 mm:
    0.079) stands in Uthoff 2019.

    Parameters
    ----------
    nodule
        Patient and nodule; years since quitting are counted in tenths inside the model.
    """
    logit = (
        -8.404
        + 2.061 * nodule.ever_smoker
        + 0.779 * nodule.age_years / 10
        + 0.112 * nodule.diameter_mm
        - 0.567 * nodule.years_since_quitting / 10
    )
    return _estimate(logit, "VA (Gould 2007)")


def _estimate(logit: float, model: str) -> RiskEstimate:
    return RiskEstimate(logit=logit, probability=1 / (1 + math.exp(-logit)), model=model)
