from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from lungai_core.domain.candidate import Candidate
from lungai_core.domain.contract import InputContract
from lungai_core.domain.geometry import Geometry
from lungai_core.domain.volume import CtVolume
from lungai_core.errors import CandidateOutsideVolumeError, InvalidArgumentError
from lungai_core.preprocess.patch import extract_patch, extract_patches
from lungai_core.preprocess.resampling import resample
from support.volumes import series_of

CONTRACT = InputContract(
    size_zyx=(16, 16, 16), spacing_zyx_mm=(1.0, 1.0, 1.0), lower_hu=-1000.0, upper_hu=400.0, fill_hu=-1000.0
)
SERIES = series_of()


def make_volume(shape=(20, 40, 44), spacing=(2.0, 0.7, 0.6), seed=3):
    stored = np.random.default_rng(seed).integers(-1000, 400, shape).astype(np.int16)
    return CtVolume(stored, 1.0, 0.0, Geometry(shape, spacing, (10.0, -20.0, 5.0)), SERIES)


@pytest.mark.verifies("SRS-PREP-001")
def test_a_patch_on_the_native_lattice_holds_the_native_values():
    volume = make_volume(spacing=(1.0, 1.0, 1.0))
    x, y, z = volume.geometry.lps_from_index((9.5, 19.5, 21.5)).tolist()
    patch = extract_patch(volume, Candidate(candidate_id="1", center_lps_mm=(x, y, z)), contract=CONTRACT)
    expected = (volume.stored[2:18, 12:28, 14:30].astype(np.float64) + 1000) / 1400
    assert np.abs(patch.values[0] - expected).max() < 1e-6
    assert patch.outside_fraction == 0.0
    assert not patch.values.flags.writeable


@pytest.mark.verifies("SRS-PREP-002")
def test_voxels_outside_the_volume_hold_the_fill_value_and_are_counted():
    volume = make_volume(spacing=(1.0, 1.0, 1.0))
    contract = CONTRACT.model_copy(update={"fill_hu": 400.0})
    x, y, z = volume.geometry.lps_from_index((0.5, 19.5, 21.5)).tolist()
    patch = extract_patch(volume, Candidate(candidate_id="1", center_lps_mm=(x, y, z)), contract=contract)
    assert patch.outside_fraction == 7 / 16
    assert np.all(patch.values[0, :7] == 1.0)
    assert np.allclose(patch.values[0, 7], (volume.stored[0, 12:28, 14:30] + 1000.0) / 1400, atol=1e-6)


@pytest.mark.verifies("SRS-PREP-001", "RC-PREP-001")
def test_the_geometry_of_a_patch_is_centred_on_the_candidate():
    volume = make_volume()
    candidate = Candidate(candidate_id="n", center_lps_mm=(22.3, -8.1, 24.4))
    geometry = extract_patch(volume, candidate, contract=CONTRACT).geometry
    assert np.allclose(geometry.lps_from_index((7.5, 7.5, 7.5)), candidate.center_lps_mm, atol=1e-9)


@pytest.mark.verifies("SRS-PREP-003", "SRS-PREP-001")
def test_a_patch_equals_the_crop_of_the_resampled_volume():
    volume = make_volume()
    whole = resample(volume, spacing_zyx_mm=(1.0, 1.0, 1.0))
    x, y, z = whole.geometry.lps_from_index((12 + 7.5, 5 + 7.5, 8 + 7.5)).tolist()
    patch = extract_patch(volume, Candidate(candidate_id="1", center_lps_mm=(x, y, z)), contract=CONTRACT)
    crop = whole.values_hu[12:28, 5:21, 8:24]
    assert np.abs(patch.values[0] * 1400.0 - 1000.0 - crop).max() < 0.01


@pytest.mark.verifies("SRS-PREP-001")
def test_a_candidate_outside_the_volume_is_refused():
    with pytest.raises(CandidateOutsideVolumeError):
        extract_patch(make_volume(), Candidate(candidate_id="1", center_lps_mm=(0.0, 0.0, 0.0)), contract=CONTRACT)


@pytest.mark.verifies("SRS-PREP-004")
def test_patches_are_the_same_for_any_number_of_threads():
    volume = make_volume()
    candidates = [Candidate(candidate_id=str(i), center_lps_mm=(20.0 + i, -10.0, 15.0 + i)) for i in range(5)]
    one = extract_patches(volume, candidates, contract=CONTRACT)
    four = extract_patches(volume, candidates, contract=CONTRACT, threads=4)
    assert [p.candidate_id for p in four] == ["0", "1", "2", "3", "4"]
    assert all(a.values.tobytes() == b.values.tobytes() for a, b in zip(one, four, strict=True))


@pytest.mark.verifies("SRS-PREP-004")
def test_no_threads_are_refused():
    with pytest.raises(InvalidArgumentError):
        extract_patches(make_volume(), [], contract=CONTRACT, threads=0)


@pytest.mark.verifies("SRS-PREP-006")
def test_a_patch_of_96_voxels_takes_less_than_16_mib_from_a_volume_of_any_size():
    volume = make_volume(shape=(300, 256, 256), spacing=(1.25, 0.7, 0.7))
    contract = CONTRACT.model_copy(update={"size_zyx": (96, 96, 96)})
    x, y, z = volume.geometry.lps_from_index((150, 128, 128)).tolist()
    candidate = Candidate(candidate_id="1", center_lps_mm=(x, y, z))
    tracemalloc.start()
    patch = extract_patch(volume, candidate, contract=contract)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert patch.outside_fraction == 0.0
    assert peak < 16 << 20


@pytest.mark.verifies("SRS-PREP-001", "SRS-PREP-002")
def test_a_patch_without_overlap_on_one_axis_cannot_occur_but_a_single_voxel_can():
    volume = make_volume(shape=(1, 40, 44), spacing=(2.0, 0.7, 0.6))
    x, y, z = volume.geometry.lps_from_index((0.3, 20, 20)).tolist()
    contract = CONTRACT.model_copy(update={"size_zyx": (3, 1, 1)})
    patch = extract_patch(volume, Candidate(candidate_id="1", center_lps_mm=(x, y, z)), contract=contract)
    expected = (volume.stored[0, 20, 20] + 1000.0) / 1400
    assert np.allclose(patch.values[0, :, 0, 0], [expected, expected, 0.0], atol=1e-6)
