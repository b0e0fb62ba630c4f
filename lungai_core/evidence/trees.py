"""Where each authority looks for a document: the folders of the FDA, NMPA and EU trees."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lungai_core.evidence.fields import Language
from lungai_core.evidence.regulations import Authority

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lungai_core.evidence.regulations import Artefact, Regulations

__all__ = ["TREE_LANGUAGE", "places_of", "study_data_folder"]

TREE_LANGUAGE = {Authority.FDA: Language.EN, Authority.NMPA: Language.ZH, Authority.EU: Language.EN}
_VOLUMES = {
    0: "VOL_001_Software",
    1: "VOL_001_Software",
    2: "VOL_002_Cybersecurity",
    3: "VOL_003_AI_and_Performance",
    4: "VOL_004_Labeling_and_Clinical",
    5: "VOL_005_Submission",
    6: "VOL_006_Quality",
}
_NOT_SUBMITTED = ("DHF", "QMS", "-")
_EU_PARTS = (
    (re.compile(r"\bII 1"), "Annex_II/1_Device_Description"),
    (re.compile(r"\bII 2"), "Annex_II/2_Information_Supplied"),
    (re.compile(r"\bII 3"), "Annex_II/3_Design_and_Manufacturing"),
    (re.compile(r"\bII 4"), "Annex_II/4_General_Requirements"),
    (re.compile(r"\bII 5"), "Annex_II/5_Risk_Management"),
    (re.compile(r"\bII 6"), "Annex_II/6_Verification_and_Validation"),
    (re.compile(r"^III"), "Annex_III/Post_Market"),
    (re.compile(r"^IX"), "Annex_IX/Quality_Management"),
    (re.compile(r"GSPR"), "Annex_II/4_General_Requirements"),
    (re.compile(r"\bII\b"), "Annex_II/0_Index"),
)
_CODE = re.compile(r"CH[0-9A-Z]+(?:\.\d+)*")
_NOT_IN_FOLDER_NAMES = re.compile(r"[\s/、()()*:?\"<>|]+")


def places_of(
    artefact: Artefact, authority: Authority, /, *, regulations: Regulations, campaign: str
) -> tuple[str, ...]:
    """Return the folders of one tree that a document goes into; none if that authority does not ask for it.

    :implements: SRS-EVID-026, SRS-EVID-034, SDS-EVID-021

    Parameters
    ----------
    artefact
        The document.
    authority
        Whose tree.
    regulations
        With the Chinese names of the eRPS codes.
    campaign
        Identifier and date of the test run, for the folder of the verification study.
    """
    if authority is Authority.FDA:
        return () if artefact.fda in _NOT_SUBMITTED else (f"fda/{_VOLUMES[int(artefact.stem[0])]}",)
    if authority is Authority.EU:
        found = next((folder for pattern, folder in _EU_PARTS if pattern.search(artefact.mdr)), None)
        return (f"eu/{found}",) if found else ()
    names = _code_names(regulations)
    return tuple(f"nmpa/{_nmpa_folder(code, names, campaign)}" for code in _CODE.findall(artefact.nmpa))


def study_data_folder(*, regulations: Regulations, campaign: str) -> str:
    """Return the folder of the NMPA tree in which the data of the verification study stand.

    :implements: SRS-EVID-034, SDS-EVID-021

    Parameters
    ----------
    regulations
        With the Chinese names of the eRPS codes.
    campaign
        Identifier and date of the test run.
    """
    return f"nmpa/{_nmpa_folder('CH3.5.5.8.1.3', _code_names(regulations), campaign)}"


def _nmpa_folder(code: str, names: Mapping[str, str], campaign: str, /) -> str:
    if code.startswith("CH3.5.5.8.1"):
        # A study has a folder of its own, named after the campaign, with summary, full report and data in it.
        study = f"CH3.5.5.8.1_软件验证_{campaign}"
        return "/".join((_named("CH3.5.5", names), _named("CH3.5.5.8", names), study, _named(code, names)))
    above = (_named("CH3.5.5", names),) if code.startswith("CH3.5.5.") else ()
    return "/".join((*above, _named(code, names)))


def _named(code: str, names: Mapping[str, str], /) -> str:
    return f"{code}_{names[code]}" if code in names else code


def _code_names(regulations: Regulations, /) -> dict[str, str]:
    rows = next(outline.rows for outline in regulations.outlines if outline.outline_id == "nmpa-erps")
    return {row.row_id: _NOT_IN_FOLDER_NAMES.sub("_", row.title.zh).strip("_")[:20] for row in rows}
