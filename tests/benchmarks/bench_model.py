"""What a patch costs, and what the explanation adds: against torch eager and MONAI's GradCAM, in one run, one thread.

Prints processor seconds (best of the rounds, methods interleaved) and ratios.

python tests/benchmarks/bench_model.py [small|densenet121] [ROUNDS]
"""

from __future__ import annotations

import sys
import time
import warnings

import numpy as np
import onnxruntime
import torch
from monai.visualize import GradCAM
from torch import nn

from lungai_core.model.net import build_net
from lungai_core.model.spec import named_spec
from lungai_core.model.summary import summarize
from lungai_core.training.onnx_export import export_onnx

SIZE = (96, 96, 96)


class Logit(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x).malignancy_logit[:, None]


def main(name, rounds):
    torch.set_num_threads(1)
    spec = named_spec(name)
    net = build_net(spec, seed=1)
    patch = np.random.default_rng(0).random((1, 1, *SIZE), dtype=np.float32)
    tensor = torch.from_numpy(patch)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        export_onnx(net, size_zyx=SIZE), sess_options=options, providers=["CPUExecutionProvider"]
    )
    cam = GradCAM(nn_module=Logit(net).eval(), target_layers="net.weigh")
    features = np.random.default_rng(1).random((spec.head_features,))
    weights = np.random.default_rng(2).random((spec.head_features,))

    def eager():
        with torch.no_grad():
            net(tensor)

    def sampled_head():
        keep = np.random.default_rng(3).random((20, spec.head_features)) >= spec.dropout
        return (keep * features) @ weights / (1 - spec.dropout)

    methods = {
        "ONNX Runtime, all outputs with the evidence map": lambda: session.run(None, {"patch": patch}),
        "torch eager, the same": eager,
        "torch eager + MONAI GradCAM at the same layer": lambda: cam.compute_map(tensor, class_idx=0),
        "torch eager, 20 passes (naive dropout sampling)": lambda: [eager() for _ in range(20)],
        "20 dropout samples of the head alone (NumPy)": sampled_head,
    }
    best = dict.fromkeys(methods, float("inf"))
    for _ in range(rounds):
        for label, call in methods.items():
            began = time.process_time()
            call()
            best[label] = min(best[label], time.process_time() - began)
    flops = summarize(spec, size_zyx=SIZE).flops
    first = next(iter(best.values()))
    print(f"{name}, one patch of {SIZE}, {flops / 1e9:.1f} GFLOP, best of {rounds}")
    for label, seconds in best.items():
        print(f"{seconds * 1000:10.1f} ms  {seconds / first:8.3f} x  {label}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1] if len(sys.argv) > 1 else "small", int(sys.argv[2]) if len(sys.argv) > 2 else 3)
