"""ACR Lung-RADS v2022: the category of one finding from its measurements.

The size rows are those of v1.1 (NCBI NBK568579, appendix A, table 2), which v2022 carries on; juxtapleural nodules,
airway nodules and cysts follow Christensen J et al., CHEST 2024;165:738. The ACR's own PDF was not available to us:
confirm the rows against it before a release that relies on them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from lungai_core.annotation.grading import not_applicable
from lungai_core.domain.model import FrozenModel

if TYPE_CHECKING:
    from lungai_core.errors import GradingNotApplicableError

__all__ = ["Finding", "LungRadsCategory", "LungRadsFinding", "Timing", "lung_rads_2022"]

_Millimetres = Annotated[float, Field(gt=0)]

_JUXTAPLEURAL_MM = 10.0
_GROUND_GLASS_MM = 30.0
_PART_SOLID_MM = 6.0
_COMPONENT_SMALL_MM, _COMPONENT_MM, _COMPONENT_LARGE_MM = 4.0, 6.0, 8.0


class LungRadsCategory(StrEnum):
    """The categories that follow from measurements; 0, 1, 4X and the S modifier are a reader's judgement.

    :implements: SRS-ANNO-009, SDS-ANNO-009
    """

    TWO = "2"
    THREE = "3"
    FOUR_A = "4A"
    FOUR_B = "4B"


class Finding(StrEnum):
    """What kind of finding is graded.

    :implements: SRS-ANNO-009, SDS-ANNO-009
    """

    SOLID = "solid"
    PART_SOLID = "part-solid"
    GROUND_GLASS = "ground-glass"
    JUXTAPLEURAL = "solid juxtapleural, smooth, oval/lentiform/triangular"
    AIRWAY_SUBSEGMENTAL = "airway nodule, subsegmental"
    AIRWAY_PROXIMAL = "airway nodule segmental or more proximal"
    CYST_THICK_WALLED = "atypical cyst, thick-walled"
    CYST_MULTILOCULAR = "atypical cyst, multilocular"


class Timing(StrEnum):
    """Since when a finding is there, and whether it grows.

    :implements: SRS-ANNO-009, SDS-ANNO-009

    Growth is more than 1.5 mm of mean diameter within 12 months; ``SLOWLY_GROWING`` is growth over several scans that
    stays below it.
    """

    BASELINE = "baseline"
    NEW = "new"
    STABLE = "stable"
    GROWING = "growing"
    GROWING_SOLID_COMPONENT = "growing-solid-component"
    SLOWLY_GROWING = "slowly growing"
    PERSISTENT_AT_3_MONTHS = "persistent at 3 months"


class LungRadsFinding(FrozenModel):
    """One finding with its measurements.

    :implements: SRS-ANNO-009, SDS-ANNO-009
    """

    finding: Finding
    timing: Timing
    mean_diameter_mm: _Millimetres | None = None
    solid_component_mm: Annotated[float, Field(ge=0)] | None = None


def lung_rads_2022(finding: LungRadsFinding, /) -> LungRadsCategory:
    """Give the Lung-RADS v2022 category of a finding.

    :implements: SRS-ANNO-009, SDS-ANNO-009

    Source: see the module.

    Parameters
    ----------
    finding
        The finding; nodules need their mean diameter, part-solid ones of 6 mm or more their solid component.

    Raises
    ------
    GradingNotApplicableError
        If a measurement is missing, or the scheme has no row for this kind and timing.
    """
    kind = finding.finding
    if kind in _WITHOUT_SIZE:
        category = _WITHOUT_SIZE[kind].get(finding.timing)
        if category is None:
            raise _no_row(finding)
        return category
    if finding.mean_diameter_mm is None:
        raise not_applicable("Lung-RADS needs the mean diameter of a nodule.", "mean_diameter_mm", "mm")
    if kind is Finding.PART_SOLID:
        return _part_solid(finding, finding.mean_diameter_mm)
    if kind is Finding.GROUND_GLASS:
        return _ground_glass(finding, finding.mean_diameter_mm)
    if kind is Finding.JUXTAPLEURAL and finding.mean_diameter_mm < _JUXTAPLEURAL_MM:
        if finding.timing in {Timing.BASELINE, Timing.NEW, Timing.STABLE}:
            return LungRadsCategory.TWO
        raise _no_row(finding)
    return _solid(finding, finding.mean_diameter_mm)


def _solid(finding: LungRadsFinding, diameter: float) -> LungRadsCategory:
    if finding.timing is Timing.SLOWLY_GROWING:
        return LungRadsCategory.FOUR_B
    cuts = _SOLID_CUTS.get(finding.timing)
    if cuts is None:
        raise _no_row(finding)
    return next(category for cut, category in cuts if diameter < cut)


def _part_solid(finding: LungRadsFinding, diameter: float) -> LungRadsCategory:
    timing, component = finding.timing, finding.solid_component_mm
    if timing not in {
        Timing.BASELINE,
        Timing.NEW,
        Timing.GROWING,
        Timing.GROWING_SOLID_COMPONENT,
        Timing.SLOWLY_GROWING,
    }:
        raise _no_row(finding)
    if timing is Timing.SLOWLY_GROWING:
        return LungRadsCategory.FOUR_B
    if timing in {Timing.BASELINE, Timing.NEW} and diameter < _PART_SOLID_MM:
        return LungRadsCategory.TWO if timing is Timing.BASELINE else LungRadsCategory.THREE
    if component is None:
        raise not_applicable("Lung-RADS needs the solid component of a part-solid nodule.", "solid_component_mm", "mm")
    if timing is Timing.BASELINE:
        if component < _COMPONENT_MM:
            return LungRadsCategory.THREE
        return LungRadsCategory.FOUR_A if component < _COMPONENT_LARGE_MM else LungRadsCategory.FOUR_B
    # A solid component that is new or grows counts from 4 mm on.
    return LungRadsCategory.FOUR_A if component < _COMPONENT_SMALL_MM else LungRadsCategory.FOUR_B


def _ground_glass(finding: LungRadsFinding, diameter: float) -> LungRadsCategory:
    if diameter < _GROUND_GLASS_MM or finding.timing in {Timing.STABLE, Timing.SLOWLY_GROWING}:
        return LungRadsCategory.TWO
    if finding.timing in {Timing.BASELINE, Timing.NEW}:
        return LungRadsCategory.THREE
    raise _no_row(finding)


def _no_row(finding: LungRadsFinding) -> GradingNotApplicableError:
    return not_applicable(
        "Lung-RADS v2022 has no row for this finding.",
        f"{finding.finding.value}, {finding.timing.value}",
        "stepped management of stable findings is a reader's judgement",
    )


_INFINITE = float("inf")
_SOLID_CUTS: dict[Timing, tuple[tuple[float, LungRadsCategory], ...]] = {
    Timing.BASELINE: (
        (6.0, LungRadsCategory.TWO),
        (8.0, LungRadsCategory.THREE),
        (15.0, LungRadsCategory.FOUR_A),
        (_INFINITE, LungRadsCategory.FOUR_B),
    ),
    Timing.NEW: (
        (4.0, LungRadsCategory.TWO),
        (6.0, LungRadsCategory.THREE),
        (8.0, LungRadsCategory.FOUR_A),
        (_INFINITE, LungRadsCategory.FOUR_B),
    ),
    Timing.GROWING: ((8.0, LungRadsCategory.FOUR_A), (_INFINITE, LungRadsCategory.FOUR_B)),
}
_WITHOUT_SIZE: dict[Finding, dict[Timing, LungRadsCategory]] = {
    Finding.AIRWAY_SUBSEGMENTAL: dict.fromkeys((Timing.BASELINE, Timing.NEW, Timing.STABLE), LungRadsCategory.TWO),
    Finding.AIRWAY_PROXIMAL: {
        Timing.BASELINE: LungRadsCategory.FOUR_A,
        Timing.NEW: LungRadsCategory.FOUR_A,
        Timing.PERSISTENT_AT_3_MONTHS: LungRadsCategory.FOUR_B,
        Timing.GROWING: LungRadsCategory.FOUR_B,
    },
    Finding.CYST_THICK_WALLED: {
        Timing.BASELINE: LungRadsCategory.FOUR_A,
        Timing.GROWING: LungRadsCategory.THREE,
        Timing.GROWING_SOLID_COMPONENT: LungRadsCategory.FOUR_B,
    },
    Finding.CYST_MULTILOCULAR: {
        Timing.BASELINE: LungRadsCategory.FOUR_A,
        Timing.NEW: LungRadsCategory.FOUR_A,
        Timing.GROWING: LungRadsCategory.FOUR_B,
        Timing.GROWING_SOLID_COMPONENT: LungRadsCategory.FOUR_B,
    },
}
