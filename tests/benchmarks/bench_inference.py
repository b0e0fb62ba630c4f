"""CPU time of inference beside its peers, and what a whole case costs outside the network, in one run.

    python tests/benchmarks/bench_inference.py [--spec densenet121] [--series ../shared/data/lidc_idri_0001/dicom]

Peers: torch eager and ONNX Runtime with its defaults but one thread. What is reported is process CPU time (all
threads), the minimum of several rounds in turn, and ratios; wall time depends on what else the machine does.

What a whole case costs outside the network is measured with the bundled pack, whose masks have the size of nodules,
on 512 slices (the series repeated along z with new positions) with 20 candidates; it is set beside 20 patches of the
spec named, because an untrained network of that spec marks whole patches and no work on them is that of a case. The
share is given for each provider: what is outside costs the same, the network does not. The encoding of the case's
DICOM objects is set beside that of pydicom.
"""

from __future__ import annotations

import argparse
import io
import json
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pydicom
import torch

from lungai_core.cli import walk
from lungai_core.cli.walk import CaseFiles, walk_with_engine
from lungai_core.dicom.encoder import encode_dataset
from lungai_core.dicom.reader import read_ct_series
from lungai_core.domain.geometry import Geometry
from lungai_core.domain.patch import Patch
from lungai_core.inference.engine import InferenceEngine
from lungai_core.inference.providers import Provider, ProviderPolicy, unavailable_reason
from lungai_core.model.net import build_net
from lungai_core.model.spec import named_spec
from lungai_core.modelpack.pack import bundled_pack, open_pack
from lungai_core.training.export import export_untrained
from lungai_core.training.parity import Patches

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydicom import Dataset

    from lungai_core.modelpack.pack import ModelPack

_SLICES = 512
_CANDIDATES = 20


def cpu_seconds(call: Callable[[], object], /) -> float:
    """Return the CPU time of one call."""
    began = time.process_time()
    call()
    return time.process_time() - began


def runtimes(pack: ModelPack, spec_name: str, patch: Patch) -> dict[str, Callable[[], object]]:
    """Give one call for each runtime that computes one patch on one thread."""
    torch.set_num_threads(1)
    net = build_net(named_spec(spec_name), seed=0).eval()
    batch = torch.from_numpy(patch.values[np.newaxis].copy())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(pack.onnx, options, providers=["CPUExecutionProvider"])

    def eager() -> object:
        with torch.inference_mode():
            return net(batch)

    calls: dict[str, Callable[[], object]] = {
        "torch eager": eager,
        "ONNX Runtime, default": lambda: session.run(None, {session.get_inputs()[0].name: patch.values[np.newaxis]}),
    }
    for provider in (Provider.CPU, Provider.OPENVINO):
        if not unavailable_reason(provider):
            engine = InferenceEngine.open(pack, policy=ProviderPolicy(providers=(provider,), workers=1))
            calls[f"ours on {provider.value}"] = lambda engine=engine: engine.infer([patch])
    return calls


def longer_series(series: Path, folder: Path) -> Path:
    """Repeat a series along z until it has 512 slices."""
    headers = sorted((pydicom.dcmread(path) for path in series.rglob("*.dcm")), key=lambda d: d.ImagePositionPatient[2])
    step = float(headers[1].ImagePositionPatient[2]) - float(headers[0].ImagePositionPatient[2])
    bottom = float(headers[0].ImagePositionPatient[2])
    folder.mkdir()
    for n in range(_SLICES):
        dataset = headers[n % len(headers)]
        x, y, _ = dataset.ImagePositionPatient
        dataset.ImagePositionPatient = [x, y, round(bottom + n * step, 4)]
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"2.25.9{n:05}"
        dataset.InstanceNumber = n + 1
        if "SliceLocation" in dataset:
            dataset.SliceLocation = dataset.ImagePositionPatient[2]
        dataset.save_as(folder / f"{n:04}.dcm")
    return folder


def outside_network(
    series: Path, work: Path, provider: Provider, *, rounds: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Run a case of 512 slices and 20 candidates; return its CPU time without the network's, and that of encoding."""
    ct_dir = longer_series(series, work / "ct")
    geometry = read_ct_series(ct_dir).geometry
    random = np.random.default_rng(0)
    shape = np.asarray(geometry.shape_zyx)
    centers = geometry.lps_from_index(random.uniform(shape * 0.35, shape * 0.65, (_CANDIDATES, 3)))
    listed = [{"candidate_id": str(n), "center_lps_mm": center} for n, center in enumerate(centers.tolist())]
    candidates = work / "candidates.json"
    candidates.write_text(json.dumps({"schema_version": "lungai-candidates/1", "candidates": listed}))
    seconds = {"result, page and tables": float("inf"), "with DICOM objects too": float("inf")}
    with InferenceEngine.open(
        open_pack(bundled_pack()), policy=ProviderPolicy(providers=(provider,), workers=1)
    ) as engine:
        network = 0.0
        infer = engine.infer

        def timed(patches: list[Patch]) -> object:
            nonlocal network
            began = time.process_time()
            answers = infer(patches)
            network += time.process_time() - began
            return answers

        engine.infer = timed  # type: ignore[method-assign, assignment]
        built: list[Dataset] = []
        save = walk.save_object
        walk.save_object = lambda dataset, path: (built.append(dataset), save(dataset, path))[1]
        for number in range(rounds):
            built.clear()
            for label, written_at in zip(seconds, (None, datetime(2026, 1, 1)), strict=True):  # noqa: DTZ001  local
                files = CaseFiles(ct_dir, candidates, work / f"out-{number}-{label[:4]}", written_at=written_at)
                network = 0.0
                total = cpu_seconds(lambda files=files: walk_with_engine(files, engine=engine))
                seconds[label] = min(seconds[label], total - network)
        walk.save_object = save
    return seconds, encoding_times(built, rounds=rounds)


def encoding_times(built: list[Dataset], *, rounds: int) -> dict[str, float]:
    """Return the CPU time of encoding a case's DICOM objects, by this library and by pydicom."""
    ways = {"ours": encode_dataset, "pydicom": lambda dataset: dataset.save_as(io.BytesIO(), enforce_file_format=True)}
    seconds = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for label, encode in ways.items():
            seconds[label] = min(seconds[label], cpu_seconds(lambda encode=encode: [encode(item) for item in built]))
    return seconds


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--spec", default="densenet121")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--series", type=Path, default=Path("../shared/data/lidc_idri_0001/dicom"))
    arguments = parser.parse_args()
    values = np.random.default_rng(0).random((1, 96, 96, 96), dtype=np.float32)
    patch = Patch(values, Geometry((96, 96, 96), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)), "1", 0.0)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        pack = export_untrained(named_spec(arguments.spec), work / "pack", seed=0, patches=Patches(random=1))
        calls = runtimes(pack, arguments.spec, patch)
        seconds = {name: float("inf") for name in calls}
        for _ in range(arguments.rounds):
            for label, call in calls.items():
                seconds[label] = min(seconds[label], cpu_seconds(call))
        fastest = min(seconds.values())
        provider = Provider.CPU if unavailable_reason(Provider.OPENVINO) else Provider.OPENVINO
        network = {label: _CANDIDATES * found for label, found in seconds.items() if label.startswith("ours")}
        outside, encoding = outside_network(arguments.series, work, provider, rounds=arguments.rounds)
        print(
            json.dumps(
                {
                    "spec": arguments.spec,
                    "cpu_s_per_patch": {label: round(value, 3) for label, value in seconds.items()},
                    "times_the_fastest": {label: round(value / fastest, 2) for label, value in seconds.items()},
                    "case_network_s": {label: round(value, 3) for label, value in network.items()},
                    "case_outside_network_s": {label: round(value, 3) for label, value in outside.items()},
                    "case_outside_share": {
                        label: {k: round(v / (v + whole), 3) for k, v in outside.items()}
                        for label, whole in network.items()
                    },
                    "encoding_dicom_objects_s": {label: round(value, 3) for label, value in encoding.items()},
                    "gpu": "NOT MEASURED",
                },
                indent=1,
            )
        )


if __name__ == "__main__":
    main()
