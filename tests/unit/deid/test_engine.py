from __future__ import annotations

import datetime as dt
import struct
import warnings
import zlib

import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from lungai_core.deid import BASIC, NAMED_PROFILES, Option, Profile, Secret
from lungai_core.errors import CorruptDicomError, IdentityLeftError, InputRejectedError, UnsupportedObjectError

PLANTED = "QXPLANTED"
DATES = Profile(name="dates", options=frozenset({Option.RETAIN_MODIFIED_DATES}))


def leaks(out, token=PLANTED):
    return token.lower().encode() in out.lower()


@pytest.mark.verifies("SRS-DEID-001", "SRS-DEID-003")
def test_the_marks_say_what_was_done(corpus, release):
    dataset = corpus.new_object("ct")
    dataset.DeidentificationMethod = PLANTED
    old = Dataset()
    old.CodeValue, old.CodingSchemeDesignator, old.CodeMeaning = "113102", "DCM", PLANTED
    dataset.DeidentificationMethodCodeSequence = [old]
    out, copy = release(dataset, DATES)
    assert copy.PatientIdentityRemoved == "YES"
    assert copy.LongitudinalTemporalInformationModified == "MODIFIED"
    assert [item.CodeValue for item in copy.DeidentificationMethodCodeSequence] == ["113100", "113102", "113107"]
    assert any(part.startswith("PS3.15 2026d") for part in copy.DeidentificationMethod)
    assert not leaks(out)


@pytest.mark.verifies("SRS-DEID-008", "RC-DEID-001")
def test_preamble_file_meta_and_trailing_bytes_are_rebuilt(corpus, release):
    dataset = corpus.new_object("ct", patient="somebody")
    dataset.file_meta.SourceApplicationEntityTitle = PLANTED
    dataset.file_meta.SendingApplicationEntityTitle = PLANTED
    dataset.file_meta.PrivateInformationCreatorUID = "1.2.3.4"
    dataset.file_meta.PrivateInformation = PLANTED.encode() + b" "
    dataset.file_meta.ImplementationVersionName = PLANTED
    dataset.add_new(0xFFFCFFFC, "OB", PLANTED.encode() + b" ")
    content = corpus.as_bytes(dataset, preamble=PLANTED.encode().ljust(128), trailing=b"PATIENT " + PLANTED.encode())
    out, copy = release(content)
    assert not leaks(out)
    assert copy.PixelData == dataset.PixelData
    assert out[:128] == bytes(128)


@pytest.mark.verifies("SRS-DEID-004", "RC-DEID-001")
def test_private_overlay_curve_command_and_unknown_elements_are_removed(corpus, release):
    dataset = corpus.new_object("ct")
    corpus.private_block(dataset, PLANTED)
    corpus.overlay(dataset, PLANTED)
    dataset.add_new(0x50002500, "LO", PLANTED)
    dataset.add_new(0x00080099, "LO", PLANTED)
    dataset.add_new(0x00041130, "CS", PLANTED)
    dataset.add_new(0x04000500, "SQ", [Dataset()])
    out, copy = release(dataset)
    assert not leaks(out)
    assert {element.tag.group for element in copy} <= {0x0008, 0x0010, 0x0012, 0x0020, 0x0028, 0x7FE0}


@pytest.mark.verifies("SRS-DEID-004")
@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian], ids=lambda uid: uid.name
)
def test_each_transfer_syntax_is_kept(corpus, release, syntax):
    dataset = corpus.new_object("ct", patient=PLANTED)
    dataset.file_meta.TransferSyntaxUID = syntax
    corpus.plant(dataset, 0x00104000, "LT", PLANTED, 2)
    out, copy = release(dataset)
    assert copy.file_meta.TransferSyntaxUID == syntax
    assert copy.PixelData == dataset.PixelData
    assert not leaks(zlib.decompress(out[out.index(b"LUNGAI") + 12 :], -15) if syntax.is_deflated else out)
    assert copy.Rows == 4
    assert copy.PatientName == copy.PatientID


@pytest.mark.verifies("SRS-DEID-001", "SRS-DEID-008")
def test_compressed_pixels_stay_and_a_name_in_their_comment_refuses_them(corpus, release):
    dataset = corpus.new_object("ct", patient=PLANTED)
    dataset.file_meta.TransferSyntaxUID = RLELossless
    for comment, refused in ((b"\0" * 12, False), (PLANTED.encode() + b"\0\0\0", True)):
        dataset.PixelData = encapsulate([b"\0" * 64 + comment])
        dataset["PixelData"].is_undefined_length = True
        if refused:
            with pytest.raises(IdentityLeftError):
                release(dataset)
        else:
            assert release(dataset)[1].PixelData == dataset.PixelData


@pytest.mark.verifies("SRS-DEID-008")
def test_a_name_spelt_in_native_samples_refuses_the_image(corpus, release):
    dataset = corpus.new_object("ct", patient="LONGERNAME")
    dataset.PixelData = b"LONGERNAME".ljust(48, b"\0")
    with pytest.raises(IdentityLeftError, match="pixel data"):
        release(dataset)


@pytest.mark.verifies("SRS-DEID-008")
def test_a_removed_value_is_removed_from_kept_attributes_too(corpus, release):
    dataset = corpus.new_object("ct", patient="ZHANG3XYZ")
    dataset.PatientName = "Zhangson^Wei"
    dataset.Manufacturer = "made for zhangson"
    dataset.ConvolutionKernel = "ZHANG3XYZ"
    dataset.BodyPartExamined = "ZHANGSON"
    dataset.ImageComments = "Zhangson"
    out, copy = release(dataset)
    assert not leaks(out, "zhangson")
    assert not leaks(out, "ZHANG3XYZ")
    assert copy.Modality == "CT"


@pytest.mark.verifies("SRS-DEID-008")
def test_a_short_name_inside_of_the_pseudonym_is_no_leak(corpus, release, secret):
    pseudonym = secret.pseudonym("4711ABC\x1f")
    for start in range(2, 22):
        dataset = corpus.new_object("ct", patient="4711ABC")
        dataset.PatientName = f"{pseudonym[start : start + 4]}^Wei"
        assert release(dataset)[1].PatientName == pseudonym


@pytest.mark.verifies("SRS-DEID-008", "SRS-DEID-003")
def test_chinese_free_text_keeps_its_terms_only(corpus, release):
    dataset = corpus.new_object("ct", patient="4711ABC")
    dataset.SpecificCharacterSet = "GB18030"
    dataset.PatientName = "张^三"
    dataset.StudyDescription = "胸部CT平扫 张三 13912345678"
    dataset.SeriesDescription = "肺窗 身份证110101199003078888"
    dataset.ProtocolName = "李四"
    out, copy = release(dataset, NAMED_PROFILES["research-longitudinal"])
    assert (copy.StudyDescription, copy.SeriesDescription) == ("胸部CT平扫", "肺窗")
    assert "ProtocolName" not in copy
    assert not any(text.encode("gb18030") in out for text in ("张三", "李四", "13912345678", "110101199003078888"))


@pytest.mark.verifies("SRS-DEID-008")
def test_a_patient_named_like_a_body_part_keeps_the_body_part(corpus, release):
    dataset = corpus.new_object("ct", patient="X")
    dataset.PatientName = "Chest^Lung"
    dataset.BodyPartExamined = "CHEST"
    _, copy = release(dataset)
    assert copy.BodyPartExamined == "CHEST"
    assert copy.PatientName == copy.PatientID


@pytest.mark.verifies("SRS-DEID-004", "RC-DEID-005")
def test_a_required_number_that_is_none_refuses_the_file(corpus, release):
    dataset = corpus.new_object("ct")
    content = corpus.as_bytes(dataset)
    spoilt = content.replace(
        struct.pack("<HH2sHH", 0x0028, 0x0010, b"US", 2, 4), struct.pack("<HH2sH2s", 0x0028, 0x0010, b"LO", 2, b"AB")
    )
    assert spoilt != content
    with pytest.raises(InputRejectedError):
        release(spoilt)


@pytest.mark.verifies("SRS-DEID-004")
def test_a_name_in_an_element_of_another_vr_is_removed(corpus, release):
    dataset = corpus.new_object("ct")
    content = corpus.as_bytes(dataset)
    stray = struct.pack("<HH2sH", 0x0018, 0x9306, b"LO", 10) + b"QXPLANTED "  # Single Collimation Width is FD
    wrong_size = struct.pack("<HH2sH", 0x0018, 0x9307, b"FD", 10) + b"QXPLANTED "
    at = content.index(struct.pack("<HH2s", 0x0020, 0x000D, b"UI"))
    out, copy = release(content[:at] + stray + wrong_size + content[at:])
    assert not leaks(out)
    assert 0x00189306 not in copy


@pytest.mark.verifies("SRS-DEID-004")
def test_an_unknown_vr_is_judged_by_the_dictionary(corpus, release):
    dataset = corpus.new_object("ct")
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "T-28000", "SRT", "Lung"
    item.PatientComments = PLANTED
    dataset.AnatomicRegionSequence = [item]
    dataset.SliceThickness = "2.5"
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    implicit = corpus.as_bytes(dataset)
    _, written = implicit[:132], corpus.read(implicit)
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    raw = bytes(_implicit_value(implicit, 0x00082218))
    content = corpus.as_bytes(dataset)
    at = content.index(struct.pack("<HH2s", 0x0008, 0x2218, b"SQ"))
    end = content.index(struct.pack("<HH2s", 0x0010, 0x0010, b"PN"))
    unknown = struct.pack("<HH2sHL", 0x0008, 0x2218, b"UN", 0, len(raw)) + raw
    out, copy = release(content[:at] + unknown + content[end:])
    assert not leaks(out)
    assert copy.SliceThickness == written.SliceThickness == 2.5


def _implicit_value(content, tag):
    at = content.index(struct.pack("<HH", tag >> 16, tag & 0xFFFF))
    (length,) = struct.unpack_from("<L", content, at + 4)
    return content[at + 8 : at + 8 + length]


@pytest.mark.verifies("SRS-DEID-006")
@pytest.mark.parametrize(
    ("charset", "name", "encoding"),
    [
        ("GB18030", "王^小东", "gb18030"),
        ("GBK", "张^三丰", "gbk"),
        ("ISO_IR 192", "Wang^XiaoDong=王^小东", "utf-8"),
        ("ISO_IR 100", "Buc^Jérôme", "latin-1"),
        ("ISO_IR 144", "Люкceмбypг", "iso8859-5"),
        ("ISO_IR 192", "Ελληνικός", "gb18030"),
    ],
)
def test_names_of_any_character_set_are_replaced_and_kept_text_stays(corpus, release, charset, name, encoding):
    dataset = corpus.new_object("ct", patient="p")
    content = corpus.as_bytes(dataset)
    raw = name.encode(encoding)
    raw += b" " * (len(raw) % 2)
    charset_raw = charset.encode() + b" " * (len(charset) % 2)
    element = struct.pack("<HH2sH", 0x0008, 0x0005, b"CS", len(charset_raw)) + charset_raw
    old = struct.pack("<HH2sH", 0x0010, 0x0010, b"PN", 2) + b"p "
    new = struct.pack("<HH2sH", 0x0010, 0x0010, b"PN", len(raw)) + raw
    at = content.index(struct.pack("<HH2s", 0x0008, 0x0016, b"UI"))
    content = (content[:at] + element + content[at:]).replace(old, new)
    at = content.index(struct.pack("<HH2s", 0x0010, 0x0010, b"PN"))
    maker = struct.pack("<HH2sH", 0x0008, 0x0070, b"LO", len(raw)) + raw
    content = content[:at] + maker + content[at:]
    out, copy = release(content)
    assert raw.strip() not in out
    assert copy.PatientName == copy.PatientID != ""


@pytest.mark.verifies("SRS-DEID-006")
@pytest.mark.parametrize(
    ("charset", "raw"),
    [
        (
            ["", "ISO 2022 IR 87"],
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
        ),
        (["", "ISO 2022 IR 58"], b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab="),
        (["", "ISO 2022 IR 149"], b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7="),
    ],
)
def test_code_extensions_in_names_do_not_survive(corpus, release, charset, raw):
    dataset = corpus.new_object("ct", patient="p")
    dataset.SpecificCharacterSet = charset
    content = corpus.as_bytes(dataset)
    raw += b" " * (len(raw) % 2)
    content = content.replace(
        struct.pack("<HH2sH", 0x0010, 0x0010, b"PN", 2) + b"p ",
        struct.pack("<HH2sH", 0x0010, 0x0010, b"PN", len(raw)) + raw,
    )
    out, copy = release(content)
    assert b"\x1b" not in out
    assert str(copy.PatientName).startswith("P-")


@pytest.mark.verifies("SRS-DEID-006", "SRS-DEID-011")
def test_an_escape_that_no_character_set_announced_is_no_obstacle(corpus, release):
    content = corpus.as_bytes(corpus.new_object("ct", patient="p"))
    raw = b"QXP\x1b$)Z\x1bLANTED"
    old = struct.pack("<HH2sH", 0x0010, 0x0010, b"PN", 2) + b"p "
    raw += b" " * (len(raw) % 2)
    out, copy = release(content.replace(old, struct.pack("<HH2sH", 0x0010, 0x0010, b"PN", len(raw)) + raw))
    assert b"LANTED" not in out
    assert copy.PatientName == copy.PatientID


@pytest.mark.verifies("SRS-DEID-007", "RC-DEID-006")
def test_dates_of_a_patient_move_together_and_once(corpus, release):
    dataset = corpus.new_object("ct", patient="4711ABC")
    dataset.StudyDate, dataset.StudyTime = "20200229", "235959.5"
    dataset.AcquisitionDateTime = "20200301000001.000+0100"
    item = Dataset()
    item.CreationDate = "20200302"
    dataset.ReferencedStudySequence = []
    dataset.add_new(0x00400260, "SQ", [item])
    out, copy = release(dataset, DATES)
    shift = Secret(b"a secret for tests only").date_shift("4711ABC\x1f")
    assert copy.StudyDate == (dt.date(2020, 2, 29) + shift).strftime("%Y%m%d")
    assert copy.StudyTime == "235959.5"
    assert str(copy.AcquisitionDateTime)[8:] == "000001.000+0100"
    assert release(out, DATES)[0] == out


@pytest.mark.verifies("SRS-DEID-005", "RC-DEID-006")
def test_references_follow_the_instances_that_they_name(corpus, release):
    image, plan = corpus.new_object("ct"), corpus.new_object("seg", number=2)
    source = Dataset()
    source.ReferencedSOPClassUID = image.SOPClassUID
    source.ReferencedSOPInstanceUID = image.SOPInstanceUID
    derivation = Dataset()
    derivation.SourceImageSequence = [source]
    group = Dataset()
    group.DerivationImageSequence = [derivation]
    plan.SharedFunctionalGroupsSequence = [group]
    series = Dataset()
    series.SeriesInstanceUID = image.SeriesInstanceUID
    series.ReferencedInstanceSequence = [source]
    plan.ReferencedSeriesSequence = [series]
    _, new_image = release(image)
    _, new_plan = release(plan)
    named = new_plan.SharedFunctionalGroupsSequence[0].DerivationImageSequence[0].SourceImageSequence[0]
    assert named.ReferencedSOPInstanceUID == new_image.SOPInstanceUID == new_image.file_meta.MediaStorageSOPInstanceUID
    assert new_plan.ReferencedSeriesSequence[0].SeriesInstanceUID == new_image.SeriesInstanceUID


@pytest.mark.verifies("SRS-DEID-004")
def test_a_list_of_references_goes_when_its_referents_go(corpus, release):
    image = corpus.new_object("ct")
    source = Dataset()
    source.ReferencedSOPClassUID, source.ReferencedSOPInstanceUID = image.SOPClassUID, "1.2.3"
    image.ReferencedImageSequence = [source]
    series = Dataset()
    series.SeriesInstanceUID, series.ReferencedInstanceSequence = "1.2.4", [source]
    image.ReferencedSeriesSequence = [series]
    _, copy = release(image)
    assert "ReferencedImageSequence" not in copy
    assert "ReferencedSeriesSequence" not in copy


@pytest.mark.verifies("SRS-DEID-003")
def test_safe_private_attributes_stay_by_option_and_only_these(corpus, release):
    profile = Profile(name="safe", options=frozenset({Option.RETAIN_SAFE_PRIVATE}))
    dataset = corpus.new_object("pet")
    dataset.add_new(0x70530010, "LO", "Philips PET Private Group")
    dataset.add_new(0x70531000, "DS", "1.25")
    dataset.add_new(0x70531001, "LO", PLANTED)
    dataset.add_new(0x70530011, "LO", f"Philips {PLANTED}")
    dataset.add_new(0x70531100, "DS", "3")
    out, copy = release(dataset, profile)
    assert copy[0x70531000].value == 1.25
    assert {element.tag for element in copy if element.tag.is_private} == {0x70530010, 0x70531000}
    assert not leaks(out)


@pytest.mark.verifies("SRS-DEID-003")
def test_options_keep_what_they_promise(corpus, release):
    options = {
        Option.RETAIN_DEVICE_IDENTITY,
        Option.RETAIN_INSTITUTION_IDENTITY,
        Option.RETAIN_PATIENT_CHARACTERISTICS,
        Option.RETAIN_UIDS,
        Option.RETAIN_FULL_DATES,
        Option.CLEAN_DESCRIPTORS,
    }
    profile = Profile(name="much", options=frozenset(options), age_limit_years=89)
    dataset = corpus.new_object("ct", patient="4711ABC")
    dataset.PatientName = "Zhangson^Wei"
    dataset.StationName, dataset.InstitutionName = "CT7", "First Hospital"
    dataset.PatientAge, dataset.PatientSex, dataset.PatientWeight = "094Y", "F", "71"
    dataset.StudyDate = "20200301"
    dataset.SeriesDescription = "Chest low dose 1.0 mm Zhangson"
    dataset.StudyDescription = "Zhangson"
    _, copy = release(dataset, profile)
    assert (copy.StationName, copy.InstitutionName) == ("CT7", "First Hospital")
    assert (copy.PatientAge, copy.PatientSex, copy.PatientWeight) == ("090Y", "F", 71)
    assert copy.StudyDate == "20200301"
    assert copy.SOPInstanceUID == dataset.SOPInstanceUID
    assert copy.SeriesDescription == "Chest low dose 1.0 mm"
    assert "StudyDescription" not in copy
    assert copy.LongitudinalTemporalInformationModified == "UNMODIFIED"


@pytest.mark.verifies("SRS-DEID-003")
def test_a_document_is_replaced_by_one_without_content(corpus, release):
    dataset = corpus.new_object("pdf")
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    dataset.EncapsulatedDocument = b"%PDF " + PLANTED.encode()
    dataset.DocumentTitle = PLANTED
    out, copy = release(dataset)
    assert copy.EncapsulatedDocument.startswith(b"%PDF-1.4")
    assert not leaks(out)


@pytest.mark.verifies("SRS-DEID-004", "RC-DEID-001")
def test_bytes_that_are_no_colour_profile_do_not_pass_for_one(corpus, release):
    dataset = corpus.new_object("ct")
    for content, stays in ((b"\0" * 36 + b"acsp" + b"\0" * 88, True), (PLANTED.encode().ljust(128, b"\0"), False)):
        dataset.add_new(0x00282000, "OB", content)
        assert (0x00282000 in release(dataset)[1]) is stays


@pytest.mark.verifies("SRS-DEID-005")
def test_text_in_a_uid_is_replaced(corpus, release):
    dataset = corpus.new_object("ct")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset.FrameOfReferenceUID = f"1.2.{PLANTED}"
        dataset.add_new(0x00081195, "UI", [f"1.2.840.10008.{PLANTED}", "1.2.5"])
        out, copy = release(dataset)
    assert not leaks(out)
    assert all(uid.startswith("2.25.") for uid in copy.TransactionUID)


@pytest.mark.verifies("SRS-DEID-011")
@pytest.mark.parametrize("cut", [0, 100, 131, 140, 300, 420])
def test_a_file_that_ends_early_is_refused(corpus, release, cut):
    with pytest.raises(CorruptDicomError):
        release(corpus.as_bytes(corpus.new_object("ct"))[:cut])


@pytest.mark.verifies("SRS-DEID-011")
def test_objects_that_cannot_be_judged_are_refused(corpus, release):
    for uid in ("1.2.840.10008.1.3.10", "1.3.12.2.1107.5.9.1", "1.2.840.10008.1.1"):
        dataset = corpus.new_object("ct")
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = uid
        with pytest.raises(UnsupportedObjectError):
            release(dataset)
    content = corpus.as_bytes(corpus.new_object("ct"))
    content = content.replace(b"1.2.840.10008.5.1.4.1.1.2\0", b"1.2.840.10008.5.1.4.1.1.4\0", 1)
    with pytest.raises(CorruptDicomError, match="different SOP Classes"):
        release(content)


@pytest.mark.verifies("SRS-DEID-011")
def test_every_profile_is_a_fixed_point_on_every_kind(corpus, release):
    for profile in NAMED_PROFILES.values():
        for kind in corpus.KINDS:
            dataset = corpus.new_object(kind, patient="4711ABC")
            dataset.StudyDate, dataset.PatientAge = "20200301", "093Y"
            out, _ = release(dataset, profile)
            assert release(out, profile)[0] == out


@pytest.mark.verifies("SRS-DEID-008", "RC-DEID-001")
def test_another_secret_sees_a_foreign_file(corpus, release):
    out, _ = release(corpus.new_object("ct"), BASIC)
    assert release(out, BASIC, Secret(b"another one for tests!!"))[0] != out


@pytest.mark.verifies("SRS-DEID-013", "SRS-DEID-003")
def test_the_words_of_a_device_stay_with_its_identity_and_else_only_known_ones(corpus, release):
    dataset = corpus.new_object("ct", patient="QXNOBODY")
    dataset.Manufacturer, dataset.ManufacturerModelName = "SIEMENS QXVENDOR", "QXSCANNER 64"
    _, kept = release(dataset, profile=Profile(name="d", options=frozenset({Option.RETAIN_DEVICE_IDENTITY})))
    assert (kept.Manufacturer, kept.ManufacturerModelName) == ("SIEMENS QXVENDOR", "QXSCANNER 64")
    _, basic = release(dataset)
    assert (basic.Manufacturer, basic.ManufacturerModelName) == ("SIEMENS", "64")
