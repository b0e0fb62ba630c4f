"""One sample project with a real run, shared by the tests of this area, and a small set built from it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from lungai_core.evidence.bundle import BuildOrder, build
from lungai_core.evidence.project import read_project
from lungai_core.evidence.regulations import load_regulations
from lungai_core.evidence.sample import run_sample, write_sample
from lungai_core.evidence.seal import key_pair

# Enough of the artefact map to reach every renderer and tree, and few enough to build in seconds.
FEW = {
    "srs",
    "sad",
    "rmf",
    "sdp",
    "test_reports",
    "test_plan",
    "trace_matrix",
    "sbom",
    "bench_report",
    "model_card",
    "ifu",
}


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    """The committed sample project after a complete run of its tests."""
    folder = write_sample(tmp_path_factory.mktemp("evidence") / "sample")
    run_sample(folder)
    return folder


@pytest.fixture
def project_copy(sample, tmp_path):
    """A copy of the sample project that a test may change."""
    return shutil.copytree(sample, tmp_path / "project", symlinks=True)


@pytest.fixture(scope="session")
def project(sample):
    return read_project(sample, record=sample / "build/trace/record.json")


@pytest.fixture(scope="session")
def few_regulations():
    full = load_regulations()
    return replace(full, artefacts=tuple(each for each in full.artefacts if each.artefact_id in FEW))


@pytest.fixture(scope="session")
def keys():
    return key_pair()


@pytest.fixture(scope="session")
def finished(project, few_regulations, keys, tmp_path_factory):
    """A finished and signed set; tests change copies of it."""
    folder = tmp_path_factory.mktemp("evidence") / "set"
    build(project, folder, order=BuildOrder(regulations=few_regulations, private_key=keys[0]))
    return folder


@pytest.fixture
def set_copy(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "set")


@pytest.fixture
def study():
    """A study record on phantoms that is accepted as it stands."""
    return {
        "schema": "lungai-study/1",
        "study_id": "phantom_diameter",
        "title_en": "Diameter of phantom nodules",
        "title_zh": "体模结节的直径",
        "nature": "phantom",
        "artefact": "bench_report",
        "started": "2026-11-22T20:00:00+00:00",
        "protocol": "requirements/protocols.md",
        "match_rule": "centre within the true ball",
        "tool": "sample 1.2.3",
        "data": {
            "name": "generated balls",
            "version": "1",
            "licence": "Apache-2.0",
            "split_sha256": "0" * 64,
            "reference_standard": "the numbers the balls were made with",
            "readers": "none: generated",
        },
        "cases": [{"id": f"c{number}", "patient": f"p{number}", "lesions": 2} for number in range(3)],
        "metrics": [
            {
                "name_en": "Mean absolute error",
                "name_zh": "平均绝对误差",
                "value": 0.4,
                "unit": "mm",
                "ci_low": 0.3,
                "ci_high": 0.5,
                "ci_method": "bootstrap over cases",
                "n": 6,
                "n_unit": "lesion",
                "criterion": "at most 1 mm",
            }
        ],
    }


@pytest.fixture
def inputs_folder(tmp_path):
    """A folder of records of other tools, empty until a test writes into it by name."""
    folder = tmp_path / "inputs"
    (folder / "studies").mkdir(parents=True)

    def write(name, content):
        path = folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return folder

    return write
