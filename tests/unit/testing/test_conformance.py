from __future__ import annotations

import pytest

from lungai_core.errors import ConformanceError
from lungai_core.inference.providers import Provider, ProviderPolicy
from lungai_core.modelpack.pack import PackParts, bundled_pack, open_pack, write_pack
from lungai_core.testing.conformance import ConformanceCheck, require_conformance

pytest.importorskip("onnxruntime", reason="a model runs: extra [inference]")

ON_CPU = ProviderPolicy(providers=(Provider.CPU,))


@pytest.mark.verifies("SRS-TEST-004")
def test_the_bundled_model_keeps_its_contract():
    checks = require_conformance(open_pack(bundled_pack()), policy=ON_CPU)
    assert [check.name for check in checks] == ["repeatable", "batch", "diameter", "head", "evidence"]
    assert all(check.difference <= check.allowed < 1e-3 for check in checks)


@pytest.mark.verifies("SRS-TEST-004")
def test_a_pack_with_the_head_of_another_network_is_named(tmp_path):
    pack = open_pack(bundled_pack())
    head = pack.contract.head.model_copy(update={"bias": pack.contract.head.bias + 1.0})
    contract = pack.contract.model_copy(update={"head": head})
    parts = PackParts(
        contract=contract, card=pack.card, reference=pack.reference, onnx=pack.onnx, attachments=pack.attachments
    )
    with pytest.raises(ConformanceError) as refused:
        require_conformance(write_pack(parts, tmp_path / "pack"), policy=ON_CPU)
    assert refused.value.where == "head: 1; evidence: 1"


@pytest.mark.verifies("SRS-TEST-004")
@pytest.mark.parametrize(("difference", "passed"), [(0.0, True), (0.1, True), (0.2, False), (float("inf"), False)])
def test_a_promise_is_kept_up_to_what_is_allowed(difference, passed):
    check = ConformanceCheck.model_construct(name="head", difference=difference, allowed=0.1)
    assert check.passed is passed
