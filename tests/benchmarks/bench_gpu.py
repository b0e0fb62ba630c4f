"""Twenty candidates of a 512³ case on a GPU, part by part, beside torch on the same card; else NOT MEASURED.

    python tests/benchmarks/bench_gpu.py [--spec densenet121] [--rounds 20]
    python tests/benchmarks/bench_gpu.py --rehearse   # the same walk on the CPU with a small network: no figure

The case begins with the volume in memory (512³, int16, one sphere a candidate) and ends with the report's values.
Wall-clock milliseconds, median and smallest of the rounds, after two rounds of warm-up; torch is synchronised. Goal of
issue 6: 50 ms on an H100 in half precision; a comparable product publishes 100 ms.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from lungai_core.domain.candidate import Candidate, CandidateList
from lungai_core.domain.geometry import Geometry
from lungai_core.domain.volume import CtSeries, CtVolume
from lungai_core.inference.case import analyze_case
from lungai_core.inference.devices import gpu_devices
from lungai_core.inference.engine import InferenceEngine
from lungai_core.inference.providers import Precision, Provider, ProviderPolicy, unavailable_reason
from lungai_core.model.net import build_net
from lungai_core.model.spec import named_spec
from lungai_core.preprocess.patch import extract_patch
from lungai_core.training.export import export_untrained
from lungai_core.training.onnx_export import Precisions
from lungai_core.training.parity import Patches

if TYPE_CHECKING:
    from collections.abc import Callable

    from lungai_core.modelpack.pack import ModelPack

_CANDIDATES = 20
_WARM_UP = 2
_OUTPUTS = ("malignancy_logit", "mask_logit", "diameter_mm", "evidence", "features")
_SPACING_MM = (0.7, 0.7, 0.7)
_RADIUS_VOXELS = 11


def case(edge: int) -> tuple[CtVolume, CandidateList]:
    """Make a cube of air-filled lung with twenty spheres of 15 mm."""
    random = np.random.default_rng(0)
    stored = np.full((edge, edge, edge), -850, np.int16)
    geometry = Geometry((edge, edge, edge), _SPACING_MM, (0.0, 0.0, 0.0))
    places = random.integers(edge // 4, edge - edge // 4, (_CANDIDATES, 3))
    ball = np.arange(-_RADIUS_VOXELS, _RADIUS_VOXELS + 1)
    z, y, x = np.meshgrid(ball, ball, ball, indexing="ij")
    inside = z**2 + y**2 + x**2 <= _RADIUS_VOXELS**2
    listed = []
    for number, place in enumerate(places):
        window = tuple(slice(p - _RADIUS_VOXELS, p + _RADIUS_VOXELS + 1) for p in place)
        stored[window][inside] = 30
        center = tuple(float(v) for v in geometry.lps_from_index(place))
        listed.append(Candidate(candidate_id=str(number), center_lps_mm=center))
    series = CtSeries(
        study_instance_uid="1.2.3",
        series_instance_uid="1.2.3.4",
        frame_of_reference_uid="1.2.3.5",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        sop_instance_uids=tuple(f"1.2.3.4.{n}" for n in range(edge)),
    )
    return CtVolume(stored, 1.0, 0.0, geometry, series), CandidateList(candidates=tuple(listed))


def timed(call: Callable[[], object], *, rounds: int) -> dict[str, float]:
    """Return the median and the smallest wall-clock milliseconds of some rounds."""
    took = []
    for _ in range(_WARM_UP + rounds):
        began = time.perf_counter()
        call()
        took.append((time.perf_counter() - began) * 1000)
    return {"median_ms": round(statistics.median(took[_WARM_UP:]), 2), "min_ms": round(min(took[_WARM_UP:]), 2)}


def ours(pack: ModelPack, policy: ProviderPolicy, edge: int, rounds: int) -> dict[str, object]:
    """Time the whole case and its parts on our engine."""
    volume, candidates = case(edge)
    with InferenceEngine.open(pack, policy=policy) as engine:
        patches = [extract_patch(volume, c, contract=pack.contract.input) for c in candidates.candidates]
        reports = []
        whole = timed(lambda: reports.append(analyze_case(volume, candidates, engine=engine)), rounds=rounds)
        parts = [report.timings_s for report in reports[_WARM_UP:]]
        return {
            "ran on": engine.execution.provider,
            "precision": engine.execution.precision,
            "case": whole,
            "sampling patches": {"median_ms": round(statistics.median(p.patches for p in parts) * 1000, 2)},
            "copy in, network, copy out": timed(lambda: engine.infer(patches), rounds=rounds),
            "post-processing": {"median_ms": round(statistics.median(p.results for p in parts) * 1000, 2)},
        }


def copies(pack: ModelPack, device: str, rounds: int) -> dict[str, object]:
    """Time the copy of twenty patches to the device and of their masks back, from pageable memory as the engine has."""
    shape = (_CANDIDATES, 1, *pack.contract.input.size_zyx)
    host = torch.zeros(shape)
    there = host.to(device)

    def back() -> object:
        return there.cpu()

    return {
        "copy in": timed(lambda: (host.to(device), _wait(device)), rounds=rounds),
        "copy out": timed(back, rounds=rounds),
    }


def peers(spec_name: str, size: tuple[int, ...], device: str, rounds: int) -> dict[str, object]:
    """Time torch eager and torch.compile on the same patches, float32 and half precision, copies included."""
    net = build_net(named_spec(spec_name), seed=0).eval().to(device)
    host = torch.rand((_CANDIDATES, 1, *size))
    results: dict[str, object] = {}
    for label, kind in (("float32", torch.float32), ("float16", torch.float16)):
        if device == "cpu" and kind is torch.float16:
            continue
        plain = net.to(kind)
        calls = {f"torch eager, {label}": plain}
        if device != "cpu":
            calls[f"torch.compile, {label}"] = torch.compile(plain)
        for name, call in calls.items():
            results[name] = timed(lambda call=call, kind=kind: _run(call, host, kind, device), rounds=rounds)
    return results


def _run(net: Callable[[torch.Tensor], object], host: torch.Tensor, kind: torch.dtype, device: str) -> object:
    with torch.inference_mode():
        answer = net(host.to(device).to(kind))
        found = [getattr(answer, name).float().cpu() for name in _OUTPUTS]
    _wait(device)
    return found


def _wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--spec", default="densenet121")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--rehearse", action="store_true")
    arguments = parser.parse_args()
    reason = unavailable_reason(Provider.CUDA)
    if reason and not arguments.rehearse:
        devices = gpu_devices()
        print(json.dumps({"gpu": "NOT MEASURED", "reason": reason, "devices": devices}, indent=1))
        return
    rehearse = arguments.rehearse
    spec, edge, rounds = ("tiny", 128, 1) if rehearse else (arguments.spec, 512, arguments.rounds)
    provider = Provider.CPU if rehearse else Provider.CUDA
    device = "cpu" if rehearse else "cuda"
    with tempfile.TemporaryDirectory() as name:
        pack = export_untrained(
            named_spec(spec),
            Path(name) / "pack",
            seed=0,
            patches=Patches(random=1),
            precisions=Precisions.SINGLE if rehearse else Precisions.SINGLE_AND_HALF,
        )
        precisions = (Precision.FLOAT32,) if rehearse else (Precision.FLOAT16, Precision.FLOAT32)
        found: dict[str, object] = {
            "figure": "REHEARSAL ON THE CPU, NO FIGURE" if rehearse else "measured",
            "devices": "cpu" if rehearse else [device.model_dump() for device in gpu_devices()],  # type: ignore[union-attr]
            "spec": spec,
            "candidates": _CANDIDATES,
            "volume": f"{edge}³",
        }
        for precision in precisions:
            policy = ProviderPolicy(providers=(provider,), precision=precision)
            found[f"lungai-core, {precision.value}"] = ours(pack, policy, edge, rounds)
        found |= copies(pack, device, rounds)
        found |= peers(spec, pack.contract.input.size_zyx, device, rounds)
    print(json.dumps(found, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
