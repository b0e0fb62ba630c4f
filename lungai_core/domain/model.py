"""The base of every value that is not an array."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["FrozenModel", "is_absent"]


class FrozenModel(BaseModel):
    """A pydantic model that is immutable, strict about types, and refuses unknown fields, NaN and infinity.

    :implements: SRS-DOM-004, SDS-DOM-004
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def is_absent(value: object, /) -> bool:
    """Tell whether a field is ``None``, for a field that was added to a record whose bytes are hashed.

    :implements: SRS-DOM-004, SDS-DOM-004

    Given as pydantic's ``exclude_if``, it keeps such a field out of what is written where it has no value, so that
    records from before there was the field keep their hashes.

    Parameters
    ----------
    value
        Of the field.
    """
    return value is None
