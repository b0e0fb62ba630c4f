"""Reading 512 uncompressed slices of 512 x 512 against peers, in one process, with one thread, in CPU seconds.

python tests/benchmarks/bench_dicom.py [--slices 512] [--rounds 3]
"""

from __future__ import annotations

import argparse
import importlib.util
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import SimpleITK
import torch
from monai.data import PydicomReader
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from lungai_core.dicom.reader import read_ct_series

GOALS = {"SimpleITK series reader": 3.0, "MONAI PydicomReader": 20.0}


def write_series(folder: Path, count: int) -> None:
    """Write slices with as many elements as a scanner writes: about 110, three of them sequences."""

    path = Path(__file__).resolve().parents[1] / "support" / "ct_series.py"
    spec = importlib.util.spec_from_file_location("ct_series", path)
    ct_series = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(ct_series)
    generator = np.random.default_rng(0)
    for index in range(count):
        values = generator.integers(-1024, 1500, (512, 512)).astype(np.int16)
        ds = ct_series.slice_dataset(values, index=index, spacing_mm=1.25)
        ds.InstanceNumber = index + 1  # MONAI drops slices without it
        for element in range(75):
            ds.add_new(0x00091000 + element, "LO", f"private value {element}")
        for tag in (0x00081140, 0x00400260, 0x00081111):
            item = Dataset()
            item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
            ds.add_new(tag, "SQ", Sequence([item]))
        ct_series.save(ds, folder / f"{(index * 271) % count:04d}.dcm")


def ours(folder: Path) -> np.ndarray:

    return read_ct_series(folder).stored


def raw_read(folder: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb", buffering=0) as stream:
            stream.read()


def pydicom_headers(folder: Path) -> None:

    for path in folder.iterdir():
        dcmread(path, stop_before_pixels=True)


def simpleitk(folder: Path) -> np.ndarray:

    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return SimpleITK.GetArrayFromImage(reader.Execute())


def monai_pydicom(folder: Path) -> np.ndarray:

    reader = PydicomReader()
    return reader.get_data(reader.read(str(folder)))[0]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--slices", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()

    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_series(folder, options.slices)
        raw_read(folder)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        volume = ours(folder)
        peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
        assert np.array_equal(simpleitk(folder), volume.astype(np.int32) - 24)
        print(f"peak memory of reading: {peak / volume.nbytes:.2f} x the stored values")
        del volume
        cases = {
            "lungai_core": ours,
            "raw read of the files": raw_read,
            "pydicom, headers only": pydicom_headers,
            "SimpleITK series reader": simpleitk,
            "MONAI PydicomReader": monai_pydicom,
        }
        best = dict.fromkeys(cases, float("inf"))
        for turn in range(options.rounds):
            for case, run in cases.items():
                if turn and case.startswith("MONAI"):
                    continue
                begin = time.process_time()
                run(folder)
                best[case] = min(best[case], time.process_time() - begin)
    mine = best["lungai_core"]
    for case, seconds in best.items():
        goal = f"  (goal {GOALS[case]:.0f})" if case in GOALS else ""
        print(f"{case:<28}{1000 * seconds:9.0f} ms   {seconds / mine:6.2f} x lungai_core{goal}")
    bound = best["pydicom, headers only"] + best["raw read of the files"]
    print(f"lungai_core / (pydicom headers + raw read) = {mine / bound:.2f}  (goal at most 1.5)")


if __name__ == "__main__":
    main()
