"""The error tree: every way in which lungai-core refuses, each with a stable code.

Only leaves are raised. A leaf has a ``code`` that never changes its meaning, and a heading of the same name in
``docs/reference/errors.md``; its category decides the exit code of the command line. Every message has four parts: what
happened, where, what is allowed, and what to do. DICOM tags may appear in a message, values of a patient never do.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

__all__ = [
    "AgreementClaimError",
    "AnnotationFileError",
    "AnnotationTableError",
    "BrokenPixelDataError",
    "BurnedInPixelError",
    "CandidateFileError",
    "CandidateOfOtherSeriesError",
    "CandidateOutsideVolumeError",
    "CaseListError",
    "CheckpointMismatchError",
    "ConformanceError",
    "ConsensusError",
    "CorruptDicomError",
    "CoverageContextError",
    "CriteriaSignatureError",
    "DamagedFileError",
    "DataLeakageError",
    "DataSetError",
    "DecompressedTooLargeError",
    "DesignIncompleteError",
    "DeviceMemoryError",
    "DuplicateInstanceError",
    "DuplicateSliceError",
    "EngineClosedError",
    "EvidenceInputError",
    "ExchangeError",
    "ExitCode",
    "ExportParityError",
    "FileAccessError",
    "GantryTiltError",
    "GradingNotApplicableError",
    "IdentityLeftError",
    "InputOutsideLimitsError",
    "InputRejectedError",
    "InvalidArgumentError",
    "InvalidGeometryError",
    "LedgerBusyError",
    "LedgerMismatchError",
    "LidcXmlError",
    "LocalizerError",
    "LossyCompressionError",
    "LungaiError",
    "MaskFileError",
    "MeasurementImpossibleError",
    "MissingAttributeError",
    "MissingDependencyError",
    "MissingFontError",
    "MissingSliceError",
    "MixedFrameOfReferenceError",
    "MixedGridError",
    "MixedOrientationError",
    "MixedRescaleError",
    "ModelIntegrityError",
    "ModelOutputError",
    "ModelTensorError",
    "NoCtImageError",
    "NoTissueError",
    "NonFiniteLossError",
    "NotCtError",
    "NotDeidentifiedError",
    "NotEstimableError",
    "NotHounsfieldError",
    "OpenPlaceholdersError",
    "OutputFolderError",
    "OverlappingSliceError",
    "PackFileSetError",
    "PackHashError",
    "PackNotFoundError",
    "PackRecordError",
    "PatientIdsMissingError",
    "PixelFormatError",
    "PlanIntegrityError",
    "PlanStateError",
    "PreprocessingMismatchError",
    "ProfileError",
    "ProviderUnavailableError",
    "ReadingProtocolError",
    "ReferenceMismatchError",
    "ReportPartsError",
    "ResampledTooLargeError",
    "ResourceError",
    "ResultFileError",
    "RunRecordError",
    "SecretFileError",
    "SeriesNotFoundError",
    "SeriesTooLargeError",
    "SeveralSeriesError",
    "SignatureError",
    "SourceImagesError",
    "StudyDataError",
    "StudyFileError",
    "StudyRefusedError",
    "TooFewSlicesError",
    "TooManySlicesError",
    "TraceConfigError",
    "TrainingPlanError",
    "UnevenSpacingError",
    "UnexpectedError",
    "UnprovenValueError",
    "UnsupportedObjectError",
    "UnsupportedTransferSyntaxError",
    "UsageError",
    "WordingError",
    "WorkersDieError",
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
    DEFECT = 7


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


class TraceConfigError(UsageError):
    """The table ``[tool.lungai_trace]`` of a project is absent or contradicts itself.

    :implements: SRS-TRACE-001, SDS-TRACE-002
    """

    code = "LAI-TRACE-001"


class LedgerMismatchError(UsageError):
    """A batch is continued with another model, software or list than it was begun with.

    :implements: SRS-INFER-011, SDS-INFER-010
    """

    code = "LAI-INFER-009"


class EngineClosedError(UsageError):
    """An inference engine was used after it was closed.

    :implements: SRS-INFER-001, SDS-INFER-001
    """

    code = "LAI-INFER-007"


class ProfileError(UsageError):
    """A de-identification profile does not exist or contradicts itself.

    :implements: SRS-DEID-003, SDS-DEID-001
    """

    code = "LAI-DEID-007"


class SecretFileError(UsageError):
    """The secret for de-identification cannot be read or is too short.

    :implements: SRS-DEID-005, SDS-DEID-003
    """

    code = "LAI-DEID-008"


class DesignIncompleteError(UsageError):
    """A sample size is asked for without a number that the method needs.

    :implements: SRS-ERR-001, SDS-ERR-001
    """

    code = "LAI-CLIN-003"


class AgreementClaimError(UsageError):
    """An agreement claim lacks its metric, its unit or its lower bound.

    :implements: SRS-ERR-001, SDS-ERR-001
    """

    code = "LAI-CLIN-004"


class PlanStateError(UsageError):
    """An analysis is asked for under a plan that is not locked, or a locked plan is to be changed.

    :implements: SRS-ERR-001, SDS-ERR-001
    """

    code = "LAI-CLIN-005"


class TrainingPlanError(UsageError):
    """A training plan cannot be read or is not of its schema.

    :implements: SRS-TRAIN-005, SDS-TRAIN-003
    """

    code = "LAI-TRAIN-002"


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


class NoCtImageError(InputRejectedError):
    """No CT image was found where one was looked for.

    :implements: SRS-DICOM-001, SDS-DICOM-001
    """

    code = "LAI-DICOM-001"


class SeveralSeriesError(InputRejectedError):
    """The input holds more than one CT series and none was chosen.

    :implements: SRS-DICOM-001, SDS-DICOM-001
    """

    code = "LAI-DICOM-002"


class SeriesNotFoundError(InputRejectedError):
    """No CT series of the input has the Series Instance UID that was asked for.

    :implements: SRS-DICOM-001, SDS-DICOM-001
    """

    code = "LAI-DICOM-003"


class DamagedFileError(InputRejectedError):
    """A DICOM file cannot be parsed: it is truncated, or its elements contradict each other.

    :implements: SRS-DICOM-006, SDS-DICOM-002
    """

    code = "LAI-DICOM-004"


class TooManySlicesError(InputRejectedError):
    """The series, or the folder, holds more slices or files than the limit.

    :implements: SRS-DICOM-007, SDS-DICOM-001
    """

    code = "LAI-DICOM-005"


class SeriesTooLargeError(InputRejectedError):
    """The files of the series are larger than the limit.

    :implements: SRS-DICOM-007, SDS-DICOM-001
    """

    code = "LAI-DICOM-006"


class DecompressedTooLargeError(InputRejectedError):
    """The series would take more memory than the limit once decompressed.

    :implements: SRS-DICOM-007, SDS-DICOM-001
    """

    code = "LAI-DICOM-007"


class NotCtError(InputRejectedError):
    """The Modality of a CT object is not CT, or the chosen series is of another kind.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """

    code = "LAI-DICOM-008"


class UnsupportedTransferSyntaxError(InputRejectedError):
    """The Transfer Syntax is not one that this software reads.

    :implements: SRS-DICOM-005, SDS-DICOM-005
    """

    code = "LAI-DICOM-009"


class LossyCompressionError(InputRejectedError):
    """The pixel data went through lossy compression.

    :implements: SRS-DICOM-004, SDS-DICOM-005
    """

    code = "LAI-DICOM-010"


class PixelFormatError(InputRejectedError):
    """The pixel format is not one sample of MONOCHROME2 in 16 bits, or differs between slices.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """

    code = "LAI-DICOM-011"


class MissingAttributeError(InputRejectedError):
    """An attribute that places or scales the image is absent or cannot be read.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """

    code = "LAI-DICOM-012"


class MixedRescaleError(InputRejectedError):
    """Rescale Slope or Intercept differs between slices, or the slope is 0.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """

    code = "LAI-DICOM-013"


class NotHounsfieldError(InputRejectedError):
    """The Rescale Type says that the values are not Hounsfield units.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """

    code = "LAI-DICOM-014"


class MixedFrameOfReferenceError(InputRejectedError):
    """The slices have different Frames of Reference.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """

    code = "LAI-DICOM-015"


class LocalizerError(InputRejectedError):
    """The series contains a localizer (scout).

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """

    code = "LAI-DICOM-016"


class MixedOrientationError(InputRejectedError):
    """The slices have different orientations, or a slice's axes are not orthogonal unit vectors.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """

    code = "LAI-DICOM-017"


class MixedGridError(InputRejectedError):
    """The slices differ in matrix size, pixel spacing, study or kind of object.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """

    code = "LAI-DICOM-018"


class GantryTiltError(InputRejectedError):
    """The gantry was tilted, or the slices are shifted against each other.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """

    code = "LAI-DICOM-019"


class DuplicateSliceError(InputRejectedError):
    """Two slices lie at the same position.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """

    code = "LAI-DICOM-020"


class MissingSliceError(InputRejectedError):
    """Slices are missing.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """

    code = "LAI-DICOM-021"


class OverlappingSliceError(InputRejectedError):
    """Slices lie closer together than the rest of the series.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """

    code = "LAI-DICOM-022"


class UnevenSpacingError(InputRejectedError):
    """The distance between slices varies.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """

    code = "LAI-DICOM-023"


class TooFewSlicesError(InputRejectedError):
    """The series has fewer slices than the limit.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """

    code = "LAI-DICOM-024"


class BrokenPixelDataError(InputRejectedError):
    """The pixel data are truncated or cannot be decoded.

    :implements: SRS-DICOM-005, SDS-DICOM-005
    """

    code = "LAI-DICOM-025"


class InputOutsideLimitsError(InputRejectedError):
    """The volume lies outside the limits that the model was verified with.

    :implements: SRS-PREP-005, SDS-PREP-003
    """

    code = "LAI-PREP-001"


class ResampledTooLargeError(InputRejectedError):
    """The resampled volume would be larger than the limit.

    :implements: SRS-PREP-003, SDS-PREP-001
    """

    code = "LAI-PREP-002"


class ExchangeError(InputRejectedError):
    """A file of another requirements tool cannot be read.

    :implements: SRS-TRACE-016, SDS-TRACE-018
    """

    code = "LAI-TRACE-004"


class CoverageContextError(InputRejectedError):
    """Coverage data cannot say which test ran a line.

    :implements: SRS-TRACE-013, SDS-TRACE-014
    """

    code = "LAI-TRACE-003"


class RunRecordError(InputRejectedError):
    """A run record is absent, not of the schema, or does not fit the other records it shall be joined with.

    :implements: SRS-TRACE-006, SDS-TRACE-006
    """

    code = "LAI-TRACE-002"


class CandidateOfOtherSeriesError(InputRejectedError):
    """A candidate list names another series than the one it is given with.

    :implements: SRS-INFER-009, SDS-INFER-008
    """

    code = "LAI-INFER-001"


class CaseListError(InputRejectedError):
    """A list of cases is not JSON of the published schema.

    :implements: SRS-INFER-011, SDS-INFER-010
    """

    code = "LAI-INFER-008"


class NoTissueError(InputRejectedError):
    """A candidate lies in air outside the body.

    :implements: SRS-INFER-009, SDS-INFER-008
    """

    code = "LAI-INFER-002"


class SourceImagesError(InputRejectedError):
    """The images given for a result are not those that its volume was read from.

    :implements: SRS-DICOM-020, SDS-DICOM-020
    """

    code = "LAI-DICOM-050"


class ResultFileError(InputRejectedError):
    """A result file is not JSON of the published schema.

    :implements: SRS-REPORT-001, SDS-REPORT-001
    """

    code = "LAI-REPORT-001"


class ReportPartsError(InputRejectedError):
    """The volume or the card that a report shall be written with belongs to another result.

    :implements: SRS-REPORT-008, SDS-REPORT-002
    """

    code = "LAI-REPORT-002"


class CorruptDicomError(InputRejectedError):
    """A file cannot be read to its end as DICOM.

    :implements: SRS-DEID-011, SDS-DEID-005
    """

    code = "LAI-DEID-001"


class BurnedInPixelError(InputRejectedError):
    """An image may show text about the patient in its pixels.

    :implements: SRS-DEID-009, SDS-DEID-007
    """

    code = "LAI-DEID-002"


class UnsupportedObjectError(InputRejectedError):
    """A file is of a kind that this software does not de-identify.

    :implements: SRS-DEID-011, SDS-DEID-006
    """

    code = "LAI-DEID-003"


class IdentityLeftError(InputRejectedError):
    """The bytes to be released still hold a value that was removed from the patient.

    :implements: SRS-DEID-008, SDS-DEID-005
    """

    code = "LAI-DEID-004"


class NotDeidentifiedError(InputRejectedError):
    """A file is not what de-identification with this profile would have written.

    :implements: SRS-DEID-010, SDS-DEID-008
    """

    code = "LAI-DEID-005"


class DuplicateInstanceError(InputRejectedError):
    """Two files of one input carry the same SOP Instance UID.

    :implements: SRS-DEID-011, SDS-DEID-006
    """

    code = "LAI-DEID-006"


class AnnotationFileError(InputRejectedError):
    """An annotation file is not of the published schema.

    :implements: SRS-ERR-001, SDS-ERR-001
    """

    code = "LAI-ANNO-001"


class LidcXmlError(InputRejectedError):
    """A file is not a LIDC-IDRI CT reading.

    :implements: SRS-ERR-001, SDS-ERR-001
    """

    code = "LAI-ANNO-002"


class MeasurementImpossibleError(InputRejectedError):
    """A volume and a diameter cannot belong to one nodule.

    :implements: SRS-ERR-001, SDS-ERR-001
    """

    code = "LAI-ANNO-003"


class MaskFileError(InputRejectedError):
    """A mask file cannot be read or does not fit its image.

    :implements: SRS-ERR-001, SDS-ERR-001
    """

    code = "LAI-ANNO-004"


class ReadingProtocolError(InputRejectedError):
    """A read or an arbitration breaks the reading plan.

    :implements: SRS-ERR-001, SDS-ERR-001
    """

    code = "LAI-ANNO-005"


class ConsensusError(InputRejectedError):
    """Reads cannot be joined to a consensus.

    :implements: SRS-ERR-001, SDS-ERR-001
    """

    code = "LAI-ANNO-006"


class GradingNotApplicableError(InputRejectedError):
    """A grading scheme has no row for this nodule.

    :implements: SRS-ERR-001, SDS-ERR-001
    """

    code = "LAI-ANNO-007"


class AnnotationTableError(InputRejectedError):
    """A CSV table of annotations or marks cannot be used.

    :implements: SRS-ERR-001, SDS-ERR-001
    """

    code = "LAI-ANNO-008"


class StudyDataError(InputRejectedError):
    """Counts, scores or identifiers of a study contradict each other or lie outside their range.

    :implements: SRS-ERR-001, SDS-ERR-001
    """

    code = "LAI-CLIN-001"


class PatientIdsMissingError(InputRejectedError):
    """A lesion-level interval is asked for without the patient of each lesion.

    :implements: SRS-ERR-001, SDS-ERR-001
    """

    code = "LAI-CLIN-002"


class PlanIntegrityError(InputRejectedError):
    """An analysis plan is not the one whose hash is recorded.

    :implements: SRS-ERR-001, SDS-ERR-001
    """

    code = "LAI-CLIN-006"


class CriteriaSignatureError(InputRejectedError):
    """Acceptance criteria of a change-control plan are not signed by the given key.

    :implements: SRS-ERR-001, SDS-ERR-001
    """

    code = "LAI-CLIN-007"


class NotEstimableError(InputRejectedError):
    """A statistic is undefined for these data.

    :implements: SRS-ERR-001, SDS-ERR-001
    """

    code = "LAI-CLIN-008"


class StudyFileError(InputRejectedError):
    """A study, plan, criteria or report file is not of the published schema.

    :implements: SRS-ERR-001, SDS-ERR-001
    """

    code = "LAI-CLIN-009"


class EvidenceInputError(InputRejectedError):
    """A record, project or table that evidence is built from cannot be read or contradicts itself.

    :implements: SRS-EVID-004, SDS-EVID-010
    """

    code = "LAI-EVID-001"


class UnprovenValueError(InputRejectedError):
    """A value in an evidence document has no source, or cannot be read again from it.

    :implements: SRS-EVID-001, SRS-EVID-002, SDS-EVID-002
    """

    code = "LAI-EVID-002"


class WordingError(InputRejectedError):
    """A document would say a claim, a registration number or a figure that nobody measured.

    :implements: SRS-EVID-006, SRS-EVID-007, SDS-EVID-004
    """

    code = "LAI-EVID-003"


class OpenPlaceholdersError(InputRejectedError):
    """A release was asked for while values are still to be completed by the manufacturer.

    :implements: SRS-EVID-018, SDS-EVID-006
    """

    code = "LAI-EVID-004"


class SignatureError(InputRejectedError):
    """A signature is absent, broken or made with another key.

    :implements: SRS-EVID-023, SDS-EVID-015
    """

    code = "LAI-EVID-005"


class StudyRefusedError(InputRejectedError):
    """The record of a study could mislead: label, data card, interval or denominator is wrong or absent.

    :implements: SRS-EVID-008, SRS-EVID-010, SRS-EVID-011, SDS-EVID-008
    """

    code = "LAI-EVID-006"


class DataSetError(InputRejectedError):
    """A set of nodules has a part that cannot be learned from: missing, empty, unreadable or not finite.

    :implements: SRS-TRAIN-006, SDS-TRAIN-004
    """

    code = "LAI-TRAIN-003"


class DataLeakageError(InputRejectedError):
    """The same patient, study, series, image or nodule stands in two parts of a split.

    :implements: SRS-TRAIN-007, SDS-TRAIN-005
    """

    code = "LAI-TRAIN-004"


class NonFiniteLossError(InputRejectedError):
    """A loss became NaN or infinite during training.

    :implements: SRS-TRAIN-009, SDS-TRAIN-007
    """

    code = "LAI-TRAIN-005"


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


class ConformanceError(ModelIntegrityError):
    """A model breaks a promise of its own contract.

    :implements: SRS-TEST-004, SDS-TEST-003
    """

    code = "LAI-PACK-007"


class ExportParityError(ModelIntegrityError):
    """An exported graph does not say what the network says.

    :implements: SRS-TRAIN-002, SDS-TRAIN-001
    """

    code = "LAI-TRAIN-001"


class ModelTensorError(ModelIntegrityError):
    """A network's inputs, outputs or operators are not those of its contract.

    :implements: SRS-INFER-003, SDS-INFER-003
    """

    code = "LAI-INFER-003"


class ModelOutputError(ModelIntegrityError):
    """A network gave NaN or infinity.

    :implements: SRS-INFER-004, SDS-INFER-003
    """

    code = "LAI-INFER-004"


class CheckpointMismatchError(ModelIntegrityError):
    """A checkpoint belongs to another plan or network, or is damaged.

    :implements: SRS-TRAIN-010, SDS-TRAIN-007
    """

    code = "LAI-TRAIN-006"


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


class FileAccessError(ResourceError):
    """The operating system refuses access to a file or folder, and no part of the library has said more about it.

    :implements: SRS-CLI-011, SDS-CLI-011
    """

    code = "LAI-RES-003"


class LedgerBusyError(ResourceError):
    """Another run works on the same batch.

    :implements: SRS-CLI-003, SDS-CLI-003
    """

    code = "LAI-INFER-010"


class WorkersDieError(ResourceError):
    """Worker processes of a batch die before they end a case.

    :implements: SRS-CLI-003, SDS-CLI-003
    """

    code = "LAI-INFER-011"


class ProviderUnavailableError(ResourceError):
    """None of the providers that the policy allows can run the network.

    :implements: SRS-INFER-002, SDS-INFER-002
    """

    code = "LAI-INFER-005"


class DeviceMemoryError(ResourceError):
    """A device has too little memory for one patch.

    :implements: SRS-INFER-004, SDS-INFER-003
    """

    code = "LAI-INFER-006"


class MissingFontError(ResourceError):
    """A sign cannot be printed because no installed font has it.

    :implements: SRS-EVID-020, SDS-EVID-012
    """

    code = "LAI-EVID-007"


# ------------------------------------------------------------------------------------------------ defect, exit code 7


class UnexpectedError(LungaiError):
    """The library itself is wrong: the command line shows this in place of a traceback.

    :implements: SRS-CLI-011, SDS-CLI-011
    """

    code = "LAI-BUG-001"
    exit_code = ExitCode.DEFECT
