from __future__ import annotations

import hashlib
import json

import pytest

from lungai_core.training.crossval import cross_validate
from lungai_core.training.evaluation import Evaluation, evaluate
from lungai_core.training.plan import read_plan
from lungai_core.training.predictions import read_predictions


@pytest.mark.verifies("SRS-TRAIN-013")
def test_every_nodule_is_predicted_once_by_a_network_that_has_not_seen_its_fold(plan, samples, host, tmp_path):
    short = plan.model_copy(update={"optimizer": plan.optimizer.model_copy(update={"epochs": 1})})
    evaluation = cross_validate(short, samples, tmp_path, host=host)
    table = (tmp_path / "predictions.csv").read_bytes()
    assert evaluation.predictions_sha256 == hashlib.sha256(table).hexdigest()
    assert len(table.splitlines()) == len(samples) + 1
    assert Evaluation.model_validate_json((tmp_path / "evaluation.json").read_bytes()) == evaluation
    assert (tmp_path / "evaluation.md").read_text().count("\n") == len(evaluation.figures) + 2
    for fold in range(4):
        record = json.loads((tmp_path / f"fold-{fold}" / "record.json").read_text())
        assert record["weights_sha256"] == evaluation.weights_sha256[fold]
        split = json.loads((tmp_path / f"fold-{fold}" / "split.json").read_text())
        tested = {a["sample_id"] for a in split["assignments"] if a["part"] == "test"}
        assert tested == {sample.sample_id for sample in samples if sample.fold == fold}
    assert cross_validate(short, samples, tmp_path, host=host) == evaluation


@pytest.mark.verifies("SRS-TRAIN-013", "SRS-TRAIN-016")
def test_the_figures_of_the_released_network_follow_from_its_predictions(repository):
    folder = repository / "verification/model/lungai-small"
    evaluation = Evaluation.model_validate_json((folder / "evaluation.json").read_bytes())
    table = folder / "predictions.csv"
    assert evaluation.predictions_sha256 == hashlib.sha256(table.read_bytes()).hexdigest()
    seed = read_plan(repository / "design/training/small-lidc.toml").seed
    assert evaluate(read_predictions(table), seed=seed) == evaluation.figures
