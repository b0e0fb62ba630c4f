from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from lungai_core.annotation.consensus import TieRule
from lungai_core.annotation.masks import Mask
from lungai_core.annotation.record import Malignancy, MalignancyBasis, ReaderRole, annotation_sha256
from lungai_core.annotation.workflow import (
    Arbitration,
    DisagreementKind,
    ReadingPlan,
    arbitrate,
    check_reads,
    find_disagreements,
    read_project,
    verify_project,
    write_project,
)
from lungai_core.domain.geometry import Geometry
from lungai_core.domain.texture import Texture
from lungai_core.errors import AnnotationFileError, ConsensusError, ReadingProtocolError

GEOMETRY = Geometry(shape_zyx=(4, 8, 8), spacing_zyx_mm=(1.0, 1.0, 1.0), origin_lps_mm=(0.0, 0.0, 0.0))


def _mask(start, geometry=GEOMETRY):
    values = np.zeros(geometry.shape_zyx, dtype=bool)
    values[1:3, 2:5, start : start + 3] = True
    return Mask(values=values, geometry=geometry)


def _decision(made, project, nodule="n1", **changes):
    fields = {"annotation_id": f"{nodule}-senior", "role": ReaderRole.ARBITER, **changes}
    decision = made.read(nodule, fields.pop("reader", "s1"), **fields)
    reads = tuple(annotation_sha256(read) for read in project.reads if read.nodule_id == nodule)
    return Arbitration(
        nodule_id=nodule, reads=reads, decision=decision, reason="solid on thin slices", decided=made.WHEN
    )


@pytest.mark.verifies("SRS-ANNO-007")
def test_a_senior_who_rates_is_refused():
    with pytest.raises(ValidationError, match="senior is not one"):
        ReadingPlan(plan_id="p", raters=("a", "b"), senior="a", ties=TieRule.INSIDE)


@pytest.mark.verifies("SRS-ANNO-007")
def test_alike_reads_of_all_raters_are_no_disagreement(made):
    project = made.project()
    assert find_disagreements(project.reads, plan=project.plan) == ()


@pytest.mark.verifies("SRS-ANNO-007")
def test_each_trigger_fires_for_what_it_names(made):
    reads = (
        made.read(reader="r1", diameter=12.4, rating=4),
        made.read(reader="r2", diameter=15.0, rating=2, texture=Texture.PART_SOLID, grades=()),
        made.read(reader="r3", diameter=12.5, malignancy=Malignancy(basis=MalignancyBasis.PATHOLOGY, malignant=True)),
    )
    masks = {"n1-r1": _mask(1), "n1-r2": _mask(3)}
    found = find_disagreements(reads, plan=made.PLAN, masks=masks)
    kinds = [one.kind for one in found]
    assert kinds.count(DisagreementKind.DIAMETER) == 2
    assert set(kinds) == set(DisagreementKind) - {DisagreementKind.GRADE}
    missing = next(one for one in found if one.kind is DisagreementKind.DETECTION)
    assert (missing.readers, missing.detail) == (("r4",), "marked by 3 of 4")


@pytest.mark.verifies("SRS-ANNO-007")
def test_values_stand_in_the_order_of_their_readers(made):
    reads = [
        made.read(reader=name, diameter=size) for name, size in (("r4", 9.0), ("r1", 6.0), ("r2", 7.0), ("r3", 7.0))
    ]
    found = next(one for one in find_disagreements(reads, plan=made.PLAN) if one.kind is DisagreementKind.DIAMETER)
    assert (found.readers, found.detail) == (("r1", "r4"), "6.0 and 9.0 mm, limit 1.5 mm")


@pytest.mark.verifies("SRS-ANNO-007")
def test_different_grades_and_undecided_ratings(made):
    other = made.read().grades[0].model_copy(update={"value": "3"})
    reads = [made.read(reader=name) for name in made.RATERS[:2]]
    reads += [made.read(reader="r3", rating=3, grades=(other,)), made.read(reader="r4", malignancy=None)]
    kinds = [one.kind for one in find_disagreements(reads, plan=made.PLAN)]
    assert kinds == [DisagreementKind.GRADE]
    benign = Malignancy(basis=MalignancyBasis.STABLE_FOR_TWO_YEARS, malignant=False)
    reads[3] = made.read(reader="r4", malignancy=benign)
    kinds = [one.kind for one in find_disagreements(reads, plan=made.PLAN)]
    assert DisagreementKind.MALIGNANCY in kinds


@pytest.mark.verifies("SRS-ANNO-007")
def test_two_empty_masks_of_a_marked_nodule_do_not_agree(made):
    empty = Mask(values=np.zeros(GEOMETRY.shape_zyx, dtype=bool), geometry=GEOMETRY)
    reads = [made.read(reader=name) for name in made.RATERS]
    found = find_disagreements(reads, plan=made.PLAN, masks={"n1-r1": empty, "n1-r2": empty})
    assert [one.kind for one in found] == [DisagreementKind.MASK]


@pytest.mark.verifies("SRS-ANNO-007", "RC-ANNO-003")
def test_masks_of_different_grids_are_refused(made):
    other = Geometry(shape_zyx=(4, 8, 8), spacing_zyx_mm=(2.0, 1.0, 1.0), origin_lps_mm=(0.0, 0.0, 0.0))
    reads = [made.read(reader=name) for name in made.RATERS]
    with pytest.raises(ConsensusError, match="different grids"):
        find_disagreements(reads, plan=made.PLAN, masks={"n1-r1": _mask(1), "n1-r2": _mask(1, other)})


@pytest.mark.verifies("SRS-ANNO-007", "RC-ANNO-001")
@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"reader": "stranger"}, "not a rater"),
        ({"reader": "s1"}, "not a rater"),
        ({"role": ReaderRole.ARBITER}, "not a rater"),
        ({"blinded_to": ()}, "not blinded"),
        ({"round": 2}, "plan has 1 rounds"),
    ],
)
def test_a_read_that_the_plan_does_not_allow_is_refused(made, change, what):
    read = made.read()
    broken = read.model_copy(update={"read": read.read.model_copy(update=change)})
    with pytest.raises(ReadingProtocolError, match=what):
        check_reads([broken], plan=made.PLAN)


@pytest.mark.verifies("SRS-ANNO-007", "RC-ANNO-001")
def test_a_second_read_of_one_round_is_refused(made):
    with pytest.raises(ReadingProtocolError, match="twice in one round"):
        check_reads([made.read(), made.read(annotation_id="again")], plan=made.PLAN)


@pytest.mark.verifies("SRS-ANNO-007", "RC-ANNO-001")
def test_an_arbitration_adds_and_leaves_the_reads(made, tmp_path):
    project = made.project()
    decided = arbitrate(project, _decision(made, project))
    assert decided.reads == project.reads
    assert [one.decision.read.reader for one in decided.arbitrations] == ["s1"]
    path = write_project(decided, tmp_path / "project.json")
    assert read_project(path) == decided
    with pytest.raises(ReadingProtocolError, match="decided already"):
        arbitrate(decided, _decision(made, project, annotation_id="second"))


@pytest.mark.verifies("SRS-ANNO-007", "RC-ANNO-001")
@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"annotation_id": "n1-r1"}, "overwrite"),
        ({"reader": "r1"}, "not that of the plan's senior"),
        ({"role": ReaderRole.RATER}, "not that of the plan's senior"),
    ],
)
def test_a_decision_that_would_touch_a_read_is_refused(made, change, what):
    project = made.project()
    with pytest.raises(ReadingProtocolError, match=what):
        arbitrate(project, _decision(made, project, **change))


@pytest.mark.verifies("SRS-ANNO-007", "RC-ANNO-001")
def test_a_decision_on_other_reads_or_another_nodule_is_refused(made):
    project = made.project()
    good = _decision(made, project)
    with pytest.raises(ReadingProtocolError, match="not those that the senior saw"):
        arbitrate(project, good.model_copy(update={"reads": good.reads[:-1]}))
    with pytest.raises(ReadingProtocolError, match="another nodule"):
        arbitrate(project, good.model_copy(update={"nodule_id": "n2"}))


@pytest.mark.verifies("SRS-ANNO-007", "RC-ANNO-001")
def test_a_read_changed_after_its_arbitration_is_found(made):
    project = made.project()
    decided = arbitrate(project, _decision(made, project))
    changed = decided.model_copy(update={"reads": (made.read(rating=1), *decided.reads[1:])})
    verify_project(decided)
    with pytest.raises(ReadingProtocolError, match="not those that the senior saw"):
        verify_project(changed)


@pytest.mark.verifies("SRS-ANNO-007")
def test_a_file_that_is_no_project_is_refused(tmp_path):
    path = tmp_path / "project.json"
    path.write_text("{}")
    with pytest.raises(AnnotationFileError, match="LAI-ANNO-001"):
        read_project(path)
