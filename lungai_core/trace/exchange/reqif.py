"""ReqIF 1.2, the interchange format of DOORS, Polarion, codebeamer and Jama."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING

from lungai_core.errors import ExchangeError
from lungai_core.trace.exchange.markdown import make_item
from lungai_core.trace.exchange.optional import optional_package
from lungai_core.trace.exchange.xml_text import xml_attribute, xml_content

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reqif.models.reqif_spec_object import SpecObjectAttribute

    from lungai_core.trace.config import TraceConfig
    from lungai_core.trace.items import Item

__all__ = ["items_from_reqif", "reqif_xml"]

# Attribute names that ReqIF tools agree on (ReqIF Implementation Guide), and ours for what they have no name for.
_STRINGS = ("ReqIF.ForeignID", "ReqIF.Name", "lungai.method", "lungai.status", "lungai.implemented_by", "lungai.fields")
_TEXTS = ("ReqIF.Text", "lungai.text_zh", "lungai.rationale")
_ID_NAMES = ("ReqIF.ForeignID", "UID", "ID", "Object Identifier", "ReqIF.ForeignId", "Identifier")
_TITLE_NAMES = ("ReqIF.Name", "ReqIF.ChapterName", "Title", "TITLE", "Name", "Object Heading")
_TEXT_NAMES = ("ReqIF.Text", "Text", "STATEMENT", "Description", "Object Text", "Statement")
_TAG = re.compile(r"<[^>]+>")
_BREAK = re.compile(r"<(?:\w+:)?br\s*/>|</(?:\w+:)?p>\s*<(?:\w+:)?p>")


def reqif_xml(items: Iterable[Item], /, *, project: str, exported_at: str) -> str:
    """Return items as ReqIF 1.2: one specification a kind, one relation a link.

    :implements: SRS-TRACE-016, SDS-TRACE-018

    Parameters
    ----------
    items
        Their IDs become the stable identifiers that other tools pair on.
    project
        Title of the exchange document.
    exported_at
        ISO 8601 time with offset, for the header and each object.
    """
    all_items = list(items)
    kinds = list(dict.fromkeys(item.kind for item in all_items))
    known = {item.item_id for item in all_items}
    stamp = f"LAST-CHANGE={xml_attribute(exported_at)}"
    objects = "\n".join(_object(item, stamp) for item in all_items)
    relations = "\n".join(
        _relation(item.item_id, parent, stamp) for item in all_items for parent in item.parents if parent in known
    )
    specifications = "\n".join(
        _specification(kind, [item for item in all_items if item.kind == kind], stamp) for kind in kinds
    )
    return _DOCUMENT.format(
        title=xml_content(project),
        time=xml_content(exported_at),
        stamp=stamp,
        definitions="\n".join(_definition(name, stamp) for name in (*_STRINGS, *_TEXTS)),
        objects=objects,
        relations=relations,
        specifications=specifications,
    )


def items_from_reqif(text: str, config: TraceConfig, /) -> tuple[Item, ...]:
    """Read items from ReqIF, ours or that of another tool.

    :implements: SRS-TRACE-016, SDS-TRACE-018

    Parameters
    ----------
    text
        A ``.reqif`` file. Objects without an ID attribute are taken by their identifier.
    config
        Decides the kinds.
    """
    parser = optional_package("reqif.parser").ReqIFParser
    try:
        bundle = parser.parse_from_string(text)
        content = bundle.core_content.req_if_content
        objects = content.spec_objects or ()
    except Exception as error:  # the library raises whatever its XML parser raises
        raise ExchangeError(
            f"The file is no ReqIF ({type(error).__name__}).",
            allowed="XML of ReqIF 1.0 to 1.2",
            remedy="Export it again from the tool it came from.",
        ) from error
    names = {
        definition.identifier: definition.long_name or definition.identifier
        for kind in content.spec_types or ()
        for definition in getattr(kind, "attribute_definitions", None) or ()
    }
    values = {each.identifier: _values(each.attributes, names) for each in objects}
    ids = {key: _first(found, _ID_NAMES) or key for key, found in values.items()}
    parents: dict[str, list[str]] = {key: [] for key in values}
    for relation in content.spec_relations or ():
        if relation.source in ids and relation.target in ids:
            parents[relation.source].append(ids[relation.target])
    return tuple(_item(config, ids[key], found, parents[key]) for key, found in values.items())


def _item(config: TraceConfig, item_id: str, found: Mapping[str, str], parents: list[str], /) -> Item:
    used = {*_ID_NAMES, *_TITLE_NAMES, *_TEXT_NAMES}
    more = {name.removeprefix("lungai."): value for name, value in found.items() if name not in used}
    packed = more.pop("fields", "")
    more |= json.loads(packed) if packed else {}
    title = _first(found, _TITLE_NAMES)
    return make_item(config, item_id, title=title, text=_first(found, _TEXT_NAMES), parents=parents, more=more)


def _values(attributes: Iterable[SpecObjectAttribute], names: Mapping[str, str], /) -> dict[str, str]:
    found = {}
    for attribute in attributes:
        value = attribute.value if isinstance(attribute.value, str) else ", ".join(map(str, attribute.value))
        if attribute.attribute_type.name == "XHTML":
            value = html.unescape(_TAG.sub("", _BREAK.sub("\n", value.replace("\n", " ")))).strip()
            value = "\n".join(" ".join(line.split()) for line in value.split("\n"))
        found[names.get(attribute.definition_ref, attribute.definition_ref)] = value
    return found


def _first(found: Mapping[str, str], names: tuple[str, ...], /) -> str:
    return next((found[name] for name in names if found.get(name)), "")


def _definition(name: str, stamp: str, /) -> str:
    kind = "XHTML" if name in _TEXTS else "STRING"
    return (
        f'            <ATTRIBUTE-DEFINITION-{kind} IDENTIFIER="def-{name}" {stamp} LONG-NAME="{name}">\n'
        f"              <TYPE>\n                <DATATYPE-DEFINITION-{kind}-REF>type-{kind.lower()}"
        f"</DATATYPE-DEFINITION-{kind}-REF>\n              </TYPE>\n            </ATTRIBUTE-DEFINITION-{kind}>"
    )


def _object(item: Item, stamp: str, /) -> str:
    strings = {
        "ReqIF.ForeignID": item.item_id,
        "ReqIF.Name": item.title,
        "lungai.method": item.method,
        "lungai.status": item.status,
        "lungai.implemented_by": ", ".join(item.implemented_by),
        "lungai.fields": json.dumps(dict(item.fields), ensure_ascii=False) if item.fields else "",
    }
    texts = {"ReqIF.Text": item.text, "lungai.text_zh": item.text_zh, "lungai.rationale": item.rationale}
    values = [_string(name, value) for name, value in strings.items() if value]
    values += [_xhtml(name, value) for name, value in texts.items() if value]
    return (
        f'        <SPEC-OBJECT IDENTIFIER="item-{item.item_id}" {stamp} LONG-NAME={xml_attribute(item.title)}>\n'
        f"          <TYPE>\n            <SPEC-OBJECT-TYPE-REF>type-item</SPEC-OBJECT-TYPE-REF>\n          </TYPE>\n"
        f"          <VALUES>\n" + "\n".join(values) + "\n          </VALUES>\n        </SPEC-OBJECT>"
    )


def _string(name: str, value: str, /) -> str:
    return (
        f"            <ATTRIBUTE-VALUE-STRING THE-VALUE={xml_attribute(value)}>\n              <DEFINITION>\n"
        f"                <ATTRIBUTE-DEFINITION-STRING-REF>def-{name}</ATTRIBUTE-DEFINITION-STRING-REF>\n"
        f"              </DEFINITION>\n            </ATTRIBUTE-VALUE-STRING>"
    )


def _xhtml(name: str, value: str, /) -> str:
    lines = "<xhtml:br/>".join(xml_content(line) for line in value.split("\n"))
    return (
        f"            <ATTRIBUTE-VALUE-XHTML>\n              <DEFINITION>\n"
        f"                <ATTRIBUTE-DEFINITION-XHTML-REF>def-{name}</ATTRIBUTE-DEFINITION-XHTML-REF>\n"
        f"              </DEFINITION>\n              <THE-VALUE><xhtml:div>{lines}</xhtml:div></THE-VALUE>\n"
        f"            </ATTRIBUTE-VALUE-XHTML>"
    )


def _relation(child: str, parent: str, stamp: str, /) -> str:
    return (
        f'        <SPEC-RELATION IDENTIFIER="link-{child}-{parent}" {stamp}>\n'
        f"          <TARGET>\n            <SPEC-OBJECT-REF>item-{parent}</SPEC-OBJECT-REF>\n          </TARGET>\n"
        f"          <SOURCE>\n            <SPEC-OBJECT-REF>item-{child}</SPEC-OBJECT-REF>\n          </SOURCE>\n"
        f"          <TYPE>\n            <SPEC-RELATION-TYPE-REF>type-link</SPEC-RELATION-TYPE-REF>\n          </TYPE>\n"
        f"        </SPEC-RELATION>"
    )


def _specification(kind: str, items: list[Item], stamp: str, /) -> str:
    children = "\n".join(
        f'            <SPEC-HIERARCHY IDENTIFIER="place-{item.item_id}" {stamp}>\n              <OBJECT>\n'
        f"                <SPEC-OBJECT-REF>item-{item.item_id}</SPEC-OBJECT-REF>\n              </OBJECT>\n"
        f"            </SPEC-HIERARCHY>"
        for item in items
    )
    return (
        f'        <SPECIFICATION IDENTIFIER="document-{kind}" {stamp} LONG-NAME={xml_attribute(kind)}>\n'
        f"          <TYPE>\n            <SPECIFICATION-TYPE-REF>type-document</SPECIFICATION-TYPE-REF>\n"
        f"          </TYPE>\n"
        f"          <CHILDREN>\n{children}\n          </CHILDREN>\n        </SPECIFICATION>"
    )


_DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<REQ-IF xmlns="http://www.omg.org/spec/ReqIF/20110401/reqif.xsd" xmlns:xhtml="http://www.w3.org/1999/xhtml">
  <THE-HEADER>
    <REQ-IF-HEADER IDENTIFIER="lungai-trace-export">
      <CREATION-TIME>{time}</CREATION-TIME>
      <REQ-IF-TOOL-ID>lungai-core</REQ-IF-TOOL-ID>
      <REQ-IF-VERSION>1.2</REQ-IF-VERSION>
      <SOURCE-TOOL-ID>lungai-core</SOURCE-TOOL-ID>
      <TITLE>{title}</TITLE>
    </REQ-IF-HEADER>
  </THE-HEADER>
  <CORE-CONTENT>
    <REQ-IF-CONTENT>
      <DATATYPES>
        <DATATYPE-DEFINITION-STRING IDENTIFIER="type-string" {stamp} LONG-NAME="text" MAX-LENGTH="32000"/>
        <DATATYPE-DEFINITION-XHTML IDENTIFIER="type-xhtml" {stamp} LONG-NAME="formatted text"/>
      </DATATYPES>
      <SPEC-TYPES>
        <SPEC-OBJECT-TYPE IDENTIFIER="type-item" {stamp} LONG-NAME="Item">
          <SPEC-ATTRIBUTES>
{definitions}
          </SPEC-ATTRIBUTES>
        </SPEC-OBJECT-TYPE>
        <SPEC-RELATION-TYPE IDENTIFIER="type-link" {stamp} LONG-NAME="Parent"/>
        <SPECIFICATION-TYPE IDENTIFIER="type-document" {stamp} LONG-NAME="Document"/>
      </SPEC-TYPES>
      <SPEC-OBJECTS>
{objects}
      </SPEC-OBJECTS>
      <SPEC-RELATIONS>
{relations}
      </SPEC-RELATIONS>
      <SPECIFICATIONS>
{specifications}
      </SPECIFICATIONS>
    </REQ-IF-CONTENT>
  </CORE-CONTENT>
</REQ-IF>
"""
