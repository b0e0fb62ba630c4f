from __future__ import annotations

import hashlib
import math
import re
from dataclasses import replace

import nibabel
import numpy as np
import pytest

from lungai_core.annotation.consensus import TieRule
from lungai_core.annotation.record import (
    AnnotationFile,
    Diameter,
    DiameterDefinition,
    Malignancy,
    MalignancyBasis,
    MaskReference,
    ReaderRole,
    write_annotations,
)
from lungai_core.dicom.reader import read_ct_series
from lungai_core.errors import ConsensusError, DataSetError, MaskFileError, TrainingPlanError
from lungai_core.testing.phantom import NoduleKind, PhantomNodule, PhantomSpec, make_phantom, nodule_coverage
from lungai_core.testing.series import write_phantom_series
from lungai_core.training.annotated import load_annotated
from lungai_core.training.plan import AnnotatedPlan, DataPlan, Lesson, Target, plan_sha256, read_plan
from lungai_core.training.run import count_folds, load_samples, train_fold
from lungai_core.training.samples import lesson_of, prepare, training_input
from support import annotations

TILT = math.radians(20)
OBLIQUE = (
    (0.0, -math.sin(TILT), math.cos(TILT)),
    (0.0, math.cos(TILT), math.sin(TILT)),
    (1.0, 0.0, 0.0),
)


def nifti(mask, geometry, path):
    affine = geometry.affine_lps_from_zyx[:, [2, 1, 0, 3]]
    affine[:2] *= -1
    nibabel.save(nibabel.Nifti1Image(mask.transpose(2, 1, 0).astype(np.uint8), affine), path)
    return MaskReference(file=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


class Project:
    """A folder with series and records of readers, as a hospital's reading project leaves them."""

    def __init__(self, folder):
        self.folder, self.reads = folder, []
        (folder / "ct").mkdir(parents=True)

    def series(self, *nodules, seed=1, **changes):
        fields = {"shape_zyx": (40, 56, 56), "spacing_zyx_mm": (2.0, 1.5, 1.5), "noise_hu": 10.0, **changes}
        phantom = make_phantom(PhantomSpec(seed=seed, nodules=nodules, **fields))
        uid = phantom.volume.series.series_instance_uid
        write_phantom_series(phantom, self.folder / "ct" / "some-patient" / uid)
        return phantom

    def add(self, phantom, nodule, reader, *, radius_mm=None, patient="p1", **changes):
        mask = None
        if radius_mm is not None:
            shape = nodule.model_copy(update={"diameter_mm": 2 * radius_mm})
            geometry = phantom.volume.geometry
            mask = nifti(
                nodule_coverage(shape, geometry) >= 0.5, geometry, self.folder / f"{nodule.nodule_id}-{reader}.nii"
            )
        fields = {
            "patient": patient,
            "study_instance_uid": phantom.volume.series.study_instance_uid,
            "series_instance_uid": phantom.volume.series.series_instance_uid,
            "frame_of_reference_uid": phantom.volume.series.frame_of_reference_uid,
            "center_lps_mm": nodule.center_lps_mm,
            "volume": None,
            "mask": mask,
            **changes,
        }
        self.reads.append(annotations.read(nodule.nodule_id, reader, **fields))

    def load(self, *, ties=TieRule.INSIDE, half_edge_mm=24.0, folds=4):
        path = write_annotations(AnnotationFile(annotations=tuple(self.reads)), self.folder / "annotations.json")
        return load_annotated(path, self.folder / "ct", half_edge_mm=half_edge_mm, ties=ties, folds=folds)


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path / "project")


def nodule(name="n1", center=(4.0, -6.0, 3.0), diameter_mm=10.0):
    return PhantomNodule(nodule_id=name, center_lps_mm=center, diameter_mm=diameter_mm, kind=NoduleKind.SOLID)


@pytest.mark.verifies("SRS-TRAIN-019", "SRS-TRAIN-006")
@pytest.mark.parametrize(
    "axes", [((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)), OBLIQUE], ids=["axial", "tilted"]
)
def test_the_patch_of_a_sample_is_that_of_the_whole_series(project, axes):
    one = nodule()
    phantom = project.series(one, axes_zyx_lps=axes)
    project.add(phantom, one, "r1", radius_mm=5.0)
    (sample,) = project.load()
    whole = read_ct_series(project.folder / "ct")
    assert sample.volume.stored.size < 0.8 * whole.stored.size
    assert len(sample.volume.series.sop_instance_uids) == sample.volume.stored.shape[0]
    full = replace(sample, volume=whole, mask=nodule_coverage(one, whole.geometry) >= 0.5)
    cut, wanted = prepare(sample, contract=training_input(32)), prepare(full, contract=training_input(32))
    assert np.array_equal(cut.values, wanted.values)
    assert np.array_equal(cut.mask, wanted.mask)
    assert cut.mask.any()


@pytest.mark.verifies("SRS-TRAIN-019")
def test_the_reads_of_a_nodule_become_one_sample(project):
    one, other = nodule(), nodule("n2", (-8.0, 4.0, -2.0), 6.0)
    phantom = project.series(one, other)
    for reader, radius, rating in (("r1", 4.0, 5), ("r2", 5.0, 4), ("r3", 6.0, 2), ("r4", 6.0, 1)):
        project.add(phantom, one, reader, radius_mm=radius, rating=rating, diameter=2 * radius)
    project.add(phantom, other, "r1", rating=2)
    first, second = project.load()
    assert first.labels.readings == (5, 4, 2, 1)
    assert (first.labels.diagnosis, first.labels.mean_rating) == (True, None)
    assert first.labels.diameter_mm == pytest.approx(10.5)
    # Two of four readers reach as far as 6 mm: the rule for ties decides whether the mask does.
    strict = project.load(ties=TieRule.OUTSIDE)[0]
    assert first.mask.sum() > 1.4 * strict.mask.sum() > 0
    assert (second.labels.diagnosis, second.labels.mean_rating, second.mask) == (None, False, None)
    assert (second.sample_id, second.patient_id, second.data_set) == ("n2", "p1", "annotations")
    with pytest.raises(ConsensusError):
        project.load(ties=TieRule.REFUSE)


@pytest.mark.verifies("SRS-TRAIN-019")
def test_an_arbiters_word_stands_for_all_and_the_raters_where_there_is_none(project):
    one = nodule()
    phantom = project.series(one)
    project.add(phantom, one, "r1", rating=1, radius_mm=4.0, diameter=8.0)
    project.add(phantom, one, "r2", rating=1, radius_mm=4.0, diameter=10.0)
    (rated,) = project.load()
    project.add(phantom, one, "s1", rating=4, role=ReaderRole.ARBITER, diameter=11.0)
    (decided,) = project.load()
    assert (decided.labels.readings, decided.labels.diagnosis, decided.labels.diameter_mm) == ((4,), True, 11.0)
    assert (rated.labels.readings, rated.labels.diagnosis, rated.labels.diameter_mm) == ((1, 1), False, 9.0)
    assert np.array_equal(decided.mask, rated.mask)
    silent = Malignancy(basis=MalignancyBasis.OPINION, rating=None)
    project.reads[-1] = project.reads[-1].model_copy(update={"malignancy": silent, "diameter": None})
    assert project.load()[0].labels == rated.labels


@pytest.mark.verifies("SRS-TRAIN-019")
@pytest.mark.parametrize("role", list(ReaderRole))
def test_proof_goes_before_every_opinion_and_is_what_is_learned(project, role):
    one = nodule()
    phantom = project.series(one)
    proof = Malignancy(basis=MalignancyBasis.PATHOLOGY, malignant=True)
    project.add(phantom, one, "r1", malignancy=proof, role=role)
    project.add(phantom, one, "r2", rating=1)
    project.add(phantom, one, "s1", rating=2, role=ReaderRole.ARBITER)
    (sample,) = project.load()
    assert sample.labels.diagnosis is True
    assert lesson_of(sample.labels, Target.DIAGNOSIS, Lesson.READINGS) == 1.0


@pytest.mark.verifies("SRS-TRAIN-019")
def test_of_a_reader_the_last_round_counts(project):
    one = nodule()
    phantom = project.series(one)
    for number, rating in ((2, 1), (1, 5)):
        for reader in ("r1", "r2"):
            project.add(phantom, one, reader, rating=rating, annotation_id=f"{reader}-{number}")
            read = project.reads[-1].read.model_copy(update={"round": number})
            project.reads[-1] = project.reads[-1].model_copy(update={"read": read})
    assert project.load()[0].labels.readings == (1, 1)


@pytest.mark.verifies("SRS-TRAIN-019")
def test_a_patients_fold_follows_from_the_pseudonym_alone(project):
    one = nodule()
    phantom = project.series(one)
    project.add(phantom, one, "r1", patient="p7")
    (before,) = project.load()
    for number in range(40):
        other = nodule(f"m{number}")
        project.add(phantom, other, "r1", patient=f"q{number}")
    after = project.load()
    assert after[0].fold == before.fold
    assert {sample.fold for sample in after} == {0, 1, 2, 3}


def _other_grid(project, phantom, one):
    project.add(phantom, one, "r1", radius_mm=4.0)
    grid = replace(phantom.volume.geometry, origin_lps_mm=(0.0, 0.0, 0.0))
    mask = nifti(nodule_coverage(one, grid) >= 0.5, grid, project.folder / "moved.nii")
    project.reads[-1] = project.reads[-1].model_copy(update={"mask": mask})


def _two_definitions(project, phantom, one):
    project.add(phantom, one, "r1")
    longest = Diameter(value_mm=9.0, definition=DiameterDefinition.LONGEST_3D)
    project.add(phantom, one, "r2")
    project.reads[-1] = project.reads[-1].model_copy(update={"diameter": longest})


def _two_patients(project, phantom, one):
    project.add(phantom, one, "r1")
    project.add(phantom, one, "r2", patient="p2")


def _two_proofs(project, phantom, one):
    for reader, malignant in (("r1", True), ("r2", False)):
        proof = Malignancy(basis=MalignancyBasis.PATHOLOGY, malignant=malignant)
        project.add(phantom, one, reader, malignancy=proof)


def _no_series(project, phantom, one):
    project.add(phantom, one, "r1", series_instance_uid="1.2.3")


def _two_folders(project, phantom, one):
    project.add(phantom, one, "r1")
    (project.folder / "ct" / "copy" / phantom.volume.series.series_instance_uid).mkdir(parents=True)


def _other_study(project, phantom, one):
    project.add(phantom, one, "r1", study_instance_uid="9.9.9")


def _other_frame(project, phantom, one):
    project.add(phantom, one, "r1", frame_of_reference_uid="8.8")


def _mask_elsewhere(project, phantom, one):
    project.add(phantom, one.model_copy(update={"center_lps_mm": (-20.0, 20.0, 3.0)}), "r1", radius_mm=4.0)
    project.reads[-1] = project.reads[-1].model_copy(update={"center_lps_mm": one.center_lps_mm})


def _far_centre(project, phantom, one):
    project.add(phantom, one, "r1", center_lps_mm=(900.0, 0.0, 0.0))


@pytest.mark.verifies("SRS-TRAIN-019")
@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_other_grid, "another grid"),
        (_two_definitions, "several definitions"),
        (_two_patients, "several patients"),
        (_two_proofs, "proof of both kinds"),
        (_no_series, "0 folders of its series"),
        (_two_folders, "2 folders of its series"),
        (_other_study, "not those of the series"),
        (_other_frame, "not those of the series"),
        (_mask_elsewhere, "does not surround its centre"),
        (_far_centre, "outside of its series"),
    ],
)
def test_a_nodule_that_contradicts_itself_or_its_series_is_named(project, spoil, why):
    one = nodule()
    spoil(project, project.series(one), one)
    with pytest.raises(DataSetError, match=why) as caught:
        project.load()
    assert caught.value.where == "nodule n1"


@pytest.mark.verifies("SRS-TRAIN-019")
def test_a_mask_that_was_changed_after_the_read_is_refused(project):
    one = nodule()
    phantom = project.series(one)
    project.add(phantom, one, "r1", radius_mm=4.0)
    (project.folder / "n1-r1.nii").write_bytes(b"other")
    with pytest.raises(MaskFileError, match="SHA-256"):
        project.load()


@pytest.mark.verifies("SRS-TRAIN-019", "SRS-TRAIN-005")
def test_a_plan_trains_on_annotated_nodules_alone(project, plan, host, tmp_path):
    spots = [(x, y, 0.0) for x in (-12.0, 12.0) for y in (-10.0, 10.0)]
    nodules = [nodule(f"n{number}", spot, 6.0 + 2 * (number % 2)) for number, spot in enumerate(spots)]
    for patient in range(6):
        phantom = project.series(*nodules, seed=patient + 1)
        for number, one in enumerate(nodules):
            named = one.model_copy(update={"nodule_id": f"{patient}-{number}"})
            for reader in ("r1", "r2"):
                rating = 5 if number % 2 else 1
                project.add(phantom, named, reader, radius_mm=one.diameter_mm / 2, patient=f"p{patient}", rating=rating)
    project.load()
    annotated = AnnotatedPlan(records="annotations.json", images="ct", ties="inside", folds=3)
    ours = plan.model_copy(
        update={
            "data": DataPlan(annotated=annotated, patch_size=32),
            "optimizer": plan.optimizer.model_copy(update={"epochs": 1}),
        }
    )
    samples = load_samples(ours, base=project.folder)
    assert (len(samples), count_folds(samples)) == (24, 3)
    assert all(sample.labels.diagnosis is bool(int(sample.sample_id[-1]) % 2) for sample in samples)
    record = train_fold(ours, samples, tmp_path / "run", fold=0, host=host)
    assert record.plan_sha256 == plan_sha256(ours)
    assert np.isfinite(record.rows[0].train_total)


@pytest.mark.verifies("SRS-TRAIN-005")
def test_plans_without_annotated_nodules_keep_the_hash_of_their_records(repository):
    record = (repository / "verification/model/lungai-small/fold-2/record.json").read_text(encoding="utf-8")
    assert plan_sha256(read_plan(repository / "design/training/small-lidc.toml")) in record


@pytest.mark.verifies("SRS-TRAIN-005")
def test_a_plan_without_nodules_is_told_what_it_lacks(repository, tmp_path):
    text = (repository / "design/training/small-lidc.toml").read_text(encoding="utf-8")
    path = tmp_path / "plan.toml"
    path.write_text(re.sub(r"(?m)^nodules = .*$", "", text), encoding="utf-8")
    with pytest.raises(TrainingPlanError, match="one of nodules and annotated is needed"):
        read_plan(path)
