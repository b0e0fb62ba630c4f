from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from lungai_core.errors import CheckpointMismatchError, DataLeakageError, DataSetError
from lungai_core.training.record import TrainingRecord
from lungai_core.training.run import checkpoints_of, count_folds, load_samples, train_fold

WORKER = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from lungai_core.training.plan import TrainingPlan
from lungai_core.training.processes import Processes
from lungai_core.training.run import Host, load_samples, train_fold

plan = TrainingPlan.model_validate_json(Path(sys.argv[1]).read_bytes())
host = Host(processes=Processes(), clock=lambda: datetime(2026, 1, 2, tzinfo=UTC), watch=lambda step: time.sleep(0.2))
train_fold(plan, load_samples(plan, base=Path("/")), Path(sys.argv[2]), fold=0, host=host)
"""


@pytest.fixture(scope="module")
def four_epochs(plan):
    return plan.model_copy(update={"optimizer": plan.optimizer.model_copy(update={"epochs": 4})})


@pytest.mark.verifies("SRS-TRAIN-010")
def test_a_run_killed_in_an_epoch_ends_with_the_weights_of_an_uninterrupted_one(four_epochs, samples, host, tmp_path):
    (tmp_path / "plan.json").write_text(four_epochs.model_dump_json())
    (tmp_path / "worker.py").write_text(WORKER)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(tmp_path / "worker.py"), str(tmp_path / "plan.json"), str(tmp_path / "cut")]
    with subprocess.Popen(command, env=environment) as worker:
        deadline = time.monotonic() + 120
        while not list(checkpoints_of(tmp_path / "cut").glob("epoch-000[1-3]")):
            assert worker.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(0.1)
        worker.send_signal(signal.SIGKILL)
    assert worker.returncode == -signal.SIGKILL
    assert not (tmp_path / "cut" / "record.json").exists()
    resumed = train_fold(four_epochs, samples, tmp_path / "cut", fold=0, host=host)
    whole = train_fold(four_epochs, samples, tmp_path / "whole", fold=0, host=host)
    assert resumed.weights_sha256 == whole.weights_sha256
    assert resumed.best_epoch == whole.best_epoch
    last = [checkpoints_of(tmp_path / name) / "epoch-0004" / "weights.safetensors" for name in ("cut", "whole")]
    assert last[0].read_bytes() == last[1].read_bytes()


@pytest.mark.verifies("SRS-TRAIN-012", "RC-TRAIN-002")
def test_a_run_leaves_plan_split_proof_curves_and_record(plan, samples, host, tmp_path):
    record = train_fold(plan, samples, tmp_path, fold=1, host=host)
    names = {"checkpoints", "curves.csv", "curves.png", "leakage.json", "plan.json", "record.json", "split.json"}
    assert {path.name for path in tmp_path.iterdir()} == names
    assert TrainingRecord.model_validate_json((tmp_path / "record.json").read_bytes()) == record
    assert record.finished_at == "2026-01-02T00:00:00+00:00"
    assert record.plan == plan
    assert json.loads((tmp_path / "leakage.json").read_text())["images_sha256"] == record.data_sha256
    assert dict(record.versions).keys() >= {"lungai-core", "torch", "monai"}
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert len((tmp_path / "curves.csv").read_text().splitlines()) == 3
    assert train_fold(plan, samples, tmp_path, fold=1, host=host) == record


@pytest.mark.verifies("SRS-TRAIN-010")
def test_a_folder_of_another_plan_is_refused(plan, samples, host, tmp_path):
    train_fold(plan, samples, tmp_path, fold=0, host=host)
    other = plan.model_copy(update={"seed": 6})
    with pytest.raises(CheckpointMismatchError, match="belongs to another plan"):
        train_fold(other, samples, tmp_path, fold=0, host=host)


@pytest.mark.verifies("SRS-TRAIN-007", "RC-TRAIN-002")
def test_a_patient_in_two_folds_stops_the_run_before_it_writes(plan, samples, host, tmp_path):
    leaky = (dataclasses.replace(samples[0], fold=1), *samples[1:])
    with pytest.raises(DataLeakageError, match="patients in two parts"):
        train_fold(plan, leaky, tmp_path / "out", fold=0, host=host)
    assert not (tmp_path / "out").exists()


@pytest.mark.verifies("SRS-TRAIN-007")
def test_an_empty_fold_and_too_few_folds_are_refused(samples):
    assert count_folds(samples) == 4
    for missing in (1, 3):
        kept = tuple(s for s in samples if s.fold != missing and (missing == 1 or s.fold != 2))
        with pytest.raises(DataSetError, match="too few folds, or an empty one"):
            count_folds(kept)


@pytest.mark.verifies("SRS-TRAIN-006")
def test_samples_of_both_data_sets_come_in_one_list(shared_data, plan):
    data = plan.data.model_copy(update={"nodules": "lidc_nodules", "context": "lidc_context", "limit_per_fold": 1})
    both = load_samples(plan.model_copy(update={"data": data}), base=shared_data)
    assert [sample.data_set for sample in both] == ["lidc_nodules"] * 4 + ["lidc_context"] * 77
