"""A corpus that was made against the library: the whole dictionary, and one file a hiding place. See its module."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from lungai_core.deid import Secret, deidentify_series, load_profile

_PATH = Path(__file__).parents[1] / "support" / "deid_adversary.py"
_spec = importlib.util.spec_from_file_location("deid_adversary", _PATH)
adversary = importlib.util.module_from_spec(_spec)
sys.modules["deid_adversary"] = adversary
_spec.loader.exec_module(adversary)
pytestmark = pytest.mark.filterwarnings("ignore")


def write_all(planted, folder):
    for name, content in planted.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


@pytest.mark.verifies("SRS-DEID-008", "SRS-DEID-013", "SRS-DEID-006", "RC-DEID-001", "RC-DEID-004")
def test_nothing_planted_by_an_adversary_leaves_with_the_output(tmp_path):
    planted = adversary.corpus(20261127, share=0.15)
    write_all(planted, tmp_path / "in")
    report = deidentify_series(tmp_path / "in", tmp_path / "out", secret=Secret(b"a secret for tests only"))
    assert len(planted.values) > 800
    assert adversary.leaks(planted, (tmp_path / "out", tmp_path / "out-audit")) == {}
    # Withheld is safe, but a library that withholds everything would be of no use.
    assert report.audit.files_written > 0.85 * len(planted.files)
    refused = {path.relative_to(tmp_path / "in").parts[0] for path in report.refused_paths}
    assert {"dict", "sets"}.isdisjoint(refused)


@pytest.mark.verifies("SRS-DEID-008", "SRS-DEID-003", "RC-DEID-001")
def test_no_hiding_place_opens_under_a_profile_that_keeps_devices_characteristics_and_descriptions(tmp_path):
    planted = adversary.corpus(20261128, share=0.01)
    write_all(planted, tmp_path / "in")
    deidentify_series(
        tmp_path / "in",
        tmp_path / "out",
        profile=load_profile("research-longitudinal"),
        secret=Secret(b"a secret for tests only"),
    )
    kept_by_option = re.compile(r"[0-9A-F]{8} ")
    leaks = adversary.leaks(planted, (tmp_path / "out", tmp_path / "out-audit"))
    assert [place for place in leaks if not kept_by_option.match(place)] == []
