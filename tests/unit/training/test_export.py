from __future__ import annotations

import json

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from lungai_core.errors import CheckpointMismatchError, ExportParityError
from lungai_core.files import sha256_file
from lungai_core.model.net import build_net
from lungai_core.model.spec import TINY
from lungai_core.modelpack.pack import open_pack
from lungai_core.modelpack.reference import check_reference, reference_input
from lungai_core.training.crossval import cross_validate
from lungai_core.training.export import (
    DEFAULT_INPUT,
    Release,
    conventional_decisions,
    export_pack,
    export_trained,
    export_untrained,
)
from lungai_core.training.onnx_export import Precisions, run_onnx
from lungai_core.training.parity import Patches, parity_patches


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packs") / "tiny"
    return export_untrained(TINY, folder, seed=1, patches=Patches(random=1), precisions=Precisions.SINGLE_AND_HALF)


@pytest.mark.verifies("SRS-TRAIN-004", "RC-PACK-003")
def test_a_pack_with_random_weights_says_so(pack):
    assert pack.card.trained is False
    assert "random, seed 1" in pack.card.weights_origin
    assert pack.contract.model_name == "lungai-tiny"


@pytest.mark.verifies("SRS-TRAIN-001", "SRS-PACK-005")
def test_the_graph_of_a_pack_gives_its_reference_outputs(pack):
    assert check_reference(pack.reference, run_onnx(pack.onnx, reference_input(pack.contract.input))) <= 1e-6


@pytest.mark.verifies("SRS-TRAIN-003", "SRS-PACK-003")
def test_the_head_in_the_contract_gives_the_logit_from_the_features(pack):
    found = run_onnx(pack.onnx, list(parity_patches(Patches(random=1), contract=DEFAULT_INPUT))[1])
    logit = sum(w * float(f) for w, f in zip(pack.contract.head.weights, found["features"][0], strict=True))
    assert abs(logit + pack.contract.head.bias - float(found["malignancy_logit"][0])) < 1e-5
    assert pack.contract.head.dropout_rate == TINY.dropout


@pytest.mark.verifies("SRS-TRAIN-003")
def test_thresholds_by_convention_say_that_no_data_were_used(pack):
    for part in (pack.contract.calibration, pack.contract.operating_point, pack.contract.mask_probability):
        assert part.chosen.data == "none"
        assert part.chosen.record_sha256 is None


@pytest.mark.verifies("SRS-TRAIN-002", "SRS-TRAIN-015")
def test_both_parity_reports_travel_in_the_pack_and_only_single_precision_is_judged(pack):
    single, half = (json.loads(pack.attachments[f"parity{suffix}.json"]) for suffix in ("", "_fp16"))
    assert (single["patches"], half["patches"]) == (2, 2)
    assert (single["tolerance"], half["tolerance"]) == (1e-4, None)
    assert max(value for _, value in single["largest_difference"]) <= 1e-4
    assert 0 < max(value for _, value in half["largest_difference"]) < 0.05
    assert len(pack.attachments["model_fp16.onnx"]) < len(pack.onnx)
    assert open_pack(pack.path).sha256 == pack.sha256


@pytest.mark.verifies("SRS-TRAIN-002", "RC-TRAIN-001")
def test_nothing_is_written_when_graph_and_network_differ(pack, tmp_path, monkeypatch):
    monkeypatch.setattr("lungai_core.training.export.export_onnx", lambda *_, **__: pack.onnx)
    release = Release(pack.card, DEFAULT_INPUT, conventional_decisions(), Patches(random=0), {})
    with pytest.raises(ExportParityError):
        export_pack(build_net(TINY, seed=2), release, tmp_path / "p")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.verifies("SRS-TRAIN-017")
def test_the_bill_of_materials_is_valid_cyclonedx_and_names_the_graph(pack):
    text = pack.attachments["sbom.cdx.json"].decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    model = json.loads(text)["metadata"]["component"]
    assert model["hashes"] == [{"alg": "SHA-256", "content": pack.model_sha256}]


@pytest.fixture(scope="module")
def run(plan, samples, host, tmp_path_factory):
    short = plan.model_copy(update={"optimizer": plan.optimizer.model_copy(update={"epochs": 1})})
    folder = tmp_path_factory.mktemp("cv")
    cross_validate(short, samples, folder, host=host)
    return folder


@pytest.mark.verifies("SRS-TRAIN-016", "SRS-TRAIN-003", "SRS-TRAIN-002")
def test_a_trained_pack_has_its_figures_from_the_evaluation_and_its_thresholds_from_the_fold(
    run, nodules_folder, tmp_path
):
    patches = Patches(random=1, real=2, nodules=nodules_folder)
    pack = export_trained(run, tmp_path / "pack", fold=1, patches=patches)
    evaluation = json.loads((run / "evaluation.json").read_text())
    assert [figure.value for figure in pack.card.figures] == [figure["value"] for figure in evaluation["figures"]]
    assert {figure.source_sha256 for figure in pack.card.figures} == {sha256_file(run / "evaluation.json")}
    assert pack.attachments["evaluation.json"] == (run / "evaluation.json").read_bytes()
    assert pack.attachments["training_record.json"] == (run / "fold-1" / "record.json").read_bytes()
    assert pack.contract.operating_point.chosen.record_sha256 == sha256_file(run / "choices-1.json")
    assert (pack.card.trained, pack.contract.input.size_zyx) == (True, (32, 32, 32))
    assert json.loads(pack.attachments["parity.json"])["patches"] == 4


@pytest.mark.verifies("SRS-TRAIN-010", "SRS-TRAIN-016")
def test_a_run_without_its_checkpoint_is_not_exported(run, tmp_path):
    (checkpoint,) = (run / "fold-0" / "checkpoints").iterdir()
    checkpoint.rename(tmp_path / "gone")
    with pytest.raises(CheckpointMismatchError):
        export_trained(run, tmp_path / "pack", fold=0, patches=Patches(random=0))
    assert not (tmp_path / "pack").exists()
