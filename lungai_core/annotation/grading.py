"""Grading schemes as tables with a version: Fleischner 2017 and C-Lung-RADS 2024. Lung-RADS stands in its own module.

They turn measurements into the category a scheme prints. They exist to check what a reader wrote, and give no advice.
LU-RADS is not here: its table was not available to us, and it is not Lung-RADS.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from lungai_core.domain.model import FrozenModel
from lungai_core.errors import GradingNotApplicableError

__all__ = [
    "Attenuation",
    "FleischnerNodule",
    "Multiplicity",
    "RiskGroup",
    "c_lung_rads_2024",
    "fleischner_2017",
    "not_applicable",
]

_Millimetres = Annotated[float, Field(gt=0)]
_SMALL_MM, _LARGE_MM = 6.0, 8.0
_SMALL_MM3, _LARGE_MM3 = 100.0, 250.0
_C_SOLID = (6.0, 10.0, 18.0)
_C_PART_SOLID_COMPONENT = (6.0, 10.0)
_C_GROUND_GLASS = 20.0
_C_MODEL = 0.5


class Attenuation(StrEnum):
    """How dense a nodule is.

    :implements: SRS-ANNO-009, SDS-ANNO-009
    """

    SOLID = "solid"
    PART_SOLID = "part-solid"
    GROUND_GLASS = "ground-glass"


class Multiplicity(StrEnum):
    """Whether a nodule is alone.

    :implements: SRS-ANNO-009, SDS-ANNO-009
    """

    SINGLE = "single"
    MULTIPLE = "multiple"


class RiskGroup(StrEnum):
    """A patient's risk of lung cancer in the sense of Fleischner 2017.

    :implements: SRS-ANNO-009, SDS-ANNO-009
    """

    LOW = "low"
    HIGH = "high"


class FleischnerNodule(FrozenModel):
    """What Fleischner 2017 looks at. Exactly one of diameter and volume is given: the two cut-offs do not agree.

    :implements: SRS-ANNO-009, SDS-ANNO-009

    A sphere of 5.9 mm is "below 6 mm" and, with 107.5 mm³, "above 100 mm³"; a report keeps to one mode.
    """

    attenuation: Attenuation
    multiplicity: Multiplicity
    risk: RiskGroup | None = None
    mean_diameter_mm: _Millimetres | None = None
    volume_mm3: _Millimetres | None = None


def fleischner_2017(nodule: FleischnerNodule, /) -> str:
    """Give the row of the Fleischner Society's 2017 table that a nodule falls into.

    :implements: SRS-ANNO-009, SDS-ANNO-009

    Source: MacMahon H et al., Radiology 2017;284:228. It applies to incidental nodules of patients of 35 years or more
    without known cancer or immunosuppression, outside of screening.

    Parameters
    ----------
    nodule
        The nodule; a solid one needs the risk group.

    Raises
    ------
    GradingNotApplicableError
        If both or neither of diameter and volume, or no risk group for a solid nodule, are given.
    """
    size = _fleischner_size(nodule)
    if nodule.attenuation is Attenuation.SOLID:
        if nodule.risk is None:
            raise not_applicable("Fleischner 2017 needs the risk group of a solid nodule.", "risk", "low or high")
        return _FLEISCHNER_SOLID[nodule.multiplicity, size, nodule.risk]
    if nodule.multiplicity is Multiplicity.MULTIPLE:
        return _FLEISCHNER_MULTIPLE_SUBSOLID[min(size, 1)]
    return _FLEISCHNER_SUBSOLID[nodule.attenuation, min(size, 1)]


def c_lung_rads_2024(
    attenuation: Attenuation,
    /,
    *,
    mean_diameter_mm: float,
    solid_component_mm: float | None = None,
    model_probability: float | None = None,
) -> int:
    """Give the C-Lung-RADS category, 1 to 4.

    :implements: SRS-ANNO-009, SDS-ANNO-009

    Source: Wang C et al., Nat Med 2024;30:3184, table 1 (PMC11564084).

    Parameters
    ----------
    attenuation
        Of the nodule.
    mean_diameter_mm
        Mean of long and short axis.
    solid_component_mm
        Mean diameter of the solid component; a part-solid nodule of 6 mm or more needs it.
    model_probability
        The multidimensional model's probability, if it was run: 0.5 or more lifts categories 2 and 3 to 4.

    Raises
    ------
    GradingNotApplicableError
        If the solid component of a part-solid nodule is missing.
    """
    if mean_diameter_mm < _C_SOLID[0]:
        return 1
    if attenuation is Attenuation.SOLID:
        category = 1 + sum(mean_diameter_mm >= cut for cut in _C_SOLID)
    elif attenuation is Attenuation.GROUND_GLASS:
        category = 3 if mean_diameter_mm >= _C_GROUND_GLASS else 2
    elif solid_component_mm is None:
        raise not_applicable(
            "C-Lung-RADS needs the solid component of a part-solid nodule.", "solid_component_mm", "mm"
        )
    else:
        category = 2 + sum(solid_component_mm >= cut for cut in _C_PART_SOLID_COMPONENT)
    return 4 if model_probability is not None and model_probability >= _C_MODEL else category


def not_applicable(what: str, where: str, allowed: str, /) -> GradingNotApplicableError:
    """Build the error of a nodule that a scheme has no row for.

    :implements: SRS-ANNO-009, SDS-ANNO-009

    Parameters
    ----------
    what, where, allowed
        The parts of the message.
    """
    return GradingNotApplicableError(
        what,
        where=where,
        allowed=allowed,
        remedy="Give the missing measurement, or record the nodule without this grade.",
    )


def _fleischner_size(nodule: FleischnerNodule) -> int:
    if (nodule.mean_diameter_mm is None) == (nodule.volume_mm3 is None):
        raise not_applicable(
            "Fleischner 2017 takes a diameter or a volume.", "mean_diameter_mm, volume_mm3", "exactly one"
        )
    if nodule.mean_diameter_mm is not None:
        return int(nodule.mean_diameter_mm >= _SMALL_MM) + int(nodule.mean_diameter_mm > _LARGE_MM)
    volume = nodule.volume_mm3 or 0.0
    return int(volume >= _SMALL_MM3) + int(volume > _LARGE_MM3)


_NONE = "no routine follow-up"
_OPTIONAL = "optional CT at 12 months"
_CLOSE = "consider CT at 3 months, PET/CT, or tissue sampling"
_SIX = "CT at 6-12 months, then"
_THREE = "CT at 3-6 months, then"
_LATE = "CT at 18-24 months"
_FLEISCHNER_SOLID = {
    (Multiplicity.SINGLE, 0, RiskGroup.LOW): _NONE,
    (Multiplicity.SINGLE, 0, RiskGroup.HIGH): _OPTIONAL,
    (Multiplicity.SINGLE, 1, RiskGroup.LOW): f"{_SIX} consider {_LATE}",
    (Multiplicity.SINGLE, 1, RiskGroup.HIGH): f"{_SIX} {_LATE}",
    (Multiplicity.SINGLE, 2, RiskGroup.LOW): _CLOSE,
    (Multiplicity.SINGLE, 2, RiskGroup.HIGH): _CLOSE,
    (Multiplicity.MULTIPLE, 0, RiskGroup.LOW): _NONE,
    (Multiplicity.MULTIPLE, 0, RiskGroup.HIGH): _OPTIONAL,
    (Multiplicity.MULTIPLE, 1, RiskGroup.LOW): f"{_THREE} consider {_LATE}",
    (Multiplicity.MULTIPLE, 1, RiskGroup.HIGH): f"{_THREE} {_LATE}",
    (Multiplicity.MULTIPLE, 2, RiskGroup.LOW): f"{_THREE} consider {_LATE}",
    (Multiplicity.MULTIPLE, 2, RiskGroup.HIGH): f"{_THREE} {_LATE}",
}
_FLEISCHNER_SUBSOLID = {
    (Attenuation.GROUND_GLASS, 0): _NONE,
    (Attenuation.PART_SOLID, 0): _NONE,
    (Attenuation.GROUND_GLASS, 1): "CT at 6-12 months to confirm persistence, then every 2 years until 5 years",
    (Attenuation.PART_SOLID, 1): (
        "CT at 3-6 months to confirm persistence; if unchanged and solid component <6 mm, annual CT for 5 years"
    ),
}
_FLEISCHNER_MULTIPLE_SUBSOLID = {
    0: "CT at 3-6 months; if stable, consider CT at 2 and 4 years",
    1: "CT at 3-6 months; management by the most suspicious nodule",
}
