"""The identity of a CT series for volumes that a test makes of an array."""

from __future__ import annotations

from lungai_core.domain.volume import CtSeries


def series_of(slices=0, **changes):
    """Return an identity with one SOP Instance UID a slice, and with the changes that a test asks for."""
    fields = {
        "study_instance_uid": "1.2.3",
        "series_instance_uid": "1.2.3.4",
        "frame_of_reference_uid": "1.2.3.5",
        "sop_class_uid": "1.2.840.10008.5.1.4.1.1.2",
        "sop_instance_uids": tuple(f"1.2.3.4.{z}" for z in range(slices)),
    }
    return CtSeries(**(fields | changes))
