"""A small phantom series with a result of three nodules, two of which overlap, and the images it belongs to."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from lungai_core.dicom.source_images import SourceImages
from lungai_core.dicom.stamps import ObjectStamp
from lungai_core.domain.case_report import (
    CandidateFailure,
    CaseReport,
    CaseStatus,
    ExplanationMap,
    Grid,
    InputIdentity,
    InputKind,
    ModelIdentity,
    NoduleMask,
    NoduleResult,
    NoduleSize,
    ReviewReason,
    SoftwareIdentity,
    Timings,
    Uncertainty,
)
from lungai_core.domain.geometry import Geometry
from lungai_core.domain.mask import encode_mask
from lungai_core.testing.phantom import PhantomSpec, make_phantom
from lungai_core.testing.series import slice_dataset

pytest.importorskip("highdicom", reason="highdicom is not installed")

SPEC = PhantomSpec(shape_zyx=(16, 48, 40), spacing_zyx_mm=(8.0, 7.0, 8.0), noise_hu=0.0, nodules=())
MOMENT = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001  DICOM times are local


def make_source(spec=SPEC):
    phantom = make_phantom(spec)
    headers = [slice_dataset(phantom, index=z) for z in range(spec.shape_zyx[0])]
    for header in headers:
        del header.PixelData
    return SourceImages(dict(enumerate(headers)), phantom.volume)


def make_nodule(volume, candidate_id, box, **changes):
    inside = np.zeros(volume.geometry.shape_zyx, np.bool_)
    inside[box] = True
    mask = None
    if inside.any():
        mask = NoduleMask(
            box=encode_mask(inside), voxels=int(inside.sum()), volume_mm3=1234.5, mean_hu=-20.5, sd_hu=30.0
        )
    center = tuple(float(v) for v in volume.geometry.lps_from_index((7, 20, 20)))
    uncertainty = Uncertainty(
        samples=20,
        dropout_rate=0.2,
        seed="a" * 64,
        mean_probability=0.7,
        mean_probability_se=0.01,
        probability_sd=0.05,
        logit_sd=0.2,
        logit_sd_closed_form=0.21,
        entropy_nats=0.61,
        entropy_nats_se=0.01,
        entropy_limit_nats=0.6,
        mutual_information_nats=0.01,
        mutual_information_nats_se=0.001,
        mutual_information_limit_nats=0.05,
    )
    grid = Geometry((3, 4, 5), (8.0, 8.0, 8.0), center, volume.geometry.axes_zyx_lps)
    explanation = ExplanationMap(
        method="class_activation_map",
        grid=Grid.from_geometry(grid),
        scale=2.55,
        values=tuple(range(60)),
        mass_inside_mask=None,
    )
    record = {
        "candidate_id": candidate_id,
        "center_lps_mm": center,
        "slice_number": 8,
        "sop_instance_uid": volume.series.sop_instance_uids[7],
        "malignancy_logit": 0.85,
        "malignancy_probability": 0.7,
        "calibration": "Platt scaling",
        "operating_point": 0.5,
        "suspicious": True,
        "size": NoduleSize(network_mm=16.2, sphere_mm=16.0, long_axis_mm=16.5),
        "mask": mask,
        "uncertainty": uncertainty,
        "explanation": explanation,
        "outside_fraction": 0.1,
        "warnings": (),
        "review_required": True,
        "review_reasons": (ReviewReason.UNCERTAINTY_ABOVE_LIMIT,),
    }
    return NoduleResult(**{**record, **changes})


def make_report(volume, nodules):
    identity = InputIdentity(
        kind=InputKind.PHANTOM,
        study_instance_uid=volume.series.study_instance_uid,
        series_instance_uid=volume.series.series_instance_uid,
        frame_of_reference_uid=volume.series.frame_of_reference_uid,
        sha256="c" * 64,
        candidates_sha256="d" * 64,
        grid=Grid.from_geometry(volume.geometry),
    )
    return CaseReport(
        status=CaseStatus.PARTIAL if nodules else CaseStatus.NO_CANDIDATES,
        software=SoftwareIdentity(version="0.1.0"),
        model=ModelIdentity(name="m", version="1.0.0", trained=False, sha256="a" * 64, contract_sha256="b" * 64),
        input=identity,
        execution=None,
        nodules=nodules,
        failures=(CandidateFailure(candidate_id="9", code="LAI-DOM-003", message="Outside."),) if nodules else (),
        refusal=None,
        review_required=bool(nodules),
        review_reasons=(ReviewReason.MODEL_NOT_TRAINED, ReviewReason.CANDIDATE_FAILED) if nodules else (),
        timings_s=Timings(patches=0.1, network=0.2, results=0.3, total=0.6),
    )


BOXES = {"a": np.s_[3:6, 10:14, 8:12], "b": np.s_[9:12, 20:30, 20:25], "c": np.s_[11:14, 28:33, 20:25]}


@pytest.fixture(scope="session")
def source():
    return make_source()


@pytest.fixture(scope="session")
def stamp(source):
    nodules = tuple(make_nodule(source.volume, name, box) for name, box in BOXES.items())
    return ObjectStamp(make_report(source.volume, nodules), MOMENT)


@pytest.fixture(scope="session")
def apart(stamp):
    """The same without the nodule that overlaps another."""
    return ObjectStamp(stamp.report.model_copy(update={"nodules": stamp.report.nodules[:2]}), MOMENT)


@pytest.fixture(scope="session")
def nothing(source):
    return ObjectStamp(make_report(source.volume, ()), MOMENT)


@pytest.fixture(scope="session")
def builders():
    return {"source": make_source, "nodule": make_nodule, "report": make_report, "spec": SPEC}
