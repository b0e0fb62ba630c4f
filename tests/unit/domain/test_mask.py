from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError

from lungai_core.domain.mask import MaskBox, decode_mask, encode_mask


@pytest.mark.verifies("SRS-DOM-010")
@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.bool_, hnp.array_shapes(min_dims=3, max_dims=3, max_side=7), elements=st.booleans()))
def test_a_mask_is_restored_without_a_changed_voxel(mask):
    box = encode_mask(mask)
    if box is None:
        assert not mask.any()
        return
    assert np.array_equal(decode_mask(box, shape_zyx=mask.shape), mask)
    assert box.voxel_count == mask.sum()


@pytest.mark.verifies("SRS-DOM-010")
def test_the_box_is_no_larger_than_the_nodule():
    mask = np.zeros((5, 6, 7), dtype=np.bool_)
    mask[1:3, 2:5, 4] = True
    box = encode_mask(mask)
    assert (box.lower_zyx, box.shape_zyx, box.runs) == ((1, 2, 4), (2, 3, 1), (0, 6))


@pytest.mark.verifies("SRS-DOM-010")
def test_runs_that_do_not_fill_the_box_are_refused():
    with pytest.raises(ValidationError, match="add up"):
        MaskBox(lower_zyx=(0, 0, 0), shape_zyx=(1, 1, 3), runs=(1, 1))


@pytest.mark.verifies("SRS-DOM-010")
def test_a_box_beyond_the_volume_is_refused():
    box = MaskBox(lower_zyx=(0, 0, 2), shape_zyx=(1, 1, 3), runs=(0, 3))
    with pytest.raises(ValueError, match="beyond the volume"):
        decode_mask(box, shape_zyx=(1, 1, 4))
