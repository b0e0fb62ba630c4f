from __future__ import annotations

import json
import subprocess
import sys

import pytest

from lungai_core.inference.providers import Provider, unavailable_reason

pytest.importorskip("torch", reason="torch is not installed")


@pytest.mark.verifies("SRS-INFER-012")
@pytest.mark.skipif(not unavailable_reason(Provider.CUDA), reason="this machine has a GPU")
def test_the_gpu_benchmark_says_not_measured_and_why_where_there_is_no_gpu(repository):
    command = [sys.executable, "tests/benchmarks/bench_gpu.py"]
    found = subprocess.run(command, capture_output=True, text=True, check=True, cwd=repository)
    said = json.loads(found.stdout)
    assert said["gpu"] == "NOT MEASURED"
    assert said["reason"] == unavailable_reason(Provider.CUDA)
