from __future__ import annotations

import pytest
import torch

from lungai_core.errors import CheckpointMismatchError, ExitCode
from lungai_core.model.spec import SMALL, TINY
from lungai_core.training.checkpoint import (
    CheckpointState,
    EpochRow,
    keep_checkpoints,
    latest_checkpoint,
    load_checkpoint,
    load_weights,
    save_checkpoint,
)

ROW = EpochRow(
    epoch=3,
    learning_rate=1e-4,
    train_total=1.0,
    train_malignancy=0.5,
    train_mask=0.5,
    train_diameter=1.0,
    validation_total=1.0,
    validation_malignancy=0.5,
    validation_mask=0.5,
    validation_diameter=1.0,
    validation_auc=None,
    validation_dice=None,
    validation_mae_mm=None,
    wall_seconds=1.0,
)
STATE = CheckpointState(plan_sha256="a", spec=TINY, weights_sha256="", optimizer_sha256="", rows=(ROW,), best_epoch=3)


def stepped(seed=0):
    """Give a module and an optimizer that has moments."""
    with torch.random.fork_rng():
        torch.default_generator.manual_seed(seed)
        module = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        module(torch.ones(1, 3)).sum().backward()
        optimizer.step()
    return module, optimizer


@pytest.fixture
def saved(tmp_path):
    module, optimizer = stepped()
    return save_checkpoint(tmp_path, state=STATE, module=module, optimizer=optimizer), module, optimizer


@pytest.mark.verifies("SRS-TRAIN-010")
def test_a_run_that_is_put_back_takes_the_same_next_step_bit_by_bit(saved):
    path, module, optimizer = saved
    other, again = stepped(seed=1)
    state = load_checkpoint(path, plan_sha256="a", module=other, optimizer=again)
    assert state.rows == (ROW,)
    for one, two in ((module, optimizer), (other, again)):
        two.zero_grad()
        one(torch.ones(1, 3)).pow(2).sum().backward()
        two.step()
    assert torch.equal(module.weight, other.weight)
    assert torch.equal(module.bias, other.bias)


@pytest.mark.verifies("SRS-TRAIN-010")
def test_the_newest_whole_checkpoint_is_found_and_others_are_removed(tmp_path):
    assert latest_checkpoint(tmp_path / "absent") is None
    module, optimizer = stepped()
    for epoch in (1, 2, 11):
        state = STATE.model_copy(update={"rows": (ROW.model_copy(update={"epoch": epoch}),)})
        save_checkpoint(tmp_path, state=state, module=module, optimizer=optimizer)
    (tmp_path / ".epoch-0012.abc.part").mkdir()
    assert latest_checkpoint(tmp_path).name == "epoch-0011"
    keep_checkpoints(tmp_path, epochs={2, 11})
    assert sorted(path.name for path in tmp_path.glob("epoch-*")) == ["epoch-0002", "epoch-0011"]


@pytest.mark.verifies("SRS-TRAIN-010")
def test_a_checkpoint_of_the_same_epoch_is_replaced_whole(saved, tmp_path):
    path, module, optimizer = saved
    (path / "stale").write_text("")
    save_checkpoint(tmp_path, state=STATE, module=module, optimizer=optimizer)
    assert not (path / "stale").exists()


@pytest.mark.verifies("SRS-TRAIN-010")
def test_a_checkpoint_of_another_plan_or_spec_is_refused(saved):
    path, module, optimizer = saved
    with pytest.raises(CheckpointMismatchError, match="another plan") as caught:
        load_checkpoint(path, plan_sha256="b", module=module, optimizer=optimizer)
    assert caught.value.exit_code is ExitCode.MODEL_INTEGRITY
    with pytest.raises(CheckpointMismatchError, match="another network spec"):
        load_weights(path, module=module, spec=SMALL)


@pytest.mark.verifies("SRS-TRAIN-010")
@pytest.mark.parametrize("name", ["weights.safetensors", "optimizer.safetensors", "state.json"])
def test_a_damaged_or_missing_file_is_refused(saved, name):
    path, module, optimizer = saved
    data = bytearray((path / name).read_bytes())
    data[-2] ^= 0xFF
    (path / name).write_bytes(bytes(data))
    with pytest.raises(CheckpointMismatchError):
        load_checkpoint(path, plan_sha256="a", module=module, optimizer=optimizer)
    (path / name).unlink()
    with pytest.raises(CheckpointMismatchError):
        load_checkpoint(path, plan_sha256="a", module=module, optimizer=optimizer)
