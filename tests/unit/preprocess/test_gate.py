from __future__ import annotations

import numpy as np
import pytest

from lungai_core.domain.contract import InputLimits, KernelLimit, LimitAction, RangeLimit
from lungai_core.domain.geometry import Geometry
from lungai_core.domain.volume import CtVolume
from lungai_core.errors import InputOutsideLimitsError
from lungai_core.preprocess.gate import GATE_PROPERTIES, GateVerdict, assess_volume, require_fit
from support.volumes import series_of


def make_volume(*, slope=1.0, intercept=-1000.0, padding=None, kernel="B30f", thickness=2.5):
    stored = np.full((4, 10, 10), 1000, np.int16)  # 0 HU
    stored[0, :5] = 200  # -800 HU: 50 of 400 voxels are lung
    stored[1, 0, 0] = 2000
    stored[2, 0, 0] = 0
    if padding is not None:
        stored[3] = padding
    series = series_of(slice_thickness_mm=thickness, convolution_kernel=kernel)
    return CtVolume(stored, slope, intercept, Geometry((4, 10, 10), (2.5, 0.7, 0.6), (0.0, 0.0, 0.0)), series, padding)


def lines(volume, **limits):
    report = assess_volume(volume, limits=InputLimits(**limits))
    return {line.property_id: line for line in report.lines}


@pytest.mark.verifies("SRS-PREP-005")
def test_every_property_is_measured_even_where_nothing_is_limited():
    found = lines(make_volume())
    assert {name: line.measured for name, line in found.items()} == {
        "slice_spacing_mm": "2.5 mm",
        "slice_thickness_mm": "2.5 mm",
        "pixel_spacing_mm": "0.7 mm",
        "scan_length_mm": "10 mm",
        "lowest_hu": "-1000 HU",
        "highest_hu": "1000 HU",
        "lung_air_fraction": "0.125",
        "convolution_kernel": "B30f",
    }
    assert {line.verdict for line in found.values()} == {GateVerdict.NOT_LIMITED}


@pytest.mark.verifies("SRS-PREP-005")
def test_the_gate_measures_every_range_that_a_contract_can_limit():
    names = {p.property_id for p in GATE_PROPERTIES} | {"convolution_kernel"}
    assert names == set(InputLimits.model_fields)


@pytest.mark.verifies("SRS-PREP-005", "RC-PREP-002")
@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("slice_spacing_mm", {"upper": 2.4}),
        ("slice_thickness_mm", {"lower": 2.6}),
        ("pixel_spacing_mm", {"upper": 0.65}),
        ("scan_length_mm", {"lower": 150.0}),
        ("lowest_hu", {"upper": -1001.0}),
        ("highest_hu", {"upper": 999.0}),
        ("lung_air_fraction", {"lower": 0.126, "upper": 0.5}),
    ],
)
def test_a_property_outside_its_limit_refuses_or_flags_as_the_limit_says(name, limit):
    volume = make_volume()
    refusing = InputLimits(**{name: RangeLimit(action=LimitAction.REFUSE, **limit)})
    with pytest.raises(InputOutsideLimitsError) as refusal:
        require_fit(volume, limits=refusing)
    title = next(p.title for p in GATE_PROPERTIES if p.property_id == name)
    assert title in refusal.value.where
    flagging = InputLimits(**{name: RangeLimit(action=LimitAction.FLAG, **limit)})
    assert [line.property_id for line in require_fit(volume, limits=flagging).flags] == [name]


@pytest.mark.verifies("SRS-PREP-005")
def test_a_property_within_its_limit_passes():
    limits = InputLimits(lung_air_fraction=RangeLimit(action=LimitAction.REFUSE, lower=0.1))
    report = require_fit(make_volume(), limits=limits)
    assert report.flags == report.refusals == ()
    assert GateVerdict.WITHIN in {line.verdict for line in report.lines}


@pytest.mark.verifies("SRS-PREP-005", "RC-PREP-002")
def test_what_a_series_does_not_tell_lies_outside_its_limit():
    volume = make_volume(thickness=None, kernel=None)
    found = lines(
        volume,
        slice_thickness_mm=RangeLimit(action=LimitAction.REFUSE, upper=3.0),
        convolution_kernel=KernelLimit(action=LimitAction.FLAG, accepted=("B30f",)),
    )
    assert found["slice_thickness_mm"].verdict is GateVerdict.REFUSED
    assert found["convolution_kernel"].verdict is GateVerdict.FLAGGED


@pytest.mark.verifies("SRS-PREP-005")
@pytest.mark.parametrize(("kernel", "verdict"), [("b30F", GateVerdict.WITHIN), ("B70f", GateVerdict.REFUSED)])
def test_a_kernel_is_compared_without_regard_to_case(kernel, verdict):
    limit = KernelLimit(action=LimitAction.REFUSE, accepted=("B30f", "STANDARD"))
    assert lines(make_volume(kernel=kernel), convolution_kernel=limit)["convolution_kernel"].verdict is verdict


@pytest.mark.verifies("SRS-PREP-005")
def test_voxels_of_padding_do_not_count():
    found = lines(make_volume(padding=-2000))
    assert found["lowest_hu"].measured == "-1000 HU"
    assert found["lung_air_fraction"].measured == "0.1667"


@pytest.mark.verifies("SRS-PREP-005")
def test_a_volume_of_padding_alone_has_no_values():
    volume = make_volume(padding=7)
    stored = np.full((4, 10, 10), 7, np.int16)
    empty = CtVolume(stored, 1.0, 0.0, volume.geometry, volume.series, 7)
    assert lines(empty)["lowest_hu"].measured == ""


@pytest.mark.verifies("SRS-PREP-005")
def test_a_falling_rescale_turns_the_range_of_lung_air_round():
    assert lines(make_volume(slope=-1.0, intercept=-600.0))["lung_air_fraction"].measured == "0.125"
