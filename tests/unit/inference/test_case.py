from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import onnx
import pytest

from lungai_core.domain.candidate import Candidate, CandidateList
from lungai_core.domain.case_report import CaseStatus, InputKind, NoduleWarning, ReviewReason
from lungai_core.domain.contract import InputLimits, LimitAction, RangeLimit
from lungai_core.domain.texture import Texture
from lungai_core.errors import CandidateOfOtherSeriesError, CandidateOutsideVolumeError, InputOutsideLimitsError
from lungai_core.inference.case import analyze_case, refused_case
from lungai_core.inference.engine import InferenceEngine
from lungai_core.inference.providers import load_runtime
from lungai_core.modelpack.contract import Calibration, Provenance, ReviewRule, TensorSpec
from lungai_core.modelpack.reference import reference_input, sample_reference
from lungai_core.preprocess.patch import extract_patch

CENTER = (2.0, -3.0, 5.0)
CHOSEN = Provenance(method="test", data="none")


def _at(*centers):
    return CandidateList(
        candidates=tuple(Candidate(candidate_id=str(n + 1), center_lps_mm=c) for n, c in enumerate(centers))
    )


class _Answers:
    """A session that gives a sphere as mask and stated numbers, where the real one gives noise."""

    batch_sizes = (1,)

    def __init__(self, pack, info, *, radius_mm=8.0, diameter_mm=16.0, logit=-4.0, feature=0.1):
        self.pack, self.info = pack, info
        self.radius_mm, self.diameter_mm, self.logit, self.feature = radius_mm, diameter_mm, logit, feature

    def run(self, batch):
        outputs = self.pack.contract.outputs
        size = batch.shape[-1]
        axis = np.arange(size, dtype=np.float32) - (size - 1) / 2
        distance = np.sqrt(axis[:, None, None] ** 2 + axis[None, :, None] ** 2 + axis[None, None] ** 2)
        by_role = {
            "malignancy_logit": np.full((1,), self.logit, np.float32),
            "mask_logit": (self.radius_mm - distance)[None, None].astype(np.float32),
            "diameter_mm": np.full((1,), self.diameter_mm, np.float32),
            "evidence": np.ones((1, *outputs.evidence.shape[1:]), np.float32),
            "features": np.full((1, *outputs.features.shape[1:]), self.feature, np.float32),
        }
        roles = {getattr(outputs, role).name: values for role, values in by_role.items()}
        return tuple(roles[tensor.name] for tensor in outputs.tensors())


@pytest.fixture
def speaking(pack, engine, cpu_policy):
    """Build an engine that answers as told, over a pack that is called trained."""

    def build(*, trained=True, review=None, head=..., **answers):
        card = pack.card.model_copy(update={"trained": trained})
        changes = {} if review is None else {"review": review}
        changes |= {} if head is ... else {"head": head}
        changes["calibration"] = Calibration(slope=1.0, intercept=0.0, chosen=CHOSEN)
        contract = pack.contract.model_copy(update=changes)
        other = replace(pack, card=card, contract=contract)
        session = _Answers(other, engine._info, **answers)
        return InferenceEngine(other, session, policy=cpu_policy, self_test=0.0)

    return build


LENIENT = ReviewRule(samples=20, entropy_nats=0.7, mutual_information_nats=0.7, chosen=CHOSEN)


@pytest.fixture(scope="module")
def telling(pack, cpu_policy):
    """Build an engine over the bundled network with an output for texture: three of its features, bound to be so."""
    graph = onnx.load_from_string(pack.onnx)
    features = pack.contract.outputs.features
    constants = {"first": np.array([0]), "last": np.array([3]), "axis": np.array([1])}
    graph.graph.initializer.extend(onnx.numpy_helper.from_array(value, name) for name, value in constants.items())
    graph.graph.node.append(onnx.helper.make_node("Slice", [features.name, *constants], ["texture_logits"]))
    graph.graph.output.append(onnx.helper.make_tensor_value_info("texture_logits", onnx.TensorProto.FLOAT, ("N", 3)))
    spec = TensorSpec(name="texture_logits", shape=(None, 3))
    outputs = pack.contract.outputs.model_copy(update={"texture_logits": spec})
    content = graph.SerializeToString()
    session = load_runtime().InferenceSession(content, providers=["CPUExecutionProvider"])
    (found,) = session.run(["texture_logits"], {pack.contract.input_tensor.name: reference_input(pack.contract.input)})
    expected = (*pack.reference.outputs, sample_reference("texture_logits", found))
    other = replace(
        pack,
        onnx=content,
        contract=pack.contract.model_copy(update={"outputs": outputs}),
        reference=pack.reference.model_copy(update={"outputs": expected}),
    )
    with InferenceEngine.open(other, policy=cpu_policy) as engine:
        yield engine


@pytest.mark.verifies("SRS-INFER-013")
def test_a_model_that_tells_the_texture_has_it_in_each_result(volume, telling, engine):
    told = analyze_case(volume, _at(CENTER), engine=telling).nodules[0].texture
    patch = extract_patch(volume, _at(CENTER).candidates[0], contract=telling.pack.contract.input)
    (answer,) = telling.infer([patch])
    assert np.array_equal(answer.texture_logits, answer.features[:3])
    shares = np.exp(answer.texture_logits) / np.exp(answer.texture_logits).sum()
    assert told.texture is list(Texture)[int(np.argmax(shares))]
    assert told.probability == pytest.approx(shares.max(), abs=1e-6)
    assert analyze_case(volume, _at(CENTER), engine=engine).nodules[0].texture is None


@pytest.mark.verifies("SRS-INFER-009")
def test_a_case_gives_each_measure_in_its_unit(volume, speaking):
    report = analyze_case(volume, _at(CENTER), engine=speaking(review=LENIENT))
    (nodule,) = report.nodules
    assert report.status is CaseStatus.COMPLETE
    assert nodule.malignancy_probability == pytest.approx(1 / (1 + math.exp(4)), abs=1e-6)
    assert nodule.size.network_mm == 16.0
    assert nodule.size.sphere_mm == pytest.approx(16.0, abs=0.5)
    assert nodule.mask.volume_mm3 == pytest.approx(4 / 3 * math.pi * 512, rel=0.03)
    assert nodule.mask.mean_hu == pytest.approx(40, abs=40)
    assert nodule.sop_instance_uid == volume.series.sop_instance_uids[nodule.slice_number - 1]
    assert not nodule.suspicious
    assert (nodule.review_required, nodule.warnings) == (False, ())
    assert not report.review_required
    assert report.input.kind is InputKind.CT_SERIES


@pytest.mark.verifies("SRS-INFER-009", "SRS-DOM-011")
def test_two_runs_differ_in_their_timings_only(volume, engine):
    first, second = (analyze_case(volume, _at(CENTER), engine=engine) for _ in range(2))
    assert first.model_copy(update={"timings_s": None}) == second.model_copy(update={"timings_s": None})
    assert first.timings_s.total > 0


@pytest.mark.verifies("SRS-INFER-009", "RC-INFER-003")
def test_candidates_that_fail_are_listed_and_the_others_keep_their_results(volume, speaking):
    air = (CENTER[0], CENTER[1], CENTER[2])
    empty = replace(volume, stored=np.full_like(volume.stored, -1000))
    report = analyze_case(volume, _at(CENTER, (900.0, 0.0, 0.0)), engine=speaking(review=LENIENT))
    alone = analyze_case(volume, _at(CENTER), engine=speaking(review=LENIENT))
    assert report.status is CaseStatus.PARTIAL
    assert report.nodules == alone.nodules
    assert [(f.candidate_id, f.code) for f in report.failures] == [("2", CandidateOutsideVolumeError.code)]
    assert report.review_reasons == (ReviewReason.CANDIDATE_FAILED,)
    assert [f.code for f in analyze_case(empty, _at(air), engine=speaking()).failures] == ["LAI-INFER-002"]


@pytest.mark.verifies("SRS-INFER-004", "RC-INFER-003")
def test_a_candidate_with_a_value_that_is_not_finite_has_no_result(volume, speaking):
    report = analyze_case(volume, _at(CENTER), engine=speaking(logit=float("nan")))
    assert report.nodules == ()
    assert [f.code for f in report.failures] == ["LAI-INFER-004"]
    assert report.review_required


@pytest.mark.verifies("SRS-INFER-009")
def test_no_candidates_give_a_report_that_says_so(volume, speaking):
    report = analyze_case(volume, _at(), engine=speaking())
    assert (report.status, report.nodules, report.review_required) == (CaseStatus.NO_CANDIDATES, (), False)


@pytest.mark.verifies("SRS-INFER-009")
def test_a_refused_series_gives_a_report_with_the_code_and_without_the_path(engine):
    error = CandidateOutsideVolumeError("Refused.", where="/home/somebody/ct", remedy="Look.")
    report = refused_case(error, model=engine.model)
    assert (report.status, report.refusal.code) == (CaseStatus.REFUSED, "LAI-DOM-003")
    assert report.review_reasons == (ReviewReason.SERIES_REFUSED,)
    assert "somebody" not in report.model_dump_json()


@pytest.mark.verifies("SRS-INFER-009")
def test_candidates_of_another_series_are_refused(volume, engine):
    with pytest.raises(CandidateOfOtherSeriesError):
        analyze_case(volume, CandidateList(series_instance_uid="9.9", candidates=()), engine=engine)


@pytest.mark.verifies("SRS-INFER-010", "SRS-INFER-009")
def test_a_series_outside_the_models_range_is_flagged_or_refused_as_the_contract_says(volume, speaking):
    def limited(action):
        engine = speaking(review=LENIENT)
        limits = InputLimits(slice_spacing_mm=RangeLimit(action=action, upper=1.0))
        contract = engine.pack.contract.model_copy(update={"limits": limits})
        engine._pack = replace(engine.pack, contract=contract)
        return engine

    report = analyze_case(volume, _at(CENTER), engine=limited(LimitAction.FLAG))
    assert report.review_reasons == (ReviewReason.INPUT_OUTSIDE_LIMITS,)
    assert [flag.property_id for flag in report.input.flags] == ["slice_spacing_mm"]
    with pytest.raises(InputOutsideLimitsError):
        analyze_case(volume, _at(CENTER), engine=limited(LimitAction.REFUSE))


@pytest.mark.verifies("SRS-INFER-010")
@pytest.mark.parametrize(
    ("told", "reasons"),
    [
        ({"trained": False}, {ReviewReason.MODEL_NOT_TRAINED}),
        ({"radius_mm": -1.0}, {ReviewReason.MASK_EMPTY}),
        ({"diameter_mm": 10.0}, {ReviewReason.DIAMETERS_DISAGREE}),
        ({"diameter_mm": 12.0}, set()),
        ({"head": None}, {ReviewReason.UNCERTAINTY_NOT_AVAILABLE}),
    ],
)
def test_each_reason_for_a_second_reading_stands_alone(volume, speaking, told, reasons):
    (nodule,) = analyze_case(volume, _at(CENTER), engine=speaking(**{"review": LENIENT, **told})).nodules
    assert set(nodule.review_reasons) == reasons
    assert nodule.review_required == bool(reasons)


@pytest.mark.verifies("SRS-INFER-010", "RC-INFER-005")
@pytest.mark.parametrize("limit", ["entropy_nats", "mutual_information_nats"])
def test_an_uncertainty_that_reaches_a_limit_calls_for_a_second_reading(volume, speaking, limit):
    (measured,) = analyze_case(volume, _at(CENTER), engine=speaking(review=LENIENT, feature=3.0)).nodules
    reached = getattr(measured.uncertainty, limit)
    for value, expected in ((reached - 1e-6, True), (reached, True), (reached + 1e-6, False)):
        rule = LENIENT.model_copy(update={limit: max(value, 0.0)})
        (nodule,) = analyze_case(volume, _at(CENTER), engine=speaking(review=rule, feature=3.0)).nodules
        assert (ReviewReason.UNCERTAINTY_ABOVE_LIMIT in nodule.review_reasons) is expected


@pytest.mark.verifies("SRS-INFER-010")
def test_a_patch_that_hangs_over_the_edge_is_marked(volume, speaking):
    corner = tuple(float(v) for v in volume.geometry.lps_from_index((1, 40, 40)))
    (nodule,) = analyze_case(volume, _at(corner), engine=speaking(review=LENIENT)).nodules
    assert nodule.outside_fraction > 0.25
    assert NoduleWarning.PATCH_PARTLY_OUTSIDE_VOLUME in nodule.warnings
    assert ReviewReason.PATCH_PARTLY_OUTSIDE_VOLUME in nodule.review_reasons


@pytest.mark.verifies("SRS-INFER-005")
def test_a_mask_that_may_go_on_beyond_the_patch_is_a_warning(volume, speaking):
    (nodule,) = analyze_case(volume, _at(CENTER), engine=speaking(review=LENIENT, radius_mm=90.0)).nodules
    assert NoduleWarning.MASK_TOUCHES_PATCH_BORDER in nodule.warnings


@pytest.mark.verifies("SRS-INFER-009", "SRS-INFER-012")
def test_candidates_are_computed_in_groups_and_keep_their_order(volume, speaking, monkeypatch):
    engine = speaking(review=LENIENT)
    groups = []
    infer = engine.infer
    monkeypatch.setattr(type(engine), "group_size", 2)
    monkeypatch.setattr(engine, "infer", lambda patches: groups.append(len(patches)) or infer(patches))
    near = [(CENTER[0] + step, CENTER[1], CENTER[2]) for step in (0.0, 1.0, 2.0)]
    report = analyze_case(volume, _at(near[0], (900.0, 0.0, 0.0), *near[1:]), engine=engine)
    assert groups == [1, 2]
    assert [nodule.candidate_id for nodule in report.nodules] == ["1", "3", "4"]
    assert [failure.candidate_id for failure in report.failures] == ["2"]
    assert report.timings_s.total >= report.timings_s.patches + report.timings_s.network
