"""The bill of materials of a model: CycloneDX 1.6, the same bytes for the same model."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import TYPE_CHECKING

from lungai_core.training.record import package_versions

if TYPE_CHECKING:
    from lungai_core.modelpack.card import ModelCard

__all__ = ["model_sbom"]


def model_sbom(card: ModelCard, /, *, graph: bytes) -> bytes:
    """Write a CycloneDX ML-BOM for a model.

    :implements: SRS-TRAIN-017, SDS-TRAIN-012

    Parameters
    ----------
    card
        Name, version, licence, data.
    graph
        The ONNX file.

    Returns
    -------
    bytes
        JSON of CycloneDX 1.6 without a time; the serial number follows from the graph.
    """
    digest = hashlib.sha256(graph).hexdigest()
    model = {
        "type": "machine-learning-model",
        "bom-ref": "model",
        "name": card.model_name,
        "version": card.model_version,
        "description": card.summary.en,
        "hashes": [{"alg": "SHA-256", "content": digest}],
        "licenses": [{"license": {"id": card.licence}}],
        "modelCard": {
            "modelParameters": {
                "task": "classification, segmentation and measurement of lung nodules in CT",
                "modelArchitecture": card.architecture,
                "datasets": [{"type": "dataset", "name": "training data", "description": card.training_data}],
            },
            "considerations": {"technicalLimitations": [limit.en for limit in card.limits]},
        },
        "properties": [
            {"name": "lungai:trained", "value": str(card.trained).lower()},
            {"name": "lungai:weights_origin", "value": card.weights_origin},
        ],
    }
    libraries = [
        {"type": "library", "bom-ref": name, "name": name, "version": version, "purl": f"pkg:pypi/{name}@{version}"}
        for name, version in package_versions()
    ]
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.UUID(digest[:32])}",
        "version": 1,
        "metadata": {"component": model},
        "components": libraries,
        "dependencies": [{"ref": "model", "dependsOn": [library["bom-ref"] for library in libraries]}],
    }
    return (json.dumps(bom, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
