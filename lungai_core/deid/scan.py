"""The last look before a file is released: nothing that was removed may stand in the bytes to be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungai_core.deid.bytestream import forget_pages
from lungai_core.deid.needles import contains_needle
from lungai_core.deid.vocabulary import is_vocabulary
from lungai_core.errors import IdentityLeftError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lungai_core.deid.bytestream import Buffer, Element
    from lungai_core.deid.transform import Transformed

__all__ = ["needles_left", "require_clean_pixels", "require_nothing_left"]

_SHORTEST_IN_PIXELS = 6
_WINDOW_BYTES, _LONGEST_PATTERN = 1 << 20, 1 << 10


def needles_left(done: Transformed, /, *, pseudonym: str, own: set[int]) -> set[bytes]:
    """Return the patterns of removed values that the new data set still holds.

    :implements: SRS-DEID-008, SDS-DEID-005

    Parameters
    ----------
    done
        The new data set without its pixel data.
    pseudonym
        The patient's; it may spell a short name by chance.
    own
        The identities of the pieces that the library wrote itself; so may these.
    """
    content = b"\xff".join(piece for piece in done.pieces if id(piece) not in own).lower()
    content = content.replace(pseudonym.lower().encode(), b"\xff")
    return {needle for needle in done.needles if needle in content and contains_needle(content, (needle,))}


def require_nothing_left(left: set[bytes], /) -> None:
    """Refuse a file in which a removed value is left that is no word of the vocabulary.

    :implements: SRS-DEID-008, SDS-DEID-005

    Parameters
    ----------
    left
        As :func:`needles_left` returns them.

    Raises
    ------
    IdentityLeftError
        With their number, never with a value.
    """
    telling = {needle for needle in left if not is_vocabulary(needle.decode("ascii", "replace"))}
    if telling:
        raise IdentityLeftError(
            f"{len(telling)} removed values still occur in the data set.",
            where="the data set in front of or behind the pixel data",
            allowed="0 occurrences of a removed value",
            remedy="Look at the object: a name or number of the patient stands in an attribute that cannot be removed.",
        )


def require_clean_pixels(
    data: Buffer, pixels: Iterable[Element], /, *, needles: Iterable[bytes], names: Iterable[bytes]
) -> None:
    """Refuse pixel data that spell a removed value.

    Native samples cannot spell a long name by chance; compressed streams have comment fields that spell it on purpose.

    :implements: SRS-DEID-008, SDS-DEID-005

    Parameters
    ----------
    data
        The input.
    pixels
        Its pixel data elements.
    needles
        Patterns of removed values, looked for in compressed pixel data.
    names
        The patient's name and ID as written, looked for in native samples.

    Raises
    ------
    IdentityLeftError
        If one occurs.
    """
    for pixel in pixels:
        if pixel.undefined:
            wanted = [needle for needle in needles if len(needle) >= _SHORTEST_IN_PIXELS]
            found = any(contains_needle(window.lower(), wanted) for window in _windows(data, pixel))
        else:
            found = any(_occurs(data, name, pixel) for name in set(names) if len(name) >= _SHORTEST_IN_PIXELS)
        if found:
            raise IdentityLeftError(
                "A removed value of the patient occurs in the pixel data.",
                where="(7FE0,0010)",
                allowed="0 occurrences of a removed value",
                remedy="Look at the object: its compressed image holds a comment, or its samples hold text.",
            )


def _windows(data: Buffer, pixel: Element) -> Iterator[bytes]:
    # Windows overlap by the length of the longest pattern; a memory map's pages need not stay in memory.
    for position in range(pixel.value, pixel.stop, _WINDOW_BYTES):
        yield bytes(data[position : min(position + _WINDOW_BYTES + _LONGEST_PATTERN, pixel.stop)])
        forget_pages(data)


def _occurs(data: Buffer, needle: bytes, pixel: Element) -> bool:
    if isinstance(data, bytes):
        # From the end: CPython's backward search skips by the pattern's length where its forward one, made for the
        # worst case, does not; on CT samples it takes a half to a quarter of the time.
        return data.rfind(needle, pixel.value, pixel.stop) >= 0
    return any(needle in window for window in _windows(data, pixel))
