"""Patches and resampling against MONAI and SimpleITK, in one process, one thread, CPU seconds.

python tests/benchmarks/bench_preprocess.py [--slices 512] [--rounds 3]

The compiled kernel is loaded before the rounds; what loading takes is printed apart, without and with numba's cache.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import SimpleITK
import torch
from monai.data import MetaTensor
from monai.transforms import Spacing

from lungai_core.domain.candidate import Candidate
from lungai_core.domain.contract import InputContract
from lungai_core.domain.geometry import Geometry
from lungai_core.domain.volume import CtSeries, CtVolume
from lungai_core.preprocess.kernels import Kernel
from lungai_core.preprocess.patch import extract_patches
from lungai_core.preprocess.resampling import resample

SPACING = (1.25, 0.7, 0.7)
CONTRACT = InputContract(
    size_zyx=(96, 96, 96), spacing_zyx_mm=(1.0, 1.0, 1.0), lower_hu=-1000.0, upper_hu=400.0, fill_hu=-1000.0
)
SERIES = CtSeries(
    study_instance_uid="1.2",
    series_instance_uid="1.3",
    frame_of_reference_uid="1.4",
    sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
    sop_instance_uids=(),
)


def make_volume(slices: int) -> CtVolume:
    stored = np.random.default_rng(0).integers(-1000, 400, (slices, 512, 512)).astype(np.int16)
    return CtVolume(stored, 1.0, 0.0, Geometry(stored.shape, SPACING, (0.0, 0.0, 0.0)), SERIES)


def make_candidates(volume: CtVolume, count: int) -> list[Candidate]:
    generator = np.random.default_rng(1)
    # On the 1 mm lattice that starts at the first voxel, so that a crop of the resampled volume is the same patch.
    shape = [int((n - 1) * s) for n, s in zip(volume.stored.shape, SPACING, strict=True)]
    corners = np.stack([generator.integers(0, n - 96, count) for n in shape], axis=1)
    return [
        Candidate(candidate_id=str(i), center_lps_mm=tuple((corner[::-1] + 47.5).tolist()))
        for i, corner in enumerate(corners)
    ]


def corners_of(candidates: list[Candidate]) -> list[tuple[int, int, int]]:
    return [tuple(round(c - 47.5) for c in candidate.center_lps_mm[::-1]) for candidate in candidates]


def window(hu: np.ndarray) -> np.ndarray:
    return np.clip((hu - np.float32(-1000)) / np.float32(1400), 0, 1)


def simpleitk_image(volume: CtVolume):

    image = SimpleITK.GetImageFromArray(volume.stored)
    image.SetSpacing(SPACING[::-1])
    return image


def simpleitk_resample(image):

    size = [int((n - 1) * s + 1e-6) + 1 for n, s in zip(image.GetSize(), SPACING[::-1], strict=True)]
    return SimpleITK.Resample(
        image,
        size,
        SimpleITK.Transform(),
        SimpleITK.sitkLinear,
        (0.0,) * 3,
        (1.0,) * 3,
        image.GetDirection(),
        -1000.0,
        SimpleITK.sitkFloat32,
    )


def simpleitk_whole_and_crop(image, corners):

    whole = SimpleITK.GetArrayViewFromImage(result := simpleitk_resample(image))
    patches = [window(whole[z : z + 96, y : y + 96, x : x + 96]) for z, y, x in corners]
    del whole, result
    return patches


def monai_whole_and_crop(tensor, corners):

    whole = Spacing(pixdim=(1.0, 1.0, 1.0), mode="bilinear")(tensor).numpy()[0]
    return [window(whole[z : z + 96, y : y + 96, x : x + 96]) for z, y, x in corners]


def cpu_seconds(run) -> np.ndarray:
    """Return user seconds, and user plus system seconds: what the kernel takes to hand out memory varies by host."""
    begin = resource.getrusage(resource.RUSAGE_SELF)
    run()
    end = resource.getrusage(resource.RUSAGE_SELF)
    user = end.ru_utime - begin.ru_utime
    return np.array([user, user + end.ru_stime - begin.ru_stime])


def least(seconds: list[np.ndarray]) -> np.ndarray:
    return np.min(seconds, axis=0)


LOAD = """
import time
from lungai_core.preprocess.kernels import Kernel
from lungai_core.preprocess.patch import extract_patches
import bench_preprocess as bench
volume = bench.make_volume(120)
begin = time.process_time()
extract_patches(volume, bench.make_candidates(volume, 1), contract=bench.CONTRACT, kernel=Kernel.NUMBA)
print(time.process_time() - begin)
"""


def show_loading() -> None:
    """Print what the first patch of a process takes where numba's cache is empty, and where it is not."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"NUMBA_CACHE_DIR": cache, "PYTHONPATH": str(Path(__file__).parent)}
        for state in ("no cache", "cache"):
            done = subprocess.run(
                [sys.executable, "-c", LOAD], env=environment, check=True, capture_output=True, text=True
            )
            print(f"first patch of a process with numba, {state}: {float(done.stdout):.2f} s of CPU time")


def show(name: str, seconds: np.ndarray, mine: np.ndarray, goal: str = "") -> None:
    user, total = 1000 * seconds
    ratio_user, ratio_total = seconds / mine
    print(f"{name:<42}{user:9.0f} {total:9.0f} ms   {ratio_user:6.1f} {ratio_total:6.1f} x lungai_core {goal}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--slices", type=int, default=312)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()

    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    torch.set_num_threads(1)
    volume = make_volume(options.slices)
    candidates = make_candidates(volume, 20)
    corners = corners_of(candidates)
    image = simpleitk_image(volume)

    rounds = range(options.rounds)
    ours, ours_numba, whole_ours, whole_numba, theirs, whole_theirs = [], [], [], [], [], []
    extract_patches(volume, candidates[:1], contract=CONTRACT, kernel=Kernel.NUMBA)
    for _ in rounds:  # in turns, so that other load on the machine meets all alike
        ours.append(cpu_seconds(lambda: extract_patches(volume, candidates, contract=CONTRACT)))
        ours_numba.append(
            cpu_seconds(lambda: extract_patches(volume, candidates, contract=CONTRACT, kernel=Kernel.NUMBA))
        )
        theirs.append(cpu_seconds(lambda: simpleitk_whole_and_crop(image, corners)))
        whole_ours.append(cpu_seconds(lambda: resample(volume, spacing_zyx_mm=(1.0, 1.0, 1.0))))
        whole_numba.append(cpu_seconds(lambda: resample(volume, spacing_zyx_mm=(1.0, 1.0, 1.0), kernel=Kernel.NUMBA)))
        whole_theirs.append(cpu_seconds(lambda: simpleitk_resample(image)))
    patches = extract_patches(volume, candidates, contract=CONTRACT)
    peer = simpleitk_whole_and_crop(image, corners)
    worst = max(np.abs(a.values[0] - b).max() for a, b in zip(patches, peer, strict=True)) * 1400
    print(f"largest difference of 20 patches to SimpleITK: {worst:.4f} HU")
    whole = SimpleITK.GetArrayFromImage(simpleitk_resample(image))
    error = np.abs(resample(volume, spacing_zyx_mm=(1.0, 1.0, 1.0)).values_hu - whole).max()
    print(f"of the whole volume: {error:.4f} HU")
    del whole, peer
    tensor = MetaTensor(torch.from_numpy(volume.stored.astype(np.float32))[None], affine=np.diag([*SPACING, 1.0]))
    monai = cpu_seconds(lambda: monai_whole_and_crop(tensor, corners))
    print(f"{'CPU time, least of the rounds':<42}{'user':>9} {'+ system':>9}")
    mine = least(ours_numba)
    show("20 patches of 96^3, lungai_core, numba", mine, mine)
    show("20 patches of 96^3, lungai_core, numpy", least(ours), mine)
    show("20 patches, SimpleITK Resample + crop", least(theirs), mine, "(goal 15)")
    show("20 patches, MONAI Spacing + crop", monai, mine, "(goal 50)")
    mine = least(whole_numba)
    show("whole volume at 1 mm, lungai_core, numba", mine, mine)
    show("whole volume at 1 mm, lungai_core, numpy", least(whole_ours), mine)
    show("whole volume at 1 mm, SimpleITK Resample", least(whole_theirs), mine, "(goal 3)")
    of_numba = extract_patches(volume, candidates, contract=CONTRACT, kernel=Kernel.NUMBA, threads=2)
    equal = all(a.values.tobytes() == b.values.tobytes() for a, b in zip(patches, of_numba, strict=True))
    print("patches of both kernels bit-identical:", equal)
    hashes = {
        hashlib.sha256(resample(volume, spacing_zyx_mm=(1.0, 1.0, 1.0), threads=t, kernel=kernel).values_hu).digest()
        for t in (1, 2, 4)
        for kernel in Kernel
    }
    print("whole volume bit-identical for 1, 2 and 4 threads and both kernels:", len(hashes) == 1)
    show_loading()


if __name__ == "__main__":
    main()
