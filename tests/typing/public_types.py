"""What a type checker says about the public face; mypy --strict runs over this file, nothing executes it."""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

import lungai_core
from lungai_core.deid.run import DeidentificationReport
from lungai_core.domain.volume import HuVolume
from lungai_core.errors import ExitCode
from lungai_core.modelpack.pack import ModelPack

_FOLDER = Path("ct")


def the_version_is_a_text() -> None:
    assert_type(lungai_core.__version__, str)


def geometry_turns_an_index_into_a_position(geometry: lungai_core.Geometry) -> None:
    assert_type(geometry.contains_lps((0.0, 0.0, 0.0)), bool)
    assert_type(geometry.shape_zyx, tuple[int, int, int])


def a_series_becomes_a_volume() -> None:
    volume = lungai_core.read_ct_series(_FOLDER)
    assert_type(volume, lungai_core.CtVolume)
    assert_type(volume.geometry, lungai_core.Geometry)
    assert_type(lungai_core.resample(volume, spacing_zyx_mm=(1.0, 1.0, 1.0)), HuVolume)


def candidates_are_read(path: Path) -> None:
    found = lungai_core.read_candidates(path)
    assert_type(found, lungai_core.CandidateList)
    assert_type(found.candidates, tuple[lungai_core.Candidate, ...])


def a_patch_is_cut(
    volume: lungai_core.CtVolume, candidate: lungai_core.Candidate, contract: lungai_core.InputContract
) -> None:
    assert_type(lungai_core.extract_patch(volume, candidate, contract=contract), lungai_core.Patch)


def a_pack_is_opened_and_run(volume: lungai_core.CtVolume, candidates: lungai_core.CandidateList) -> None:
    pack = lungai_core.open_pack(lungai_core.bundled_pack())
    assert_type(pack, ModelPack)
    with lungai_core.InferenceEngine.open(pack, policy=lungai_core.ProviderPolicy()) as engine:
        assert_type(engine, lungai_core.InferenceEngine)
        report = lungai_core.analyze_case(volume, candidates, engine=engine)
    assert_type(report, lungai_core.CaseReport)
    assert_type(report.review_required, bool)


def a_series_is_deidentified(secret: lungai_core.Secret) -> None:
    assert_type(lungai_core.deidentify_series(_FOLDER, Path("out"), secret=secret), DeidentificationReport)
    # The number of files; it raises where one of them is not clean.
    assert_type(lungai_core.verify_deidentified(Path("out"), secret=secret), int)


def an_error_has_its_four_parts(error: lungai_core.LungaiError) -> None:
    assert_type((error.what, error.where, error.allowed, error.remedy), tuple[str, str, str, str])
    assert_type(error.code, str)
    assert_type(error.exit_code, ExitCode)
