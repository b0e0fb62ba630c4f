from __future__ import annotations

import numpy as np
import pytest

from lungai_core.domain.contract import PREPROCESSING_ALGORITHM, InputContract, InputLimits, preprocessing_sha256
from lungai_core.modelpack.card import BilingualText, ModelCard
from lungai_core.modelpack.contract import (
    Calibration,
    LinearHead,
    ModelContract,
    ModelOutputs,
    OperatingPoint,
    Provenance,
    ReviewRule,
    TensorSpec,
)
from lungai_core.modelpack.pack import PackParts
from lungai_core.modelpack.reference import ReferenceOutputs, sample_reference


@pytest.fixture
def contract():
    patch = InputContract(
        size_zyx=(32, 32, 32), spacing_zyx_mm=(1.0, 1.0, 1.0), lower_hu=-1000.0, upper_hu=400.0, fill_hu=-1000.0
    )
    convention = Provenance(method="convention", data="none")
    return ModelContract(
        model_name="test-model",
        model_version="1.2.3",
        input=patch,
        limits=InputLimits(),
        input_tensor=TensorSpec(name="patch", shape=(None, 1, 32, 32, 32)),
        preprocessing_algorithm=PREPROCESSING_ALGORITHM,
        preprocessing_sha256=preprocessing_sha256(patch),
        outputs=ModelOutputs(
            malignancy_logit=TensorSpec(name="malignancy_logit", shape=(None,)),
            mask_logit=TensorSpec(name="mask_logit", shape=(None, 1, 32, 32, 32)),
            evidence=TensorSpec(name="evidence", shape=(None, 1, 8, 8, 8)),
            features=TensorSpec(name="features", shape=(None, 2)),
        ),
        head=LinearHead(weights=(0.25, -1.0), bias=0.5, dropout_rate=0.2),
        calibration=Calibration(slope=2.0, intercept=1.0, chosen=convention),
        operating_point=OperatingPoint(probability=0.5, chosen=convention),
        mask_probability=OperatingPoint(probability=0.5, chosen=convention),
        review=ReviewRule(samples=20, entropy_nats=0.6, mutual_information_nats=0.05, chosen=convention),
    )


@pytest.fixture
def card():
    text = BilingualText(en="A model for tests.", zh="测试用模型。")
    return ModelCard(
        model_name="test-model",
        model_version="1.2.3",
        trained=False,
        architecture="none",
        parameters=1,
        weights_origin="none",
        training_data="none",
        licence="Apache-2.0",
        summary=text,
        limits=(text,),
    )


@pytest.fixture
def outputs():
    generator = np.random.default_rng(1)
    shapes = {
        "malignancy_logit": (1,),
        "mask_logit": (1, 1, 32, 32, 32),
        "evidence": (1, 1, 8, 8, 8),
        "features": (1, 2),
    }
    return {name: generator.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.fixture
def reference(outputs):
    tensors = tuple(sample_reference(name, values) for name, values in outputs.items())
    return ReferenceOutputs(absolute_tolerance=1e-4, relative_tolerance=1e-4, outputs=tensors)


@pytest.fixture
def parts(contract, card, reference):
    return PackParts(
        contract=contract, card=card, reference=reference, onnx=b"graph", attachments={"parity.json": b"{}\n"}
    )
