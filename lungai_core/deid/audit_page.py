"""The audit as one page that opens without a network, in English and Chinese."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lungai_core.deid.audit import Audit

__all__ = ["audit_html"]

_STYLE = """
:root{color-scheme:light dark;--line:#c9d1d9;--soft:#f3f5f7;--bad:#b42318;--good:#067647;--ink:#1c2530}
@media(prefers-color-scheme:dark){:root{--line:#3a444e;--soft:#1f262d;--ink:#e4e9ee;--bad:#f97066;--good:#47cd89}}
body{font:15px/1.5 system-ui,"Noto Sans CJK SC","Microsoft YaHei",sans-serif;color:var(--ink);margin:2rem
auto;max-width:70rem} body{padding:0 1rem}h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0
.5rem}p.sub{margin:.2rem 0 1.2rem} .tiles{display:flex;flex-wrap:wrap;gap:.8rem}.tile{border:1px solid
var(--line);border-radius:.5rem;padding:.7rem 1rem} .tile{min-width:9rem;background:var(--soft)}.tile
b{display:block;font-size:1.6rem;font-variant-numeric:tabular-nums} .good b{color:var(--good)}.bad
b{color:var(--bad)}table{border-collapse:collapse;width:100%} th,td{border-bottom:1px solid var(--line);padding:.3rem
.6rem;text-align:left;vertical-align:top}
th{background:var(--soft)}td:nth-child(2),th{white-space:nowrap}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}code{font-size:.9em;overflow-wrap:anywhere}
.scroll{overflow-x:auto}
"""


def audit_html(audit: Audit, /) -> str:
    """Return the audit as HTML; the same audit gives the same bytes.

    :implements: SRS-DEID-010, SDS-DEID-008

    Parameters
    ----------
    audit
        The record of a run.
    """
    body = [
        "<h1>De-identification audit · 去标识化审计</h1>",
        _subtitle(audit),
        _tiles(audit),
        "<h2>Refused files · 被拒绝的文件</h2>",
        _refused(audit),
        "<h2>Written series · 写出的序列</h2>",
        _series(audit),
        "<h2>Profile · 配置</h2>",
        _profile(audit),
        "<h2>Actions by attribute · 各属性的动作</h2>",
        _actions(audit),
        "<p>No value of a patient stands on this page; file numbers follow the sorted paths of the input.</p>",
        "<p>本页不含任何患者值;文件编号按输入路径排序。</p>",
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>De-identification audit · 去标识化审计</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def _subtitle(audit: Audit) -> str:
    source = f"{escape(audit.software)} · PS3.15 {escape(audit.table_edition)} Table E.1-1"
    profile = f"profile · 配置 <b>{escape(audit.profile.name)}</b> · <code>{escape(audit.profile_digest)}</code>"
    return f'<p class="sub">{source} · {profile}</p>'


def _tiles(audit: Audit) -> str:
    refused = len(audit.refused)
    tiles = (
        ("", audit.files_in, "files in", "输入文件"),
        ("good", audit.files_written, "written", "写出"),
        ("bad" if refused else "good", refused, "refused", "拒绝"),
        ("", len(audit.series), "series", "序列"),
        ("", len({one.patient for one in audit.series}), "patients", "患者"),
        ("bad" if audit.files_showing_a_head else "", audit.files_showing_a_head, "show a head or neck", "显示头颈部"),
    )
    return (
        '<div class="tiles">'
        + "".join(f'<div class="tile {kind}"><b>{count}</b>{en} · {zh}</div>' for kind, count, en, zh in tiles)
        + "</div>"
    )


def _refused(audit: Audit) -> str:
    if not audit.refused:
        return "<p>None. 无。</p>"
    head = ("file · 文件", "code · 代码", "reason · 原因", "where · 位置")
    return _table(head, ((str(one.number), one.code, one.reason, one.where) for one in audit.refused))


def _series(audit: Audit) -> str:
    if not audit.series:
        return "<p>None. 无。</p>"
    head = ("patient · 患者", "series · 序列", "modality · 模态", "files · 文件")
    rows = ((one.patient, one.series_instance_uid, one.modality, str(one.files)) for one in audit.series)
    return _table(head, rows, numbers=(3,))


def _profile(audit: Audit) -> str:
    rows = [(f"CID 7050 {code}", meaning) for code, meaning in audit.method_codes]
    rows.append(("UID root · UID 根", audit.profile.uid_root))
    rows.append(("age limit · 年龄上限", str(audit.profile.age_limit_years or "none · 无")))
    rows.append(("Table E.1-1 SHA-256", audit.table_sha256))
    return _table(("item · 项目", "value · 值"), rows)


def _actions(audit: Audit) -> str:
    head = ("tag · 标签", "attribute · 属性", "code · 代码", "action · 动作", "count · 次数")
    rows = ((one.tag, one.keyword, one.code, one.action, str(one.count)) for one in audit.actions)
    return _table(head, rows, numbers=(4,))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]], *, numbers: tuple[int, ...] = ()) -> str:
    def cells(row: tuple[str, ...], kind: str) -> str:
        shown = (
            f"<{kind}{' class=n' if place in numbers else ''}>{escape(cell)}</{kind}>" for place, cell in enumerate(row)
        )
        return f"<tr>{''.join(shown)}</tr>"

    lines = "\n".join(cells(row, "td") for row in rows)
    return f'<div class="scroll"><table>\n{cells(head, "th")}\n{lines}\n</table></div>'
