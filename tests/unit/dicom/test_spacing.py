from __future__ import annotations

import numpy as np
import pytest

from lungai_core.dicom.spacing import find_spacing_faults, tilt_degrees


def faults(*positions):
    return find_spacing_faults(np.array(positions), tolerance_mm=0.01)


@pytest.mark.verifies("SRS-DICOM-003", "RC-DICOM-001")
def test_positions_rounded_to_a_hundredth_of_a_millimetre_are_even():
    found = faults(*np.round(np.arange(40) * 0.6667, 2))
    assert (found.duplicates, found.missing, found.overlapping, found.uneven) == ((), (), (), ())
    assert found.usual_mm == pytest.approx(0.67)


@pytest.mark.verifies("SRS-DICOM-003", "RC-DICOM-001")
def test_gaps_are_counted_in_slices():
    assert faults(0, 1, 2, 5, 6, 8).missing == ((2, 2), (4, 1))


@pytest.mark.verifies("SRS-DICOM-003", "RC-DICOM-001")
def test_slices_that_all_lie_at_one_position_are_duplicates():
    assert faults(3, 3, 3).duplicates == (0, 1)


@pytest.mark.verifies("SRS-DICOM-003", "RC-DICOM-001")
def test_two_interleaved_acquisitions_overlap():
    assert faults(0, 1, 2, 2.4, 3, 4, 5).overlapping == (2, 3)


@pytest.mark.verifies("SRS-DICOM-003", "RC-DICOM-001")
def test_a_spacing_that_drifts_is_uneven_and_not_anything_else():
    found = faults(*np.cumsum(1 + 0.004 * np.arange(10)))
    assert found.uneven
    assert found.duplicates + found.missing + found.overlapping == ()
    assert found.largest_error_mm > 0.01


@pytest.mark.verifies("SRS-DICOM-003")
def test_the_tilt_is_the_angle_between_the_stack_and_its_normal():
    across = np.array([[0.0, 0.0], [0.0, 1.0]])
    assert tilt_degrees(np.array([0.0, 1.0]), across) == pytest.approx(45.0)
