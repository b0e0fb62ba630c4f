from __future__ import annotations

import numpy as np
import pytest

from lungai_core.errors import ReferenceMismatchError
from lungai_core.modelpack.reference import check_reference, reference_input, sample_reference


@pytest.mark.verifies("SRS-PACK-005")
def test_the_reference_input_is_the_written_formula_voxel_by_voxel(contract):
    values = reference_input(contract.input)
    assert (values.shape, values.dtype) == ((1, 1, 32, 32, 32), np.float32)
    for z, y, x in np.random.default_rng(0).integers(0, 32, size=(200, 3)).tolist():
        inside = (z - 15.5) ** 2 + (y - 15.5) ** 2 + (x - 15.5) ** 2 <= 10**2
        whole = (283 * z + 151 * y + 73 * x) % 997 + (3 * 997 if inside else 0)
        assert values[0, 0, z, y, x] == np.float32(whole) / np.float32(4 * 997)


@pytest.mark.verifies("SRS-PACK-005")
def test_the_sphere_of_the_reference_input_has_ten_millimetres_radius(contract):
    bright = reference_input(contract.input)[0, 0] >= 0.75
    assert abs(bright.sum() - 4 / 3 * np.pi * 1000) < 100
    assert np.allclose(np.argwhere(bright).mean(axis=0), 15.5)


@pytest.mark.verifies("SRS-PACK-005")
def test_at_most_64_evenly_spread_values_are_kept(outputs):
    tensor = sample_reference("mask_logit", outputs["mask_logit"])
    assert (len(tensor.indices), tensor.indices[0], tensor.indices[-1]) == (64, 0, 32**3 - 1)
    assert sample_reference("features", outputs["features"]).indices == (0, 1)


@pytest.mark.verifies("SRS-PACK-005", "RC-PACK-004")
def test_outputs_within_the_tolerance_pass_and_the_largest_difference_is_told(reference, outputs):
    assert check_reference(reference, outputs) == 0.0
    shifted = {name: values + np.float32(5e-5) for name, values in outputs.items()}
    assert 4e-5 < check_reference(reference, shifted) < 6e-5


@pytest.mark.verifies("SRS-PACK-005", "RC-PACK-004")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda values: values * np.nan,
        lambda values: values + np.float32(1.0),
        lambda values: values[..., :1],
    ],
)
def test_absent_misshapen_nan_and_differing_outputs_are_refused(reference, outputs, spoil):
    with pytest.raises(ReferenceMismatchError, match=r"LAI-PACK-006|shape|reference outputs"):
        check_reference(reference, {**outputs, "evidence": spoil(outputs["evidence"])})
    with pytest.raises(ReferenceMismatchError, match="absent"):
        check_reference(reference, {name: values for name, values in outputs.items() if name != "evidence"})
