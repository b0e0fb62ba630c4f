"""One read of one nodule as a record, and the file that holds many."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, ValidationError

from lungai_core.annotation.measure import GeometryCheck, check_volume
from lungai_core.domain.geometry import Vector
from lungai_core.domain.model import FrozenModel
from lungai_core.domain.texture import Texture
from lungai_core.errors import AnnotationFileError
from lungai_core.files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "AnnotationFile",
    "Diameter",
    "DiameterDefinition",
    "Grade",
    "GradingScheme",
    "Malignancy",
    "MalignancyBasis",
    "MaskReference",
    "NoduleAnnotation",
    "Read",
    "ReaderRole",
    "Volume",
    "annotation_schema",
    "annotation_sha256",
    "check_geometry",
    "read_annotations",
    "write_annotations",
]

_Uid = Annotated[str, Field(pattern=r"^[0-9.]{1,64}$")]
_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
_Positive = Annotated[float, Field(gt=0)]
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class DiameterDefinition(StrEnum):
    """What a diameter is the diameter of.

    :implements: SRS-ANNO-001, SDS-ANNO-001
    """

    MEAN_OF_LONG_AND_SHORT_AXIS = "mean of long and short axis, one plane"
    LONGEST_AXIAL = "longest in an axial plane"
    LONGEST_3D = "longest in three dimensions"
    EQUIVALENT_SPHERE = "of the sphere with the same volume"


class MalignancyBasis(StrEnum):
    """How malignancy is known.

    :implements: SRS-ANNO-001, SDS-ANNO-001
    """

    PATHOLOGY = "pathology"
    STABLE_FOR_TWO_YEARS = "stable for two years or more"
    OPINION = "reader's opinion from the image"


class GradingScheme(StrEnum):
    """The scheme of a grade.

    :implements: SRS-ANNO-001, SDS-ANNO-001
    """

    LUNG_RADS = "Lung-RADS"
    FLEISCHNER = "Fleischner"
    C_LUNG_RADS = "C-Lung-RADS"
    LIDC_MALIGNANCY = "LIDC malignancy"


class ReaderRole(StrEnum):
    """What a reader does in a project.

    :implements: SRS-ANNO-001, SDS-ANNO-001
    """

    RATER = "rater"
    ARBITER = "arbiter"


class Diameter(FrozenModel):
    """A diameter with its definition.

    :implements: SRS-ANNO-001, SDS-ANNO-001
    """

    value_mm: _Positive
    definition: DiameterDefinition
    longest_mm: _Positive | None = None


class Volume(FrozenModel):
    """A volume with how it was measured.

    :implements: SRS-ANNO-001, SDS-ANNO-001
    """

    value_mm3: _Positive
    method: Annotated[str, Field(min_length=1)]


class Malignancy(FrozenModel):
    """A statement of malignancy with its basis.

    :implements: SRS-ANNO-001, SDS-ANNO-001

    ``rating`` is 1 (highly unlikely) to 5 (highly suspicious) for an opinion; ``malignant`` is for pathology and
    follow-up.
    """

    basis: MalignancyBasis
    rating: Annotated[int, Field(ge=1, le=5)] | None = None
    malignant: bool | None = None


class Grade(FrozenModel):
    """A grade with the version of its scheme.

    :implements: SRS-ANNO-001, SDS-ANNO-001
    """

    scheme: GradingScheme
    version: Annotated[str, Field(min_length=1)]
    value: Annotated[str, Field(min_length=1)]


class MaskReference(FrozenModel):
    """The mask file of a read, tied to it by hash.

    :implements: SRS-ANNO-001, SDS-ANNO-001
    """

    file: Annotated[str, Field(min_length=1)]
    sha256: _Sha256
    segment: str | None = None


class Read(FrozenModel):
    """Who read, when, how blinded, and with which tool.

    :implements: SRS-ANNO-001, SDS-ANNO-001

    ``blinded_to`` names what the reader could not see, such as "other readers" or "pathology". Times have a time zone.
    """

    reader: _Name
    role: ReaderRole
    round: Annotated[int, Field(ge=1)]
    blinded_to: tuple[str, ...]
    tool: Annotated[str, Field(min_length=1)]
    tool_version: Annotated[str, Field(min_length=1)]
    started: datetime | None = None
    finished: datetime | None = None


class NoduleAnnotation(FrozenModel):
    """One reader's read of one nodule.

    :implements: SRS-ANNO-001, SDS-ANNO-001

    ``nodule_id`` is the same for all reads of one nodule; ``annotation_id`` belongs to this read alone.
    ``center_lps_mm`` is ``(x, y, z)`` in DICOM LPS of the frame of reference. The patient stands as a pseudonym.
    """

    annotation_id: _Name
    nodule_id: _Name
    patient: _Name
    study_instance_uid: _Uid
    series_instance_uid: _Uid
    frame_of_reference_uid: _Uid | None
    sop_instance_uids: tuple[_Uid, ...] = ()
    center_lps_mm: Vector
    spacing_zyx_mm: tuple[_Positive, _Positive, _Positive] | None = None
    diameter: Diameter | None = None
    volume: Volume | None = None
    malignancy: Malignancy | None = None
    texture: Texture | None = None
    grades: tuple[Grade, ...] = ()
    mask: MaskReference | None = None
    read: Read


class AnnotationFile(FrozenModel):
    """The annotations of a project, as one file.

    :implements: SRS-ANNO-001, SDS-ANNO-001
    """

    schema_version: Literal["lungai-annotations/1"] = "lungai-annotations/1"
    annotations: tuple[NoduleAnnotation, ...]


def read_annotations(path: Path, /) -> AnnotationFile:
    """Read a file of annotations.

    :implements: SRS-ANNO-001, SDS-ANNO-001

    Parameters
    ----------
    path
        A JSON file of the schema ``lungai-annotations/1``.

    Raises
    ------
    AnnotationFileError
        If the file is absent or not of the schema, or two annotations share an identifier.
    """
    try:
        content = AnnotationFile.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        fields = (
            ", ".join(sorted({".".join(map(str, problem["loc"])) or "file" for problem in error.errors()}))
            if isinstance(error, ValidationError)
            else str(error.strerror)
        )
        raise _bad_file(f"The annotation file cannot be used ({fields}).", path) from error
    names = [annotation.annotation_id for annotation in content.annotations]
    if len(set(names)) != len(names):
        raise _bad_file("Two annotations have the same annotation_id.", path)
    return content


def write_annotations(content: AnnotationFile, path: Path, /) -> Path:
    """Write a file of annotations: sorted keys, the same bytes for the same content.

    :implements: SRS-ANNO-001, SDS-ANNO-001

    Parameters
    ----------
    content
        The annotations.
    path
        The file to write.
    """
    document = json.dumps(content.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False)
    return write_whole(path, document + "\n")


def annotation_schema() -> str:
    """Give the JSON Schema of an annotation file, as it is published with the manual.

    :implements: SRS-ANNO-001, SDS-ANNO-001
    """
    return json.dumps(AnnotationFile.model_json_schema(), indent=1, sort_keys=True) + "\n"


def annotation_sha256(annotation: NoduleAnnotation, /) -> str:
    """Give the SHA-256 of a read's content, by which an arbitration refers to it.

    :implements: SRS-ANNO-007, SDS-ANNO-007

    Parameters
    ----------
    annotation
        The read.
    """
    document = json.dumps(annotation.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(document.encode()).hexdigest()


def check_geometry(annotation: NoduleAnnotation, /) -> GeometryCheck | None:
    """Compare the volume of a read with its diameter.

    :implements: SRS-ANNO-005, SDS-ANNO-005

    Parameters
    ----------
    annotation
        The read; ``None`` comes back where it lacks diameter or volume.

    Raises
    ------
    MeasurementImpossibleError
        If the two cannot belong to one body.
    """
    if annotation.diameter is None or annotation.volume is None:
        return None
    return check_volume(
        annotation.volume.value_mm3,
        mean_diameter_mm=annotation.diameter.value_mm,
        longest_diameter_mm=annotation.diameter.longest_mm,
    )


def _bad_file(what: str, path: Path, /) -> AnnotationFileError:
    return AnnotationFileError(
        what,
        where=str(path),
        allowed="JSON of the schema lungai-annotations/1 (docs/reference/annotation.schema.json)",
        remedy="Correct the fields named; lungai annotation schema prints the schema.",
    )
