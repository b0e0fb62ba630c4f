from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lungai_core
from lungai_core.domain.candidate import Candidate
from lungai_core.domain.contract import InputContract
from lungai_core.domain.geometry import Geometry
from lungai_core.domain.volume import CtVolume
from lungai_core.errors import MissingDependencyError
from lungai_core.preprocess import numpy_kernel
from lungai_core.preprocess.axes import plan_axis
from lungai_core.preprocess.interpolation import ValueMap, interpolate
from lungai_core.preprocess.kernels import Kernel, block_function
from lungai_core.preprocess.patch import extract_patch, extract_patches
from lungai_core.preprocess.resampling import resample
from support.volumes import series_of

CONTRACT = InputContract(
    size_zyx=(16, 18, 20), spacing_zyx_mm=(1.0, 1.0, 1.0), lower_hu=-1000.0, upper_hu=400.0, fill_hu=-1500.0
)
SERIES = series_of()
PATCH_SCRIPT = """
from importlib import import_module
kernel = import_module("lungai_core.preprocess.numba_kernel")
print(type(kernel._sample._cache).__name__)
"""


def make_volume(dtype=np.int16, *, slope=0.5, shape=(20, 40, 44)):
    stored = np.random.default_rng(3).integers(0, 3000, shape).astype(dtype)
    return CtVolume(stored, slope, -1024.0, Geometry(shape, (2.0, 0.7, 0.6), (10.0, -20.0, 5.0)), SERIES)


def candidates_of(volume):
    ends = np.array(volume.geometry.shape_zyx) - 1
    places = np.random.default_rng(4).uniform(0, 1, (12, 3)) * ends
    centers = volume.geometry.lps_from_index(np.vstack((places, np.zeros(3), ends))).tolist()
    return [Candidate(candidate_id=str(i), center_lps_mm=tuple(center)) for i, center in enumerate(centers)]


@pytest.fixture
def numba_kernel():
    pytest.importorskip("numba", reason="numba is not installed")
    from lungai_core.preprocess import numba_kernel  # noqa: PLC0415 - numba is optional

    return numba_kernel


@pytest.mark.verifies("SRS-PREP-007")
@pytest.mark.parametrize("dtype", [np.int16, np.uint16])
@pytest.mark.usefixtures("numba_kernel")
def test_patches_of_both_kernels_are_equal_bit_by_bit_inside_and_at_the_borders(dtype):
    volume = make_volume(dtype)
    of_numpy, of_numba = (
        extract_patches(volume, candidates_of(volume), contract=CONTRACT, kernel=kernel, threads=threads)
        for kernel, threads in ((Kernel.NUMPY, 1), (Kernel.NUMBA, 3))
    )
    assert [p.values.tobytes() for p in of_numpy] == [p.values.tobytes() for p in of_numba]
    assert {p.outside_fraction > 0 for p in of_numba} == {True, False}


@pytest.mark.verifies("SRS-PREP-007", "SRS-PREP-004")
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.0, 0.7, 0.6), (0.4, 0.3, 2.5)])
@pytest.mark.usefixtures("numba_kernel")
def test_resampled_volumes_of_both_kernels_are_equal_bit_by_bit_for_any_number_of_threads(spacing):
    volume = make_volume(slope=1.0, shape=(7, 120, 300))
    results = {
        resample(volume, spacing_zyx_mm=spacing, kernel=kernel, threads=threads).values_hu.tobytes()
        for kernel in Kernel
        for threads in (1, 2, 4)
    }
    assert len(results) == 1


@pytest.mark.verifies("SRS-PREP-007")
@pytest.mark.usefixtures("numba_kernel")
def test_a_volume_that_is_a_view_with_strides_gives_the_same_bits():
    base = make_volume()
    wide = np.zeros((40, 40, 88), np.int16)
    wide[::2, :, ::2] = base.stored
    view = CtVolume(wide[::2, :, ::2], 0.5, -1024.0, base.geometry, SERIES)
    assert not view.stored.flags.c_contiguous
    candidate = candidates_of(base)[0]
    expected = extract_patch(base, candidate, contract=CONTRACT)
    assert extract_patch(view, candidate, contract=CONTRACT, kernel=Kernel.NUMBA).values.tobytes() == (
        expected.values.tobytes()
    )


@pytest.mark.verifies("SRS-PREP-007")
def test_the_compiled_code_computes_what_its_python_source_says(numba_kernel, monkeypatch):
    volume = make_volume(shape=(6, 7, 8))
    plans = tuple(plan_axis(start=-1.0, step=0.7, count=14, size=size) for size in volume.stored.shape)
    value_map = ValueMap(0.25, -100.0, 10.0, 500.0)
    compiled, interpreted = np.zeros((14, 14, 14), np.float32), np.zeros((14, 14, 14), np.float32)
    interpolate(volume.stored, plans, compiled, value_map=value_map, kernel=Kernel.NUMBA)
    for name in ("_convert", "_blend_rows", "_blend_columns", "_blend_slices", "_sample_plane", "_sample"):
        monkeypatch.setattr(numba_kernel, name, getattr(numba_kernel, name).py_func)
    interpolate(volume.stored, plans, interpreted, value_map=value_map, kernel=Kernel.NUMBA)
    assert interpreted.min() >= 0.0
    assert np.unique(interpreted).size > 100
    assert compiled.tobytes() == interpreted.tobytes()


@pytest.mark.verifies("SRS-PREP-007")
def test_the_kernel_of_numpy_needs_no_numba(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    assert block_function(Kernel.NUMPY) is numpy_kernel.sample_block


@pytest.mark.verifies("SRS-PREP-007")
def test_the_compiled_kernel_without_numba_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "lungai_core.preprocess.numba_kernel", raising=False)
    with pytest.raises(MissingDependencyError, match=r"lungai-core\[fast\]"):
        resample(make_volume(), spacing_zyx_mm=(1.0, 1.0, 1.0), kernel=Kernel.NUMBA)


@pytest.mark.verifies("SRS-PREP-007")
@pytest.mark.parametrize("can_write", [True, False])
@pytest.mark.usefixtures("numba_kernel")
def test_the_cache_of_compiled_code_is_left_out_where_no_folder_can_be_written(tmp_path, can_write):
    package = tmp_path / "site" / "lungai_core"
    skipped = shutil.ignore_patterns("__pycache__", "*.onnx", "evidence", "trace", "testing")
    shutil.copytree(Path(lungai_core.__file__).parent, package, ignore=skipped)
    if not can_write:
        # A file where numba would make its folder: it cannot be made by anybody, root included.
        (package / "preprocess" / "__pycache__").write_text("")
    home = tmp_path / "home"
    home.write_text("")
    environment = os.environ | {
        "PYTHONPATH": str(package.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home),
    }
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-c", PATCH_SCRIPT], env=environment, cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == ("FunctionCache" if can_write else "NullCache")
