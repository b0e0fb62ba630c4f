"""What a network needs of memory, as its exporter counted it in the graph."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lungai_core.domain.model import FrozenModel

__all__ = ["MemoryNeed"]


class MemoryNeed(FrozenModel):
    """Memory of a graph in float32, as the file ``memory.json`` of a pack holds it.

    :implements: SRS-PACK-009, SDS-PACK-008

    ``activation_bytes_per_patch`` is the largest sum of tensors that are alive at one time, when the nodes run in the
    order of the graph. A runtime that plans better needs less; the working space of its convolutions comes on top.
    """

    schema_version: Literal["lungai-memory/1"] = "lungai-memory/1"
    weights_bytes: Annotated[int, Field(ge=0)]
    activation_bytes_per_patch: Annotated[int, Field(ge=1)]

    def estimate_bytes(self, *, patches: int) -> int:
        """Return the estimate for a batch, in bytes.

        :implements: SRS-PACK-009, SDS-PACK-008

        Parameters
        ----------
        patches
            Size of the batch.
        """
        return self.weights_bytes + patches * self.activation_bytes_per_patch
