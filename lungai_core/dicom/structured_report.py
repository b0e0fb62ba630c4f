"""A case's measurements as a DICOM Structured Report after TID 1500, also where there is nothing to measure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from pydicom import Dataset

from lungai_core.dicom.result_codes import RESULT_CODES, algorithm_parameters, declare_private_scheme
from lungai_core.dicom.segmentation import segmented_nodules
from lungai_core.dicom.stamps import MANUFACTURER, load_highdicom, seal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lungai_core.dicom.source_images import SourceImages, StudyImages
    from lungai_core.dicom.stamps import ObjectStamp
    from lungai_core.domain.case_report import NoduleResult

__all__ = ["ReportReferences", "build_refusal_report", "build_structured_report"]

_SERIES_NUMBER = 9002
_POSITION_CODES = frozenset(RESULT_CODES[f"position_{axis}"].value for axis in "xyz")

_Instance: TypeAlias = tuple[str, str, str]  # Series Instance UID, SOP Class UID, SOP Instance UID


@dataclass(frozen=True, slots=True, eq=False)
class ReportReferences:
    """The objects that a Structured Report points to.

    :implements: SRS-DICOM-023, SDS-DICOM-023

    Parameters
    ----------
    segmentation
        The Segmentation of the same result, if there is one.
    explanations
        The Parametric Map of each nodule that has one, by candidate identifier.
    """

    segmentation: Dataset | None
    explanations: Mapping[str, Dataset]


def build_structured_report(stamp: ObjectStamp, source: SourceImages, /, *, references: ReportReferences) -> Dataset:
    """Build the Structured Report of a case: Comprehensive 3D SR, template TID 1500.

    :implements: SRS-DICOM-023, SDS-DICOM-023

    One measurement group a nodule: TID 1411 where it has a mask, else TID 1501. Row 12 holds the status of the
    analysis, the candidates without a result, and whether a second reading is required, so that a case without
    nodules has a report too.

    Parameters
    ----------
    stamp
        The result and the time of writing.
    source
        The checked images of the series.
    references
        The objects written beside this one.

    Raises
    ------
    SourceImagesError
        If the result is one for another series than the images, or speaks of a slice whose image is not among them.
    """
    source.require_result(stamp.report)
    algorithm = _algorithm(stamp)
    groups = [
        _nodule_group(nodule, stamp, source, algorithm=algorithm, references=references)
        for nodule in stamp.report.nodules
    ]
    slices = dict.fromkeys(nodule.slice_number - 1 for nodule in stamp.report.nodules) or (0,)
    shown = [source.header(z) for z in slices]
    series = source.volume.series
    images = ((series.series_instance_uid, series.sop_class_uid, uid) for uid in series.sop_instance_uids)
    written = (references.segmentation, *references.explanations.values())
    evidence = [*images, *(_instance(item) for item in written if item is not None)]
    return _document(
        stamp, groups or [_empty_group(stamp)], filed_with=source.header(0), evidence=evidence, shown=shown
    )


def build_refusal_report(stamp: ObjectStamp, images: StudyImages, /) -> Dataset:
    """Build the Structured Report of a series that was refused: the reason, and that nothing was measured.

    :implements: SRS-DICOM-025, SDS-DICOM-025

    Parameters
    ----------
    stamp
        The report of the refusal, and the time of writing.
    images
        What could be read of the series; all of it is named as evidence.
    """
    about = replace(stamp, subject=images.sha256)
    # No image library: TID 1600 asks for attributes whose absence may be the reason of the refusal.
    evidence = [_instance(header) for header in images.headers]
    return _document(about, [_empty_group(about)], filed_with=images.headers[0], evidence=evidence, shown=[])


def _document(
    stamp: ObjectStamp,
    groups: list[Sequence[Dataset]],
    /,
    *,
    filed_with: Dataset,
    evidence: list[_Instance],
    shown: list[Dataset],
) -> Dataset:
    highdicom = load_highdicom()
    sr = highdicom.sr
    device = sr.DeviceObserverIdentifyingAttributes(
        uid=stamp.uid("observer"),
        name="lungai-core",
        manufacturer_name=MANUFACTURER,
        model_name=f"lungai-core {stamp.report.software.version}",
    )
    observer = sr.ObserverContext(
        observer_type=highdicom.sr.CodedConcept("121007", "DCM", "Device"), observer_identifying_attributes=device
    )
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=observer),
        procedure_reported=RESULT_CODES["ct_report"],
        imaging_measurements=groups,
        title=highdicom.sr.CodedConcept("126000", "DCM", "Imaging Measurement Report"),
    )
    root = content[0]
    *context, measurements = root.ContentSequence
    items = [*context, *_image_library(shown), measurements, _case_evaluations(stamp)]
    # highdicom copies a document's content and searches it for references without evidence, which took most of the time
    # of a long report: it is given the root and one image alone. What stands below the root refers to `evidence` only.
    root.ContentSequence = sr.ContentSequence(items[:1])
    document: Dataset = sr.Comprehensive3DSR(
        evidence=[filed_with],
        content=root,
        series_instance_uid=stamp.uid("report series"),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=stamp.uid("report instance"),
        instance_number=1,
        manufacturer=MANUFACTURER,
        is_complete=True,
        is_final=False,
        is_verified=False,
    )
    document.ContentSequence.extend(items[1:])
    document.CurrentRequestedProcedureEvidenceSequence = [_evidence(filed_with.StudyInstanceUID, evidence)]
    document.SeriesDescription = "Lung nodule measurements (not for clinical use)"
    declare_private_scheme(document)
    return seal(document, stamp=stamp)


def _instance(dataset: Dataset, /) -> _Instance:
    return dataset.SeriesInstanceUID, dataset.SOPClassUID, dataset.SOPInstanceUID


def _evidence(study_instance_uid: str, instances: list[_Instance], /) -> Dataset:
    """Build an item of the Current Requested Procedure Evidence Sequence."""
    by_series: dict[str, list[Dataset]] = {}
    for series_uid, class_uid, instance_uid in instances:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = class_uid, instance_uid
        by_series.setdefault(series_uid, []).append(item)
    study = Dataset()
    study.StudyInstanceUID = study_instance_uid
    study.ReferencedSeriesSequence = []
    for series_uid, items in by_series.items():
        series = Dataset()
        series.SeriesInstanceUID, series.ReferencedSOPSequence = series_uid, items
        study.ReferencedSeriesSequence.append(series)
    return study


def _image_library(images: list[Dataset], /) -> Iterator[Dataset]:
    """Build the Image Library (TID 1600): what images share stands at their group, where each lies at itself."""
    sr = load_highdicom().sr
    groups: dict[tuple[float, float | None], Dataset] = {}
    for image in images:
        # Size, pixel spacing and orientation are those of the volume for all of them; these two may differ.
        kind = (image.SliceThickness, image.get("SpacingBetweenSlices"))
        if kind not in groups:
            groups[kind] = _container("image_library_group")
            groups[kind].ContentSequence = sr.ContentSequence(
                item for item in sr.ImageLibraryEntryDescriptors(image) if item.name.value not in _POSITION_CODES
            )
        entry = sr.ImageContentItem(
            name=sr.CodedConcept.from_code(RESULT_CODES["source"]),
            referenced_sop_class_uid=image.SOPClassUID,
            referenced_sop_instance_uid=image.SOPInstanceUID,
            relationship_type=sr.RelationshipTypeValues.CONTAINS,
        )
        entry.ContentSequence = sr.ContentSequence(
            sr.NumContentItem(
                name=RESULT_CODES[f"position_{axis}"],
                value=value,
                unit=RESULT_CODES["millimeter"],
                relationship_type=sr.RelationshipTypeValues.HAS_ACQ_CONTEXT,
            )
            for axis, value in zip("xyz", image.ImagePositionPatient, strict=True)
        )
        groups[kind].ContentSequence.append(entry)
    if groups:
        library = _container("image_library")
        library.ContentSequence = sr.ContentSequence(groups.values())
        yield library


def _container(name: str, /) -> Dataset:
    sr = load_highdicom().sr
    container: Dataset = sr.ContainerContentItem(
        name=sr.CodedConcept.from_code(RESULT_CODES[name]),
        relationship_type=sr.RelationshipTypeValues.CONTAINS,
    )
    return container


def _algorithm(stamp: ObjectStamp, /) -> Dataset:
    model = stamp.report.model
    parameters = [f"{name}={value}" for name, value in algorithm_parameters(model).items()]
    identification: Dataset = load_highdicom().sr.AlgorithmIdentification(
        name=model.name,
        version=model.version,
        parameters=parameters,
        family=RESULT_CODES["artificial_intelligence"],
        manufacturer=MANUFACTURER,
    )
    return identification


def _empty_group(stamp: ObjectStamp, /) -> Sequence[Dataset]:
    """Say by whom nothing was measured; a report without a measurement group is not of TID 1500."""
    sr = load_highdicom().sr
    group: Sequence[Dataset] = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=stamp.uid("case"), identifier="Case"),
        algorithm_id=_algorithm(stamp),
        finding_sites=[sr.FindingSite(RESULT_CODES["lung"])],
    )
    return group


def _case_evaluations(stamp: ObjectStamp, /) -> Dataset:
    """Build row 12 of TID 1500: what holds for the case and not for one nodule."""
    sr = load_highdicom().sr
    report = stamp.report
    reasons = ", ".join(reason.value for reason in report.review_reasons)
    texts = [
        ("case_status", report.status.value),
        ("second_reading", f"required: {reasons}" if report.review_required else "not called for"),
        *([] if report.refusal is None else [("refusal", f"{report.refusal.code}: {report.refusal.message}")]),
        *(("failed_candidate", f"{failure.candidate_id}: {failure.code}") for failure in report.failures),
    ]
    container = _container("evaluations")
    container.ContentSequence = sr.ContentSequence(
        [
            sr.TextContentItem(
                name=sr.CodedConcept.from_code(RESULT_CODES[name]),
                value=value,
                relationship_type=sr.RelationshipTypeValues.CONTAINS,
            )
            for name, value in texts
        ]
    )
    return container


def _nodule_group(
    nodule: NoduleResult,
    stamp: ObjectStamp,
    source: SourceImages,
    /,
    *,
    algorithm: Dataset,
    references: ReportReferences,
) -> Sequence[Dataset]:
    sr = load_highdicom().sr
    name = f"Nodule {nodule.candidate_id}"
    tracking = sr.TrackingIdentifier(uid=stamp.uid(f"nodule {nodule.candidate_id}"), identifier=name)
    common = {
        "tracking_identifier": tracking,
        "finding_type": RESULT_CODES["nodule"],
        "algorithm_id": algorithm,
        "finding_sites": [sr.FindingSite(RESULT_CODES["lung"])],
        "measurements": list(_measurements(nodule)),
    }
    if nodule.texture is not None:
        found = RESULT_CODES[nodule.texture.texture.value]
        common["qualitative_evaluations"] = [sr.QualitativeEvaluation(name=RESULT_CODES["texture"], value=found)]
    group: Sequence[Dataset]
    if nodule.mask is not None and references.segmentation is not None:
        number = [other.candidate_id for other in segmented_nodules(stamp)].index(nodule.candidate_id) + 1
        segment = sr.ReferencedSegment(
            sop_class_uid=references.segmentation.SOPClassUID,
            sop_instance_uid=references.segmentation.SOPInstanceUID,
            segment_number=number,
            source_series=sr.SourceSeriesForSegmentation(source.volume.series.series_instance_uid),
        )
        group = sr.VolumetricROIMeasurementsAndQualitativeEvaluations(referenced_segment=segment, **common)
    else:
        header = source.header(nodule.slice_number - 1)
        image = sr.SourceImageForMeasurementGroup(header.SOPClassUID, header.SOPInstanceUID)
        group = sr.MeasurementsAndQualitativeEvaluations(source_images=[image], **common)
    explanation = references.explanations.get(nodule.candidate_id)
    if explanation is not None:
        # highdicom has no parameter for the row "Visual explanation" that TID 1410, 1411 and 1501 have since 2023.
        item = sr.ImageContentItem(
            name=sr.CodedConcept.from_code(RESULT_CODES["visual_explanation"]),
            referenced_sop_class_uid=explanation.SOPClassUID,
            referenced_sop_instance_uid=explanation.SOPInstanceUID,
            relationship_type=sr.RelationshipTypeValues.CONTAINS,
        )
        content: Dataset = group[0]
        content.ContentSequence.append(item)
    return group


def _measurements(nodule: NoduleResult, /) -> Iterator[Dataset]:
    sr = load_highdicom().sr
    mask, size, uncertainty = nodule.mask, nodule.size, nodule.uncertainty
    share = None if nodule.texture is None else round(nodule.texture.probability * 100, 4)
    mean, spread = RESULT_CODES["mean"], RESULT_CODES["standard_deviation"]
    rows = [
        ("cancer", round(nodule.malignancy_probability * 100, 4), "percent", None),
        ("network_diameter", size.network_mm, "millimeter", None),
        ("sphere_diameter", size.sphere_mm, "millimeter", None),
        ("long_axis", size.long_axis_mm, "millimeter", None),
        ("volume", None if mask is None else mask.volume_mm3, "cubic_millimeter", None),
        ("attenuation", None if mask is None else mask.mean_hu, "hounsfield", mean),
        ("attenuation", None if mask is None else mask.sd_hu, "hounsfield", spread),
        ("entropy", None if uncertainty is None else uncertainty.entropy_nats, "nat", None),
        ("texture_share", share, "percent", None),
        ("mutual_information", None if uncertainty is None else uncertainty.mutual_information_nats, "nat", None),
    ]
    for name, value, unit, derivation in rows:
        if value is not None:
            yield sr.Measurement(name=RESULT_CODES[name], value=value, unit=RESULT_CODES[unit], derivation=derivation)
