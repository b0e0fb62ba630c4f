"""The voxels of a series: read straight into place where they are uncompressed, decoded slice by slice where not."""

from __future__ import annotations

import warnings
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.dicom.bitstreams import BrokenStreamError, StreamFacts, inspect_jpeg, inspect_jpeg2000, inspect_rle
from lungai_core.dicom.fragments import split_frames
from lungai_core.dicom.jpeg_lossless import require_completely_decoded
from lungai_core.dicom.limits import LossyCompression
from lungai_core.dicom.part10 import BIG_ENDIAN, DEFLATED, inflate_file
from lungai_core.dicom.transfer_syntaxes import NATIVE_SYNTAXES, READABLE_SYNTAXES
from lungai_core.errors import BrokenPixelDataError, LossyCompressionError, MissingDependencyError, PixelFormatError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

    from lungai_core.dicom.frames import FrameHeader
    from lungai_core.dicom.limits import ReadLimits
    from lungai_core.domain.volume import StoredArray

__all__ = ["read_stored_values"]

_RLE = "1.2.840.10008.1.2.5"
_JPEG_2000 = frozenset({"1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"})
_JPEG_LOSSLESS = frozenset({"1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"})
_BITS = 16


def read_stored_values(frames: tuple[FrameHeader, ...], /, *, limits: ReadLimits, threads: int) -> StoredArray:
    """Return the stored values of slices that have kept every rule of the input contract.

    :implements: SRS-DICOM-005, SDS-DICOM-005

    Parameters
    ----------
    frames
        The slices, in order.
    limits
        ``max_decompressed_bytes`` and ``lossy_compression`` count.
    threads
        How many files are read at a time. The result is the same for any number.

    Returns
    -------
    numpy.ndarray
        ``(z, y, x)`` int16 or uint16.

    Raises
    ------
    BrokenPixelDataError
        If pixels are missing, or a compressed slice is broken.
    PixelFormatError
        If bits above Bits Stored hold data.
    LossyCompressionError
        If a codestream is lossy and that is not allowed.
    MissingDependencyError
        If the decoder of the transfer syntax is not installed.
    """
    pixel = frames[0].pixel_format
    shape = (len(frames), pixel.rows or 0, pixel.columns or 0)
    stored: StoredArray = np.empty(shape, np.int16) if pixel.is_signed else np.empty(shape, np.uint16)
    by_file: defaultdict[Path, list[int]] = defaultdict(list)
    for index, frame in enumerate(frames):
        by_file[frame.path].append(index)

    def read(indices: list[int]) -> None:
        _read_file([frames[i] for i in indices], [stored[i] for i in indices], limits)

    if threads == 1:
        for indices in by_file.values():
            read(indices)
    else:
        with ThreadPoolExecutor(threads) as pool:
            # Consuming the results raises the first error; the order of files decides which, not that of time.
            for _ in pool.map(read, by_file.values()):
                pass
    return stored


def _read_file(frames: list[FrameHeader], slices: list[StoredArray], limits: ReadLimits) -> None:
    first = frames[0]
    syntax = first.transfer_syntax_uid
    try:
        if syntax not in NATIVE_SYNTAXES:
            _decode_file(frames, slices, limits)
        elif syntax == DEFLATED:
            ends = [
                _native_offset(frame, part.nbytes) + part.nbytes for frame, part in zip(frames, slices, strict=True)
            ]
            _copy_native(frames, slices, inflate_file(first.path, count=max(ends)))
        else:
            _read_native(frames, slices)
    except OSError as error:
        raise _broken(frames, error.strerror or type(error).__name__) from error
    for frame, values in zip(frames, slices, strict=True):
        if syntax == BIG_ENDIAN:
            values.byteswap(inplace=True)
        _require_clean_bits(frame, values)


def _read_native(frames: list[FrameHeader], slices: list[StoredArray]) -> None:
    with frames[0].path.open("rb", buffering=0) as stream:
        for frame, values in zip(frames, slices, strict=True):
            stream.seek(_native_offset(frame, values.nbytes))
            view = values.reshape(-1).view(np.uint8).data
            while view:
                count = stream.readinto(view)
                if not count:
                    raise _broken([frame], "the file ends before its pixels do")
                view = view[count:]


def _copy_native(frames: list[FrameHeader], slices: list[StoredArray], buffer: bytes) -> None:
    for frame, values in zip(frames, slices, strict=True):
        offset = _native_offset(frame, values.nbytes)
        if offset + values.nbytes > len(buffer):
            raise _broken([frame], "the data set ends before its pixels do")
        values[...] = np.frombuffer(buffer, dtype=values.dtype, count=values.size, offset=offset).reshape(values.shape)


def _native_offset(frame: FrameHeader, frame_bytes: int) -> int:
    location = frame.pixels
    if location is None or location.length is None or location.length < frame_bytes * frame.frames_in_file:
        raise _broken([frame], "Pixel Data (7FE0,0010) is shorter than Rows, Columns and Number of Frames say")
    if location.length > frame_bytes * frame.frames_in_file + 1:
        raise _broken([frame], "Pixel Data (7FE0,0010) is longer than Rows, Columns and Number of Frames say")
    return location.offset + frame_bytes * (frame.frame_number - 1)


def _decode_file(frames: list[FrameHeader], slices: list[StoredArray], limits: ReadLimits) -> None:
    first = frames[0]
    if first.pixels is None or first.pixels.length is not None:
        raise _broken(frames, "compressed pixel data are not encapsulated")
    with first.path.open("rb", buffering=0) as stream:
        stream.seek(first.pixels.offset)
        value = stream.read()
    try:
        streams = split_frames(value, frames=first.frames_in_file)
        for frame, values in zip(frames, slices, strict=True):
            coded = streams[frame.frame_number - 1]
            _inspect(frame, coded, limits)
            values[...] = _decode(frame, coded)
            if frame.transfer_syntax_uid in _JPEG_LOSSLESS:
                require_completely_decoded(coded, values)
    except BrokenStreamError as error:
        raise _broken(frames, str(error)) from error


def _inspect(frame: FrameHeader, coded: bytes, limits: ReadLimits) -> None:
    syntax = frame.transfer_syntax_uid
    if syntax == _RLE:
        inspect_rle(coded)
        return
    facts = inspect_jpeg2000(coded) if syntax in _JPEG_2000 else inspect_jpeg(coded)
    pixel = frame.pixel_format
    if facts != StreamFacts(pixel.rows or 0, pixel.columns or 0, 1, facts.bits, is_reversible=facts.is_reversible):
        raise BrokenStreamError("the coded size differs from Rows, Columns and Samples per Pixel")
    if facts.bits > _BITS or facts.bits < (pixel.bits_stored or 0):
        raise BrokenStreamError("the coded precision does not hold Bits Stored")
    if not facts.is_reversible and limits.lossy_compression is LossyCompression.REFUSE:
        raise LossyCompressionError(
            "A compressed slice is coded with loss, though its header does not say so.",
            where=_where([frame]),
            allowed="reversible coding, unless ReadLimits.lossy_compression allows loss",
            remedy="Use the original images; or allow it (LossyCompression.ALLOW, --allow-lossy).",
        )


def _decode(frame: FrameHeader, coded: bytes) -> NDArray[np.integer]:
    # pydicom takes 0.2 s to import, and uncompressed series do not need it.
    from pydicom.pixels.decoders.base import get_decoder  # noqa: PLC0415  # only for compressed pixels

    syntax = READABLE_SYNTAXES[frame.transfer_syntax_uid]
    decoder = get_decoder(frame.transfer_syntax_uid)
    if syntax.decoder not in decoder.available_plugins:
        raise MissingDependencyError(
            f"The decoder of {syntax.name} is not installed ({syntax.package}).",
            where=_where([frame]),
            remedy='Install it: pip install "lungai-core[dicom]".',
        )
    with warnings.catch_warnings():
        # What decoders warn of (a precision, a padded stream) has been checked from the markers above.
        warnings.simplefilter("ignore")
        try:
            values: NDArray[np.integer]
            values, _ = decoder.as_array(_one_frame(frame, coded), raw=True, index=0, decoding_plugin=syntax.decoder)
        except (RuntimeError, ValueError, TypeError, IndexError, KeyError, AttributeError, MemoryError) as error:
            # The decoders are foreign code and raise what they like; a broken stream is the one cause left.
            raise BrokenStreamError("the decoder refuses the stream") from error
    if values.shape != (frame.pixel_format.rows, frame.pixel_format.columns):
        raise BrokenStreamError("the decoder returned another size")
    return values


def _one_frame(frame: FrameHeader, coded: bytes) -> Dataset:
    """Return the least data set that pydicom decodes: with checked values, not with those of the file."""
    from pydicom.dataset import Dataset, FileMetaDataset  # noqa: PLC0415  # only for compressed pixels
    from pydicom.encaps import encapsulate  # noqa: PLC0415  # only for compressed pixels
    from pydicom.uid import UID  # noqa: PLC0415  # only for compressed pixels

    pixel = frame.pixel_format
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(frame.transfer_syntax_uid)
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = pixel.rows, pixel.columns, 1
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = _BITS, pixel.bits_stored, pixel.high_bit
    dataset.PixelRepresentation = int(bool(pixel.is_signed))
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PixelData = encapsulate([coded], has_bot=False)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    return dataset


def _require_clean_bits(frame: FrameHeader, values: StoredArray) -> None:
    bits = frame.pixel_format.bits_stored or _BITS
    if bits == _BITS:
        return
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if frame.pixel_format.is_signed else (0, (1 << bits) - 1)
    if values.max() > high or values.min() < low:
        raise PixelFormatError(
            "Bits above Bits Stored (0028,0101) hold data: an overlay, or values of another sign than stated.",
            where=_where([frame]),
            allowed=f"stored values from {low} to {high}",
            remedy="Export the series again; overlays belong in the overlay group (60xx).",
        )


def _broken(frames: Iterable[FrameHeader], how: str) -> BrokenPixelDataError:
    return BrokenPixelDataError(
        f"The pixel data cannot be read: {how}.",
        where=_where(frames),
        allowed="complete pixel data that agree with the header",
        remedy="Copy or export the file again. A part-decoded image is never returned.",
    )


def _where(frames: Iterable[FrameHeader]) -> str:
    return ", ".join(f"{frame.path.name} frame {frame.frame_number}" for frame in frames)
