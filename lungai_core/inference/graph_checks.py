"""What every runtime is held to: the contract's tensors, and errors that say whose fault it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lungai_core.errors import DeviceMemoryError, ModelTensorError

if TYPE_CHECKING:
    from lungai_core.modelpack.contract import ModelContract, TensorSpec

__all__ = ["GraphTensor", "ProviderRefusedError", "first_line", "run_failure", "session_tensors", "unusable_graph"]

_OUT_OF_MEMORY = ("out of memory", "failed to allocate memory", "cuda_error_out_of_memory", "bad allocation")
_ORT_TYPES = {"float32": "tensor(float)", "float16": "tensor(float16)"}


class ProviderRefusedError(Exception):
    """A provider looked available and failed to load the network.

    :implements: SRS-INFER-002, SDS-INFER-002
    """


@dataclass(frozen=True, slots=True)
class GraphTensor:
    """An input or output as a runtime reports it; an empty ``kind`` where the runtime does not say more than the name.

    :implements: SRS-INFER-003, SDS-INFER-001
    """

    name: str
    kind: str
    shape: tuple[int | str | None, ...]


def session_tensors(
    contract: ModelContract, /, *, inputs: list[GraphTensor], outputs: list[GraphTensor]
) -> tuple[str, ...]:
    """Compare a graph's tensors with its contract, and return the names of the contract's outputs.

    :implements: SRS-INFER-003, SDS-INFER-001

    Parameters
    ----------
    inputs, outputs
        As the runtime reports them.

    Raises
    ------
    ModelTensorError
        If the graph has another number of inputs than one, lacks a tensor, or has it with another type or shape.
    """
    if len(inputs) != 1:
        raise _wrong_tensor(f"The graph has {len(inputs)} inputs.", contract.input_tensor)
    wanted_outputs = contract.outputs.tensors()
    for wanted, found in (((contract.input_tensor,), inputs), (wanted_outputs, outputs)):
        named = {tensor.name: tensor for tensor in found}
        for spec in wanted:
            tensor = named.get(spec.name)
            if tensor is None:
                raise _wrong_tensor(f"The graph has no tensor of this name; it has {sorted(named)}.", spec)
            if not _fits(tensor, spec):
                raise _wrong_tensor(f"The tensor is {tensor.kind} {tensor.shape}.", spec)
    return tuple(tensor.name for tensor in wanted_outputs)


def _fits(tensor: GraphTensor, spec: TensorSpec, /) -> bool:
    if not tensor.kind:
        return True
    # A size that the graph leaves open has a name or None there; such a size fits any.
    sizes_fit = len(tensor.shape) == len(spec.shape) and all(
        not isinstance(found, int) or wanted is None or found == wanted
        for found, wanted in zip(tensor.shape, spec.shape, strict=True)
    )
    return sizes_fit and tensor.kind == _ORT_TYPES[spec.dtype]


def _wrong_tensor(what: str, spec: TensorSpec, /) -> ModelTensorError:
    return ModelTensorError(
        what,
        where=f"tensor {spec.name}",
        allowed=f"{spec.dtype} {spec.shape}",
        remedy="Export the model again: its graph and its contract.json do not belong together.",
    )


def run_failure(error: BaseException, /, *, patches: int) -> DeviceMemoryError | ModelTensorError:
    """Return the error that a runtime's failure stands for.

    :implements: SRS-INFER-004, SDS-INFER-003

    Parameters
    ----------
    patches
        Size of the batch that failed.
    """
    text = str(error).lower()
    if not any(mark in text for mark in _OUT_OF_MEMORY):
        return unusable_graph(first_line(error))
    return DeviceMemoryError(
        "The device has too little memory for the network.",
        where=f"a batch of {patches} patches",
        allowed="a batch that fits the memory limit of the provider policy",
        remedy="Free the device, raise the policy's memory limit, or give smaller gpu_batch_sizes.",
    )


def unusable_graph(reason: str, /) -> ModelTensorError:
    """Return the error for a graph that a runtime cannot load or run.

    :implements: SRS-INFER-003, SDS-INFER-001
    """
    return ModelTensorError(
        f"The runtime cannot run the network ({reason}).",
        where="model.onnx",
        allowed="a graph of operators that this runtime knows, with the contract's tensors",
        remedy="Export the model again, or install the runtime version that it was released with.",
    )


def first_line(error: BaseException, /) -> str:
    """Return the first line of an error's text, at most 300 characters.

    :implements: SRS-INFER-002, SDS-INFER-002
    """
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
