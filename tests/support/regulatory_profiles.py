"""Turn the regulatory research tables (YAML) into the package data of ``lungai_core.evidence``.

Run from the repository root with PyYAML installed: ``python tests/support/regulatory_profiles.py ../shared/regulatory``. The
package itself reads JSON and needs no YAML parser. A test converts again, where the tables are at hand, and compares.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

Row = dict[str, Any]
_MIXED = re.compile(r"^(?P<zh>[^A-Za-z]*[\u4e00-\u9fff][^A-Za-z]*)\s+(?P<en>[A-Za-z].*)$")
_MIXED_BACK = re.compile(r"^(?P<en>[A-Za-z][^\u4e00-\u9fff]*)\s+(?P<zh>[\u4e00-\u9fff].*)$")
_NOT_FOR_A_LIBRARY = "n/a"


def main(source: Path, target: Path, /) -> None:
    """Write ``outlines.json``, ``artefacts.json`` and ``honesty.json``."""
    for name, content in convert(source).items():
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
        (target / name).write_text(text, encoding="utf-8")


def convert(source: Path, /) -> dict[str, Any]:
    """Return the content of each package data file."""
    tables = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(source.glob("*.yaml"))}
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(source.glob("*.yaml"))}
    about = {
        "made_by": "tests/support/regulatory_profiles.py",
        "sources_sha256": hashes,
        "as_of": tables["sources"]["as_of"],
    }
    return {
        "outlines.json": {"about": about, "outlines": [*_standards(tables), *_fda(tables), *_nmpa(tables)]},
        "artefacts.json": {
            "about": about,
            "artefacts": [_artefact(each) for each in tables["artefact_map"]["artefacts"]],
        },
        "honesty.json": {"about": about, "rules": tables["honesty_rules"]["rules"]},
    }


def _artefact(each: Row, /) -> Row:
    return {
        "id": each["id"],
        "origin": each["origin"],
        "title_en": each["title_en"],
        "title_zh": each["title_zh"],
        "fda": str(each["fda_element"]),
        "estar": str(each["estar_section"]),
        "imdrf": str(each["imdrf_n9_2024"]),
        "mdr": str(each["eu_mdr_annex"]),
        "nmpa": str(each["nmpa_code"]),
        "stem": each["file_stem"],
    }


def _outline(outline_id: str, authority: str, names: tuple[str, str], about: Row, rows: list[Row], /) -> Row:
    seen: set[str] = set()
    for row in rows:
        if row["id"] in seen:
            message = f"{row['id']} stands twice"
            raise ValueError(message)
        seen.add(row["id"])
    return {
        "id": outline_id,
        "authority": authority,
        "title_en": names[0],
        "title_zh": names[1],
        "edition": str(about["edition"]),
        "status": about.get("status", "final"),
        "source_status": about["source_status"],
        "rows": rows,
    }


# Names of clauses in own words: the tables give those of the FDA and of standards in English alone, and many of the NMPA's
# in Chinese alone.
_TITLES_EN, _TITLES_ZH = (
    dict(json.loads(Path(__file__).with_name(name).read_text(encoding="utf-8")))
    for name in ("titles_en.json", "titles_zh.json")
)


def _row(row_id: str, title: Any, /, artefact: str, origin: str = "assist", **more: Any) -> Row:
    en, zh = _languages(str(title))
    en, zh = more.pop("en", en), more.pop("zh", zh)
    return {
        "id": row_id,
        "title_en": _TITLES_EN.get(row_id, en),
        "title_zh": _TITLES_ZH.get(row_id, zh),
        "artefact": artefact,
        "origin": origin,
        **{key: value for key, value in more.items() if value},
    }


def _languages(title: str, /) -> tuple[str, str]:
    for pattern in (_MIXED, _MIXED_BACK):
        match = pattern.match(title)
        if match:
            return match["en"].strip(), match["zh"].strip()
    return title, title


def _contents(parent: Row, contents: list[Any], /) -> list[Row]:
    """Give each requested content of an element a row of its own; nobody answers it until a section says so."""
    return [
        _row(f"{parent['id']}.{number}", _entry(entry), parent["artefact"], "content", part_of=parent["id"])
        for number, entry in enumerate(contents, start=1)
    ]


def _entry(entry: Any, /) -> str:
    if isinstance(entry, dict):
        return "; ".join(f"{key}: {value}" for key, value in entry.items())
    return str(entry)


# ----------------------------------------------------------------------------------------------------- standards


def _standards(tables: Row, /) -> list[Row]:
    iec = tables["iec62304"]
    life_cycle = [
        _row(
            f"62304-{each['clause']}",
            each["title"],
            each["artefact"],
            each["origin"],
            classes="".join(each["classes"]),
            note=each.get("evidence", ""),
        )
        for each in iec["clauses"]
    ]
    security = tables["iec81001_5_1"]
    others = tables["iso14971_62366_82304"]
    quality = tables["qmsr_iso13485"]
    made = [
        _outline(
            "iec62304",
            "common",
            (
                "IEC 62304 Medical device software - life cycle processes",
                "IEC 62304 医疗器械软件 生存周期过程 (YY/T 0664-2020 为其修改采用)",
            ),
            {"edition": iec["edition"], "source_status": iec["verification"]},
            life_cycle,
        ),
        _outline(
            "iec81001-5-1",
            "common",
            ("IEC 81001-5-1 Security activities in the product life cycle", "IEC 81001-5-1 产品生存周期中的安全活动"),
            security,
            _clauses("81001", security["clauses"]),
        ),
    ]
    for key, outline_id, number, edition, names in (
        (
            "iso14971_2019",
            "iso14971",
            "14971",
            "2019",
            ("ISO 14971 Application of risk management", "ISO 14971 (GB/T 42062) 风险管理对医疗器械的应用"),
        ),
        (
            "iec62366_1_2015_A1_2020",
            "iec62366-1",
            "62366",
            "2015+A1:2020",
            ("IEC 62366-1 Usability engineering", "IEC 62366-1 可用性工程"),
        ),
        (
            "iec82304_1_2016",
            "iec82304-1",
            "82304",
            "2016",
            ("IEC 82304-1 Health software - product safety", "IEC 82304-1 健康软件 产品安全"),
        ),
    ):
        about = {"edition": edition, "source_status": others[key].get("source_status", "secondary")}
        made.append(_outline(outline_id, "common", names, about, _clauses(number, others[key]["clauses"])))
    made.append(
        _outline(
            "iso13485",
            "common",
            ("ISO 13485 clauses that touch software", "ISO 13485 与软件有关的条款"),
            {"edition": "2016", "source_status": quality["qmsr"]["source_status"]},
            _clauses("13485", quality["iso13485_2016_software_clauses"]),
        )
    )
    annex = quality["china_software_annex"]
    made.append(
        _outline(
            "china-software-annex",
            "nmpa",
            ("Annex Standalone Software of the Chinese QMS rules", annex["title"]),
            {"edition": "2019-43", "source_status": "verified"},
            [_row(f"CN43-{each['id']}", each["topic"], each["artefact"]) for each in annex["rows"]],
        )
    )
    return made


def _clauses(number: str, clauses: list[Row], /) -> list[Row]:
    return [
        _row(
            f"{number}-{each['clause']}",
            each["title"],
            each["artefact"],
            each.get("origin", "manual"),
            note=each.get("note", ""),
        )
        for each in clauses
    ]


# ----------------------------------------------------------------------------------------------------------- FDA


def _fda(tables: Row, /) -> list[Row]:
    software, cyber, learning = tables["fda_software_2023"], tables["fda_cyber_2026"], tables["fda_ai_pccp_gmlp"]
    rows: list[Row] = []
    for each in software["elements"]:
        element = _row(
            f"SW-{each['id']}",
            each["name"],
            each["artefact"],
            each["origin"],
            levels={"basic": each["basic"], "enhanced": each["enhanced"]},
        )
        rows += [
            element,
            *_contents(element, [*each.get("content", []), *each.get("columns", []), *each.get("ai_questions", [])]),
        ]
    made = [
        _outline(
            "fda-software",
            "fda",
            (software["guidance"], "FDA 医疗器械软件功能上市前提交内容"),
            {"edition": software["issued"], "source_status": software["source_status"]},
            rows,
        )
    ]
    rows = []
    for number, each in enumerate(cyber["documents"], start=1):
        document = _row(f"CY-{number}", each["name"], each["id"], each["origin"], note=each.get("rule", ""))
        parts = [
            each.get(key, [])
            for key in (
                "holds",
                "fields",
                "ntia_minimum",
                "fda_additions",
                "categories",
                "views",
                "kinds",
                "vulnerability_kinds",
                "pentest_fields",
                "common_fields",
                "chain",
            )
        ]
        rows += [document, *_contents(document, [entry for part in parts for entry in part])]
    made.append(
        _outline(
            "fda-cybersecurity",
            "fda",
            (cyber["guidance"], "FDA 医疗器械网络安全:质量管理体系考虑与上市前提交内容"),
            {"edition": cyber["current_version"], "source_status": cyber["source_status"]},
            rows,
        )
    )
    draft = learning["ai_dsf_draft"]
    rows = []
    for number, each in enumerate(draft["elements"], start=1):
        element = _row(f"AI-{number}", each["id"].replace("_", " ").capitalize(), each["artefact"], "assist")
        rows += [element, *_contents(element, each["fields"])]
    made.append(
        _outline(
            "fda-ai",
            "fda",
            (draft["title"], "FDA 人工智能器械软件功能(草案)"),
            {"edition": draft["date"], "status": "draft", "source_status": draft["source_status"]},
            rows,
        )
    )
    plan = learning["pccp"]
    rows = []
    for number, each in enumerate(plan["sections"], start=1):
        section = _row(
            f"PCCP-{number}",
            f"{each['id'].replace('_', ' ').capitalize()} ({each['guidance_section']})",
            "pccp",
            "manual",
        )
        rows += [section, *_contents(section, each["fields"])]
    made.append(
        _outline(
            "fda-pccp",
            "fda",
            (plan["title"], "FDA 预定变更控制计划"),
            {"edition": plan["reissued"], "source_status": plan["source_status"]},
            rows,
        )
    )
    practice = learning["gmlp"]
    homes = (
        "sdp",
        "test_reports",
        "data_mgmt",
        "data_mgmt",
        "data_mgmt",
        "training_report",
        "usability",
        "standalone_perf",
        "model_card",
        "monitoring_plan",
    )
    made.append(
        _outline(
            "gmlp",
            "common",
            (practice["title"], "良好机器学习实践:指导原则"),
            {"edition": "N88 FINAL:2025", "source_status": practice["source_status"]},
            [
                _row(f"GMLP-{each['n']}", each["topic"], home, "assist", note="; ".join(map(str, each["evidence"])))
                for each, home in zip(practice["principles"], homes, strict=True)
            ],
        )
    )
    return made + _premarket(tables["fda_510k_estar_radiology"])


def _premarket(table: Row, /) -> list[Row]:
    verified = {"source_status": table["source_status"]}
    notification = [
        _row(f"807.87-{each['id']}", each["topic"], "se_summary", "manual", note=each.get("tool", ""))
        for each in table["cfr_807_87"]
    ]
    notification += [
        _row(f"807.92-{each['id']}", each["topic"], "se_summary", "manual", note=each.get("tool_source", ""))
        for each in table["cfr_807_92_summary"]
    ]
    comparison = [
        _row(f"SE-{number:02d}", each, "se_table", "manual")
        for number, each in enumerate(table["se_table"]["fields"], start=1)
    ]
    template = table["estar_510k_sections"]
    sections = [
        _row(f"eSTAR-{number:02d}", each, _ESTAR.get(each, "mdf_index"), "manual")
        for number, each in enumerate(template["sections"], start=1)
    ]
    controls = [
        _row(f"892.2060-b1{each['id']}", each["topic"], each["artefact"], "assist")
        for each in table["special_controls_892_2060"]["b1_design_vv"]
    ]
    controls += [
        _row(f"892.2060-b2-{number}", each, "ifu", "manual")
        for number, each in enumerate(table["special_controls_892_2060"]["b2_labeling"], start=1)
    ]
    measuring = [
        _row(f"QI-{number}", each, "bench_report", "content")
        for number, each in enumerate(table["quantitative_imaging_guidance_2022_06_16"]["fields"], start=1)
    ]
    detection = [
        _row(f"CADe-{number}", each, "standalone_protocol", "content")
        for number, each in enumerate(table["cade_510k_guidance_2022_09_28"]["sections"], start=1)
    ]
    return [
        _outline(
            "fda-510k",
            "fda",
            ("21 CFR 807.87 and 807.92 premarket notification", "21 CFR 807.87 与 807.92 上市前通知"),
            {"edition": "21 CFR as of 2026-10", **verified},
            notification,
        ),
        _outline(
            "fda-se",
            "fda",
            ("510(k) comparison table", "510(k) 比较表"),
            {"edition": "807.92(a)(6)", **verified},
            comparison,
        ),
        _outline(
            "fda-estar",
            "fda",
            ("eSTAR sections", "eSTAR 章节"),
            {"edition": "2023-10-02; template 7.1", **verified},
            sections,
        ),
        _outline(
            "fda-892.2060",
            "fda",
            ("21 CFR 892.2060 special controls", "21 CFR 892.2060 特殊控制"),
            {"edition": "85 FR 3542", **verified},
            controls,
        ),
        _outline(
            "fda-quantitative",
            "fda",
            ("Quantitative imaging in radiology premarket submissions", "放射学定量成像"),
            {"edition": "2022-06-16", **verified},
            measuring,
        ),
        _outline(
            "fda-cade",
            "fda",
            ("Computer-assisted detection devices 510(k)", "计算机辅助检测器械 510(k)"),
            {"edition": "2022-09-28", **verified},
            detection,
        ),
    ]


_ESTAR = {
    "Consensus Standards": "standards_list",
    "Device Description": "sw_description",
    "Proposed Indications for Use (Form FDA 3881)": "intended_use",
    "Predicates and Substantial Equivalence": "se_table",
    "Design/Special Controls and Risks": "rmf",
    "Labeling": "ifu",
    "Software/Firmware": "test_reports",
    "Cybersecurity/Interoperability": "cyber_rm_report",
    "Performance Testing": "standalone_perf",
}

# ---------------------------------------------------------------------------------------------------------- NMPA


def _nmpa(tables: Row, /) -> list[Row]:
    software, cyber, learning = tables["nmpa_software_2022"], tables["nmpa_cyber_2022"], tables["nmpa_ai_2022"]
    rows = _nmpa_software(software)
    made = [
        _outline(
            "nmpa-software",
            "nmpa",
            (software["guidance_en"], software["guidance_zh"]),
            {"edition": "2022-9", "source_status": software["source_status"]},
            rows,
        ),
        _outline(
            "nmpa-technical-requirements",
            "nmpa",
            ("Product technical requirements for standalone software", "产品技术要求 (独立软件模板)"),
            {"edition": "2022-9", "source_status": software["source_status"]},
            [
                _row(f"PTR-{each['n']}", each["zh"], "product_tech_req", "manual")
                for each in software["product_technical_requirements_template"]["rows"]
            ],
        ),
    ]
    rows = []
    for number, section in enumerate(cyber["report"]["sections"], start=1):
        head = _row(
            f"NC-{number}", section["zh"], "nmpa_cyber_report", "manual" if section["zh"] == "结论" else "assist"
        )
        rows += [head, *_contents(head, section["items"])]
    made.append(
        _outline(
            "nmpa-cybersecurity",
            "nmpa",
            (cyber["guidance_en"], cyber["guidance_zh"]),
            {"edition": "2022-7", "source_status": cyber["source_status"]},
            rows,
        )
    )
    rows = [
        _row(
            f"CAP-{each['n']:02d}",
            f"{each['code']}",
            "nmpa_cyber_report",
            "capability",
            en=f"{each['code']} {each['en']}",
            zh=f"{each['code']} {each['zh']}",
            note=str(each["library"]),
            not_applicable=_capability_reason(str(each["library"])),
        )
        for each in cyber["capabilities"]
    ]
    made.append(
        _outline(
            "nmpa-capabilities",
            "nmpa",
            ("Cybersecurity capabilities", "网络安全能力"),
            {"edition": "2022-7", "source_status": cyber["source_status"]},
            rows,
        )
    )
    return [*made, _algorithm(learning), _codes(tables["nmpa_erps_directory"], tables["artefact_map"])]


def _capability_reason(library: str, /) -> str:
    return "a capability of the device that contains this component" if library.startswith("n/a (device)") else ""


def _nmpa_software(software: Row, /) -> list[Row]:
    rows: list[Row] = []
    for report in software["reports"]:
        home = {
            "zyrj": "nmpa_software_report",
            "gxbg": "change",
            "xcrj": "soup",
            "wbhj": "soup",
            "gbt25000": "sys_report",
            "hcz": "interop",
        }[report["id"]]
        head = _row(
            f"NS-{report['id']}", report["zh"], home, report.get("origin", "assist"), en=report["en"], zh=report["zh"]
        )
        rows.append(head)
        for number, section in enumerate(report.get("sections", []), start=1):
            if isinstance(section, str):
                rows.append(_row(f"NS-{report['id']}.{number}", section, home, "content", part_of=head["id"]))
                continue
            part = _row(
                f"NS-{report['id']}.{number}",
                section["zh"],
                home,
                "content",
                en=section["en"],
                zh=section["zh"],
                part_of=head["id"],
            )
            rows.append(part)
            for inner, item in enumerate(section.get("items", []), start=1):
                rows.append(
                    _row(
                        f"NS-{report['id']}.{number}.{inner}",
                        item["zh"],
                        home,
                        "content",
                        en=item["en"],
                        zh=item["zh"],
                        part_of=part["id"],
                    )
                )
    for number, stage in enumerate(software["trace_stages"], start=1):
        rows += [
            _row(f"NT-{number}.{inner}", f"{stage['stage']}: {pair}", "trace_matrix", "content")
            for inner, pair in enumerate(stage["pairs"], start=1)
        ]
    return rows


def _algorithm(learning: Row, /) -> Row:
    rows: list[Row] = []
    for number, section in enumerate(learning["algorithm_research_report"]["sections"], start=1):
        head = _row(
            f"NA-{number}",
            section["zh"],
            "nmpa_algo_report",
            section["origin"],
            en=section.get("en", section["zh"]),
            zh=section["zh"],
        )
        rows.append(head)
        for inner, item in enumerate(section.get("items", []), start=1):
            title = item if isinstance(item, str) else f"{item['zh']}: {'; '.join(map(_entry, item['fields']))}"
            rows.append(
                _row(
                    f"NA-{number}.{inner}", title, "nmpa_algo_report", "content", en=title, zh=title, part_of=head["id"]
                )
            )
    return _outline(
        "nmpa-ai",
        "nmpa",
        (learning["guidance_en"], learning["guidance_zh"]),
        {"edition": "2022-8", "source_status": learning["source_status"]},
        rows,
    )


def _codes(directory: Row, artefacts: Row, /) -> Row:
    known = {each["id"] for each in artefacts["artefacts"]}
    rows: list[Row] = []
    for each in directory["codes"]:
        homes = [home for home in each.get("artefacts", []) if home in known]
        reason = "asked for in the USA alone" if "US only" in each.get("note", "") else ""
        rows.append(
            _row(
                each["code"],
                each["zh"],
                homes[0] if homes else "mdf_index",
                "assist" if homes else "manual",
                zh=each["zh"],
                en=each["zh"],
                not_applicable=reason,
            )
        )
    return _outline(
        "nmpa-erps",
        "nmpa",
        ("eRPS table of contents", "eRPS 目录"),
        {"edition": "2021-121", "source_status": directory["source_status"]},
        rows,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path("lungai_core/evidence/profiles"))
