"""A cross-validation as a study: its figures counted again from its own predictions, with the card of the data."""

from __future__ import annotations

import csv
import hashlib
import json
import tomllib
from typing import TYPE_CHECKING, Any

from lungai_core.errors import StudyRefusedError
from lungai_core.evidence.studies import read_study

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["study_of_crossval"]

# Which column of the predictions a label is read from; a nodule counts where the column is not empty.
_DECIMALS = 4
_COLUMNS = {"diagnosis": "diagnosis", "mean_rating": "mean_rating", "mask": "dice", "diameter_mm": "diameter_mm"}
# A figure of a part counts the nodules of that part alone.
_PARTS = {"accuracy where not referred": "False", "accuracy where referred": "True"}
_LABELS_ZH = {"diagnosis": "诊断", "mean_rating": "平均评分", "mask": "掩膜", "diameter_mm": "直径"}
_NAMES_ZH = {
    "AUC": "ROC 曲线下面积",
    "AUC difference": "曲线下面积之差",
    "accuracy": "准确率",
    "Brier score": "Brier 评分",
    "share not referred to a second reading": "未转第二次阅片的比例",
    "accuracy where not referred": "未转复核者的准确率",
    "accuracy where referred": "转复核者的准确率",
    "Dice": "Dice 系数",
    "diameter MAE, mm": "直径平均绝对误差",
    "diameter bias, mm": "直径偏差",
    "diameter lower limit of agreement, mm": "直径一致性下限",
    "diameter upper limit of agreement, mm": "直径一致性上限",
}
_WHO_ZH = {
    "network": "网络",
    "diameter alone": "仅用直径",
    "diameter and HU, boosted": "直径与 HU 提升模型",
    "network minus diameter alone": "网络减仅用直径",
}


def study_of_crossval(evaluation: bytes, predictions: bytes, card: bytes, /, *, where: str) -> str:
    """Return a study of the schema ``lungai-study/1`` made of a cross-validation.

    :implements: SRS-EVID-041, SDS-EVID-028

    A figure without an interval is listed under ``left_out`` and not among the metrics.

    Parameters
    ----------
    evaluation
        ``evaluation.json`` of the cross-validation, schema ``lungai-evaluation/1``.
    predictions
        Its ``predictions.csv``; the evaluation holds the hash of these bytes.
    card
        TOML: ``study_id``, ``data_set`` (as the evaluation names it), ``title_en``, ``title_zh``, ``started``,
        ``protocol``, ``tool``, ``criterion`` and the table ``data`` of the study's data card.
    where
        Name of the evaluation, for messages.

    Raises
    ------
    StudyRefusedError
        If a record cannot be read, the predictions are not those of the evaluation, a number of nodules or patients
        does not agree with them, or the study itself would be refused.
    """
    try:
        about = tomllib.loads(card.decode())
        figures = json.loads(evaluation)
        rows = [
            row for row in csv.DictReader(predictions.decode().splitlines()) if row["data_set"] == about["data_set"]
        ]
        if figures["predictions_sha256"] != hashlib.sha256(predictions).hexdigest():
            raise _refusal("The predictions are not those that the evaluation was made from.", where)
        study = _study(about, figures, rows, where)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _refusal(f"The records cannot be read ({type(error).__name__}: {error}).", where) from error
    text = json.dumps(study, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    read_study(text.encode(), where=where)
    return text


def _study(
    about: dict[str, Any], evaluation: dict[str, Any], rows: list[dict[str, str]], where: str, /
) -> dict[str, Any]:
    own = [each for each in evaluation["figures"] if each["data_set"] == about["data_set"]]
    if not own:
        raise _refusal("The evaluation holds no figure of this data set.", f"{where}, {about['data_set']}")
    return {
        "schema": "lungai-study/1",
        "nature": "research",
        "artefact": "standalone_perf",
        "match_rule": "each candidate is a nodule that the data set marks",
        "study_id": about["study_id"],
        "title_en": about["title_en"],
        "title_zh": about["title_zh"],
        "started": str(about["started"]),
        "protocol": about["protocol"],
        "tool": about["tool"],
        "data": about["data"],
        "plan_sha256": evaluation["plan_sha256"],
        "predictions_sha256": evaluation["predictions_sha256"],
        "weights_sha256": evaluation["weights_sha256"],
        "cases": [{"id": row["sample_id"], "patient": row["patient_id"], "lesions": 1} for row in rows],
        "metrics": [_metric(each, rows, about, where) for each in own if each["interval_95"]],
        "left_out": [
            {"name": _name(each), "why": "no interval was computed"} for each in own if not each["interval_95"]
        ],
    }


def _name(figure: dict[str, Any], /) -> str:
    return f"{figure['name']} against {figure['label']}, {figure['who']}"


def _metric(figure: dict[str, Any], rows: list[dict[str, str]], about: dict[str, Any], where: str, /) -> dict[str, Any]:
    labelled = [row for row in rows if row[_COLUMNS[figure["label"]]]]
    part = _PARTS.get(figure["name"])
    counted = labelled if part is None else [row for row in labelled if row["referred"] == part]
    patients = len(set(_values(counted, "patient_id")))
    if (len(counted), patients) != (figure["n"], figure["patients"]):
        what = f"The evaluation counts {figure['n']} nodules of {figure['patients']} patients, its predictions "
        raise _refusal(f"{what}{len(counted)} of {patients}.", f"{where}, {_name(figure)}")
    # Four decimals say more than any of these intervals allows; the evaluation keeps every digit.
    value, low, high = (round(number, _DECIMALS) for number in (figure["value"], *figure["interval_95"]))
    name, label, who = figure["name"], figure["label"], figure["who"]
    return {
        "name_en": _name(figure),
        "name_zh": f"{_NAMES_ZH.get(name, name)},{_LABELS_ZH.get(label, label)},{_WHO_ZH.get(who, who)}",
        "value": value,
        "unit": "mm" if name.endswith(", mm") else "1",
        "ci_low": low,
        "ci_high": high,
        "ci_method": f"95 %, {figure['method']}",
        "n": figure["n"],
        "n_unit": "lesion",
        "cases": _values(counted, "sample_id"),
        "criterion": about.get("criterion", "none set beforehand"),
    }


def _values(rows: Iterable[dict[str, str]], column: str, /) -> list[str]:
    return [row[column] for row in rows]


def _refusal(what: str, where: str, /) -> StudyRefusedError:
    return StudyRefusedError(
        what,
        where=where,
        allowed="evaluation.json and predictions.csv of one cross-validation, and the card of its data",
        remedy="Take the files of one run together; the tool changes no result.",
    )
