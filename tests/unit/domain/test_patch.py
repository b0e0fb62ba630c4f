from __future__ import annotations

import numpy as np
import pytest

from lungai_core.domain.geometry import Geometry
from lungai_core.domain.patch import Patch


@pytest.mark.verifies("SRS-DOM-006")
def test_a_patch_is_read_only():
    geometry = Geometry(shape_zyx=(2, 2, 2), spacing_zyx_mm=(1.0, 1.0, 1.0), origin_lps_mm=(0.0, 0.0, 0.0))
    values = np.zeros((1, 2, 2, 2), np.float32)
    patch = Patch(values=values, geometry=geometry, candidate_id="n1", outside_fraction=0.0)
    with pytest.raises(ValueError, match="read-only"):
        patch.values[0, 0, 0, 0] = 1
