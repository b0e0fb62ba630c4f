"""Third-party components: the SOUP list and the bill of materials, with what is known of their support."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungai_core.evidence.document import Section, Table, facts
from lungai_core.evidence.fields import Text, declared, same

if TYPE_CHECKING:
    from lungai_core.evidence.fields import Field
    from lungai_core.evidence.material import Material
    from lungai_core.evidence.sbom import Component

__all__ = ["bill_of_materials", "component_table", "soup"]


def soup(material: Material, /) -> tuple[Section, ...]:
    """Return the SOUP list as tracked, with the version that was installed in the run.

    :implements: SRS-EVID-016, SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    listed = [each for each in material.parts if each.purpose]
    rows = tuple(
        (
            same(each.name),
            _part(material, each, "version"),
            declared(each.supplier or "—", source=material.soup),
            declared(each.licence or "—", source=material.soup),
            declared(each.purpose, source=material.soup),
            _anomalies(material, each),
        )
        for each in listed
    )
    columns = (
        Text("Component", "组件"),
        Text("Version installed", "安装版本"),
        Text("Manufacturer", "制造商"),
        Text("Licence", "许可证"),
        Text("Purpose", "用途"),
        Text("Published anomalies, read on", "已发布异常,查阅日期"),
    )
    table = Table(Text("Listed components", "所列组件"), columns, rows, weights=(3, 3, 4, 4, 6, 4))
    return (Section(Text("Off-the-shelf software and SOUP", "现成软件与 SOUP"), (table,)),)


def _anomalies(material: Material, each: Component, /) -> Field:
    if each.anomalies and each.anomalies != "NOT READ":
        return declared(f"{each.anomalies} ({each.anomalies_read})", source=material.soup)
    what = Text(
        f"Evaluation of the published anomalies of {each.name}, with the date", f"{each.name} 已发布异常的评估及日期"
    )
    return material.register.ask("soup", each.name, what, clause="IEC 62304 7.1.3")


def bill_of_materials(material: Material, /) -> tuple[Section, ...]:
    """Return the bill of materials with support level and end of support of every component, or who must give them.

    :implements: SRS-EVID-016, SRS-EVID-025, SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    about = facts(
        Text("About the list", "清单信息"),
        (Text("Format", "格式"), material.sbom.field("/bomFormat")),
        (Text("Edition of the format", "格式版本"), material.sbom.field("/specVersion")),
        (Text("Serial number", "序列号"), material.sbom.field("/serialNumber")),
        (Text("Author of the data", "数据作者"), material.sbom.field("/metadata/authors/0/name")),
        (Text("Time", "时间"), material.sbom.field("/metadata/timestamp")),
        (
            Text("Components", "组件数"),
            material.count(
                "parts", "components in the bill of materials", material.parts, inputs=(material.sbom.source_id,)
            ),
        ),
    )
    answers = tuple(f"CY-4.{number}" for number in range(1, 10))
    return (
        Section(
            Text("Bill of materials", "软件物料清单"),
            (about, component_table(material, device_only=False)),
            answers=answers,
        ),
    )


def component_table(material: Material, /, *, device_only: bool) -> Table:
    """Return the components with identity, needs and support.

    :implements: SRS-EVID-016, SRS-EVID-025, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    device_only
        Leave out what only builds and tests.
    """
    rows = tuple(
        (
            _part(material, each, "name"),
            _part(material, each, "version"),
            _supplier(material, each),
            _part(material, each, "purl"),
            material.compute(
                "part-needs",
                "direct dependencies by package metadata",
                ", ".join(each.requires) or "—",
                inputs=(material.sbom.source_id,),
            ),
            _support(material, each, "support_level", each.support_level),
            _support(material, each, "end_of_support", each.end_of_support),
        )
        for each in material.parts
        if each.in_device or not device_only
    )
    columns = (
        Text("Component", "组件"),
        Text("Version", "版本"),
        Text("Supplier", "供应商"),
        Text("Identifier", "唯一标识"),
        Text("Depends on", "依赖"),
        Text("Support level", "支持级别"),
        Text("End of support", "支持终止"),
    )
    title = (
        Text("Components that run with the device", "随器械运行的组件")
        if device_only
        else Text("All components", "全部组件")
    )
    return Table(title, columns, rows, weights=(4, 2, 4, 6, 5, 4, 4))


def _part(material: Material, each: Component, key: str, /) -> Field:
    position = next(number for number, part in enumerate(material.parts) if part.name == each.name)
    return material.sbom.field(f"/components/{position}/{key}")


def _supplier(material: Material, each: Component, /) -> Field:
    if each.supplier:
        return _part(material, each, "supplier/name")
    what = Text(f"Supplier of {each.name}", f"{each.name} 的供应商")
    return material.register.ask("sbom", f"{each.name}.supplier", what, clause="FDA cybersecurity 2026 V.A.4")


def _support(material: Material, each: Component, key: str, value: str, /) -> Field:
    if value:
        return declared(f"{value} ({each.support_source})", source=material.soup)
    what = {
        "support_level": Text(f"Support level of {each.name}", f"{each.name} 的支持级别"),
        "end_of_support": Text(f"End of support of {each.name}", f"{each.name} 的支持终止日期"),
    }[key]
    return material.register.ask("sbom", f"{each.name}.{key}", what, clause="FDA cybersecurity 2026 VI.A")
