"""From a trained network to ONNX, and the proof that both say the same."""

from __future__ import annotations

import hashlib
import tempfile
import warnings
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from torch import nn

from lungai_core.domain.model import FrozenModel
from lungai_core.errors import ExportParityError, MissingDependencyError
from lungai_core.modelpack.contract import ModelOutputs, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from numpy.typing import NDArray

    from lungai_core.domain.geometry import Shape
    from lungai_core.model.net import MultitaskNet

__all__ = ["INPUT_NAME", "ParityReport", "export_onnx", "graph_outputs", "measure_parity", "run_onnx"]

INPUT_NAME = "patch"
_OPSET = 17
_NAMES = ("malignancy_logit", "mask_logit", "diameter_mm", "evidence", "features")
# The unit of the comparison: 1e-4 of the output's own scale, and never less than 1e-4 itself.
_TOLERANCE = 1e-4


class ParityReport(FrozenModel):
    """How far the exported graph is from the network, over a number of patches.

    :implements: SRS-TRAIN-002, SDS-TRAIN-001

    ``largest_difference`` holds for each output the largest absolute difference divided by the larger of 1 and the
    largest absolute value of that output in the patch.
    """

    schema_version: Literal["lungai-parity/1"] = "lungai-parity/1"
    onnx_sha256: str
    patches: Annotated[int, Field(ge=1)]
    patches_sha256: str
    tolerance: float
    largest_difference: tuple[tuple[str, float], ...]
    torch_version: str
    onnxruntime_version: str


class _Flat(nn.Module):
    # ONNX knows no dataclass: the graph gives a tuple.
    def __init__(self, net: MultitaskNet, /) -> None:
        super().__init__()
        self.net = net

    def forward(self, patches: torch.Tensor) -> tuple[torch.Tensor, ...]:
        output = self.net(patches)
        return tuple(getattr(output, name) for name in _NAMES)


def export_onnx(net: MultitaskNet, /, *, size_zyx: Shape) -> bytes:
    """Export a network to ONNX with a free batch axis and a fixed patch size.

    :implements: SRS-TRAIN-001, SDS-TRAIN-001

    Parameters
    ----------
    net
        In evaluation mode, on the CPU.
    size_zyx
        Size of a patch in voxels; each edge a multiple of 32.

    Returns
    -------
    bytes
        The ONNX file, opset 17; the same weights and the same version of torch give the same bytes.
    """
    example = torch.zeros((2, 1, *size_zyx))
    with warnings.catch_warnings(), torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "model.onnx"
        # The tracing exporter is chosen on purpose: it gives the same bytes twice and puts no source paths of this
        # machine into the file; the newer one does not. Its only warnings are about its age and constant patch sizes.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings("ignore", message="Converting a tensor to a Python (integer|float)")
        torch.onnx.export(
            _Flat(net).eval(),
            (example,),
            target,
            dynamo=False,
            opset_version=_OPSET,
            input_names=[INPUT_NAME],
            output_names=list(_NAMES),
            dynamic_axes={name: {0: "batch"} for name in (INPUT_NAME, *_NAMES)},
        )
        return target.read_bytes()


def graph_outputs(net: MultitaskNet, /, *, size_zyx: Shape) -> ModelOutputs:
    """Return the outputs of the exported graph as the contract states them.

    :implements: SRS-TRAIN-001, SDS-TRAIN-001

    Parameters
    ----------
    net
        The network.
    size_zyx
        Size of a patch in voxels.
    """
    with torch.no_grad():
        output = net(torch.zeros((1, 1, *size_zyx)))
    shapes = {name: tuple(int(edge) for edge in getattr(output, name).shape[1:]) for name in _NAMES}
    return ModelOutputs(**{name: TensorSpec(name=name, shape=(None, *shape)) for name, shape in shapes.items()})


def run_onnx(model: bytes, patches: NDArray[np.float32], /) -> dict[str, NDArray[np.float32]]:
    """Run an exported graph on the CPU with one thread.

    :implements: SRS-TRAIN-002, SDS-TRAIN-001

    Parameters
    ----------
    model
        The ONNX file.
    patches
        ``(N, 1, z, y, x)`` float32.

    Returns
    -------
    dict
        Each output by name.

    Raises
    ------
    MissingDependencyError
        If no ONNX Runtime is installed.
    """
    ort = _onnxruntime()
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model, sess_options=options, providers=["CPUExecutionProvider"])
    return dict(zip(_NAMES, session.run(list(_NAMES), {INPUT_NAME: patches}), strict=True))


def measure_parity(net: MultitaskNet, model: bytes, patches: Iterable[NDArray[np.float32]], /) -> ParityReport:
    """Compare a network with its exported graph, patch by patch, and refuse a graph that differs.

    :implements: SRS-TRAIN-002, SDS-TRAIN-001

    Parameters
    ----------
    net
        The network, in evaluation mode.
    model
        Its ONNX file.
    patches
        Each ``(1, 1, z, y, x)`` float32.

    Raises
    ------
    ExportParityError
        If an output differs by more than 1e-4 of the larger of 1 and its own largest value, or is not finite.
    """
    digest, count, worst = hashlib.sha256(), 0, dict.fromkeys(_NAMES, 0.0)
    for patch in patches:
        digest.update(patch.tobytes())
        count += 1
        with torch.no_grad():
            wanted = net(torch.from_numpy(patch))
        found = run_onnx(model, patch)
        for name in _NAMES:
            worst[name] = max(worst[name], _difference(getattr(wanted, name).numpy(), found[name], name))
    return ParityReport(
        onnx_sha256=hashlib.sha256(model).hexdigest(),
        patches=count,
        patches_sha256=digest.hexdigest(),
        tolerance=_TOLERANCE,
        largest_difference=tuple(worst.items()),
        torch_version=torch.__version__,
        onnxruntime_version=str(_onnxruntime().__version__),
    )


def _difference(wanted: NDArray[np.float32], found: NDArray[np.float32], name: str, /) -> float:
    scale = max(1.0, float(np.max(np.abs(wanted))))
    difference = float(np.max(np.abs(wanted - found))) / scale
    # Written so that NaN fails.
    if not difference <= _TOLERANCE:
        raise ExportParityError(
            f"The exported graph does not say what the network says (difference {difference:.3g}).",
            where=f"output {name}",
            allowed=f"at most {_TOLERANCE:g} of the larger of 1 and the output's largest value",
            remedy="Do not release this export; compare the versions of torch and onnxruntime with design/soup.toml.",
        )
    return difference


def _onnxruntime() -> ModuleType:
    try:
        return import_module("onnxruntime")
    except ImportError as error:
        raise MissingDependencyError(
            "An export is checked with ONNX Runtime, which is not installed.",
            where="package onnxruntime",
            remedy='Run: pip install "lungai-core[inference]"',
        ) from error
