"""Results have their sources' colours, however they are described: compared with Chromium.

The levels were read once from Chromium 156's rendering of such files on an sRGB screen.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageCms

from backend.images.colour import ADOBE_1998, DISPLAY_P3, light_level
from backend.images.formats import WRITABLE
from backend.images.hdr import BT709, BT2020
from backend.images.icc import Primaries, color_space, make_profile
from backend.images.notes import GAIN_MAP, HDR_TO_SDR
from backend.images.picture import Picture, decode, encode
from backend.images.segments import av1, hevc
from benchmarks.hostile_files import segment
from tests.hostile.corpus import chunk
from tests.pictures import save

Levels = Sequence[tuple[int, int, int]]

STORED: Levels = ((128, 77, 77), (191, 153, 77), (148, 148, 0), (115, 107, 89))
IN_P3: Levels = ((136, 73, 75), (198, 151, 59), (148, 148, 0), (117, 107, 87))
IN_2020: Levels = ((151, 66, 75), (214, 148, 56), (153, 149, 0), (121, 106, 86))
LINEAR: Levels = ((188, 148, 148), (224, 203, 148), (200, 200, 0), (179, 173, 159))
CODES: dict[tuple[int, int], Levels] = {
    (9, 16): ((162, 0, 40), (255, 110, 0), (193, 188, 0), (113, 87, 55)),
    (9, 18): ((110, 49, 55), (206, 121, 46), (123, 120, 0), (91, 80, 66)),
    (12, 16): ((143, 34, 39), (255, 137, 0), (187, 187, 0), (106, 88, 56)),
    (12, 18): ((99, 54, 55), (187, 125, 48), (119, 119, 0), (88, 81, 66)),
    (12, 13): IN_P3,
    (9, 13): IN_2020,
    (1, 7): ((141, 94, 94), (198, 164, 94), (159, 159, 0), (129, 122, 105)),
    (1, 8): LINEAR,
    (1, 13): STORED,
}
"""Primaries and transfer of ITU-T H.273 -> levels in Chromium."""
HDR_TRANSFERS = (16, 18)
FORMATS = [each.name for each in WRITABLE]
SIDE = 16
TOLERANCE = 3


def patches() -> Image.Image:
    row = np.repeat(np.array(STORED, np.uint8), SIDE, axis=0)
    return Image.fromarray(np.repeat(row[np.newaxis], SIDE, axis=0))


def png(*chunks: bytes, image: Image.Image | None = None) -> bytes:
    whole = save(image or patches(), "PNG")
    return whole[:33] + b"".join(chunks) + whole[33:]


def gamma(value: int) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", value))


def points(primaries: Primaries) -> bytes:
    each = (primaries.white, primaries.red, primaries.green, primaries.blue)
    numbers = [round(number * 100_000) for point in each for number in point]
    return chunk(b"cHRM", struct.pack(">8I", *numbers))


def profile_chunk(profile: bytes) -> bytes:
    return chunk(b"iCCP", b"any\0\0" + zlib.compress(profile))


def coded(data: bytes, primaries: int, transfer: int) -> bytes:
    """Put other codes into the box that the writers fill with those of sRGB."""
    at = data.index(b"colrnclx") + 8
    return data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :]


def avif(primaries: int, transfer: int) -> bytes:
    data = save(patches(), "AVIF", quality=100, subsampling="4:4:4")
    return coded(data, primaries, transfer)


@cache
def plain_heic() -> bytes:
    return save(patches(), "HEIF", quality=100, chroma=444, matrix_coefficients=6)


def heic(primaries: int, transfer: int) -> bytes:
    return coded(plain_heic(), primaries, transfer)


def cicp_png(primaries: int, transfer: int) -> bytes:
    return png(chunk(b"cICP", bytes((primaries, transfer, 0, 1))))


def seen(picture: Picture, *, format: str = "png") -> list[tuple[int, ...]]:
    """Return the patches of the written file as a colour-managed viewer shows them."""
    with Image.open(io.BytesIO(encode(picture, format=format, quality=100))) as opened:
        image, profile = opened.convert("RGB"), opened.info.get("icc_profile")
        is_gray = opened.mode in ("L", "LA")
        if profile:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            stored = opened.convert("L") if is_gray else image
            shown = ImageCms.profileToProfile(stored, source, target, outputMode="RGB")
            assert shown is not None
            image = shown
    pixels = np.asarray(image)[SIDE // 2, SIDE // 2 :: SIDE]
    return [tuple(int(level) for level in pixel) for pixel in pixels]


def assert_near(
    found: Sequence[tuple[int, ...]], wanted: Levels, *, tolerance: int = TOLERANCE
) -> None:
    distance = np.abs(np.array(found) - np.array(wanted)).max()
    assert distance <= tolerance, (found, wanted)


@pytest.mark.parametrize("codes", CODES, ids=str)
@pytest.mark.parametrize("write", [cicp_png, avif, heic], ids=lambda each: each.__name__)
def test_coded_colours_are_shown_as_in_chromium(write: object, codes: tuple[int, int]) -> None:
    assert callable(write)
    picture = decode(write(*codes), max_side=99)
    # Lossy files are a few levels off before anything is converted.
    assert_near(seen(picture), CODES[codes], tolerance=TOLERANCE if write is cicp_png else 6)
    assert (HDR_TO_SDR in picture.notes) == (codes[1] in HDR_TRANSFERS)


P3 = make_profile(DISPLAY_P3, gamma=None, is_gray=False)
P3_PROFILE = profile_chunk(P3)
GAMMA_1_8: Levels = ((146, 94, 94), (203, 169, 94), (165, 165, 0), (134, 126, 108))
GAMMA_2_083: Levels = ((133, 79, 79), (194, 157, 79), (153, 153, 0), (120, 112, 92))
GAMMA_2_2: Levels = ((129, 75, 75), (192, 154, 75), (149, 149, 0), (116, 107, 88))
GAMMA_2_2_IN_P3: Levels = ((138, 71, 73), (200, 153, 57), (149, 149, 0), (117, 107, 86))
GAMMA_2_4: Levels = ((121, 66, 66), (187, 147, 66), (142, 142, 0), (107, 99, 80))
ADOBE: Levels = ((168, 102, 102), (217, 175, 97), (170, 170, 0), (144, 133, 115))


@pytest.mark.parametrize(
    ("chunks", "wanted"),
    [
        ((gamma(45_455),), STORED),
        ((gamma(45_455), points(BT709)), GAMMA_2_2),
        ((gamma(45_455), points(DISPLAY_P3)), GAMMA_2_2_IN_P3),
        ((gamma(100_000),), LINEAR),
        ((gamma(55_556),), GAMMA_1_8),
        ((gamma(60_000), points(ADOBE_1998)), ADOBE),
        ((points(DISPLAY_P3),), STORED),
        ((gamma(0),), STORED),
        ((chunk(b"sRGB", b"\0"), gamma(100_000)), STORED),
        ((gamma(100_000), P3_PROFILE), IN_P3),
        ((P3_PROFILE, chunk(b"cICP", b"\1\x0d\0\1")), STORED),
        ((chunk(b"cICP", b"\2\2\0\1"), P3_PROFILE), IN_P3),
        ((chunk(b"cICP", b"\1\1\0\1"),), GAMMA_2_4),
        ((chunk(b"cICP", b"\1\x0b\0\1"),), GAMMA_2_4),
        ((chunk(b"cICP", b"\x0c\x0d\0\0"),), STORED),
        ((gamma(100_000), gamma(45_455)), LINEAR),
        ((gamma(45_455), gamma(100_000)), STORED),
        ((P3_PROFILE, profile_chunk(make_profile(BT2020, gamma=None, is_gray=False))), IN_P3),
        ((P3_PROFILE[:-1] + b"\0",), STORED),
        ((gamma(100_000)[:-1] + b"\0",), STORED),
        ((chunk(b"sRGB", b"\4"), gamma(100_000)), LINEAR),
        ((chunk(b"sRGB", b""), gamma(100_000)), LINEAR),
        ((chunk(b"sRGB", b"\0\0"), gamma(100_000)), LINEAR),
        ((profile_chunk(b"\0" * 500), gamma(100_000)), LINEAR),
        ((profile_chunk(P3[:-40]), gamma(100_000)), LINEAR),
        ((gamma(44_000),), STORED),
        ((gamma(47_700),), STORED),
        ((gamma(48_000),), GAMMA_2_083),
        ((gamma(0), gamma(100_000)), LINEAR),
        ((chunk(b"gAMA", b"\0"), gamma(100_000)), LINEAR),
        ((chunk(b"sRGB", b"\4"), chunk(b"sRGB", b"\0"), gamma(100_000)), STORED),
        ((chunk(b"cHRM", b"\0"), points(DISPLAY_P3), gamma(45_455)), GAMMA_2_2_IN_P3),
        ((chunk(b"cICP", b"\1"), chunk(b"cICP", b"\x0c\x0d\0\1")), IN_P3),
        ((chunk(b"cICP", b"\1\x0d\0\0"), chunk(b"cICP", b"\x0c\x0d\0\1")), STORED),
        ((chunk(b"iCCP", b"\0\0" + zlib.compress(P3)), gamma(100_000)), LINEAR),
        ((chunk(b"iCCP", b"any\0\0" + zlib.compress(P3)[:-4]), gamma(100_000)), LINEAR),
    ],
)
def test_chunks_are_obeyed_in_their_order(chunks: tuple[bytes, ...], wanted: Levels) -> None:
    assert_near(seen(decode(png(*chunks), max_side=99)), wanted)


def test_codes_behind_a_palette_come_too_late() -> None:
    whole, codes = save(patches().quantize(8), "PNG"), chunk(b"cICP", b"\x0c\x0d\0\1")
    at = whole.index(b"IDAT") - 4
    assert_near(seen(decode(whole[:at] + codes + whole[at:], max_side=99)), STORED)
    assert_near(seen(decode(whole[:33] + codes + whole[33:], max_side=99)), IN_P3)


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_the_colours_go_along_in_every_format(format: str) -> None:
    picture = decode(png(gamma(60_000), points(ADOBE_1998)), max_side=99)
    assert_near(seen(picture, format=format), ADOBE, tolerance=6)


def test_pixels_are_left_alone_where_a_profile_says_what_they_mean() -> None:
    picture = decode(png(gamma(45455), points(ADOBE_1998)), max_side=99)
    np.testing.assert_array_equal(picture.rgb, np.asarray(patches()))
    assert picture.icc_profile is not None


@pytest.mark.parametrize(
    "primaries",
    [
        Primaries(red=(0.3, 0.3), green=(0.3, 0.3), blue=(0.3, 0.3), white=(0.3, 0.3)),
        Primaries(red=(0, 0), green=(0, 0), blue=(0, 0), white=(0, 0)),
        Primaries(red=(0.64, 0), green=(0.3, 0.6), blue=(0.15, 0.06), white=(0.3127, 0.329)),
        Primaries(red=(9999, 1e-5), green=(0.3, 0.6), blue=(0.15, 0.06), white=(0.3127, 0.329)),
    ],
)
def test_impossible_colours_are_ignored(primaries: Primaries) -> None:
    assert_near(seen(decode(png(gamma(60_000), points(primaries)), max_side=99)), STORED)


def adobe_exif(index: str, *, space: int = 65535) -> bytes:
    exif = Image.Exif()
    exif[0x8769] = {0xA001: space, 0xA005: {1: index}}
    return exif.tobytes()


@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
@pytest.mark.parametrize(
    ("exif", "is_adobe"),
    [
        (adobe_exif("R03"), True),
        (adobe_exif("R98", space=2), True),
        (adobe_exif("R98"), False),
        (adobe_exif("R98", space=1), False),
    ],
)
def test_adobe_rgb_by_exif_becomes_a_profile(format: str, exif: bytes, is_adobe: bool) -> None:
    picture = decode(save(patches(), format, exif=exif), max_side=99)
    wanted = make_profile(ADOBE_1998, gamma=563 / 256, is_gray=False) if is_adobe else None
    assert picture.icc_profile == wanted


def test_a_profile_whose_segments_stand_twice_is_read() -> None:
    profile = make_profile(DISPLAY_P3, gamma=2.2, is_gray=False)
    parts = [
        segment(0xE2, b"ICC_PROFILE\0" + bytes((number, 2)) + part)
        for number, part in ((1, profile[:300]), (2, profile[300:]))
    ]
    plain = save(patches(), "JPEG", quality=100)
    for order in ([0, 1, 0, 1], [1, 0], [0, 0, 1, 1]):
        data = plain[:2] + b"".join(parts[each] for each in order) + plain[2:]
        assert decode(data, max_side=99).icc_profile == profile
    assert decode(plain[:2] + parts[0] + plain[2:], max_side=99).icc_profile is None


def test_parts_of_another_profile_do_not_mix_with_the_first() -> None:
    plain, other = save(patches(), "JPEG"), make_profile(BT2020, gamma=1.8, is_gray=False)

    def part(number: int, of: int, content: bytes) -> bytes:
        return segment(0xE2, b"ICC_PROFILE\0" + bytes((number, of)) + content)

    later = part(1, 2, other[:300]) + part(2, 2, other[300:])
    data = plain[:2] + part(1, 1, P3) + later + plain[2:]
    assert decode(data, max_side=99).icc_profile == P3
    parts = part(1, 3, P3[:150]) + part(2, 1, P3[150:300]) + part(3, 3, P3[300:])
    assert decode(plain[:2] + parts + plain[2:], max_side=99).icc_profile is None


def test_a_damaged_profile_leaves_the_word_to_exif_and_codes() -> None:
    bad = segment(0xE2, b"ICC_PROFILE\0\1\1" + P3[:-40])
    plain = save(patches(), "JPEG", exif=adobe_exif("R03"))
    wanted = decode(plain, max_side=99).icc_profile
    assert wanted is not None
    assert decode(plain[:2] + bad + plain[2:], max_side=99).icc_profile == wanted
    data = save(patches(), "AVIF", quality=100, subsampling="4:4:4", icc_profile=P3[:-40])
    assert_near(seen(decode(coded(data, 12, 13), max_side=99)), IN_P3, tolerance=6)


def in_stream(data: bytes, mark: bytes, primaries: int, transfer: int) -> bytes:
    """Take the colours out of the container, and put others among the bits behind the mark."""
    at = data.index(b"colrnclx")
    data = data[:at] + b"free" + data[at + 4 :]
    start = data.index(mark) + len(mark)
    end = min(start + 110, len(data))
    header = int.from_bytes(data[start:end])
    stated, wanted = 1 << 16 | 13 << 8 | 6, primaries << 16 | transfer << 8 | 6
    shifts = range(8 * (end - start) - 24, 0, -1)
    shift = next(each for each in shifts if header >> each & 0xFFFFFF == stated)
    header ^= (stated ^ wanted) << shift
    return data[:start] + header.to_bytes(end - start) + data[end:]


def avif_stream(primaries: int, transfer: int) -> bytes:
    return in_stream(avif(1, 13), b"mdat", primaries, transfer)


def heic_stream(primaries: int, transfer: int) -> bytes:
    return in_stream(plain_heic(), b"hvcC", primaries, transfer)


@pytest.mark.parametrize("codes", [(12, 13), (9, 16), (9, 18), (1, 13)], ids=str)
@pytest.mark.parametrize("write", [avif_stream, heic_stream])
def test_the_stream_tells_the_colours_where_its_container_does_not(
    write: Callable[[int, int], bytes], codes: tuple[int, int]
) -> None:
    picture = decode(write(*codes), max_side=99)
    assert_near(seen(picture), CODES[codes], tolerance=6)
    assert (HDR_TO_SDR in picture.notes) == (codes[1] in HDR_TRANSFERS)


@pytest.mark.parametrize(
    "stream",
    [b"", b"\x0a", b"\x0a\x0b", b"\x0a\xff\xff\xff\xff\xff", b"\x12\0" * 9, b"\x32\1\0", bytes(99)],
)
def test_a_damaged_stream_states_nothing(stream: bytes) -> None:
    assert av1.stream_codes(stream) is None
    assert hevc.stream_codes(bytes(22) + stream) is None
    assert hevc.stream_codes(stream) is None


def test_a_stream_of_a_film_states_its_colours() -> None:
    fields = [(0, 3), (0, 2)]  # profile; no still picture
    fields += [(1, 1), (1, 32), (25, 32), (1, 1), (0b00101, 5), (1, 1), (9, 5), (1, 32), (9, 10)]
    fields += [(1, 1), (1, 5)] + [(0, 12), (9, 5), (1, 1), (1, 1), (0, 21), (1, 1), (3, 4)] * 2
    fields += [(6, 4), (6, 4), (99, 7), (49, 7), (1, 1), (0, 7), (0, 3)]
    fields += [(0, 4), (1, 1), (0, 2), (0, 1), (1, 1), (0, 1), (1, 1), (6, 3)]
    fields += [(0, 3), (1, 1), (0, 1), (1, 1), (9, 8), (16, 8), (9, 8), (0, 9)]
    value, length = 0, 0
    for each, bits in fields:
        value, length = value << bits | each, length + bits
    header = (value << -length % 8).to_bytes(-(-length // 8))
    assert av1.stream_codes(b"\x12\0\x0a" + bytes([len(header)]) + header) == (9, 16, 9)


def test_grey_stays_grey_with_its_own_curve() -> None:
    gray = Image.linear_gradient("L").resize((64, 16))
    picture = decode(png(gamma(70_000), image=gray), max_side=99)
    assert picture.is_gray
    assert picture.icc_profile is None  # too far from sRGB: the levels were changed
    picture = decode(png(gamma(55_556), image=gray), max_side=99)
    assert picture.icc_profile is not None
    assert color_space(picture.icc_profile) == b"GRAY"


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("mode", ["L", "LA"])
def test_grey_keeps_its_brightness_in_formats_that_have_colours_only(
    format: str, mode: str
) -> None:
    """Viewers ignore a profile for grey in a file with colours, or do not open the file."""
    gray = Image.new("L", (64, 16), 128)
    gray.paste(200, (0, 0, 32, 16))
    if mode == "LA":
        gray.putalpha(Image.new("L", gray.size, 99))
    profile = make_profile(BT709, gamma=1.4, is_gray=True)
    picture = decode(png(profile_chunk(profile), image=gray), max_side=99)
    with Image.open(io.BytesIO(encode(picture, format=format, quality=100))) as opened:
        found = opened.info.get("icc_profile")
        is_gray = opened.mode in ("L", "LA")
    assert found is None or (is_gray and color_space(found) == b"GRAY")
    if format != "jpeg" or mode == "L":
        wanted = light_level(200 / 255, 1.4), light_level(128 / 255, 1.4)
        levels = seen(picture, format=format)
        assert_near([levels[0], levels[3]], [(each,) * 3 for each in wanted], tolerance=3)


def test_grey_by_a_profile_of_coloured_pixels_is_shown_right() -> None:
    gray = Image.new("L", (64, 16), 128)
    profile = make_profile(BT709, gamma=1.8, is_gray=False)
    picture = decode(save(gray, "JPEG", icc_profile=profile, quality=100), max_side=99)
    assert picture.is_gray
    assert_near(seen(picture)[:1], ((146, 146, 146),))


def test_grey_gets_a_tint_where_its_profile_says_so() -> None:
    """Profiles of scanners may have another curve for each channel."""
    gray = Image.new("L", (64, 16), 128)
    profile = bytearray(make_profile(BT709, gamma=2.2, is_gray=False))
    entry = profile.index(b"gTRC")
    curve = b"para\0\0\0\0\0\0\0\0" + struct.pack(">i", round(1.8 * 65536))
    profile[entry + 4 : entry + 12] = struct.pack(">II", len(profile), len(curve))
    profile += curve
    profile[:4] = struct.pack(">I", len(profile))
    data = save(gray, "JPEG", icc_profile=bytes(profile), quality=100)
    picture = decode(data, max_side=99)
    assert not picture.is_gray
    red, green, blue = seen(picture)[0]
    assert abs(red - 129) <= TOLERANCE
    assert abs(green - 146) <= TOLERANCE
    assert abs(blue - 129) <= TOLERANCE


def test_an_invalid_profile_is_left_out() -> None:
    assert decode(png(profile_chunk(b"\0" * 500)), max_side=99).icc_profile is None
    assert decode(png(chunk(b"iCCP", b"any\0\0no zlib")), max_side=99).icc_profile is None
    assert decode(png(chunk(b"iCCP", b"any")), max_side=99).icc_profile is None


@pytest.mark.parametrize(
    "mark",
    [
        segment(0xE1, b'http://ns.adobe.com/xap/1.0/\0<x hdrgm:Version="1.0"/>'),
        segment(
            0xE1,
            b"http://ns.adobe.com/xap/1.0/\0<x "
            b'xmlns:g="http://ns.adobe.com/hdr-gain-map/1.0/" g:Version="1.0"/>',
        ),
        segment(0xE2, b"urn:iso:std:iso:ts:21496:-1\0\0\0\0\0"),
    ],
)
def test_a_gain_map_is_told_and_its_base_is_read(mark: bytes) -> None:
    plain = save(patches(), "JPEG", quality=100)
    picture = decode(plain[:2] + mark + plain[2:] + plain, max_side=99)
    assert picture.notes == (GAIN_MAP,)
    np.testing.assert_array_equal(picture.rgb, decode(plain, max_side=99).rgb)


def test_a_gain_map_that_says_so_itself_is_told() -> None:
    """Telephones of Apple put its name into the second picture alone."""
    plain = save(patches(), "JPEG", quality=100)
    mark = b"http://ns.adobe.com/xap/1.0/\0<t>urn:com:apple:photo:2020:aux:hdrgainmap</t>"
    behind = plain[:2] + segment(0xE1, mark) + plain[2:]
    assert decode(plain + behind, max_side=99).notes == (GAIN_MAP,)
    assert decode(plain + plain, max_side=99).notes == ()


def test_own_profiles_are_read_by_little_cms_and_neutral() -> None:
    for primaries in (BT709, DISPLAY_P3, ADOBE_1998):
        profile = make_profile(primaries, gamma=None, is_gray=False)
        assert color_space(profile) == b"RGB "
        gray = Image.new("RGB", (1, 1), (119, 119, 119))
        picture = Picture(rgb=np.asarray(gray), icc_profile=profile)
        assert_near(
            seen(replace(picture, rgb=np.tile(picture.rgb, (16, 16, 1)))),
            ((119,) * 3,),
            tolerance=1,
        )


def test_a_profile_inside_a_bmp_is_read() -> None:
    profile = make_profile(DISPLAY_P3, gamma=None, is_gray=False)
    pixels = np.asarray(patches())[::-1, :, ::-1].tobytes()
    header = struct.pack(
        "<IiiHHIIiiII", 124, patches().width, patches().height, 1, 24, 0, len(pixels), 0, 0, 0, 0
    )
    header += bytes(16) + b"DEBM" + bytes(48)
    header += struct.pack("<IIII", 4, 124 + len(pixels), len(profile), 0)
    data = b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + 124) + header + pixels + profile
    assert_near(seen(decode(data, max_side=99)), IN_P3)
    cut = decode(data[:-50], max_side=99)
    assert cut.icc_profile is None
