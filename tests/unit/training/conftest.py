from __future__ import annotations

import csv
from datetime import UTC, datetime

import nibabel
import numpy as np
import pytest

from lungai_core.model.spec import TINY
from lungai_core.training.lidc import load_lidc_nodules
from lungai_core.training.plan import DataPlan, OptimizerPlan, TrainingPlan
from lungai_core.training.processes import Processes
from lungai_core.training.run import Host

COLUMNS = ["id", "patient_id", "seriesuid", "fold", "diameter_mm", "coordX", "coordY", "coordZ"]
COLUMNS += ["Diagnosis_value", "Malignancy_value", "deeplung_label", "deeplung_ratings"]


def write_nodules(folder, *, folds=4, per_fold=4):
    """Write spheres in lung as a data set of the layout lidc_nodules; large ones are suspicious."""
    generator = np.random.default_rng(7)
    rows = []
    for part in ("image", "mask"):
        (folder / part).mkdir(parents=True)
    affine = np.diag([-0.8, -0.8, 1.6, 1.0])
    affine[:3, 3] = (12.0, -20.0, 30.0)
    x, y, z = np.ogrid[:40, :36, :12]
    for index in range(folds * per_fold):
        name, suspicious = f"N{index:02d}", index % 2
        radius = (6.0 if suspicious else 3.0) + generator.random()
        mask = ((x - 20) * 0.8) ** 2 + ((y - 18) * 0.8) ** 2 + ((z - 6) * 1.6) ** 2 <= radius**2
        image = np.where(mask, 30, -860) + generator.normal(0, 25, mask.shape)
        nibabel.save(nibabel.Nifti1Image(image.astype(np.int16), affine), folder / "image" / f"{name}.nii.gz")
        nibabel.save(nibabel.Nifti1Image(mask.astype(np.uint8), affine), folder / "mask" / f"{name}.nii.gz")
        right, front, up = affine[:3, :3] @ (20, 18, 6) + affine[:3, 3]
        place = [(index // 2) % folds, 2 * radius, -right, -front, up]
        label = suspicious if index % 5 else ""
        readings = ("4 5 5 3" if suspicious else "1 2 3") if index % 5 else ""
        series = [f"P{index // 2:02d}", f"1.2.{index // 2}"]
        rows.append([name, *series, *place, suspicious, 4 if suspicious else 2, label, readings])
    with (folder / "labels.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, *rows])
    return folder


@pytest.fixture(scope="session")
def nodules_folder(tmp_path_factory):
    return write_nodules(tmp_path_factory.mktemp("data") / "nodules")


@pytest.fixture(scope="session")
def samples(nodules_folder):
    return load_lidc_nodules(nodules_folder)


@pytest.fixture(scope="session")
def plan(nodules_folder):
    return TrainingPlan(
        name="test",
        seed=5,
        network=TINY.model_copy(update={"dropout": 0.0}),
        data=DataPlan(nodules=str(nodules_folder), patch_size=32),
        optimizer=OptimizerPlan(epochs=2, batch_size=4),
    )


@pytest.fixture(scope="session")
def host():
    return Host(processes=Processes(), clock=lambda: datetime(2026, 1, 2, tzinfo=UTC))
