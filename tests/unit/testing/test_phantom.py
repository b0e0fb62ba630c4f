from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest

from lungai_core.testing.phantom import NoduleKind, PhantomNodule, PhantomSpec, make_phantom, nodule_coverage

SMALL = PhantomSpec(shape_zyx=(40, 96, 96), spacing_zyx_mm=(2.5, 3.5, 3.5), noise_hu=10.0, nodules=())


def _small(**changes):
    return make_phantom(SMALL.model_copy(update=changes))


@pytest.mark.verifies("SRS-TEST-002")
def test_equal_specs_give_equal_voxels_and_another_seed_gives_others():
    first, again, other = _small(), _small(), _small(seed=1)
    digests = [hashlib.sha256(phantom.volume.stored.tobytes()).hexdigest() for phantom in (first, again, other)]
    assert digests[0] == digests[1] != digests[2]
    assert first.volume.series.series_instance_uid != other.volume.series.series_instance_uid


@pytest.mark.verifies("SRS-TEST-001")
def test_air_lungs_and_bone_have_their_radiodensities():
    hu = _small(noise_hu=0.0).volume.hounsfield()
    assert np.count_nonzero(hu == -1000) > 0.2 * hu.size
    assert np.count_nonzero(hu == -860) > 0.1 * hu.size
    assert hu.max() == 450
    assert hu.min() == -1000


@pytest.mark.verifies("SRS-TEST-001")
def test_the_noise_has_the_standard_deviation_of_the_spec():
    difference = _small(noise_hu=20.0).volume.hounsfield() - _small(noise_hu=0.0).volume.hounsfield()
    assert difference[:, 40:50, 5:90].std() == pytest.approx(20.0, rel=0.02)


@pytest.mark.verifies("SRS-TEST-001")
@pytest.mark.parametrize("diameter_mm", [4.0, 8.0, 25.0])
def test_the_coverage_of_a_nodule_sums_to_the_volume_of_its_sphere(diameter_mm):
    spec = SMALL.model_copy(update={"spacing_zyx_mm": (1.5, 0.7, 0.7)})
    nodule = PhantomNodule(nodule_id="n", center_lps_mm=(1.3, -2.1, 0.4), diameter_mm=diameter_mm)
    volume_mm3 = nodule_coverage(nodule, spec.geometry).sum() * 1.5 * 0.7 * 0.7
    assert volume_mm3 == pytest.approx(math.pi * diameter_mm**3 / 6, rel=0.02)


@pytest.mark.verifies("SRS-TEST-001")
@pytest.mark.parametrize("kind", list(NoduleKind))
def test_a_nodule_of_each_kind_stands_at_its_centre(kind):
    nodule = PhantomNodule(nodule_id="n", center_lps_mm=(-80.0, 5.0, 10.0), diameter_mm=30.0, kind=kind)
    phantom = _small(nodules=(nodule,), noise_hu=0.0)
    z, y, x = np.rint(phantom.volume.geometry.index_from_lps(nodule.center_lps_mm)).astype(int)
    expected = {NoduleKind.GROUND_GLASS: -600, NoduleKind.CALCIFIED: 300}.get(kind, 35)
    assert phantom.volume.hounsfield()[z, y, x] == expected
    assert [c.center_lps_mm for c in phantom.candidates.candidates] == [nodule.center_lps_mm]


@pytest.mark.verifies("SRS-TEST-001")
def test_a_tilted_grid_shows_the_same_body():
    axes = ((0.0, -0.6, 0.8), (0.0, 0.8, 0.6), (1.0, 0.0, 0.0))
    nodule = PhantomNodule(nodule_id="n", center_lps_mm=(-80.0, 5.0, 10.0), diameter_mm=30.0)
    phantom = _small(nodules=(nodule,), noise_hu=0.0, axes_zyx_lps=axes)
    z, y, x = np.rint(phantom.volume.geometry.index_from_lps(nodule.center_lps_mm)).astype(int)
    assert phantom.volume.hounsfield()[z, y, x] == 35
