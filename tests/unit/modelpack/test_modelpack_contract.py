from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from lungai_core.modelpack.contract import Calibration, ModelContract, ModelOutputs, Provenance, TensorSpec


@pytest.mark.verifies("SRS-PACK-003")
def test_a_contract_survives_json_bit_by_bit(contract):
    assert ModelContract.model_validate_json(contract.model_dump_json()) == contract


@pytest.mark.verifies("SRS-PACK-003")
@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("input_tensor", {"name": "patch", "shape": (None, 1, 32, 32, 16)}),
        ("outputs", {"malignancy_logit": {"name": "a", "shape": (None, 2)}}),
        (
            "outputs",
            {"malignancy_logit": {"name": "a", "shape": (None,)}, "mask_logit": {"name": "b", "shape": (None, 1)}},
        ),
        (
            "outputs",
            {"malignancy_logit": {"name": "a", "shape": (None,)}, "diameter_mm": {"name": "a", "shape": (None,)}},
        ),
        (
            "outputs",
            {
                "malignancy_logit": {"name": "a", "shape": (None,)},
                "evidence": {"name": "b", "shape": (None, 1, 5, 5, 5)},
            },
        ),
        (
            "outputs",
            {"malignancy_logit": {"name": "a", "shape": (None,)}, "features": {"name": "b", "shape": (None, 3)}},
        ),
        ("head", {"weights": (1.0, 2.0, 3.0), "bias": 0.0, "dropout_rate": 0.2}),
    ],
)
def test_parts_that_do_not_fit_each_other_are_refused(contract, part, value):
    with pytest.raises(ValidationError, match="do not fit the others"):
        ModelContract(**{**contract.model_dump(), part: value})


@pytest.mark.verifies("SRS-PACK-003")
def test_a_contract_needs_only_the_malignancy_output(contract):
    outputs = ModelOutputs(malignancy_logit=TensorSpec(name="logit", shape=(None,)))
    least = ModelContract(**{**contract.model_dump(), "outputs": outputs.model_dump(), "head": None, "review": None})
    assert [tensor.name for tensor in least.outputs.tensors()] == ["logit"]


@pytest.mark.verifies("SRS-PACK-003", "SRS-INFER-013")
def test_a_texture_has_three_classes_and_a_contract_without_it_is_written_as_before(contract):
    assert "texture_logits" not in contract.model_dump_json()
    outputs = contract.outputs.model_dump()
    for classes, fits in ((3, True), (2, False)):
        outputs["texture_logits"] = {"name": "texture", "shape": (None, classes)}
        if fits:
            told = ModelContract(**{**contract.model_dump(), "outputs": outputs})
            assert [tensor.name for tensor in told.outputs.tensors()][-1] == "texture"
            assert ModelContract.model_validate_json(told.model_dump_json()) == told
        else:
            with pytest.raises(ValidationError, match=r"outputs\.texture_logits"):
                ModelContract(**{**contract.model_dump(), "outputs": outputs})


@pytest.mark.verifies("SRS-PACK-003")
@pytest.mark.parametrize("shape", [(), (1, 2), (None, None), (None, 0)])
def test_only_the_batch_axis_of_a_tensor_is_free(shape):
    with pytest.raises(ValidationError):
        TensorSpec(name="x", shape=shape)


@pytest.mark.verifies("SRS-PACK-003")
def test_a_calibrated_probability_is_the_logistic_of_the_scaled_logit_and_never_overflows():
    calibration = Calibration(slope=2.0, intercept=1.0, chosen=Provenance(method="m", data="d"))
    for logit in (-3.0, 0.0, 3.0):
        assert math.isclose(calibration.probability(logit), 1 / (1 + math.exp(-(2 * logit + 1))), rel_tol=1e-12)
    assert calibration.probability(-1e6) == 0.0
    assert calibration.probability(1e6) == 1.0
