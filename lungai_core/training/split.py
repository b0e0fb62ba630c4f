"""Splits by patient, and the proof that nothing stands on both sides."""

from __future__ import annotations

import hashlib
import hmac
from collections import defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, ValidationError

from lungai_core.domain.model import FrozenModel
from lungai_core.errors import DataLeakageError, DataSetError
from lungai_core.training.samples import sample_sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from lungai_core.training.samples import NoduleSample

__all__ = [
    "Assignment",
    "LeakageProof",
    "Part",
    "Split",
    "prove_no_leakage",
    "read_split",
    "split_by_fold",
    "split_by_key",
    "split_stratified",
]

_TRAIN_SHARE, _VALIDATION_SHARE = 0.70, 0.15
_KEY_BYTES = 16
_SAME_PLACE_MM = 5.0


class Part(StrEnum):
    """What a sample is used for.

    :implements: SRS-TRAIN-007, SDS-TRAIN-005
    """

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class Assignment(FrozenModel):
    """One sample and its part.

    :implements: SRS-TRAIN-007, SDS-TRAIN-005
    """

    sample_id: str
    patient_id: str
    part: Part


class Split(FrozenModel):
    """Every sample of a data set with its part. The unit that is split is the patient; there is no other.

    :implements: SRS-TRAIN-007, SDS-TRAIN-005
    """

    schema_version: Literal["lungai-split/1"] = "lungai-split/1"
    unit: Literal["patient"] = "patient"
    method: str
    assignments: Annotated[tuple[Assignment, ...], Field(min_length=1)]

    def samples(self, samples: Iterable[NoduleSample], part: Part, /) -> tuple[NoduleSample, ...]:
        """Return the samples of one part, in their order.

        :implements: SRS-TRAIN-007, SDS-TRAIN-005

        Parameters
        ----------
        samples
            The data set.
        part
            The part.

        Raises
        ------
        DataSetError
            If the part is empty.
        """
        wanted = {assignment.sample_id for assignment in self.assignments if assignment.part is part}
        chosen = tuple(sample for sample in samples if sample.sample_id in wanted)
        if not chosen:
            raise DataSetError(
                f"The part {part.value} of the split is empty.",
                where=self.method,
                allowed="at least one nodule in each part that is used",
                remedy="Use more data, or another fold.",
            )
        return chosen


class LeakageProof(FrozenModel):
    """What was compared between the parts of a split; it exists only where nothing was found in two parts.

    :implements: SRS-TRAIN-007, SDS-TRAIN-005

    Each count says how many different values of its kind were seen over all parts; each occurs in one part only.
    ``places`` are nodules as series and position, merged within 5 mm. Values that a data set does not know are not
    compared: ``samples_without_study`` and ``samples_without_series`` count these samples. ``split_sha256`` and
    ``images_sha256`` identify the split and the images (the SHA-256 over the sorted image hashes).
    """

    schema_version: Literal["lungai-leakage-proof/1"] = "lungai-leakage-proof/1"
    samples_by_part: tuple[tuple[Part, int], ...]
    patients: int
    studies: int
    series: int
    images: int
    places: int
    samples_without_study: int
    samples_without_series: int
    split_sha256: str
    images_sha256: str


def split_by_key(samples: Iterable[NoduleSample], /, *, key: bytes) -> Split:
    """Assign each patient to train, validation or test (70/15/15) by a keyed hash of the pseudonym.

    :implements: SRS-TRAIN-007, SDS-TRAIN-005

    A patient's part depends on the key and the pseudonym alone, so that it never changes when the data grow.

    Parameters
    ----------
    samples
        The data set.
    key
        At least 16 bytes; whoever has it can tell the part of a pseudonym.

    Raises
    ------
    DataSetError
        If the key is too short.
    """
    _require_key(key)

    def part_of(patient: str) -> Part:
        share = _uniform(key, patient)
        if share < _TRAIN_SHARE:
            return Part.TRAIN
        return Part.VALIDATION if share < _TRAIN_SHARE + _VALIDATION_SHARE else Part.TEST

    return _split("HMAC-SHA-256 of the patient, 70/15/15", samples, part_of)


def split_stratified(samples: Iterable[NoduleSample], /, *, key: bytes) -> Split:
    """Assign patients 70/15/15 within the strata "any suspicious nodule", "none" and "no label".

    :implements: SRS-TRAIN-007, SDS-TRAIN-005

    Within a stratum patients are ordered by the keyed hash and cut at 70 % and 85 %, so that each part has the same
    share of strata within one patient. Unlike :func:`split_by_key`, a patient may change parts when the data grow.

    Parameters
    ----------
    samples
        The data set.
    key
        At least 16 bytes.

    Raises
    ------
    DataSetError
        If the key is too short.
    """
    _require_key(key)
    every = tuple(samples)
    parts: dict[str, Part] = {}
    for ordered in _strata(every, key):
        first, second = (round(len(ordered) * share) for share in (_TRAIN_SHARE, _TRAIN_SHARE + _VALIDATION_SHARE))
        for index, patient in enumerate(ordered):
            parts[patient] = Part.TRAIN if index < first else Part.VALIDATION if index < second else Part.TEST
    return _split("HMAC-SHA-256 order within label strata, 70/15/15", every, parts.__getitem__)


def split_by_fold(samples: Iterable[NoduleSample], /, *, test_fold: int, folds: int) -> Split:
    """Use one fold as test set, and 15 % of the other folds' patients as validation set.

    :implements: SRS-TRAIN-007, SDS-TRAIN-005

    The validation patients are the first within each stratum of :func:`split_stratified`, at least one of each, with
    the test fold as key: there is nothing to hide in a data set's own folds.

    Parameters
    ----------
    samples
        Each with a fold from 0 to ``folds - 1``; samples without a fold are left out.
    test_fold
        The fold whose predictions are out of fold.
    folds
        How many there are, at least 3.
    """
    every = tuple(sample for sample in samples if sample.fold is not None)
    rest = [sample for sample in every if sample.fold != test_fold]
    validation = {
        patient
        for ordered in _strata(rest, f"validation of fold {test_fold}".encode())
        for patient in ordered[: max(1, round(len(ordered) * _VALIDATION_SHARE))]
    }

    def part_of(sample: NoduleSample) -> Part:
        if sample.fold == test_fold:
            return Part.TEST
        return Part.VALIDATION if sample.patient_id in validation else Part.TRAIN

    assignments = tuple(Assignment(sample_id=s.sample_id, patient_id=s.patient_id, part=part_of(s)) for s in every)
    return Split(method=f"fold {test_fold} of {folds} tests, 15 % of the others validate", assignments=assignments)


def read_split(path: Path, /) -> Split:
    """Read a split from JSON; one whose unit is not the patient is refused.

    :implements: SRS-TRAIN-007, SDS-TRAIN-005

    Parameters
    ----------
    path
        A file of the schema ``lungai-split/1``.

    Raises
    ------
    DataSetError
        If the file is absent or not of the schema; a split by study, series or nodule is not of the schema.
    """
    try:
        return Split.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        fields = (
            ", ".join(sorted({".".join(map(str, problem["loc"])) for problem in error.errors()}))
            if isinstance(error, ValidationError)
            else type(error).__name__
        )
        raise DataSetError(
            f"The split cannot be used ({fields}).",
            where=str(path),
            allowed='schema lungai-split/1 with unit "patient"',
            remedy="Split by patient: studies, series and nodules of one patient look alike.",
        ) from error


def prove_no_leakage(samples: Sequence[NoduleSample], split: Split, /) -> LeakageProof:
    """Compare patients, studies, series, images and places between the parts of a split.

    :implements: SRS-TRAIN-007, SDS-TRAIN-005

    Parameters
    ----------
    samples
        The data set.
    split
        Its split.

    Raises
    ------
    DataLeakageError
        If anything stands in two parts; with the kind and how often. Identifiers are not named.
    """
    part_of = {assignment.sample_id: assignment.part for assignment in split.assignments}
    used = [sample for sample in samples if sample.sample_id in part_of]
    if len({sample.sample_id for sample in used}) != len(used) or len(part_of) != len(split.assignments):
        raise _leak("sample identifiers", 1)
    images = {sample.sample_id: sample_sha256(sample) for sample in used}
    kinds: Mapping[str, Callable[[NoduleSample], str]] = {
        "patients": lambda sample: sample.patient_id,
        "studies": lambda sample: sample.volume.series.study_instance_uid,
        "series": lambda sample: sample.volume.series.series_instance_uid,
        "images": lambda sample: images[sample.sample_id],
        "places": _place,
    }
    counts = {kind: _count_apart(kind, used, part_of, value_of) for kind, value_of in kinds.items()}
    digest = hashlib.sha256("".join(sorted(images.values())).encode()).hexdigest()
    parts = [part_of[sample.sample_id] for sample in used]
    return LeakageProof(
        samples_by_part=tuple((part, parts.count(part)) for part in Part),
        patients=counts["patients"],
        studies=counts["studies"],
        series=counts["series"],
        images=counts["images"],
        places=counts["places"],
        samples_without_study=sum(not sample.volume.series.study_instance_uid for sample in used),
        samples_without_series=sum(not sample.volume.series.series_instance_uid for sample in used),
        split_sha256=hashlib.sha256(split.model_dump_json().encode()).hexdigest(),
        images_sha256=digest,
    )


def _split(method: str, samples: Iterable[NoduleSample], part_of: Callable[[str], Part], /) -> Split:
    assignments = tuple(
        Assignment(sample_id=s.sample_id, patient_id=s.patient_id, part=part_of(s.patient_id)) for s in samples
    )
    return Split(method=method, assignments=assignments)


def _strata(samples: Iterable[NoduleSample], key: bytes, /) -> list[list[str]]:
    labels: dict[str, set[bool | None]] = defaultdict(set)
    for sample in samples:
        labels[sample.patient_id].add(sample.labels.diagnosis)
    strata: dict[str, list[str]] = defaultdict(list)
    for patient, seen in labels.items():
        strata["suspicious" if True in seen else "none" if False in seen else "unknown"].append(patient)
    return [sorted(patients, key=lambda patient: _uniform(key, patient)) for patients in strata.values()]


def _require_key(key: bytes, /) -> None:
    if len(key) < _KEY_BYTES:
        raise DataSetError(
            "The key of the split is too short.",
            where=f"{len(key)} bytes",
            allowed=f"at least {_KEY_BYTES} bytes",
            remedy="Draw a key once with secrets.token_bytes(32) and keep it as long as the data.",
        )


def _uniform(key: bytes, patient: str, /) -> float:
    digest = hmac.new(key, patient.encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:8]) / 2**64


def _place(sample: NoduleSample, /) -> str:
    series = sample.volume.series.series_instance_uid
    return series and f"{series}@{[round(c / _SAME_PLACE_MM) for c in sample.center_lps_mm]}"


def _count_apart(
    kind: str, used: list[NoduleSample], part_of: Mapping[str, Part], value_of: Callable[[NoduleSample], str], /
) -> int:
    parts: dict[str, set[Part]] = defaultdict(set)
    for sample in used:
        if value := value_of(sample):
            parts[value].add(part_of[sample.sample_id])
    shared = sum(len(seen) > 1 for seen in parts.values())
    if shared:
        raise _leak(kind, shared)
    return len(parts)


def _leak(kind: str, count: int, /) -> DataLeakageError:
    return DataLeakageError(
        "The parts of the split are not apart.",
        where=f"{count} {kind} in two parts",
        allowed="0",
        remedy="Split again by patient; look for one patient under two pseudonyms and for copied images.",
    )
