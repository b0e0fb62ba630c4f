"""What a nodule consists of, as readers and models say it."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Texture"]


class Texture(StrEnum):
    """The density of a nodule: a reader's word, and the classes of a model that has them, in this order.

    :implements: SRS-ANNO-001, SRS-INFER-013, SDS-ANNO-001
    """

    SOLID = "solid"
    PART_SOLID = "part-solid"
    GROUND_GLASS = "ground-glass"
