"""The codes that results are written with; what no standard names has a code of our own, declared in the object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.sr.coding import Code

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lungai_core.domain.case_report import ModelIdentity

__all__ = ["PRIVATE_SCHEME", "RESULT_CODES", "algorithm_parameters", "declare_private_scheme"]

PRIVATE_SCHEME = "99LUNGAI"

RESULT_CODES: Mapping[str, Code] = {
    "abnormality": Code("49755003", "SCT", "Morphologically Abnormal Structure"),
    "nodule": Code("27925004", "SCT", "Nodule"),
    "lung": Code("39607008", "SCT", "Lung"),
    "diameter": Code("81827009", "SCT", "Diameter"),
    "long_axis": Code("103339001", "SCT", "Long axis"),
    "volume": Code("118565006", "SCT", "Volume"),
    "attenuation": Code("112031", "DCM", "Attenuation Coefficient"),
    "mean": Code("373098007", "SCT", "Mean"),
    "standard_deviation": Code("386136009", "SCT", "Standard Deviation"),
    "cancer": Code("111047", "DCM", "Probability of cancer"),
    "evaluations": Code("C0034375", "UMLS", "Qualitative Evaluations"),
    "artificial_intelligence": Code("123110", "DCM", "Artificial Intelligence"),
    "ct_report": Code("25045-6", "LN", "CT unspecified body region"),
    "image_library": Code("111028", "DCM", "Image Library"),
    "image_library_group": Code("126200", "DCM", "Image Library Group"),
    "source": Code("260753009", "SCT", "Source (attribute)"),
    "position_x": Code("110901", "DCM", "Image Position (Patient) X"),
    "position_y": Code("110902", "DCM", "Image Position (Patient) Y"),
    "position_z": Code("110903", "DCM", "Image Position (Patient) Z"),
    "texture": Code("112010", "DCM", "Texture Descriptor"),
    "solid": Code("SOLID", PRIVATE_SCHEME, "Solid nodule"),
    "part-solid": Code("PART-SOLID", PRIVATE_SCHEME, "Part-solid nodule"),
    "ground-glass": Code("112120", "DCM", "Ground glass opacity"),
    "class_activation": Code("130402", "DCM", "Class activation"),
    "visual_explanation": Code("130401", "DCM", "Visual explanation"),
    "millimeter": Code("mm", "UCUM", "millimeter"),
    "cubic_millimeter": Code("mm3", "UCUM", "cubic millimeter"),
    "hounsfield": Code("[hnsf'U]", "UCUM", "Hounsfield unit"),
    "percent": Code("%", "UCUM", "Percent"),
    "no_units": Code("1", "UCUM", "no units"),
    "nat": Code("{nat}", "UCUM", "nat"),
    "entropy": Code("ENTROPY", PRIVATE_SCHEME, "Predictive entropy of malignancy"),
    "mutual_information": Code("MUTUAL-INFO", PRIVATE_SCHEME, "Mutual information of malignancy"),
    "network_diameter": Code("NETWORK-DIAMETER", PRIVATE_SCHEME, "Diameter estimated by the network"),
    "sphere_diameter": Code("SPHERE-DIAMETER", PRIVATE_SCHEME, "Diameter of the sphere of equal volume"),
    "texture_share": Code("TEXTURE-SHARE", PRIVATE_SCHEME, "Share of the texture among the network's classes"),
    "second_reading": Code("SECOND-READING", PRIVATE_SCHEME, "Second human reading"),
    "case_status": Code("CASE-STATUS", PRIVATE_SCHEME, "Status of the automatic analysis"),
    "refusal": Code("REFUSAL", PRIVATE_SCHEME, "Reason why the series was not analysed"),
    "failed_candidate": Code("FAILED-CANDIDATE", PRIVATE_SCHEME, "Candidate without a result"),
}


def algorithm_parameters(model: ModelIdentity, /) -> dict[str, str]:
    """Return what identifies the model in every measurement.

    :implements: SRS-DICOM-023, SDS-DICOM-023

    Parameters
    ----------
    model
        The model that gave the result.
    """
    return {
        "model_sha256": model.sha256,
        "contract_sha256": model.contract_sha256,
        "trained": "yes" if model.trained else "NO",
        "use": "not for clinical use",
    }


def declare_private_scheme(dataset: Dataset, /) -> None:
    """Declare our own coding scheme in an object that uses it (PS3.3 C.12.1.1.1.1).

    :implements: SRS-DICOM-023, SDS-DICOM-023

    Parameters
    ----------
    dataset
        It is changed in place.
    """
    item = Dataset()
    item.CodingSchemeDesignator = PRIVATE_SCHEME
    item.CodingSchemeName = "lungai-core result codes"
    item.CodingSchemeResponsibleOrganization = "The lungai-core authors"
    dataset.CodingSchemeIdentificationSequence = Sequence([item])
