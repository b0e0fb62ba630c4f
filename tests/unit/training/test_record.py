from __future__ import annotations

import csv
import io

import pytest

from lungai_core import __version__
from lungai_core.training.checkpoint import EpochRow
from lungai_core.training.record import curves_csv, curves_png, describe_hardware, package_versions


def rows(count):
    fields = {name: 0.5 for name in EpochRow.model_fields if name != "epoch"}
    return [EpochRow(**{**fields, "epoch": index + 1, "validation_auc": None}) for index in range(count)]


@pytest.mark.verifies("SRS-TRAIN-012")
def test_the_curves_as_table_have_a_row_an_epoch_and_a_column_a_loss():
    table = list(csv.DictReader(io.StringIO(curves_csv(rows(3)))))
    assert [row["epoch"] for row in table] == ["1", "2", "3"]
    assert set(table[0]) == set(EpochRow.model_fields)
    assert table[0]["validation_auc"] == ""


@pytest.mark.verifies("SRS-TRAIN-012")
def test_the_same_curves_give_the_same_picture():
    assert curves_png(rows(3)) == curves_png(rows(3))
    assert curves_png(rows(3)) != curves_png(rows(4))


@pytest.mark.verifies("SRS-TRAIN-012")
def test_the_record_names_versions_and_machine_but_not_the_host():
    assert ("lungai-core", __version__) in package_versions()
    hardware = describe_hardware(device="cpu", processes=2)
    assert (hardware.accelerator, hardware.processes) == (None, 2)
    assert hardware.cpus >= 1
