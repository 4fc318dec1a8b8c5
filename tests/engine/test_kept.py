"""The source's metadata that every written format keeps, and what none ever keeps."""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from backend.images.formats import WRITABLE
from backend.images.picture import Picture, decode, encode
from backend.images.rights import Rights, rights_from_iptc, rights_from_xmp
from backend.images.sandbox.process import DecodeProcess
from backend.options import KEPT
from benchmarks.hostile_files import segment
from tests.hostile.corpus import chunk, scene
from tests.pictures import save

TAKEN = "2011:04:05 06:07:08"
COPYRIGHT, CREATOR, KEYWORDS = "© 2011 Zoë Example", "Zoë Example", ("sea", "élan & co", "<b>")
PRIVATE = b"private-"
"""A text in every field that must not be kept."""


def packet() -> bytes:
    rights = Rights(copyright=COPYRIGHT, creator=CREATOR, keywords=KEYWORDS).to_xmp()
    return rights.replace(
        b"</rdf:Description>",
        b'<prompt xmlns="x:y">private-prompt</prompt></rdf:Description>',
    )


def photograph() -> bytes:
    """Make a file as a camera and an editor leave it."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "private-maker", "private-model"
    exif[0x013B], exif[0x8298] = CREATOR.encode(), COPYRIGHT.encode()
    exif[0x8769] = {0x9003: TAKEN, 0xA431: "private-serial", 0x9286: b"ASCII\0\0\0private-prompt"}
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 12.0), 29: "private-date"}
    return save(
        scene(), "JPEG", exif=exif.tobytes(), xmp=packet(), dpi=(240, 240), comment=b"private-"
    )


def written(format: str, keep: Sequence[str] = KEPT) -> bytes:
    return encode(decode(photograph(), max_side=99), format=format, keep=keep)


FORMATS = [each.name for each in WRITABLE]


@pytest.mark.parametrize("format", FORMATS)
def test_resolution_date_and_rights_go_along(format: str) -> None:
    again = decode(written(format), max_side=99)
    assert again.taken == TAKEN
    assert again.dpi == (240, 240)
    assert again.rights == Rights(copyright=COPYRIGHT, creator=CREATOR, keywords=KEYWORDS)


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_private_goes_along(format: str) -> None:
    data = written(format)
    assert PRIVATE not in data
    again = decode(data, max_side=99)
    assert not again.has_place
    assert not again.has_camera


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", KEPT)
def test_each_kind_of_metadata_can_be_kept_alone(format: str, name: str) -> None:
    again = decode(written(format, [name]), max_side=99)
    kept = {
        "dpi": again.dpi is not None,
        "date": again.taken is not None,
        "copyright": bool(again.rights),
    }
    if format == "jpeg":
        kept["dpi"] = again.dpi == (240, 240)  # the format always has some number
    assert [each for each, is_kept in kept.items() if is_kept] == [name]


@pytest.mark.parametrize("format", FORMATS)
def test_kept_metadata_changes_no_pixel(format: str) -> None:
    plain, kept = decode(written(format, ()), max_side=99), decode(written(format), max_side=99)
    assert (plain.rgb == kept.rgb).all()


def test_rights_come_through_the_decoding_process() -> None:
    process = DecodeProcess()
    assert (
        process.decode(photograph(), max_side=99).rights == decode(photograph(), max_side=99).rights
    )
    process.close()


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
@pytest.mark.parametrize("format", FORMATS)
def test_exiftool_reads_the_same(format: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{format}"
    path.write_bytes(written(format))
    command = ("exiftool", "-json", "-n", "-charset", "exif=utf8", str(path))
    told: dict[str, Any] = json.loads(
        subprocess.run(command, capture_output=True, check=True).stdout
    )[0]
    assert told["DateTimeOriginal"] == TAKEN
    assert round(told["XResolution"]) == 240
    assert told["Copyright"] == COPYRIGHT
    assert told["Artist"] == CREATOR
    assert told["Subject"] == list(KEYWORDS)
    assert not {"GPSLatitude", "Make", "Model", "SerialNumber", "UserComment"} & set(told)
    assert "Warning" not in told


def test_rights_of_newspapers_are_read() -> None:
    sets = {80: "Zoë Example", 116: "© 2011", 25: "sea"}
    content = b"\x1c\1\x5a\0\3\x1b%G" + b"".join(
        b"\x1c\2" + bytes([number]) + len(text.encode()).to_bytes(2) + text.encode()
        for number, text in sets.items()
    )
    resource = b"8BIM\4\4\0\0" + len(content).to_bytes(4) + content
    plain = save(scene(), "JPEG")
    data = plain[:2] + segment(0xED, b"Photoshop 3.0\0" + resource) + plain[2:]
    wanted = Rights(copyright="© 2011", creator="Zoë Example", keywords=("sea",))
    assert decode(data, max_side=99).rights == wanted


def test_every_creator_goes_along() -> None:
    one = Rights(creator="FIRST").to_xmp()
    both = one.replace(b"FIRST", "Zoë</rdf:li><rdf:li>Bob".encode())
    picture = decode(save(scene(), "JPEG", xmp=both), max_side=99)
    assert picture.rights.creator == "Zoë; Bob"
    assert rights_from_iptc(b"\x1c\2\x50\0\3Zoe\x1c\2\x50\0\3Bob").creator == "Zoe; Bob"


@pytest.mark.parametrize("kind", [2, 4, 7], ids=["ascii", "long", "undefined"])
def test_rights_of_newspapers_are_read_in_a_tiff_too(kind: int) -> None:
    content = b"\x1c\2\x74\0\6(c) me\x1c\2\x19\0\3sea"
    content += bytes(-len(content) % 4)
    data, size = bytearray(save(scene(), "TIFF", tiffinfo={33723: content})), len(content)
    at = data.index(struct.pack("<HH", 33723, 7))
    data[at + 2 : at + 8] = struct.pack("<HI", kind, size // 4 if kind == 4 else size)
    rights = decode(bytes(data), max_side=99).rights
    assert rights == Rights(copyright="(c) me", keywords=("sea",))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
@pytest.mark.parametrize(
    ("xmp", "taken"),
    [
        (b' e:DateTimeOriginal="2011-04-05T06:07:08.5+02:00">', f"{TAKEN}.5+02:00"),
        (b' e:DateTimeOriginal="2011-04-05T06:07:08Z">', f"{TAKEN}+00:00"),
        (b' e:DateTimeOriginal="2011-04-31T06:07:08">', None),
        (b' p:DateCreated="2011-04-05T06:07">', "2011:04:05 06:07:00"),
        (b"><e:DateTimeOriginal>2011:04:05 06:07:08</e:DateTimeOriginal>", TAKEN),
        (b' e:DateTimeDigitized="2011-04-05T06:07:08">', None),
        (b' e:DateTimeOriginal="2011-04">', None),
    ],
)
def test_the_date_is_read_from_xmp_where_exif_has_none(
    format: str, xmp: bytes, taken: str | None
) -> None:
    names = b'xmlns:e="http://ns.adobe.com/exif/1.0/" xmlns:p="http://ns.adobe.com/photoshop/1.0/"'
    packet = b"<x " + names + xmp + b"</x>"
    options: dict[str, object] = {"xmp": packet}
    if format == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", packet.decode())
        options = {"pnginfo": text}
    if format == "TIFF":
        options = {"tiffinfo": {700: packet}}
    assert decode(save(scene(), format, **options), max_side=99).taken == taken


def dated(**tags: str) -> bytes:
    exif = Image.Exif()
    numbers = {"moment": 0x9003, "fraction": 0x9291, "offset": 0x9011}
    exif[0x8769] = {numbers[name]: text for name, text in tags.items()}
    return save(scene(), "JPEG", exif=exif)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    ("tags", "taken"),
    [
        ({"fraction": "045", "offset": "+02:00"}, f"{TAKEN}.045+02:00"),
        ({"fraction": "5 "}, f"{TAKEN}.5"),
        ({"offset": "-03:30"}, f"{TAKEN}-03:30"),
        ({"fraction": "x", "offset": "   :  "}, TAKEN),
    ],
)
def test_parts_of_a_second_and_the_offset_go_along(
    format: str, tags: dict[str, str], taken: str
) -> None:
    picture = decode(dated(moment=TAKEN, **tags), max_side=99)
    assert picture.taken == taken
    assert decode(encode(picture, format=format, keep=KEPT), max_side=99).taken == taken


@pytest.mark.parametrize("moment", ["0000:00:00 00:00:00", "2011:13:05 06:07:08", "    :  :   "])
def test_a_date_that_no_calendar_has_is_none(moment: str) -> None:
    assert decode(dated(moment=moment), max_side=99).taken is None


@pytest.mark.parametrize(
    ("sets", "taken"),
    [
        ({55: b"20110405", 60: b"060708+0200"}, f"{TAKEN}+02:00"),
        ({55: b"20110405", 60: b"060708"}, TAKEN),
        ({55: b"20110405"}, None),
        ({55: b"20110000", 60: b"060708"}, None),
    ],
)
def test_the_date_of_newspapers_is_read(sets: dict[int, bytes], taken: str | None) -> None:
    content = b"".join(
        b"\x1c\2" + bytes([number]) + len(text).to_bytes(2) + text for number, text in sets.items()
    )
    resource = b"8BIM\4\4\0\0" + len(content).to_bytes(4) + content
    plain = save(scene(), "JPEG")
    data = plain[:2] + segment(0xED, b"Photoshop 3.0\0" + resource) + plain[2:]
    assert decode(data, max_side=99).taken == taken
    tiff = save(scene(), "TIFF", tiffinfo={33723: content})
    assert decode(tiff, max_side=99).taken == taken


@pytest.mark.parametrize(
    ("unit", "dpi"), [(1, None), (2, (118, 118)), (3, (300, 300)), (None, (118, 118))]
)
@pytest.mark.parametrize("format", ["TIFF", "JPEG"])
def test_a_resolution_without_a_unit_is_none(
    format: str, unit: int | None, dpi: tuple[int, int] | None
) -> None:
    exif = Image.Exif()
    exif[282] = exif[283] = 118.11
    if unit is not None:
        exif[296] = unit
    picture = decode(save(scene(), format, exif=exif), max_side=99)
    assert picture.dpi == dpi
    assert decode(save(scene(), format), max_side=99).dpi is None


def test_texts_of_a_png_are_read_and_its_prompts_are_not_kept() -> None:
    whole = save(scene(), "PNG")
    texts = chunk(b"tEXt", b"Copyright\0\xa9 me") + chunk(b"iTXt", "Author\0\0\0\0\0Zoë".encode())
    prompt = chunk(b"tEXt", b"parameters\0private-prompt")
    picture = decode(whole[:33] + texts + prompt + whole[33:], max_side=99)
    assert picture.rights == Rights(copyright="© me", creator="Zoë")
    assert PRIVATE not in encode(picture, format="png", keep=KEPT)


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"<a",
        b'<!DOCTYPE a [<!ENTITY b "bbbb">]><a xmlns:dc="http://purl.org/dc/elements/1.1/">&b;</a>',
        b'<a xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:rights>',
        b'<a xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:rights/></a>',
        b"\xff\xfe/elements/1.1/",
    ],
)
def test_broken_packets_have_no_rights(bad: bytes) -> None:
    assert rights_from_xmp(bad) == Rights()
    assert rights_from_iptc(bad) == Rights()
    assert rights_from_iptc(b"Photoshop 3.0\0" + b"8BIM\4\4" + bad) == Rights()


def test_long_texts_are_cut_and_kept_in_one_line() -> None:
    exif = Image.Exif()
    exif[0x8298] = "line\nbreak\0" + "x" * 5000
    picture: Picture = decode(save(scene(), "PNG", exif=exif), max_side=99)
    assert picture.rights.copyright is not None
    assert len(picture.rights.copyright) <= 300
    assert picture.rights.copyright.isprintable()


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        (save(scene(), "JPEG", subsampling=2), (2, 2)),
        (save(scene(), "JPEG", subsampling=0), (1, 1)),
        (save(scene(), "WEBP"), (2, 2)),
        (save(scene(), "PNG"), (1, 1)),
        (save(scene(), "AVIF", subsampling="4:2:0"), (2, 2)),
    ],
)
def test_colours_are_stored_as_finely_as_the_source_has_them(
    source: bytes, wanted: tuple[int, int]
) -> None:
    data = encode(decode(source, max_side=99), format="jpeg")
    with Image.open(io.BytesIO(data)) as opened:
        assert getattr(opened, "layer")[0][1:3] == wanted  # noqa: B009 - Pillow's types lack it


def test_a_webp_without_loss_stays_so_as_a_webp() -> None:
    """A bulk run writes a WebP for a WebP, whose key must be known before it is read."""
    picture = decode(save(scene(), "WEBP", lossless=True), max_side=99)
    again = decode(encode(picture, format="webp"), max_side=99)
    assert (again.rgb == picture.rgb).all()
    lossy = decode(save(scene(), "WEBP"), max_side=99)
    assert not decode(encode(lossy, format="webp"), max_side=99).is_lossless


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("source", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_both_resolutions_of_a_fax_are_kept(source: str, format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[274], exif[282], exif[283], exif[296] = orientation, 204, 98, 2
    data = save(scene(), source, dpi=(204, 98), exif=exif)
    written = encode(decode(data, max_side=99), format=format, keep=("dpi",))
    with Image.open(io.BytesIO(written)) as opened:
        stated = opened.info.get("dpi", (opened.getexif()[282], opened.getexif()[283]))
    assert tuple(map(round, stated)) == ((98, 204) if orientation > 4 else (204, 98))
