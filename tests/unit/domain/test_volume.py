from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lungai_core.domain.geometry import Geometry
from lungai_core.domain.volume import CtVolume
from lungai_core.errors import InvalidGeometryError
from support.volumes import series_of

SERIES = series_of(2)


def _volume(stored, shape_zyx=(2, 3, 4)):
    geometry = Geometry(shape_zyx=shape_zyx, spacing_zyx_mm=(1.0, 1.0, 1.0), origin_lps_mm=(0.0, 0.0, 0.0))
    return CtVolume(stored=stored, rescale_slope=2.0, rescale_intercept=-1024.0, geometry=geometry, series=SERIES)


@pytest.mark.verifies("SRS-DOM-002")
def test_hounsfield_units_are_the_rescaled_stored_values():
    hu = _volume(np.full((2, 3, 4), 40000, dtype=np.uint16)).hounsfield()
    assert hu.dtype == np.float32
    assert np.all(hu == 2.0 * 40000 - 1024)


@pytest.mark.verifies("SRS-DOM-002")
def test_stored_values_cannot_be_changed():
    volume = _volume(np.zeros((2, 3, 4), dtype=np.int16))
    with pytest.raises(ValueError, match="read-only"):
        volume.stored[0, 0, 0] = 1


@pytest.mark.verifies("SRS-DOM-002")
def test_an_array_of_another_shape_than_its_geometry_is_refused():
    with pytest.raises(InvalidGeometryError, match="different shapes"):
        _volume(np.zeros((2, 3, 4), dtype=np.int16), shape_zyx=(3, 2, 4))


@pytest.mark.verifies("SRS-DOM-002")
def test_a_volume_has_the_file_of_each_slice_or_none():
    volume = _volume(np.zeros((2, 3, 4), dtype=np.int16))
    assert volume.files == ()
    with pytest.raises(InvalidGeometryError, match="not those of its slices") as caught:
        replace(volume, files=(Path("Doe.dcm"),))
    assert "Doe" not in str(caught.value)
