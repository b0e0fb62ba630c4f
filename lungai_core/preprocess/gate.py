"""The input gate, which tells whether a CT is like those that the model was verified with.

What is measured stands here; what is allowed stands in the model's contract (:class:`InputLimits`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.domain.contract import InputLimits, KernelLimit, LimitAction, RangeLimit
from lungai_core.domain.model import FrozenModel
from lungai_core.errors import InputOutsideLimitsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lungai_core.domain.volume import CtVolume, StoredArray

__all__ = [
    "GATE_PROPERTIES",
    "LUNG_AIR_HU",
    "GateLine",
    "GateProperty",
    "GateReport",
    "GateVerdict",
    "assess_volume",
    "require_fit",
]

LUNG_AIR_HU = (-950.0, -700.0)


class GateVerdict(StrEnum):
    """What the gate says about one property.

    :implements: SRS-PREP-005, SDS-PREP-003
    """

    WITHIN = "within"
    NOT_LIMITED = "not limited"
    FLAGGED = "flagged"
    REFUSED = "refused"


class GateLine(FrozenModel):
    """One property: what was measured, what is allowed, and what follows.

    :implements: SRS-PREP-005, SDS-PREP-003

    ``property_id`` is the name of the field of :class:`InputLimits`. ``measured`` is empty where the series does not
    tell.
    """

    property_id: str
    title: str
    measured: str
    allowed: str
    verdict: GateVerdict


class GateReport(FrozenModel):
    """What the gate says about a volume, one line a property.

    :implements: SRS-PREP-005, SDS-PREP-003
    """

    lines: tuple[GateLine, ...]

    @property
    def flags(self) -> tuple[GateLine, ...]:
        """The lines that a reader of the result has to know of."""
        return tuple(line for line in self.lines if line.verdict is GateVerdict.FLAGGED)

    @property
    def refusals(self) -> tuple[GateLine, ...]:
        """The lines for which the case is not analysed."""
        return tuple(line for line in self.lines if line.verdict is GateVerdict.REFUSED)


@dataclass(frozen=True, slots=True)
class _HuFacts:
    lowest: float | None
    highest: float | None
    lung_air_fraction: float | None


@dataclass(frozen=True, slots=True)
class GateProperty:
    """One property that a contract may limit; ``measure`` returns None where the series does not tell.

    :implements: SRS-PREP-005, SDS-PREP-003
    """

    property_id: str
    title: str
    unit: str
    measure: Callable[[CtVolume, _HuFacts], float | None]


def _coarser_pixel_spacing(volume: CtVolume, _: _HuFacts) -> float:
    return max(volume.geometry.spacing_zyx_mm[1:])


def _scan_length(volume: CtVolume, _: _HuFacts) -> float:
    return volume.geometry.shape_zyx[0] * volume.geometry.spacing_zyx_mm[0]


GATE_PROPERTIES: tuple[GateProperty, ...] = (
    GateProperty("slice_spacing_mm", "Distance between slices", "mm", lambda v, _: v.geometry.spacing_zyx_mm[0]),
    GateProperty("slice_thickness_mm", "Slice thickness (0018,0050)", "mm", lambda v, _: v.series.slice_thickness_mm),
    GateProperty("pixel_spacing_mm", "Pixel spacing, the coarser of both", "mm", _coarser_pixel_spacing),
    GateProperty("scan_length_mm", "Length along the slice normal", "mm", _scan_length),
    GateProperty("lowest_hu", "Lowest value, padding apart", "HU", lambda _, facts: facts.lowest),
    GateProperty("highest_hu", "Highest value, padding apart", "HU", lambda _, facts: facts.highest),
    GateProperty(
        "lung_air_fraction",
        f"Share of voxels from {LUNG_AIR_HU[0]:g} to {LUNG_AIR_HU[1]:g} HU",
        "",
        lambda _, facts: facts.lung_air_fraction,
    ),
)


def assess_volume(volume: CtVolume, /, *, limits: InputLimits) -> GateReport:
    """Measure a volume and compare it with the limits of a model's contract.

    :implements: SRS-PREP-005, SDS-PREP-003

    Parameters
    ----------
    volume
        The CT.
    limits
        The limits; an absent one limits nothing. A property that a series does not tell lies outside its limit.

    Returns
    -------
    GateReport
        One line for each of ``GATE_PROPERTIES``, then one for the convolution kernel.
    """
    facts = _hu_facts(volume)
    lines = []
    for gate_property in GATE_PROPERTIES:
        limit: RangeLimit | None = getattr(limits, gate_property.property_id)
        value = gate_property.measure(volume, facts)
        lines.append(
            GateLine(
                property_id=gate_property.property_id,
                title=gate_property.title,
                measured="" if value is None else f"{value:.4g} {gate_property.unit}".rstrip(),
                allowed=_range_text(limit, gate_property.unit),
                verdict=_verdict(limit, is_within=limit is None or (value is not None and limit.contains(value))),
            )
        )
    return GateReport(lines=(*lines, _kernel_line(volume, limits.convolution_kernel)))


def require_fit(volume: CtVolume, /, *, limits: InputLimits) -> GateReport:
    """Refuse a volume that lies outside a limit whose action is refuse.

    :implements: SRS-PREP-005, SDS-PREP-003

    Parameters
    ----------
    volume
        The CT.
    limits
        The limits of the model's contract.

    Returns
    -------
    GateReport
        Its ``flags`` belong into the result.

    Raises
    ------
    InputOutsideLimitsError
        Naming each property that refuses, its value and its range.
    """
    report = assess_volume(volume, limits=limits)
    if report.refusals:
        raise InputOutsideLimitsError(
            "The CT lies outside the limits that the model was verified with.",
            where="; ".join(f"{line.title}: {line.measured or 'not stated'}" for line in report.refusals),
            allowed="; ".join(f"{line.title}: {line.allowed}" for line in report.refusals),
            remedy="Use another reconstruction of the scan, or a model that was verified with such scans.",
        )
    return report


def _verdict(limit: RangeLimit | KernelLimit | None, *, is_within: bool) -> GateVerdict:
    if limit is None:
        return GateVerdict.NOT_LIMITED
    if is_within:
        return GateVerdict.WITHIN
    return GateVerdict.REFUSED if limit.action is LimitAction.REFUSE else GateVerdict.FLAGGED


def _range_text(limit: RangeLimit | None, unit: str) -> str:
    if limit is None:
        return "anything"
    ends = [f"at least {limit.lower:g}" if limit.lower is not None else ""]
    ends.append(f"at most {limit.upper:g}" if limit.upper is not None else "")
    return f"{' and '.join(filter(None, ends))} {unit}".rstrip()


def _kernel_line(volume: CtVolume, limit: KernelLimit | None) -> GateLine:
    kernel = volume.series.convolution_kernel or ""
    accepted = limit is None or kernel.upper() in {name.upper() for name in limit.accepted}
    return GateLine(
        property_id="convolution_kernel",
        title="Convolution kernel (0018,1210)",
        measured=kernel,
        allowed="anything" if limit is None else "one of " + ", ".join(limit.accepted),
        verdict=_verdict(limit, is_within=accepted),
    )


def _hu_facts(volume: CtVolume) -> _HuFacts:
    """Measure the values slice by slice, on stored integers: exact, and with the memory of one slice."""
    ends = [(hu - volume.rescale_intercept) / volume.rescale_slope for hu in LUNG_AIR_HU]
    low, high = math.ceil(min(ends)), math.floor(max(ends))
    lowest: int | None = None
    highest: int | None = None
    air = counted = 0
    for stored in volume.stored:
        values = _without_padding(stored, volume.pixel_padding_value)
        if values.size == 0:
            continue
        least, most = int(values.min()), int(values.max())
        lowest = least if lowest is None else min(lowest, least)
        highest = most if highest is None else max(highest, most)
        air += int(np.count_nonzero((values >= low) & (values <= high)))
        counted += values.size
    if lowest is None or highest is None:
        return _HuFacts(None, None, None)
    extremes = [end * volume.rescale_slope + volume.rescale_intercept for end in (lowest, highest)]
    return _HuFacts(min(extremes), max(extremes), air / counted)


def _without_padding(stored: StoredArray, padding: int | None) -> StoredArray:
    if padding is None:
        return stored
    is_value = stored != padding
    return stored if is_value.all() else stored[is_value]
