"""Names that several documents share, in both languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungai_core.evidence.fields import Field, Text

if TYPE_CHECKING:
    from lungai_core.evidence.material import Material
    from lungai_core.trace.items import Item

__all__ = ["ID", "LEVELS", "TITLE", "level_of", "verdict_field"]

ID = Text("ID", "标识")
TITLE = Text("Title", "标题")
TEXT = Text("Text", "内容")
PARENTS = Text("Derives from", "来源于")
VERDICT = Text("Verdict", "结论")
PASSED = Text("Passed / run / mapped", "通过/运行/关联")
VERSION = Text("Version", "版本")

LEVELS = {
    "unit": Text("unit", "单元"),
    "integration": Text("integration", "集成"),
    "system": Text("system", "系统"),
}
_VERDICTS_ZH = {
    "VERIFIED": "VERIFIED 已验证",
    "FAILED": "FAILED 失败",
    "STALE": "STALE 已过时",
    "SUSPECT": "SUSPECT 待复核",
    "INCOMPLETE": "INCOMPLETE 不完整",
    "NOT VERIFIED": "NOT VERIFIED 未验证",
    "CLAIMED ONLY": "CLAIMED ONLY 仅声明",
    "n/a": "不适用",
}


def level_of(node_id: str, /) -> str:
    """Return the level of a test by the folder it stands in: ``unit``, ``integration`` or ``system``.

    :implements: SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    node_id
        pytest's node ID. Tests in any other folder than ``integration`` and ``system`` are unit tests.
    """
    folders = node_id.split("/")
    return next((level for level in ("integration", "system") if level in folders), "unit")


def verdict_field(material: Material, item: Item, /) -> Field:
    """Return the verdict on an item as the trace gives it.

    :implements: SRS-EVID-005, SDS-EVID-018

    Parameters
    ----------
    material, item
        What and in which set.
    """
    verdict = str(material.project.matrix.verdicts.of[item.item_id].verdict)
    return material.compute(
        "verdict",
        "VERIFIED only if every linked test exists, ran and passed in a complete run of the present commit",
        Text(verdict, _VERDICTS_ZH.get(verdict, verdict)),
        inputs=(material.run.source_id, material.matrix.source_id),
    )


def tally_field(material: Material, item: Item, /) -> Field:
    """Return how many linked test cases passed, ran and exist.

    :implements: SRS-EVID-005, SDS-EVID-018

    Parameters
    ----------
    material, item
        What and in which set.
    """
    verdict = material.project.matrix.verdicts.of[item.item_id]
    return material.compute(
        "tally",
        "test cases linked to an item: passed, run and known to exist",
        f"{verdict.passed} / {verdict.run} / {verdict.mapped}",
        inputs=(material.run.source_id, material.matrix.source_id),
    )
