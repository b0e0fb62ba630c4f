from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
from dataclasses import replace

import pytest

from lungai_core.errors import StudyRefusedError
from lungai_core.evidence.bundle import BuildOrder, draft
from lungai_core.evidence.crossval import study_of_crossval
from lungai_core.evidence.document import Nature
from lungai_core.evidence.fields import FieldState, Language
from lungai_core.evidence.layout import columns_of, file_name, table_title
from lungai_core.evidence.material import Inputs
from lungai_core.evidence.project import read_project
from lungai_core.evidence.regulations import load_regulations
from lungai_core.evidence.render_xlsx import tables_in
from lungai_core.evidence.sample import commit_all, run_sample
from lungai_core.training.evaluation import Evaluation, evaluate
from lungai_core.training.figures import render_figures
from lungai_core.training.predictions import Prediction, predictions_csv

CARD = """
study_id = "lidc_crossval"
data_set = "LIDC"
title_en = "Five-fold cross-validation"
title_zh = "五折交叉验证"
started = "2026-11-22T20:00:00+00:00"
protocol = "requirements/protocols.md"
tool = "lungai-core 0.1.0"
criterion = "none set beforehand"
[data]
name = "LIDC-IDRI"
version = "4"
licence = "CC BY 3.0"
split_sha256 = "0000"
reference_standard = "mean rating of up to four readers, as the data set has it"
readers = "up to four radiologists of the data set"
"""


def prediction(number):
    return Prediction(
        data_set="LIDC", sample_id=f"s{number}", patient_id=f"p{number // 2}", fold=number % 5, diagnosis=None,
        mean_rating=number % 2 == 0 if number < 30 else None, diameter_mm=5.0 + number % 7, logit=(number % 3) - 1.0,
        probability_as_diagnosis=0.2 + 0.2 * (number % 3), probability_as_mean_rating=0.2 + 0.2 * (number % 3),
        entropy_nats=0.5, mutual_information_nats=0.01, referred=number % 5 == 0,
        predicted_diameter_mm=5.5 + number % 6, dice=0.5 + 0.01 * (number % 10) if number % 4 else None,
        diameter_score=float(number % 7), diameter_as_diagnosis=number % 7 > 3, diameter_as_mean_rating=number % 7 > 3,
        features_score_diagnosis=0.1 * (number % 9), features_score_mean_rating=0.1 * (number % 9),
        features_as_diagnosis=number % 9 > 4, features_as_mean_rating=number % 9 > 4,
    )  # fmt: skip


@pytest.fixture(scope="module")
def run():
    """Evaluation and predictions as a cross-validation leaves them, on made-up nodules."""
    predictions = tuple(prediction(number) for number in range(40))
    table = predictions_csv(predictions).encode()
    evaluation = Evaluation(
        plan_sha256="1" * 64,
        predictions_sha256=hashlib.sha256(table).hexdigest(),
        weights_sha256=("2" * 64,),
        figures=evaluate(predictions, seed=1),
    )
    assert "calibration slope" in render_figures(evaluation.figures)
    return evaluation, table


def study_of(run, **changes):
    evaluation, table = run
    return study_of_crossval(
        changes.get("evaluation", evaluation.model_dump_json().encode()),
        changes.get("table", table),
        changes.get("card", CARD).encode(),
        where="evaluation.json",
    )


@pytest.mark.verifies("SRS-EVID-041", "SRS-EVID-011")
def test_the_figures_of_a_cross_validation_become_metrics_that_are_counted_again(run):
    study = json.loads(study_of(run))
    figures = {(each.name, each.label, each.who): each for each in run[0].figures}
    assert (study["nature"], study["artefact"]) == ("research", "standalone_perf")
    assert len(study["metrics"]) == sum(each.interval_95 is not None for each in figures.values())
    dice = next(each for each in study["metrics"] if each["name_en"].startswith("Dice"))
    assert (dice["n"], len(dice["cases"]), dice["value"]) == (
        30,
        30,
        round(figures["Dice", "mask", "network"].value, 4),
    )
    assert [each["name"] for each in study["left_out"]] == ["calibration slope against mean_rating, network"]
    sized = next(each for each in study["metrics"] if each["name_en"].startswith("diameter MAE"))
    assert (sized["unit"], sized["n"]) == ("mm", 40)


@pytest.mark.verifies("SRS-EVID-041", "RC-EVID-004")
def test_predictions_of_another_run_or_other_counts_are_refused(run):
    evaluation, table = run
    with pytest.raises(StudyRefusedError, match="not those that the evaluation"):
        study_of(run, table=table + b"\n")
    rows = list(csv.DictReader(table.decode().splitlines()))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows[:-1])
    fewer = stream.getvalue().encode()
    changed = evaluation.model_copy(update={"predictions_sha256": hashlib.sha256(fewer).hexdigest()})
    with pytest.raises(StudyRefusedError, match="counts 30 nodules of 20 patients, its predictions 29 of 20"):
        study_of(run, table=fewer, evaluation=changed.model_dump_json().encode())


@pytest.mark.verifies("SRS-EVID-041", "SRS-EVID-010")
@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("LIDC-IDRI", ""), "lacks name"),
        (('data_set = "LIDC"', 'data_set = "X"'), "no figure of this data set"),
        (("study_id", "other_id"), "cannot be read"),
        (("[data]", "[[data"), "cannot be read"),
    ],
)
def test_an_incomplete_card_is_refused(run, change, why):
    with pytest.raises(StudyRefusedError, match=why):
        study_of(run, card=CARD.replace(*change))


@pytest.fixture(scope="module")
def made(run, sample, tmp_path_factory):
    """A draft set of a project with a tracked study and a released pack, as the sample would have them."""
    folder = shutil.copytree(sample, tmp_path_factory.mktemp("crossval") / "project", symlinks=True)
    settings = 'checklist = "risk/checklist.toml"\nmodel = "pack"\nstudies = "verification/studies"\n'
    path = folder / "pyproject.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace(
            "[tool.lungai_evidence.documents]", f"[tool.lungai_evidence]\n{settings}\n[tool.lungai_evidence.documents]"
        )
    )
    studies = folder / "verification/studies"
    studies.mkdir(parents=True)
    (studies / "lidc.json").write_text(study_of(run), encoding="utf-8")
    (folder / "pack").mkdir()
    card = {
        "model_name": "m", "model_version": "1", "trained": True, "clinical_use": "not for clinical use",
        "architecture": "a", "parameters": 5, "weights_origin": "record", "training_data": "LIDC", "licence": "MIT",
        "summary": {"en": "A network.", "zh": "一个网络。"}, "limits": [{"en": "Research.", "zh": "研究。"}],
        "figures": [{"name": "AUC", "value": 0.9, "interval_95": [0.8, 0.95], "n": 30, "unit": "nodules",
                     "data": "LIDC", "source": "evaluation.json", "source_sha256": "3" * 64}],
    }  # fmt: skip
    (folder / "pack/card.json").write_text(json.dumps(card), encoding="utf-8")
    (folder / "pack/evaluation.json").write_text(run[0].model_dump_json(), encoding="utf-8")
    (folder / "pack/model.onnx").write_bytes(b"weights")
    (folder / "pack/MANIFEST.sha256").write_bytes(b"manifest")
    (folder / "pack/training_record.json").write_text('{"finished_at": "2026-01-05T10:00:00+00:00"}', encoding="utf-8")
    questions = """
[[question]]
id = "SEC-1"
en = "Is nothing refused?"
zh = "是否拒绝?"
tests = ["tests/unit/test_measure.py::test_the_diameter_of_a_ball_is_found_again"]
[[question]]
id = "SEC-2"
en = "Users?"
zh = "用户?"
not_applicable = { en = "no users", zh = "无用户" }
[[question]]
id = "SEC-3"
en = "Keys?"
zh = "密钥?"
manufacturer = true
[[question]]
id = "SEC-4"
en = "Other?"
zh = "其他?"
tests = ["tests/unit/test_measure.py::test_that_does_not_exist"]
"""
    (folder / "risk/checklist.toml").write_text(questions, encoding="utf-8")
    commit_all(folder, "Add a study and a pack", when="2026-01-06T09:00:00+00:00")
    record = run_sample(folder)
    full = load_regulations()
    few = [
        each
        for each in full.artefacts
        if each.artefact_id in {"standalone_perf", "model_card", "data_mgmt", "cyber_test"}
    ]
    order = BuildOrder(regulations=replace(full, artefacts=tuple(few)), inputs=Inputs(None))
    return draft(read_project(folder, record=record), order=order)


def document(made, artefact):
    return next(each for each in made.documents if each.artefact == artefact)


@pytest.mark.verifies("SRS-EVID-041", "SRS-EVID-008", "RC-EVID-004")
def test_a_tracked_study_fills_the_standalone_report_with_label_state_and_source(made, run):
    report = document(made, "standalone_perf")
    assert report.nature is Nature.RESEARCH
    assert file_name(report, language=Language.EN, ending="pdf").endswith("_RESEARCH_en.pdf")
    table = next(each for each in tables_in(report) if each.nature is Nature.RESEARCH)
    assert "RESEARCH DATA" in table_title(table, Language.EN)
    assert any("研究数据" in name for name, _ in columns_of(table, Language.ZH))
    values = [row[1] for row in table.rows]
    wanted = [str(round(each.value, 4)) for each in run[0].figures if each.interval_95]
    assert [each.text.en for each in values] == wanted
    assert {each.state for each in values} == {FieldState.MEASURED}
    source = made.material.book.sources[values[0].sources[0]]
    assert source.path == "evidence/studies/lidc_crossval_research.json"
    assert made.material.book.files[source.path] == made.material.studies[0].record_bytes


@pytest.mark.verifies("SRS-EVID-041", "SRS-EVID-003")
def test_the_card_of_the_pack_fills_the_model_card_and_what_it_lacks_is_not_measured(made):
    card = document(made, "model_card")
    figures = next(each for each in tables_in(card) if each.nature is Nature.RESEARCH)
    assert [cell.text.en for cell in figures.rows[0]] == [
        "AUC", "0.9", "0.8", "0.95", "30", "nodules", "LIDC", "evaluation.json", "3" * 64
    ]  # fmt: skip
    texts = {row[0].en: row[1] for table in tables_in(card) for row in table.rows if len(row) == 2}
    assert texts["Is trained"].text.en == "True"
    assert texts["Operating point"].missing
    assert texts["Hash of the model file"].text.en == hashlib.sha256(b"weights").hexdigest()
    assert texts["Hash of the pack, as in each report"].text.en == hashlib.sha256(b"manifest").hexdigest()
    assert texts["Date"].text.en == "2026-01-05T10:00:00+00:00"
    assert texts["Made for version"].missing
    assert made.material.others["evaluation"].content["schema_version"] == "lungai-evaluation/1"


@pytest.mark.verifies("SRS-EVID-038")
def test_each_kind_of_answer_of_the_checklist_is_printed(made):
    table = next(each for each in tables_in(document(made, "cyber_test")) if each.title.en == "Security checklist")
    answers = {row[0].en: (row[2], row[3]) for row in table.rows}
    assert answers["SEC-1"][1].text.en == "2 passed"
    assert answers["SEC-2"][0].text.zh == "无用户"
    assert answers["SEC-3"][0].missing
    assert answers["SEC-4"][1].text.en == "NOT MEASURED"
