"""The base of every value that is not an array."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["FrozenModel"]


class FrozenModel(BaseModel):
    """A pydantic model that is immutable, strict about types, and refuses unknown fields, NaN and infinity.

    :implements: SRS-DOM-004, SDS-DOM-004
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
