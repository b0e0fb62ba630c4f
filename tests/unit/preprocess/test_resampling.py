from __future__ import annotations

import math

import numpy as np
import pytest

from lungai_core.domain.geometry import Geometry
from lungai_core.domain.volume import CtVolume
from lungai_core.errors import InvalidArgumentError, ResampledTooLargeError
from lungai_core.preprocess.resampling import resample
from support.volumes import series_of

SERIES = series_of()


def ramp():
    """Return a volume of 5 x 6 x 7 voxels whose HU grow linearly with place, with a slope of 0.5."""
    z, y, x = np.meshgrid(np.arange(5), np.arange(6), np.arange(7), indexing="ij")
    stored = (200 * z + 20 * y + 2 * x).astype(np.uint16)
    return CtVolume(stored, 0.5, -1000.0, Geometry((5, 6, 7), (2.0, 0.5, 0.5), (1.0, 2.0, 3.0)), SERIES)


@pytest.mark.verifies("SRS-PREP-003")
def test_a_linear_ramp_is_resampled_exactly_on_a_grid_that_begins_at_the_first_voxel():
    result = resample(ramp(), spacing_zyx_mm=(1.0, 0.25, 0.4))
    assert result.geometry.shape_zyx == (9, 11, 8)
    assert result.geometry.origin_lps_mm == (1.0, 2.0, 3.0)
    z, y, x = np.meshgrid(np.arange(9) / 2, np.arange(11) / 2, np.arange(8) * 0.8, indexing="ij")
    assert np.abs(result.values_hu - (0.5 * (200 * z + 20 * y + 2 * x) - 1000.0)).max() < 1e-3


@pytest.mark.verifies("SRS-PREP-003")
def test_the_native_spacing_gives_the_native_values():
    volume = ramp()
    assert np.array_equal(resample(volume, spacing_zyx_mm=(2.0, 0.5, 0.5)).values_hu, volume.hounsfield())


@pytest.mark.verifies("SRS-PREP-003")
def test_a_result_above_the_limit_is_refused_before_it_is_allocated():
    with pytest.raises(ResampledTooLargeError, match="voxels"):
        resample(ramp(), spacing_zyx_mm=(1e-5, 1e-5, 1e-5))


@pytest.mark.verifies("SRS-PREP-003")
@pytest.mark.parametrize("spacing", [(0.0, 1.0, 1.0), (1.0, -1.0, 1.0), (1.0, 1.0, math.nan), (math.inf, 1.0, 1.0)])
def test_a_spacing_that_is_no_positive_number_is_refused(spacing):
    with pytest.raises(InvalidArgumentError, match="spacing"):
        resample(ramp(), spacing_zyx_mm=spacing)
