"""The error tree: every way in which lungai-core refuses, each with a stable code.

Only leaves are raised. A leaf has a ``code`` that never changes its meaning, and a heading of the same name in
``docs/reference/errors.md``; its category decides the exit code of the command line. Every message has four parts: what
happened, where, what is allowed, and what to do. DICOM tags may appear in a message, values of a patient never do.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

__all__ = [
    "CandidateFileError",
    "CandidateOutsideVolumeError",
    "ExitCode",
    "ExportParityError",
    "InputRejectedError",
    "InvalidArgumentError",
    "InvalidGeometryError",
    "LungaiError",
    "MissingDependencyError",
    "ModelIntegrityError",
    "OutputFolderError",
    "PackFileSetError",
    "PackHashError",
    "PackNotFoundError",
    "PackRecordError",
    "PreprocessingMismatchError",
    "ReferenceMismatchError",
    "ResourceError",
    "UsageError",
]


class ExitCode(IntEnum):
    """What the ``lungai`` command returns to the shell.

    :implements: SRS-CLI-001, SDS-CLI-001
    """

    OK = 0
    FINDINGS = 1
    USAGE = 2
    INPUT_REJECTED = 3
    MODEL_INTEGRITY = 4
    REVIEW_REQUIRED = 5
    RESOURCE = 6


class LungaiError(Exception):
    """The root of all errors that lungai-core raises on purpose.

    :implements: SRS-ERR-001, SDS-ERR-001

    Parameters
    ----------
    what
        What happened, as one sentence. Never a patient's value.
    where
        The place: file, slice numbers, DICOM tag, item, field.
    allowed
        The accepted values or range, with its unit.
    remedy
        What the reader should do next.
    """

    code: ClassVar[str]
    exit_code: ClassVar[ExitCode]

    def __init__(self, what: str, /, *, remedy: str, where: str = "", allowed: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.allowed = allowed
        self.remedy = remedy

    def __str__(self) -> str:
        parts = [f"{self.code} {self.what}"]
        if self.where:
            parts.append(f"Where: {self.where}")
        if self.allowed:
            parts.append(f"Allowed: {self.allowed}")
        parts.append(f"What to do: {self.remedy}")
        return "\n".join(parts)

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions with keyword-only arguments do not survive pickling, and worker processes pickle them.
        return _rebuild, (type(self), self.what, self.where, self.allowed, self.remedy)


def _rebuild(cls: type[LungaiError], what: str, where: str, allowed: str, remedy: str) -> LungaiError:
    return cls(what, where=where, allowed=allowed, remedy=remedy)


# ------------------------------------------------------------------------------------------------ usage, exit code 2


class UsageError(LungaiError):
    """The caller asked for something that does not exist or contradicts itself.

    :implements: SRS-ERR-001, SDS-ERR-001
    """

    exit_code = ExitCode.USAGE


class InvalidArgumentError(UsageError):
    """An argument has a value outside its documented range.

    :implements: SRS-ERR-001, SDS-ERR-001
    """

    code = "LAI-USE-001"


# --------------------------------------------------------------------------------------- input rejected, exit code 3


class InputRejectedError(LungaiError):
    """The input is readable by somebody, but not acceptable to this software.

    :implements: SRS-ERR-001, SDS-ERR-001
    """

    exit_code = ExitCode.INPUT_REJECTED


class InvalidGeometryError(InputRejectedError):
    """An image grid has a non-finite, non-orthogonal or degenerate geometry.

    :implements: SRS-DOM-001, SDS-DOM-001
    """

    code = "LAI-DOM-001"


class CandidateFileError(InputRejectedError):
    """A candidate file is not valid JSON of the published schema.

    :implements: SRS-DOM-003, SDS-DOM-003
    """

    code = "LAI-DOM-002"


class CandidateOutsideVolumeError(InputRejectedError):
    """A candidate's centre does not lie inside the CT volume.

    :implements: SRS-DOM-003, SDS-DOM-003
    """

    code = "LAI-DOM-003"


# -------------------------------------------------------------------------------------- model integrity, exit code 4


class ModelIntegrityError(LungaiError):
    """A released model is not what its manifest says.

    :implements: SRS-ERR-001, SDS-ERR-001
    """

    exit_code = ExitCode.MODEL_INTEGRITY


class PackNotFoundError(ModelIntegrityError):
    """There is no model pack at the given path.

    :implements: SRS-PACK-002, SDS-PACK-005
    """

    code = "LAI-PACK-001"


class PackFileSetError(ModelIntegrityError):
    """A model pack has missing, unlisted, unknown or oversized files, or a malformed manifest.

    :implements: SRS-PACK-002, SDS-PACK-005
    """

    code = "LAI-PACK-002"


class PackHashError(ModelIntegrityError):
    """A file of a model pack differs from its manifest or cannot be read.

    :implements: SRS-PACK-002, SDS-PACK-005
    """

    code = "LAI-PACK-003"


class PackRecordError(ModelIntegrityError):
    """A record of a model pack is not of its schema, or records contradict each other.

    :implements: SRS-PACK-002, SDS-PACK-005
    """

    code = "LAI-PACK-004"


class PreprocessingMismatchError(ModelIntegrityError):
    """A model was made for another preprocessing than this software's.

    :implements: SRS-PACK-006, SDS-PACK-005
    """

    code = "LAI-PACK-005"


class ReferenceMismatchError(ModelIntegrityError):
    """A model does not give its reference outputs in this runtime.

    :implements: SRS-PACK-005, SDS-PACK-003
    """

    code = "LAI-PACK-006"


class ExportParityError(ModelIntegrityError):
    """An exported graph does not say what the network says.

    :implements: SRS-TRAIN-002, SDS-TRAIN-001
    """

    code = "LAI-TRAIN-001"


# ---------------------------------------------------------------------------------------------- resource, exit code 6


class ResourceError(LungaiError):
    """The machine lacks something: a package, a device, memory, disk, a permission.

    :implements: SRS-ERR-001, SDS-ERR-001
    """

    exit_code = ExitCode.RESOURCE


class MissingDependencyError(ResourceError):
    """An optional package is needed for this call and is not installed.

    :implements: SRS-ERR-001, SDS-ERR-001
    """

    code = "LAI-RES-001"


class OutputFolderError(ResourceError):
    """An output cannot be written, or would overwrite something.

    :implements: SRS-FILE-001, SDS-FILE-001
    """

    code = "LAI-RES-002"
