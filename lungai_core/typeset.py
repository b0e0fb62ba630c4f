"""Typst as a printer of PDF/A: no clock read, no font guessed, every sign present. Both towers print through it."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any

from lungai_core.errors import MissingDependencyError, MissingFontError

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["CJK_FONTS", "Typesetter", "typst_image", "typst_string"]

CJK_FONTS = ("Noto Sans CJK SC", "Source Han Sans SC", "Noto Serif CJK SC", "Source Han Serif SC")
_STANDARD = "a-2b"


class Typesetter:
    """Typst with the fonts of this machine, loaded once for many documents.

    :implements: SRS-FILE-003, SDS-FILE-002

    Parameters
    ----------
    families
        Fonts with Latin and Chinese signs, the preferred one first.

    Raises
    ------
    MissingDependencyError
        If Typst is not installed.
    MissingFontError
        If none of the fonts is installed.
    """

    def __init__(self, *, families: tuple[str, ...] = CJK_FONTS) -> None:
        try:
            typst: Any = importlib.import_module("typst")
        except ImportError as error:
            raise MissingDependencyError(
                "The PDF renderer is not installed.", where="typst", remedy='Run `pip install "lungai-core[pdf]"`.'
            ) from error
        fonts = typst.Fonts()
        present = set(fonts.families())
        font = next((family for family in families if family in present), None)
        if font is None:
            raise MissingFontError(
                "No font with Chinese glyphs is installed.",
                where="fonts of this machine",
                allowed=", ".join(families),
                remedy="Install one, on Debian and Ubuntu by `apt-get install fonts-noto-cjk`, and build again.",
            )
        self.font: str = font
        self.tool = f"typst {typst.__version__}"
        self._error: type[Exception] = typst.TypstError
        self._compiler = typst.Compiler(font_paths=fonts)

    def pdf(self, markup: str, /, *, where: str, time: datetime) -> bytes:
        """Return markup as PDF/A-2b. The same markup and time give the same bytes.

        :implements: SRS-FILE-003, SDS-FILE-002

        Parameters
        ----------
        markup
            Typst markup.
        where
            What the document is called in an error.
        time
            What the file says about when it was made.

        Raises
        ------
        MissingFontError
            If a sign of the document has no glyph.
        """
        stamp = int(time.timestamp())
        return self._compile(markup, where, format="pdf", pdf_standards=_STANDARD, timestamp=stamp, pdf_tags=False)

    def png(self, markup: str, /, *, where: str) -> bytes:
        """Return the first page of markup as PNG at 200 dots an inch.

        :implements: SRS-FILE-003, SDS-FILE-002

        Parameters
        ----------
        markup, where
            As for :meth:`pdf`.
        """
        return self._compile(markup, where, format="png", ppi=200)

    def _compile(self, markup: str, where: str, /, **settings: Any) -> bytes:  # noqa: ANN401  Typst's own settings
        try:
            content = self._compiler.compile(input=markup.encode(), **settings)
        except self._error as error:
            raise MissingFontError(
                "A page cannot be set: " + str(error).split("\n", 1)[0][:200],
                where=where,
                allowed=f"signs that the font {self.font} has a glyph for",
                remedy="Replace the sign in the text it comes from, or install a fuller edition of the font.",
            ) from error
        return bytes(content[0] if isinstance(content, list) else content)


def typst_string(text: str, /) -> str:
    """Return text as a Typst string literal, so that nothing in it is read as markup.

    :implements: SRS-FILE-003, SDS-FILE-002
    """
    # Typst's string literals take JSON's escapes for quote, backslash and line feed; the rest stands as it is.
    cleaned = "".join(sign if sign >= " " or sign == "\n" else " " for sign in text)
    return json.dumps(cleaned, ensure_ascii=False)


def typst_image(data_uri: str, /, *, size: tuple[int, int]) -> str:
    """Return a picture as a Typst expression that fills the width it is given.

    :implements: SRS-FILE-003, SDS-FILE-002

    Parameters
    ----------
    data_uri
        The picture as a ``data:`` address.
    size
        Columns and rows.
    """
    columns, rows = size
    # Markup is text and takes a raster picture only through a vector one; Typst embeds the pixels as they are.
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {columns} {rows}" width="{columns}" height="{rows}">'
        f'<image width="{columns}" height="{rows}" href="{data_uri}"/></svg>'
    )
    return f'image(bytes({typst_string(drawing)}), format: "svg", width: 100%)'
