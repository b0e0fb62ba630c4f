from __future__ import annotations

from pathlib import Path

import pytest

from lungai_core.errors import ExitCode, TrainingPlanError
from lungai_core.model.spec import SMALL
from lungai_core.training.plan import Target, plan_sha256, read_plan

LEAST = """
name = "least"
seed = 1
network = "small"
[data]
nodules = "data"
[optimizer]
epochs = 3
"""


def read(tmp_path, text):
    path = tmp_path / "plan.toml"
    path.write_text(text)
    return read_plan(path)


@pytest.mark.verifies("SRS-TRAIN-005")
def test_the_least_plan_has_the_documented_defaults(tmp_path):
    plan = read(tmp_path, LEAST)
    assert plan.spec == SMALL
    assert (plan.optimizer.learning_rate, plan.optimizer.weight_decay, plan.optimizer.patience) == (3e-4, 1e-4, 10)
    assert plan.loss.weights == (1.0, 0.5, 0.2)
    assert (plan.augmentation.rotation_degrees, plan.augmentation.scale) == (15.0, (0.8, 1.2))
    assert (plan.augmentation.gamma, plan.augmentation.noise_sigma) == ((0.7, 1.5), 0.05)
    assert (plan.data.target, plan.data.patch_size) == (Target.DIAGNOSIS, 96)


@pytest.mark.verifies("SRS-TRAIN-005")
def test_a_network_can_be_written_out_in_the_plan_and_the_hash_covers_every_default(tmp_path):
    text = LEAST.replace('network = "small"', "").replace(
        "[data]",
        "[network]\nname = 'own'\ndecoder_features = 8\nhead_features = 8\n"
        "[network.trunk]\nkind = 'dense'\ninit_features = 8\ngrowth_rate = 4\n[data]",
    )
    own = read(tmp_path, text)
    assert own.spec.name == "own"
    assert plan_sha256(own) != plan_sha256(read(tmp_path, LEAST))
    assert plan_sha256(read(tmp_path, LEAST + "patience = 10\n")) == plan_sha256(read(tmp_path, LEAST))
    assert plan_sha256(read(tmp_path, LEAST + "patience = 11\n")) != plan_sha256(read(tmp_path, LEAST))


@pytest.mark.verifies("SRS-TRAIN-005")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ", "cannot be read"),
        (LEAST.replace("epochs = 3", "epochs = 0"), "optimizer.epochs"),
        (LEAST.replace("epochs = 3", "epochs = 3\nspeed = 9"), "optimizer.speed"),
        (LEAST.replace('"data"', '"data"\npatch_size = 40'), "data.patch_size"),
        (LEAST.replace("epochs = 3", "epochs = 3\nlearning_rate = nan"), "optimizer.learning_rate|cannot be read"),
        (LEAST + "born = 2020-01-01\n", "cannot be read"),
    ],
)
def test_a_plan_with_a_mistake_is_refused_with_the_field(tmp_path, text, words):
    with pytest.raises(TrainingPlanError, match=words) as caught:
        read(tmp_path, text)
    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.verifies("SRS-TRAIN-005")
def test_an_absent_plan_is_refused(tmp_path):
    with pytest.raises(TrainingPlanError, match="FileNotFoundError"):
        read_plan(tmp_path / "absent.toml")


@pytest.mark.verifies("SRS-TRAIN-005")
def test_the_plans_of_the_repository_can_be_read():
    plans = sorted((Path(__file__).parents[3] / "design" / "training").glob("*.toml"))
    assert [read_plan(path).name for path in plans] == [path.stem for path in plans]
    assert plans
