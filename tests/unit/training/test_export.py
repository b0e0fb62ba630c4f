from __future__ import annotations

import pytest

from lungai_core.errors import ExportParityError
from lungai_core.model.net import build_net
from lungai_core.model.spec import TINY
from lungai_core.modelpack.pack import open_pack
from lungai_core.modelpack.reference import check_reference, reference_input
from lungai_core.training.export import (
    DEFAULT_INPUT,
    conventional_decisions,
    export_pack,
    export_untrained,
    parity_patches,
)
from lungai_core.training.onnx_export import run_onnx


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return export_untrained(TINY, tmp_path_factory.mktemp("packs") / "tiny", seed=1, parity=1)


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
    found = run_onnx(pack.onnx, next(parity_patches(DEFAULT_INPUT, count=1, seed=9)))
    logit = sum(w * float(f) for w, f in zip(pack.contract.head.weights, found["features"][0], strict=True))
    assert abs(logit + pack.contract.head.bias - float(found["malignancy_logit"][0])) < 1e-5
    assert pack.contract.head.dropout_rate == TINY.dropout


@pytest.mark.verifies("SRS-TRAIN-003")
def test_thresholds_by_convention_say_that_no_data_were_used(pack):
    for part in (pack.contract.calibration, pack.contract.operating_point, pack.contract.mask_probability):
        assert part.chosen.data == "none"
        assert part.chosen.record_sha256 is None


@pytest.mark.verifies("SRS-TRAIN-002")
def test_the_parity_report_travels_in_the_pack(pack):
    assert b'"patches": 2' in pack.attachments["parity.json"]
    assert open_pack(pack.path).sha256 == pack.sha256


@pytest.mark.verifies("SRS-TRAIN-002", "RC-TRAIN-001")
def test_nothing_is_written_when_graph_and_network_differ(pack, tmp_path, monkeypatch):
    monkeypatch.setattr("lungai_core.training.export.export_onnx", lambda *_, **__: pack.onnx)
    with pytest.raises(ExportParityError):
        export_pack(build_net(TINY, seed=2), pack.card, tmp_path / "p", decisions=conventional_decisions(), parity=0)
    assert list(tmp_path.iterdir()) == []
