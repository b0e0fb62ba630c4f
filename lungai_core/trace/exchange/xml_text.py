"""Text inside XML that we write."""

from __future__ import annotations

import html

__all__ = ["xml_attribute", "xml_content"]

# XML 1.0 has no way to write these at all.
_FORBIDDEN = dict.fromkeys(number for number in range(32) if number not in {9, 10, 13})


def xml_content(text: str, /) -> str:
    """Return text as the content of an XML element.

    :implements: SRS-TRACE-016, SDS-TRACE-018
    """
    return html.escape(text.translate(_FORBIDDEN), quote=False)


def xml_attribute(text: str, /) -> str:
    """Return text as a quoted XML attribute; line ends are kept as character references.

    :implements: SRS-TRACE-016, SDS-TRACE-018
    """
    escaped = html.escape(text.translate(_FORBIDDEN))
    return '"' + escaped.replace("\n", "&#10;").replace("\r", "&#13;").replace("\t", "&#9;") + '"'
