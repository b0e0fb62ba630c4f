"""The first page of a set: one HTML file that opens without a network."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING

from lungai_core.evidence.document import NOTICE
from lungai_core.evidence.fields import Language
from lungai_core.evidence.layout import file_name, title_of
from lungai_core.evidence.outline import RowState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lungai_core.evidence.document import Document
    from lungai_core.evidence.layout import Edition
    from lungai_core.evidence.outline import Answer
    from lungai_core.evidence.register import Gap, Register

__all__ = ["index_html"]

_STYLE = """
body{font:15px/1.5 "Noto Sans","Noto Sans CJK SC","Microsoft YaHei",Arial,sans-serif}
body{margin:2rem auto;max-width:75rem;padding:0 1rem;color:#1b2733}
h1{color:#1f3a5f}h2{color:#1f3a5f;margin-top:2rem}
.notice{background:#eef3f8;border-left:4px solid #1f3a5f;padding:.8rem 1rem}
table{border-collapse:collapse;width:100%;font-size:14px}th{background:#1f3a5f;color:#fff;text-align:left}
th,td{border:1px solid #b8c4d0;padding:.35rem .5rem;vertical-align:top}
tr:nth-child(even) td{background:#f7f9fb}.n{text-align:right}
"""


def index_html(
    documents: tuple[Document, ...], /, *, answers: Mapping[str, Answer], register: Register, gaps: tuple[Gap, ...],
    edition: Edition,
) -> str:  # fmt: skip
    """Return the first page: notice, counts, documents in both languages, and how each authority's headings stand.

    :implements: SRS-EVID-012, SRS-EVID-017, SRS-EVID-035, SDS-EVID-022

    Parameters
    ----------
    documents
        Of the set.
    answers, register, gaps
        What is filled, open and missing.
    edition
        Of the component.
    """
    open_rows = len(register.open_rows)
    return "".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{escape(edition.line)} evidence</title><style>{_STYLE}</style></head><body>",
            f"<h1>Evidence set · 证据文件集</h1><p>{escape(edition.line)} · {escape(edition.time)}</p>",
            f'<div class="notice"><p>{escape(NOTICE.en)}</p><p>{escape(NOTICE.zh)}</p></div>',
            "<h2>What is open · 待办</h2><ul>",
            f'<li><a href="TBC_register.csv">TBC_register.csv</a>: {open_rows} of {len(register.rows)} values ',
            "to be completed by the manufacturer · 由注册申请人填写</li>",
            f'<li><a href="GAPS.csv">GAPS.csv</a>: {len(set(gaps))} gaps · 缺口</li>',
            '<li><a href="CHECKLIST.csv">CHECKLIST.csv</a>: every heading asked for, with its answer · ',
            "全部标题及答复</li>",
            '<li><a href="manifest.json">manifest.json</a>: every file and source with hash · ',
            "全部文件与来源的哈希</li></ul>",
            _outlines(answers),
            _documents(documents),
            "</body></html>\n",
        )
    )


def _outlines(answers: Mapping[str, Answer], /) -> str:
    counted = Counter((answer.outline.outline_id, answer.state) for answer in answers.values())
    headings = {answer.outline.outline_id: answer.outline.heading for answer in answers.values()}
    rows = []
    for key, heading in headings.items():
        numbers = "".join(f'<td class="n">{counted[key, state]}</td>' for state in RowState)
        total = sum(counted[key, state] for state in RowState)
        rows.append(
            f'<tr><td>{escape(heading.en)}<br>{escape(heading.zh)}</td><td class="n">{total}</td>{numbers}</tr>'
        )
    names = "".join(f"<th>{escape(str(state))}</th>" for state in RowState)
    head = f"<tr><th>Guidance or standard · 指南或标准</th><th>headings</th>{names}</tr>"
    return f"<h2>Headings · 标题</h2><table>{head}{''.join(rows)}</table>"


def _documents(documents: tuple[Document, ...], /) -> str:
    rows = []
    for document in documents:
        links = {
            language: " ".join(
                f'<a href="documents/{language}/{file_name(document, language=language, ending=ending)}">{ending}</a>'
                for ending in ("pdf", "docx")
            )
            for language in Language
        }
        rows.append(
            f"<tr><td>{escape(document.stem)}</td><td>{escape(title_of(document, Language.EN))}<br>"
            f"{escape(title_of(document, Language.ZH))}</td>"
            f"<td>{links[Language.EN]}</td><td>{links[Language.ZH]}</td></tr>"
        )
    head = "<tr><th>File · 文件</th><th>Title · 标题</th><th>English</th><th>中文</th></tr>"
    return f"<h2>Documents · 文件</h2><table>{head}{''.join(rows)}</table>"
