"""A small reading project for tests: four raters, a senior, two nodules."""

from __future__ import annotations

from datetime import UTC, datetime

from lungai_core.annotation.consensus import TieRule
from lungai_core.annotation.record import (
    Diameter,
    DiameterDefinition,
    Grade,
    GradingScheme,
    Malignancy,
    MalignancyBasis,
    NoduleAnnotation,
    Read,
    ReaderRole,
    Volume,
)
from lungai_core.annotation.workflow import ReadingPlan, ReadingProject
from lungai_core.domain.texture import Texture

RATERS = ("r1", "r2", "r3", "r4")
PLAN = ReadingPlan(plan_id="plan-1", raters=RATERS, senior="s1", ties=TieRule.INSIDE)
WHEN = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def read(nodule="n1", reader="r1", *, diameter=12.4, rating=4, role=ReaderRole.RATER, **changes):
    """Make one read."""
    fields = {
        "annotation_id": f"{nodule}-{reader}",
        "nodule_id": nodule,
        "patient": "p1",
        "study_instance_uid": "1.2.3",
        "series_instance_uid": "1.2.3.4",
        "frame_of_reference_uid": "1.2.3.5",
        "center_lps_mm": (-40.0, 20.0, 100.0),
        "spacing_zyx_mm": (1.0, 0.7, 0.7),
        "diameter": Diameter(value_mm=diameter, definition=DiameterDefinition.MEAN_OF_LONG_AND_SHORT_AXIS),
        "volume": Volume(value_mm3=904.0, method="voxels"),
        "malignancy": Malignancy(basis=MalignancyBasis.OPINION, rating=rating),
        "texture": Texture.SOLID,
        "grades": (Grade(scheme=GradingScheme.LUNG_RADS, version="v2022", value="4A"),),
        "read": Read(
            reader=reader,
            role=role,
            round=1,
            blinded_to=("other readers",),
            tool="viewer",
            tool_version="1.0",
            started=WHEN,
            finished=WHEN,
        ),
        **changes,
    }
    return NoduleAnnotation(**fields)


def project(*reads):
    """Make a project of the given reads, or of all raters on two nodules."""
    everything = tuple(read(nodule, rater) for nodule in ("n1", "n2") for rater in RATERS)
    return ReadingProject(plan=PLAN, reads=reads or everything)
