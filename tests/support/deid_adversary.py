"""A second planted corpus, made against the library by chance: other names, other forms of values, other hiding places.

``python tests/support/deid_adversary.py --seeds 20`` runs it in full size and prints leaks by place; the test suite
runs one small seed. Nothing here reads the tables of the library: tags come from pydicom's dictionary and from the
published
table, and a leak is a planted value that stands in the bytes or names of the output.
"""

from __future__ import annotations

import argparse
import random
import re
import struct
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from pydicom import config
from pydicom._dicom_dict import DicomDictionary
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from lungai_core.deid import Secret, deidentify_series, load_profile

TEXT = ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT", "UR")
NUMBERS = ("DS", "IS")
BULK = ("OB", "OW", "UN", "OF", "OD", "OL")
NESTS = (0x00082218, 0x00540220, 0x00081032, 0x00400260, 0x00189346, 0x00620002)
CLASSES = (
    ("1.2.840.10008.5.1.4.1.1.2", "CT"),
    ("1.2.840.10008.5.1.4.1.1.2.1", "CT"),
    ("1.2.840.10008.5.1.4.1.1.4", "MR"),
    ("1.2.840.10008.5.1.4.1.1.1.1", "DX"),
    ("1.2.840.10008.5.1.4.1.1.20", "NM"),
    ("1.2.840.10008.5.1.4.1.1.66.4", "SEG"),
    ("1.2.840.10008.5.1.4.1.1.481.2", "RTDOSE"),
    ("1.2.840.10008.5.1.4.1.1.88.33", "SR"),
    ("1.2.840.10008.5.1.4.1.1.88.59", "KO"),
    ("1.2.840.10008.5.1.4.1.1.11.1", "PR"),
    ("1.2.840.10008.5.1.4.1.1.104.1", "DOC"),
    ("1.2.840.10008.5.1.4.1.1.67", "RWV"),
)
# Command, file meta, directory and delimiter groups, pixel data, and what every object needs to be one.
SHAPING = {
    0x00080005, 0x00080016, 0x00080018, 0x0020000D, 0x0020000E, 0x00280010, 0x00280011, 0x00280002, 0x00280100,
    0x00280008, 0x00280004, 0x00280301, 0x00080064, 0x7FE00008, 0x7FE00009, 0x7FE00010, 0x00080008, 0x00100010,
    0x00100020, 0x0008103E,
}  # fmt: skip
SYLLABLES = [
    "ak",
    "bo",
    "cru",
    "dji",
    "eld",
    "fjo",
    "gna",
    "hra",
    "ilm",
    "jos",
    "kve",
    "lyu",
    "mbo",
    "nza",
    "oxi",
    "pru",
    "quo",
    "rze",
    "sko",
    "tzu",
    "uvi",
    "vra",
    "wlo",
    "xen",
    "ybo",
    "zha",
]
FOREIGN = (
    ("ISO_IR 192", ("Đặng^Thuỳ Trâm", "Ångström^Örjan", "محمود^سامي", "司马^相如=諸葛^亮", "Œuvrard^Zoë")),
    ("ISO_IR 100", ("Müßig^Jörg", "Núñez^Íñigo", "Škoda^Åse".replace("Š", "S"))),
    ("GB18030", ("欧阳^震华", "慕容^雪村", "鄢^颇")),
    ("GBK", ("尉迟^恭", "上官^婉儿")),
    ("ISO_IR 144", ("Щербаков^Юрий",)),
    ("\\ISO 2022 IR 87", ("Yamada^Tarou=山田^太郎=やまだ^たろう",)),
    ("\\ISO 2022 IR 149", ("Hong^Gildong=洪^吉洞=홍^길동",)),
    ("\\ISO 2022 IR 58", ("Zhang^XiaoDong=张^小东",)),
    ("ISO_IR 13", ("ﾔﾏﾀﾞ^ﾀﾛｳ",)),
)


@dataclass
class Planted:
    """Files of a folder, what must not be in the output, and where each value was put."""

    files: dict[str, bytes] = field(default_factory=dict)
    values: dict[bytes, str] = field(default_factory=dict)


def _name(chance: random.Random) -> str:
    return "".join(chance.choice(SYLLABLES) for _ in range(3)).capitalize()


def value_for(  # noqa: PLR0911  # one kind of value after the other
    vr: str, chance: random.Random
) -> tuple[object, bytes] | None:
    """A value of a VR in one of several forms, and the bytes that must not survive; None where a VR can hold none."""
    name, number = _name(chance), chance.randint(10**8, 10**9 - 1)
    if vr == "UI":
        uid = f"1.3.12.2.1107.5.1.4.{number}.300{number % 977}"
        return uid, uid.encode()
    if vr == "PN":
        return f"{name}^{_name(chance)}", name.encode()
    if vr == "UR":
        return f"mailto:{name}@clinic.example", name.encode()
    if vr in ("AE", "SH", "CS"):
        text = chance.choice((name[:12], f"{name[:7]}{number % 997}", f"{number % 10**8}X"))
        text = text.upper() if vr == "CS" else text
        return text, text.encode()
    if vr in TEXT:
        phone, national = f"+86 139 {number % 10**8:08d}", f"3301{number}0{number % 10**4:04d}"
        form, needle = chance.choice(
            (
                (f"seen by {name}, chest", name),
                (f"{name}", name),
                (f"pat. {name} b. 12.3.1961", name),
                (f"tel {phone} lung", phone[8:]),
                (f"ID {national}", national),
                (f"MRN {number}", str(number)),
                (f"{name.lower()}@mail.example", name.lower()),
            )
        )
        return form, needle.encode()
    if vr in BULK:
        raw = f"{name} {number}".encode()
        return raw + b" " * (-len(raw) % 8), name.encode()
    return None


def new_object(chance: random.Random, number: int, syntax: str = ExplicitVRLittleEndian) -> Dataset:
    """An object of a random class with a patient of its own."""
    sop_class, modality = chance.choice(CLASSES)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = sop_class
    dataset.SOPInstanceUID = f"1.3.46.670589.33.1.{chance.randint(10**9, 10**10)}.{number}"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.StudyInstanceUID = f"1.3.46.670589.33.2.{chance.randint(10**9, 10**10)}"
    dataset.SeriesInstanceUID = f"1.3.46.670589.33.3.{chance.randint(10**9, 10**10)}"
    dataset.Modality = modality
    if modality in {"CT", "MR", "DX", "NM", "SEG", "RTDOSE"}:
        dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = 4, 4, 1
        dataset.PhotometricInterpretation, dataset.BitsAllocated, dataset.PixelRepresentation = "MONOCHROME2", 16, 0
        dataset.PixelData = bytes(range(32))
    return dataset


def _content(dataset: Dataset, preamble: bytes = bytes(128)) -> bytes:
    stream = BytesIO()
    dataset.preamble = preamble
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _deep(dataset: Dataset, chance: random.Random, depth: int) -> Dataset:
    place = dataset
    for _ in range(depth):
        tag = chance.choice(NESTS)
        if tag not in place:
            place.add_new(tag, "SQ", Sequence([Dataset()]))
        place = place[tag].value[0]
    return place


def whole_dictionary(chance: random.Random, planted: Planted, *, share: float = 1.0) -> None:
    """Every attribute of the dictionary that can hold text, a UID or bytes, at depths 0 to 2."""
    tags = [tag for tag in sorted(DicomDictionary) if tag >> 16 > 0x0007 and tag < 0xFFFA0000 and tag not in SHAPING]
    tags = [tag for tag in tags if chance.random() < share]
    syntaxes = (ExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian)
    for first in range(0, len(tags), 40):
        for depth in (0, 1, 2):
            dataset = new_object(chance, first + depth, chance.choice(syntaxes))
            dataset.PatientID = str(chance.randint(10**7, 10**8))
            name = f"dict/{first:05d}-{depth}.dcm"
            for tag in tags[first : first + 40]:
                vr = DicomDictionary[tag][0].split(" or ")[0]
                found = value_for(vr, chance)
                place = _deep(dataset, chance, depth)
                if found is None or tag in NESTS or tag in place:
                    continue
                place.add_new(tag, vr, found[0])
                planted.values[found[1]] = f"{tag:08X} {vr} {DicomDictionary[tag][4]} depth {depth}"
            planted.files[name] = _content(dataset)


def names_in_every_set(chance: random.Random, planted: Planted) -> None:
    """Names in each character set, as the patient's, in descriptions and codes; with the set declared and without."""
    for number, (charset, names) in enumerate(FOREIGN):
        for offset, person in enumerate(names):
            content = _named(new_object(chance, 7000 + number * 10 + offset), charset, person)
            planted.files[f"sets/{number}{offset}.dcm"] = content
            undeclared = _named(new_object(chance, 7500 + number * 10 + offset), charset, person)
            undeclared = undeclared.replace(charset.encode(), b" " * len(charset), 1)
            planted.files[f"sets/{number}{offset}-none.dcm"] = undeclared
            for part in person.replace("=", "^").split("^"):
                spelled = {part.encode("utf-8"), _spelled(part, charset)} - {None}
                planted.values |= dict.fromkeys((one for one in spelled if not part.isascii()), f"name in {charset}")


def _named(dataset: Dataset, charset: str, person: str) -> bytes:
    dataset.SpecificCharacterSet, dataset.PatientName = charset, person
    for tag, vr in ((0x0008103E, "LO"), (0x00204000, "LT"), (0x00081090, "LO")):
        dataset.add_new(tag, vr, person.replace("=", " ")[:60])
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator = "113100", "DCM"
    code.CodeMeaning = f"of {person}"[:60]
    dataset.ViewCodeSequence = [code]
    return _content(dataset)


def _spelled(part: str, charset: str) -> bytes | None:
    plain = {
        "ISO_IR 100": "latin-1",
        "GB18030": "gb18030",
        "GBK": "gbk",
        "ISO_IR 144": "iso8859-5",
        "ISO_IR 13": "shift_jis",
    }
    escaped = {"\\ISO 2022 IR 87": "iso2022_jp", "\\ISO 2022 IR 149": "euc_kr", "\\ISO 2022 IR 58": "gb2312"}
    try:
        if charset in plain:
            return part.encode(plain[charset])
        if charset in escaped:
            return part.encode(escaped[charset])
    except UnicodeEncodeError:
        return None
    return None


def hiding_places(chance: random.Random, planted: Planted) -> None:
    """One file a hiding place, with the patient's name where it does not belong."""
    for number, hide in enumerate(HIDES):
        for form in range(3):
            name = _name(chance).upper() if form == 1 else _name(chance)
            dataset = new_object(chance, 8000 + number * 10 + form)
            dataset.PatientName = f"{name}^Given"
            dataset.PatientID = f"{chance.randint(10**7, 10**8)}"
            label = hide.__name__.strip("_")
            planted.files[f"hide/{label}-{form}.dcm"] = hide(dataset, name, chance)
            planted.values[name.encode()] = label
            planted.values[dataset.PatientID.encode()] = f"{label} id"


def _preamble(dataset: Dataset, name: str, _: random.Random) -> bytes:
    return _content(dataset, preamble=f"II*\0 {name}".encode().ljust(128, b"\0"))


def _file_meta(dataset: Dataset, name: str, _: random.Random) -> bytes:
    dataset.file_meta.SourceApplicationEntityTitle = name[:16]
    dataset.file_meta.add_new(0x00020017, "AE", name[:16])
    dataset.file_meta.PrivateInformationCreatorUID = "1.2.3.4"
    dataset.file_meta.PrivateInformation = name.encode() + b" " * (len(name) % 2)
    dataset.file_meta.ImplementationVersionName = name[:16]
    return _content(dataset)


def _trailing(dataset: Dataset, name: str, _: random.Random) -> bytes:
    dataset.add_new(0xFFFCFFFC, "OB", name.encode() + b" " * (len(name) % 2))
    return _content(dataset) + b"\0\0\0" + name.encode()


def _odd_groups(dataset: Dataset, name: str, chance: random.Random) -> bytes:
    for group in (0x0009, 0x0019, 0x0029, 0x00E1, 0x7053):
        creator = chance.choice((f"{name} MEDICAL", "SIEMENS CSA HEADER", "GEMS_IDEN_01", "Philips PET Private Group"))
        dataset.add_new((group, 0x0010), "LO", creator)
        dataset.add_new((group, 0x1003), "UN", name.encode() + b" " * (len(name) % 2))
        dataset.add_new((group, 0x1009), chance.choice(("LO", "PN", "ST")), name)
        inner = Dataset()
        inner.add_new((group, 0x0010), "LO", creator)
        inner.add_new((group, 0x1004), "LO", name)
        dataset.add_new((group, 0x1020), "SQ", [inner])
    return _content(dataset)


def _overlay_and_curve(dataset: Dataset, name: str, _: random.Random) -> bytes:
    raw = name.encode() + b" " * (len(name) % 2)
    dataset.add_new(0x60020010, "US", 4)
    dataset.add_new(0x60020011, "US", 4)
    dataset.add_new(0x60020022, "LO", name)
    dataset.add_new(0x60021500, "LO", name)
    dataset.add_new(0x60023000, "OW", raw)
    dataset.add_new(0x50000022, "LO", name)
    dataset.add_new(0x50003000, "OW", raw)
    return _content(dataset)


def _icon(dataset: Dataset, name: str, _: random.Random) -> bytes:
    icon = Dataset()
    icon.Rows, icon.Columns, icon.BitsAllocated, icon.SamplesPerPixel = 2, 2, 8, 1
    icon.PixelData = name.encode() + b" " * (len(name) % 2)
    icon.add_new(0x00281201, "OW", name.encode() + b" " * (len(name) % 2))
    dataset.IconImageSequence = [icon]
    return _content(dataset)


def _document(dataset: Dataset, name: str, _: random.Random) -> bytes:
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.104.1"
    dataset.Modality = "DOC"
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    dataset.DocumentTitle = name
    dataset.EncapsulatedDocument = f"%PDF-1.4 /Author ({name}) %%EOF ".encode().ljust(80)
    return _content(dataset)


def _report(dataset: Dataset, name: str, chance: random.Random) -> bytes:
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.88.33"
    dataset.Modality = "SR"

    def item(kind: str, value: str, meaning: str) -> Dataset:
        one, concept = Dataset(), Dataset()
        concept.CodeValue, concept.CodingSchemeDesignator, concept.CodeMeaning = value, "DCM", meaning
        one.RelationshipType, one.ValueType, one.ConceptNameCodeSequence = "CONTAINS", kind, [concept]
        return one

    def text(value: str, words: str) -> Dataset:
        one = item("TEXT", value, "Finding")
        one.TextValue = words
        return one

    def person(value: str) -> Dataset:
        one = item("PNAME", value, "Person Observer Name")
        one.PersonName = f"{name}^X"
        return one

    box = item("CONTAINER", "121070", f"Findings of {name}")
    box.ContentSequence = [text("121071", f"nodule of {name}"), person("121008"), text("999999", f"see {name}")]
    code = item("CODE", "121058", "Procedure reported")
    coded = Dataset()
    coded.CodeValue, coded.CodingSchemeDesignator, coded.CodeMeaning = name[:16], "99HOSP", f"CT {name}"
    code.ConceptCodeSequence = [coded]
    dataset.ValueType = "CONTAINER"
    dataset.ContentSequence = [
        box,
        person("121029"),
        text("121022", name),
        code,
        text("121106", chance.choice((name, f"Dr {name}"))),
    ]
    return _content(dataset)


def _presentation(dataset: Dataset, name: str, _: random.Random) -> bytes:
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.11.1"
    dataset.Modality = "PR"
    dataset.ContentLabel, dataset.ContentDescription, dataset.ContentCreatorName = name[:16].upper(), name, f"{name}^X"
    text = Dataset()
    text.UnformattedTextValue = f"{name} 1961"
    layer = Dataset()
    layer.GraphicLayer, layer.GraphicLayerDescription, layer.GraphicLayerOrder = name[:16].upper(), name, 1
    annotation = Dataset()
    annotation.GraphicLayer, annotation.TextObjectSequence = name[:16].upper(), [text]
    dataset.GraphicAnnotationSequence, dataset.GraphicLayerSequence = [annotation], [layer]
    return _content(dataset)


def _unknown_vr(dataset: Dataset, name: str, _: random.Random) -> bytes:
    raw = name.encode() + b" " * (len(name) % 2)
    inner = struct.pack("<HHL", 0x0008, 0x1030, len(raw)) + raw
    item = struct.pack("<HHL", 0xFFFE, 0xE000, len(inner)) + inner
    config.replace_un_with_known_vr = False
    try:
        for tag, value in (
            (0x00081030, raw),
            (0x00189346, item),
            (0x00181020, raw),
            (0x00091010, raw),
            (0x00189999, raw),
        ):
            dataset.add_new(tag, "UN", value)
        return _content(dataset)
    finally:
        config.replace_un_with_known_vr = True


def _split_over_values(dataset: Dataset, name: str, _: random.Random) -> bytes:
    half = len(name) // 2
    dataset.add_new(0x00181020, "LO", [name, "V1.2", name.lower()])
    dataset.add_new(0x00181210, "SH", ["B30f", name[:16]])
    dataset.add_new(0x00180022, "CS", ["HELIX", name.upper()[:16]])
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL", name.upper()[:16]]
    dataset.add_new(0x00081090, "LO", f"{name[:half]}{name[half:]} 64")
    dataset.add_new(0x00324000, "LT", f"chest\r\n{name}\r\n")
    return _content(dataset)


def _wrong_vr(dataset: Dataset, name: str, _: random.Random) -> bytes:
    raw = name.encode() + b" " * (len(name) % 2)
    for tag, vr, value in (
        (0x00180060, "LO", name), (0x00180050, "PN", name), (0x00281050, "SH", name[:16]), (0x00280030, "LO", name),
        (0x00200011, "LO", name), (0x00189311, "LO", name), (0x00280106, "OB", raw), (0x00200032, "LT", name),
        (0x00181151, "UT", name), (0x00283006, "OB", raw), (0x00281101, "LO", name),
    ):  # fmt: skip
        dataset.add_new(tag, vr, value)
    return _content(dataset)


def _in_a_uid(dataset: Dataset, name: str, _: random.Random) -> bytes:
    identifier = dataset.PatientID
    for tag in (0x00200052, 0x00200200, 0x00083010, 0x00181002, 0x0040DB0D, 0x00880140, 0x00080014, 0x00281199):
        dataset.add_new(tag, "UI", f"1.2.826.0.1.{identifier}.{tag & 0xFF}")
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = name, f"1.2.3.{identifier}"
    dataset.ReferencedImageSequence = [reference]
    return _content(dataset)


def _codes(dataset: Dataset, name: str, _: random.Random) -> bytes:
    identifier = dataset.PatientID
    for number, (scheme, value, meaning) in enumerate(
        (("SCT", identifier, name), ("DCM", "113100", name), ("99LOCAL", name[:16], name), (name[:16], "1", "Chest"))
    ):
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
        code.CodingSchemeVersion = name[:16]
        dataset.add_new((0x00082218, 0x00540220, 0x00081032, 0x0040A168)[number], "SQ", [code])
    return _content(dataset)


def _lookup_tables(dataset: Dataset, name: str, _: random.Random) -> bytes:
    table = Dataset()
    table.LUTDescriptor, table.LUTExplanation, table.ModalityLUTType = [4, 0, 16], name, name[:16]
    table.add_new(0x00283006, "OW", f"{name} {name} ".encode().ljust(40))
    dataset.ModalityLUTSequence = [table]
    dataset.add_new(0x00281201, "OW", f"{name} {name}".encode().ljust(40))
    dataset.add_new(0x00281221, "OW", bytes(20) + f"patient {name} born".encode().ljust(40) + bytes(20))
    return _content(dataset)


def _signatures(dataset: Dataset, name: str, _: random.Random) -> bytes:
    signature = Dataset()
    signature.MACIDNumber, signature.DigitalSignatureUID = 1, "1.2.3.4.5.6"
    signature.CertificateOfSigner = name.encode() + b" " * (len(name) % 2)
    dataset.DigitalSignaturesSequence = [signature]
    return _content(dataset)


def _group_lengths(dataset: Dataset, name: str, _: random.Random) -> bytes:
    dataset.add_new(0x00080000, "UL", 4711)
    dataset.add_new(0x00100000, "UL", 4711)
    dataset.add_new(0x00080001, "UL", 1)
    dataset.add_new(0x00041130, "CS", name[:16])
    return _content(dataset)


def _already_marked(dataset: Dataset, name: str, _: random.Random) -> bytes:
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = [f"by {name}", name]
    dataset.LongitudinalTemporalInformationModified = "MODIFIED"
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "113100", "DCM", name
    dataset.DeidentificationMethodCodeSequence = [code]
    return _content(dataset)


def _modality(dataset: Dataset, name: str, _: random.Random) -> bytes:
    dataset.Modality = name.upper()[:16]
    return _content(dataset)


HIDES = (
    _preamble, _file_meta, _trailing, _odd_groups, _overlay_and_curve, _icon, _document, _report, _presentation,
    _unknown_vr, _split_over_values, _wrong_vr, _in_a_uid, _codes, _lookup_tables, _signatures, _group_lengths,
    _already_marked, _modality,
)  # fmt: skip


def foreign_files(chance: random.Random, planted: Planted) -> None:
    """A DICOMDIR, notes, a spreadsheet and pictures beside the objects, in folders named after people."""
    for kind in ("DICOMDIR", "notes.txt", "list.csv", "photo.jpg", "report.pdf", "Thumbs.db"):
        name = _name(chance)
        planted.files[f"{name} {_name(chance)}/{kind}"] = f"{kind} of {name}".encode()
        planted.values[name.encode()] = f"folder and content of {kind}"


def corpus(seed: int, *, share: float = 1.0) -> Planted:
    """The whole corpus of a seed; ``share`` of the dictionary is planted."""
    chance, planted = random.Random(seed), Planted()
    whole_dictionary(chance, planted, share=share)
    names_in_every_set(chance, planted)
    hiding_places(chance, planted)
    foreign_files(chance, planted)
    return planted


def leaks(planted: Planted, folders: tuple[Path, ...]) -> Counter[str]:
    """Places, with the made-up value, whose value stands in a byte or name below the folders, upper or lower case."""
    found: Counter[str] = Counter()
    wanted = {value.lower(): place for value, place in planted.values.items()}
    for folder in folders:
        for path in folder.rglob("*"):
            content = str(path.relative_to(folder)).encode()
            if path.is_file() and path.name != "journal.jsonl":
                content += b"\n" + path.read_bytes()
            content = content.lower()
            found.update(
                f"{place} {value!r}"
                for value, place in wanted.items()
                if value in content and (not value.isdigit() or _as_a_number(value, content))
            )
    return found


def _as_a_number(value: bytes, content: bytes) -> bool:
    # Eight digits occur by chance inside of the long numbers of new UIDs.
    return re.search(rb"(?<!\d)" + value + rb"(?!\d)", content) is not None


def main() -> None:
    """Run seeds in full size and print what leaks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--profile", default="basic")
    parser.add_argument("--refused", action="store_true")
    chosen = parser.parse_args()
    total: Counter[str] = Counter()
    for seed in range(chosen.first, chosen.first + chosen.seeds):
        planted = corpus(seed, share=chosen.share)
        with tempfile.TemporaryDirectory() as name:
            source, target = Path(name) / "in", Path(name) / "out"
            for path, content in planted.files.items():
                (source / path).parent.mkdir(parents=True, exist_ok=True)
                (source / path).write_bytes(content)
            report = deidentify_series(
                source, target, secret=Secret(b"a secret for tests only"), profile=load_profile(chosen.profile)
            )
            found = leaks(planted, (target, Path(f"{target}-audit")))
            done = report.audit
            sys.stdout.write(
                f"seed {seed}: {done.files_in} files, {done.files_written} written, {len(done.refused)} refused, "
                f"{len(planted.values)} values planted, {len(found)} leak\n"
            )
            if chosen.refused:
                for path, one in zip(report.refused_paths, done.refused, strict=True):
                    sys.stdout.write(f"  refused {path.relative_to(source)}: {one.code} {one.reason} {one.where}\n")
            total.update(found)
    for place, count in total.most_common():
        sys.stdout.write(f"  leak: {place} ({count})\n")
    sys.exit(1 if total else 0)


if __name__ == "__main__":
    main()
