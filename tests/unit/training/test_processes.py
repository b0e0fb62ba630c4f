from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch

from lungai_core.training.loop import TrainingData, fit
from lungai_core.training.processes import Processes, joined_processes, share_batch_norm
from lungai_core.training.run import load_samples
from lungai_core.training.split import Part, split_by_fold

WORKER = """
import json, sys
from pathlib import Path
from lungai_core.training.loop import TrainingData, fit
from lungai_core.training.plan import TrainingPlan
from lungai_core.training.processes import joined_processes
from lungai_core.training.run import load_samples
from lungai_core.training.split import Part, split_by_fold

plan = TrainingPlan.model_validate_json(Path(sys.argv[1]).read_bytes())
samples = load_samples(plan, base=Path("/"))
split = split_by_fold(samples, test_fold=0, folds=4)
data = TrainingData(split.samples(samples, Part.TRAIN), split.samples(samples, Part.VALIDATION))
steps = []
with joined_processes("cpu") as processes:
    fit(plan, data, Path(sys.argv[2]), processes=processes, watch=steps.append)
    if processes.rank == 0:
        print(json.dumps([[s.total, s.malignancy, s.mask, s.diameter] for s in steps]))
"""


@pytest.mark.verifies("SRS-TRAIN-011")
def test_two_processes_have_the_losses_of_one(plan, tmp_path):
    (tmp_path / "plan.json").write_text(plan.model_dump_json())
    (tmp_path / "worker.py").write_text(WORKER)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--master-port=0"]
    command += ["--rdzv-backend=c10d", "--rdzv-endpoint=127.0.0.1:0", str(tmp_path / "worker.py")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [*command, str(tmp_path / "plan.json"), str(tmp_path / "two")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    two = torch.tensor(json.loads(done.stdout.strip().splitlines()[-1]))
    samples = load_samples(plan, base=tmp_path)
    split = split_by_fold(samples, test_fold=0, folds=4)
    data = TrainingData(split.samples(samples, Part.TRAIN), split.samples(samples, Part.VALIDATION))
    steps = []
    fit(plan, data, tmp_path / "one", processes=Processes(), watch=steps.append)
    one = torch.tensor([[s.total, s.malignancy, s.mask, s.diameter] for s in steps])
    assert two.shape == one.shape == (6, 4)
    assert torch.allclose(two[:4], one[:4], rtol=2e-3, atol=1e-4)


@pytest.mark.verifies("SRS-TRAIN-011")
def test_without_torchrun_there_is_one_process(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined_processes("cpu") as processes:
        assert processes == Processes(rank=0, count=1)


@pytest.mark.verifies("SRS-TRAIN-011")
def test_the_shared_normalization_alone_is_torchs_own(monkeypatch):
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", "29517")
    torch.distributed.init_process_group("gloo", rank=0, world_size=1)
    try:
        plain = torch.nn.Sequential(torch.nn.BatchNorm3d(3))
        shared = share_batch_norm(torch.nn.Sequential(torch.nn.BatchNorm3d(3)), device="cpu")
        features = torch.randn(2, 3, 4, 4, 4, generator=torch.Generator().manual_seed(0)) * 3 + 1
        one, two = features.clone().requires_grad_(), features.clone().requires_grad_()
        for module, values in ((plain, one), (shared, two)):
            (module(values) ** 3).sum().backward()
        assert torch.allclose(plain(one), shared(two), atol=1e-5)
        assert torch.allclose(one.grad, two.grad, atol=1e-3)
        assert torch.allclose(plain[0].running_var, shared[0].running_var, atol=1e-5)
        assert torch.allclose(plain.eval()(one), shared.eval()(two), atol=1e-5)
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.verifies("SRS-TRAIN-011")
def test_on_a_gpu_torchs_synchronized_layer_is_used():
    shared = share_batch_norm(torch.nn.Sequential(torch.nn.BatchNorm3d(3)), device="cuda")
    assert isinstance(shared[0], torch.nn.SyncBatchNorm)
