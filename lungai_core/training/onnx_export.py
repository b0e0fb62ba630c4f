"""From a trained network to ONNX, and the proof that both say the same."""

from __future__ import annotations

import hashlib
import tempfile
import warnings
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import onnx
import torch
from pydantic import Field
from torch import nn

from lungai_core.domain.model import FrozenModel
from lungai_core.errors import ExportParityError
from lungai_core.inference.providers import load_runtime
from lungai_core.modelpack.contract import ModelOutputs, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from lungai_core.domain.geometry import Shape
    from lungai_core.model.net import MultitaskNet

__all__ = [
    "INPUT_NAME",
    "ParityReport",
    "Precisions",
    "export_onnx",
    "graph_outputs",
    "half_precision",
    "measure_half_precision",
    "measure_parity",
    "run_onnx",
]

INPUT_NAME = "patch"
_OPSET = 17
_NAMES = ("malignancy_logit", "mask_logit", "diameter_mm", "evidence", "features")
# The unit of the comparison: 1e-4 of the output's own scale, and never less than 1e-4 itself.
_TOLERANCE = 1e-4


class Precisions(StrEnum):
    """In which precisions a network is exported.

    :implements: SRS-TRAIN-015, SDS-TRAIN-001
    """

    SINGLE = "single"
    SINGLE_AND_HALF = "single and half"


class ParityReport(FrozenModel):
    """How far the exported graph is from the network, over a number of patches.

    :implements: SRS-TRAIN-002, SDS-TRAIN-001

    ``tolerance`` is ``None`` where the difference is measured and not judged (half precision). ``largest_difference``
    holds for each output the largest absolute difference divided by the larger of 1 and the largest absolute value of
    that output in the patch.
    """

    schema_version: Literal["lungai-parity/1"] = "lungai-parity/1"
    onnx_sha256: str
    patches: Annotated[int, Field(ge=1)]
    patches_sha256: str
    tolerance: float | None
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
    session = _session(model)
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
    report = _compare(net, model, patches, tolerance=_TOLERANCE)
    for name, difference in report.largest_difference:
        if difference > _TOLERANCE:
            raise _differs(f"difference {difference:.3g}", name)
    return report


def half_precision(model: bytes, /) -> bytes:
    """Convert a graph to half precision inside; its inputs and outputs stay single.

    :implements: SRS-TRAIN-015, SDS-TRAIN-001

    Parameters
    ----------
    model
        The ONNX file.

    Raises
    ------
    MissingDependencyError
        If no ONNX Runtime is installed.
    """
    load_runtime()
    converter = import_module("onnxruntime.transformers.float16")
    with warnings.catch_warnings():
        # The converter says of each weight below 6e-8 that it becomes 6e-8: what half precision is.
        warnings.filterwarnings("ignore", message="the float32 number .* will be truncated")
        converted = converter.convert_float_to_float16(onnx.load_from_string(model), keep_io_types=True)
    data: bytes = converted.SerializeToString()
    return data


def measure_half_precision(net: MultitaskNet, model: bytes, patches: Iterable[NDArray[np.float32]], /) -> ParityReport:
    """Measure how far a graph in half precision is from the network; nothing is refused.

    :implements: SRS-TRAIN-015, SDS-TRAIN-001

    Parameters
    ----------
    net
        The network, in evaluation mode.
    model
        From :func:`half_precision`.
    patches
        Each ``(1, 1, z, y, x)`` float32.
    """
    return _compare(net, model, patches, tolerance=None)


def _compare(
    net: MultitaskNet, model: bytes, patches: Iterable[NDArray[np.float32]], /, *, tolerance: float | None
) -> ParityReport:
    session, digest, count = _session(model), hashlib.sha256(), 0
    worst = dict.fromkeys(_NAMES, 0.0)
    for patch in patches:
        digest.update(patch.tobytes())
        count += 1
        with torch.no_grad():
            wanted = net(torch.from_numpy(patch))
        for name, found in zip(_NAMES, session.run(list(_NAMES), {INPUT_NAME: patch}), strict=True):
            worst[name] = max(worst[name], _difference(getattr(wanted, name).numpy(), found, name))
    return ParityReport(
        onnx_sha256=hashlib.sha256(model).hexdigest(),
        patches=count,
        patches_sha256=digest.hexdigest(),
        tolerance=tolerance,
        largest_difference=tuple(worst.items()),
        torch_version=torch.__version__,
        onnxruntime_version=str(load_runtime().__version__),
    )


def _difference(wanted: NDArray[np.float32], found: NDArray[np.float32], name: str, /) -> float:
    scale = max(1.0, float(np.max(np.abs(wanted))))
    difference = float(np.max(np.abs(wanted - found))) / scale
    if not np.isfinite(difference):
        raise _differs("an output that is not finite", name)
    return difference


def _differs(how: str, name: str, /) -> ExportParityError:
    return ExportParityError(
        f"The exported graph does not say what the network says ({how}).",
        where=f"output {name}",
        allowed=f"at most {_TOLERANCE:g} of the larger of 1 and the output's largest value",
        remedy="Do not release this export; compare the versions of torch and onnxruntime with the SOUP list.",
    )


def _session(model: bytes, /) -> Any:  # noqa: ANN401  # ONNX Runtime ships no types
    ort = load_runtime()
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(model, sess_options=options, providers=["CPUExecutionProvider"])
