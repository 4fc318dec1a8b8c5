"""Files of unusual layouts give the right picture or an error, never a wrong picture."""

from __future__ import annotations

import io
import itertools
import struct
import zlib

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageOps

from backend.errors import ImageError, UnsupportedMediaTypeError
from backend.images.hdr import BT709
from backend.images.icc import make_profile
from backend.images.notes import EIGHT_BITS, FIRST_FRAME
from backend.images.picture import Picture, decode, output_format
from backend.images.segments.png_pixels import PASSES
from benchmarks.hostile_files import segment
from tests.hostile.corpus import (
    bmp_header,
    chunk,
    gray,
    jpeg,
    noise,
    png,
    scene,
    wide_png,
    with_alpha,
)
from tests.pictures import save
from tests.tiffs import FLOAT, SIGNED, UNSIGNED, Tags, append_directory, directory, tiff

Values = npt.NDArray[np.float64]

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, LAB = 0, 1, 2, 3, 5, 8
READ = {
    (WHITE_IS_ZERO, UNSIGNED, 1), (WHITE_IS_ZERO, UNSIGNED, 2), (WHITE_IS_ZERO, UNSIGNED, 4),
    (WHITE_IS_ZERO, UNSIGNED, 8), (WHITE_IS_ZERO, UNSIGNED, 16), (WHITE_IS_ZERO, FLOAT, 32),
    (BLACK_IS_ZERO, UNSIGNED, 1), (BLACK_IS_ZERO, UNSIGNED, 2), (BLACK_IS_ZERO, UNSIGNED, 4),
    (BLACK_IS_ZERO, UNSIGNED, 8), (BLACK_IS_ZERO, UNSIGNED, 12), (BLACK_IS_ZERO, UNSIGNED, 16),
    (BLACK_IS_ZERO, UNSIGNED, 32),
    (BLACK_IS_ZERO, FLOAT, 32), (RGB, UNSIGNED, 8), (RGB, UNSIGNED, 16), (CMYK, UNSIGNED, 8),
    (CMYK, UNSIGNED, 16),
}  # fmt: skip
"""(photometric interpretation, sample format, bits) that are read at least in one byte order."""
KINDS = [(UNSIGNED, bits) for bits in (1, 2, 4, 8, 12, 16, 32)]
KINDS += [(SIGNED, 8), (SIGNED, 16), (SIGNED, 32), (FLOAT, 16), (FLOAT, 32), (FLOAT, 64)]
LEVELS_OFF = 6


def values_of(image: Image.Image) -> Values:
    pixels = np.asarray(image, np.float64) / 255
    return pixels if pixels.ndim == 3 else pixels[..., np.newaxis]


def stored(photometric: int) -> Values:
    if photometric == WHITE_IS_ZERO:
        return 1 - values_of(gray())
    return values_of(gray() if photometric == BLACK_IS_ZERO else scene())


def distance(picture: Picture, image: Image.Image) -> float:
    wanted = np.asarray(image.convert("RGB"), np.int16)
    return float(np.abs(picture.rgb.astype(np.int16) - wanted).mean())


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("in_planes", [False, True])
@pytest.mark.parametrize(("kind", "bits"), KINDS)
@pytest.mark.parametrize("photometric", [WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, CMYK, LAB])
def test_a_tiff_is_read_right_or_refused_by_name(
    photometric: int, kind: int, bits: int, in_planes: bool, order: str
) -> None:
    is_gray = photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO)
    values = stored(photometric)
    if photometric == CMYK:
        values = np.dstack((1 - values, np.zeros(values.shape[:2])))
    made = directory(
        values, photometric=photometric, bits=bits, kind=kind, in_planes=in_planes, order=order
    )
    data = tiff(made, order=order)
    try:
        picture = decode(data, max_side=99)
    except UnsupportedMediaTypeError as exc:
        assert "TIFF files of this layout" in exc.message
        assert (photometric, kind, bits) not in READ or order == ">" or in_planes
        return
    assert (photometric, kind, bits) in READ or photometric == LAB
    if photometric != LAB:  # whose numbers are no RGB
        coarse = LEVELS_OFF if bits >= 8 else 255 / (2**bits - 1) / 2
        assert distance(picture, gray() if is_gray else scene()) <= coarse
    assert (EIGHT_BITS in picture.notes) == (bits > 8)


def test_lab_of_8_bits_is_read() -> None:
    lab = Image.merge(
        "LAB", (gray(), Image.new("L", gray().size, 128), Image.new("L", gray().size, 128))
    )
    picture = decode(save(lab, "TIFF"), max_side=99)
    spread = picture.rgb.max(-1).astype(int) - picture.rgb.min(-1)
    assert spread.max() <= 3
    assert np.corrcoef(picture.rgb[..., 1].ravel(), np.asarray(gray()).ravel())[0, 1] > 0.99


def test_bigtiff_is_read_or_refused_by_name() -> None:
    made = directory(values_of(scene()), photometric=RGB, bits=8)
    assert distance(decode(tiff(made, is_big=True), max_side=99), scene()) == 0
    made = directory(values_of(scene()), photometric=RGB, bits=8, order=">")
    with pytest.raises(UnsupportedMediaTypeError, match="BigTIFF"):
        decode(tiff(made, order=">", is_big=True), max_side=99)


@pytest.mark.parametrize(("bits", "is_read"), [(8, True), (16, True), (32, False)])
@pytest.mark.parametrize("photometric", [RGB, BLACK_IS_ZERO])
def test_alpha_is_kept_or_refused(photometric: int, bits: int, is_read: bool) -> None:
    image = with_alpha(scene() if photometric == RGB else gray())
    made = directory(values_of(image), photometric=photometric, bits=bits, more={338: [2]})
    if not is_read or (photometric, bits) == (BLACK_IS_ZERO, 16):
        with pytest.raises(UnsupportedMediaTypeError, match="alpha"):
            decode(tiff(made), max_side=99)
        return
    picture = decode(tiff(made), max_side=99)
    assert picture.alpha is not None
    np.testing.assert_allclose(picture.alpha, np.asarray(image.getchannel("A")), atol=1)


@pytest.mark.parametrize("bits", [8, 16])
def test_colours_that_were_multiplied_by_their_alpha_are_divided(bits: int) -> None:
    values = np.dstack((values_of(scene()) / 2, np.full((*scene().size[::-1], 1), 0.5)))
    made = directory(values, photometric=RGB, bits=bits, more={338: [1]})
    picture = decode(tiff(made), max_side=99)
    assert distance(picture, scene()) <= 2
    assert picture.alpha is not None
    np.testing.assert_allclose(picture.alpha, 127, atol=1)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_channel_of_no_meaning_is_no_alpha(bits: int) -> None:
    values = np.dstack((values_of(scene()), np.full((*scene().size[::-1], 1), 0.5)))
    made = directory(values, photometric=RGB, bits=bits, more={338: [0]})
    picture = decode(tiff(made), max_side=99)
    assert picture.alpha is None
    assert distance(picture, scene()) <= 1


def test_highlights_of_floats_are_clipped_and_other_ranges_refused() -> None:
    values = values_of(gray()) * 1.4
    made = directory(values, photometric=BLACK_IS_ZERO, bits=32, kind=FLOAT)
    wanted = Image.fromarray((np.clip(values[..., 0], 0, 1) * 255).round().astype(np.uint8))
    assert distance(decode(tiff(made), max_side=99), wanted) <= 1
    made = directory(values * 255, photometric=BLACK_IS_ZERO, bits=32, kind=FLOAT)
    with pytest.raises(UnsupportedMediaTypeError, match="far beyond 1"):
        decode(tiff(made), max_side=99)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("kind", "bits"), [(UNSIGNED, 8), (UNSIGNED, 16), (FLOAT, 32)])
@pytest.mark.parametrize("photometric", [WHITE_IS_ZERO, BLACK_IS_ZERO, RGB])
def test_a_packed_tiff_is_read_right_or_refused_by_name(
    photometric: int, kind: int, bits: int, order: str
) -> None:
    tags, strips = directory(
        stored(photometric), photometric=photometric, bits=bits, kind=kind, order=order
    )
    packed = {**tags, 259: [8]}, [zlib.compress(strip) for strip in strips]
    try:
        picture = decode(tiff(packed, order=order), max_side=99)
    except UnsupportedMediaTypeError as exc:
        assert "TIFF files of this layout" in exc.message
        assert order == ">" or (photometric, kind) == (RGB, FLOAT)
        return
    assert distance(picture, scene() if photometric == RGB else gray()) <= 1


REVERSED = bytes(int(f"{each:08b}"[::-1], 2) for each in range(256))


@pytest.mark.parametrize("is_reversed", [False, True])
@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize(
    ("photometric", "extra"),
    [
        (RGB, []),
        (CMYK, []),
        *itertools.product(
            (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, CMYK), ([0], [1], [2], [0, 0], [2, 0])
        ),
    ],
)
def test_planes_are_read_right_or_refused_by_name(
    photometric: int, extra: list[int], is_packed: bool, is_reversed: bool
) -> None:
    is_gray = photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO)
    values = stored(photometric)
    if photometric == CMYK:
        values = np.dstack((1 - values, np.zeros(values.shape[:2])))
    filled = np.ones((*values.shape[:2], len(extra)))
    more: Tags = {266: [2]} if is_reversed else {}
    if extra:
        more[338] = extra
    tags, strips = directory(
        np.dstack((values, filled)), photometric=photometric, bits=8, in_planes=True, more=more
    )
    strips = [zlib.compress(each) for each in strips] if is_packed else strips
    strips = [each.translate(REVERSED) for each in strips] if is_reversed else strips
    try:
        picture = decode(tiff(({**tags, 259: [8 if is_packed else 1]}, strips)), max_side=99)
    except UnsupportedMediaTypeError as exc:
        assert "channels in planes" in exc.message
        assert extra or is_reversed
        return
    assert distance(picture, gray() if is_gray else scene()) <= 1
    assert picture.alpha is None


@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("photometric", [WHITE_IS_ZERO, BLACK_IS_ZERO, PALETTE, RGB])
def test_reversed_bits_are_read_right_or_refused_by_name(
    photometric: int, bits: int, is_packed: bool
) -> None:
    values = stored(BLACK_IS_ZERO if photometric == PALETTE else photometric)
    levels = [round(each * 65535 / (2**bits - 1)) for each in range(2**bits)]
    more: Tags = {266: [2]}
    if photometric == PALETTE:
        more[320] = levels * 3
    tags, strips = directory(values, photometric=photometric, bits=bits, more=more)
    strips = [zlib.compress(each) for each in strips] if is_packed else strips
    made = {**tags, 259: [8 if is_packed else 1]}, [each.translate(REVERSED) for each in strips]
    try:
        picture = decode(tiff(made), max_side=99)
    except UnsupportedMediaTypeError as exc:
        assert "bits in reverse order" in exc.message
        assert not is_packed or (photometric == RGB and bits < 8)
        return
    coarse = 1 if bits == 8 else 255 / (2**bits - 1) / 2
    assert distance(picture, scene() if photometric == RGB else gray()) <= coarse


@pytest.mark.parametrize(("order", "is_big"), [("<", False), (">", False), ("<", True)])
def test_a_palette_of_8_bits_is_widened(order: str, is_big: bool) -> None:
    """The standard has 16 bits, and some programs write 8."""
    more: Tags = {320: [*range(256)] * 3}
    made = directory(values_of(gray()), photometric=PALETTE, bits=8, order=order, more=more)
    picture = decode(tiff(made, order=order, is_big=is_big), max_side=99)
    assert distance(picture, gray()) <= 1


def test_grey_that_was_multiplied_by_its_alpha_is_divided() -> None:
    values = np.dstack((values_of(gray()) / 2, np.full((*gray().size[::-1], 1), 0.5)))
    picture = decode(
        tiff(directory(values, photometric=BLACK_IS_ZERO, bits=8, more={338: [1]})), max_side=99
    )
    assert picture.is_gray
    assert distance(picture, gray()) <= 2


@pytest.mark.parametrize("more", [{338: [0, 2]}, {266: [2], 338: [2, 0]}, {277: [2**31], 338: [2]}])
def test_channels_that_no_reader_knows_are_named_and_not_called_damaged(
    more: Tags,
) -> None:
    values = np.dstack((values_of(scene()), np.full((*scene().size[::-1], 2), 0.5)))
    with pytest.raises(UnsupportedMediaTypeError, match="layout"):
        decode(tiff(directory(values, photometric=RGB, bits=8, more=more)), max_side=99)


def test_a_tiff_that_holds_a_deep_jpeg_is_named() -> None:
    made = directory(values_of(scene()), photometric=RGB, bits=16, more={259: [7]})
    with pytest.raises(UnsupportedMediaTypeError, match="hold a JPEG of 16 bits"):
        decode(tiff(made), max_side=99)


def small() -> Values:
    return values_of(scene().resize((12, 8)))


def test_the_full_picture_behind_a_preview_is_read() -> None:
    preview = directory(small(), photometric=RGB, bits=8, more={254: [1]})
    full = directory(values_of(scene()), photometric=RGB, bits=8, more={254: [0]})
    picture = decode(tiff(preview, full), max_side=99)
    assert distance(picture, scene()) == 0
    assert FIRST_FRAME not in picture.notes
    assert FIRST_FRAME in decode(tiff(full, full), max_side=99).notes


@pytest.mark.parametrize("kind", [[], [0]], ids=["unmarked", "full"])
def test_the_full_picture_below_a_preview_that_does_not_say_so_is_read(kind: list[int]) -> None:
    marks: Tags = {254: kind} if kind else {}
    preview = directory(small(), photometric=RGB, bits=8, more={330: [0]})
    full = directory(values_of(scene()), photometric=RGB, bits=8, more=marks)
    data, place = append_directory(tiff(preview), *full)
    at = data.index(struct.pack("<HHI", 330, 4, 1)) + 8
    data = data[:at] + struct.pack("<I", place) + data[at + 4 :]
    assert distance(decode(data, max_side=99), scene()) == 0


def test_smaller_copies_below_a_picture_are_left_alone() -> None:
    whole = directory(values_of(scene()), photometric=RGB, bits=8, more={330: [0]})
    data, place = append_directory(tiff(whole), *directory(small(), photometric=RGB, bits=8))
    at = data.index(struct.pack("<HHI", 330, 4, 1)) + 8
    picture = decode(data[:at] + struct.pack("<I", place) + data[at + 4 :], max_side=99)
    assert distance(picture, scene()) == 0


@pytest.mark.parametrize("photometric", [32803, 34892])
def test_raw_files_are_refused_whatever_their_preview_is(photometric: int) -> None:
    sensor = directory(values_of(gray()), photometric=photometric, bits=16)
    preview = directory(small(), photometric=RGB, bits=8, more={254: [1], 330: [0]})
    data, place = append_directory(tiff(preview), *sensor)
    data = tiff(directory(small(), photometric=RGB, bits=8, more={254: [1], 330: [place]}))
    data, again = append_directory(data, *sensor)
    data = data.replace(struct.pack("<I", place), struct.pack("<I", again))
    with pytest.raises(UnsupportedMediaTypeError, match="camera's raw file"):
        decode(data, max_side=99)


@pytest.mark.parametrize(
    "start",
    [
        b"FUJIFILMCCD-RAW 0201",
        b"\0\0\0\x18ftypcrx \0\0\0\1crx isom",
        b"IIRO\x08\0\0\0",
        b"IIU\0\x08\0\0\0",
        b"FOVb\0\0\3\0",
        b"II\x1a\0\0\0HEAPCCDR",
        b"\0MRM\0\0\0\0",
        b"II*\0\x10\0\0\0CR\2\0\0\0\0\0",
    ],
)
def test_raw_files_of_other_containers_are_refused_by_name(start: bytes) -> None:
    tail = tiff(directory(small(), photometric=RGB, bits=8))[8:]
    with pytest.raises((UnsupportedMediaTypeError, ImageError)) as caught:
        decode(start + bytes(40) + tail, max_side=99)
    if not start.startswith(b"II*"):
        assert "raw file" in caught.value.message


@pytest.mark.parametrize(("method", "words"), [(50001, "WebP"), (34712, "JPEG 2000"), (99, "99")])
def test_ways_to_pack_a_tiff_that_are_not_read_are_named(method: int, words: str) -> None:
    made = directory(small(), photometric=RGB, bits=8, more={259: [method]})
    with pytest.raises(UnsupportedMediaTypeError, match=f"compressed by .*{words}"):
        decode(tiff(made), max_side=99)


# PNG


def test_apples_png_is_refused_by_name() -> None:
    whole = save(scene(), "PNG")
    with pytest.raises(UnsupportedMediaTypeError, match="CgBI"):
        decode(whole[:8] + chunk(b"CgBI", b"P\0 \2") + whole[8:], max_side=99)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_clear_level_of_any_depth_is_kept(bits: int) -> None:
    level = 1
    values = np.zeros((8, 8), np.uint8)
    values[:, 4:] = level
    per_byte = 8 // bits
    shifts = (np.arange(per_byte)[::-1] * bits).astype(np.uint8)
    rows = [
        (row.reshape(-1, per_byte) << shifts).sum(-1).astype(np.uint8).tobytes() for row in values
    ]
    data = png(
        rows, size=(8, 8), depth=bits, color=0, extra=chunk(b"tRNS", struct.pack(">H", level))
    )
    picture = decode(data, max_side=99)
    assert picture.is_gray
    assert picture.alpha is not None
    assert (picture.alpha[:, :4] == 255).all()
    assert (picture.alpha[:, 4:] == 0).all()


@pytest.mark.parametrize("interlaced", [False, True])
def test_a_clear_colour_of_16_bits_is_compared_with_all_of_them(interlaced: bool) -> None:
    values = np.full((8, 8, 3), 65535, ">u2")
    values[2:4], values[4:6], values[6:] = (
        (1000, 2000, 3000),
        (1001, 2000, 3000),
        (1000, 2001, 3000),
    )
    order = [values[top::down, left::across] for left, top, across, down in PASSES]
    rows = [row.tobytes() for part in (order if interlaced else [values]) for row in part]
    clear = chunk(b"tRNS", struct.pack(">HHH", 1000, 2000, 3000))
    plain = png(rows, size=(8, 8), depth=16, color=RGB, interlaced=interlaced)
    picture = decode(plain[:33] + clear + plain[33:], max_side=99)
    assert picture.alpha is not None
    np.testing.assert_array_equal(picture.alpha[:, 3], [255, 255, 0, 0, 255, 255, 255, 255])
    assert picture.rgb[0, 0].tolist() == [255] * 3
    assert decode(plain, max_side=99).alpha is None


def test_grey_of_16_bits_with_alpha_stays_grey_and_keeps_its_profile() -> None:
    picture = decode(
        wide_png(with_alpha(gray()), color=4, extra=chunk(b"gAMA", struct.pack(">I", 55_556))),
        max_side=99,
    )
    assert picture.is_gray
    assert picture.alpha is not None
    assert picture.icc_profile is not None
    assert picture.notes == (EIGHT_BITS,)


@pytest.mark.parametrize("interlaced", [False, True])
def test_a_wrong_checksum_behind_all_pixels_is_forgiven(interlaced: bool) -> None:
    pixels = np.asarray(scene())
    steps = [
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ]
    rows = [
        row.tobytes()
        for y, x, dy, dx in (steps if interlaced else [(0, 0, 1, 1)])
        for row in pixels[y::dy, x::dx]
    ]
    whole = bytearray(png(rows, size=scene().size, depth=8, color=2, interlaced=interlaced))
    at = whole.index(b"IDAT")
    (length,) = struct.unpack_from(">I", whole, at - 4)
    whole[at + 4 + length - 1] ^= 0xFF
    assert distance(decode(bytes(whole), max_side=99), scene()) == 0
    short = bytes(whole[: at + 4]) + zlib.compress(b"".join(rows)[:-99])[:-4] + b"\0\0\0\0"
    with pytest.raises(ImageError):
        decode(short[: at - 4] + struct.pack(">I", len(short) - at - 4) + short[at:], max_side=99)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (b"tRNS", b"\0\1"),
        (b"tRNS", b""),
        (b"PLTE", b"\1\2\3\4"),
        (b"cHRM", b"\0" * 8),
        (b"gAMA", b"\0"),
        (b"iCCP", b"\0\0\0"),
        (b"eXIf", b"MM\0*\0\0\0\x08\xff\xff" + noise(300)),
        (b"eXIf", b"II*\0\x08\0\0\0" + noise(70_000)),
        (b"zTXt", b"Comment\0\0no zlib"),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(3_000_000))),
    ],
)
def test_odd_chunks_do_not_make_a_picture_unreadable(kind: bytes, content: bytes) -> None:
    whole = save(scene(), "PNG")
    picture = decode(whole[:33] + chunk(kind, content) + whole[33:], max_side=99)
    assert distance(picture, scene()) == 0
    assert picture.alpha is None


def test_an_odd_transparency_of_a_palette_is_left_out_and_its_checksum_mended() -> None:
    whole = save(scene().quantize(8), "PNG")
    wanted = decode(whole, max_side=99)
    at = whole.index(b"IDAT") - 4
    picture = decode(whole[:at] + chunk(b"tRNS", b"\0" * 300) + whole[at:], max_side=99)
    np.testing.assert_array_equal(picture.rgb, wanted.rgb)
    hurt = bytearray(whole)
    hurt[at - 1] ^= 0xFF  # the palette's
    np.testing.assert_array_equal(decode(bytes(hurt), max_side=99).rgb, wanted.rgb)


# JPEG


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 2}])
@pytest.mark.parametrize(
    "tail", [b"", noise(60_000), b"SEFT" + noise(900), b"\xff\xd8\xff\xe0\0\4ab", b"\xff" * 99]
)
def test_a_jpeg_without_its_end_mark_is_read(options: dict[str, object], tail: bytes) -> None:
    whole = save(scene(), "JPEG", quality=95, **options)
    assert whole.endswith(b"\xff\xd9")
    cut = decode(whole[:-2] + tail, max_side=99)
    np.testing.assert_array_equal(cut.rgb, decode(whole, max_side=99).rgb)


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"subsampling": 2}, {"restart_marker_rows": 1}]
)
@pytest.mark.parametrize("missing", [4, 20, 150, 400])
def test_a_jpeg_without_all_its_pixels_is_refused(options: dict[str, object], missing: int) -> None:
    whole = save(noisy(), "JPEG", quality=95, **options)
    with pytest.raises(ImageError):
        decode(whole[: -2 - missing], max_side=99)


def noisy() -> Image.Image:
    pixels = np.frombuffer(noise(64 * 64 * 3), np.uint8).reshape(64, 64, 3)
    return Image.fromarray(pixels)


@pytest.mark.parametrize(
    ("marker", "precision", "words"),
    [(0xC1, 12, "12 bits"), (0xCF, 8, "Lossless"), (0xF7, 8, "JPEG-LS")],
)
def test_jpeg_kinds_that_no_decoder_has_are_named(marker: int, precision: int, words: str) -> None:
    whole = bytearray(jpeg())
    at = whole.index(b"\xff\xc0")
    whole[at + 1], whole[at + 4] = marker, precision
    with pytest.raises(UnsupportedMediaTypeError, match=words):
        decode(bytes(whole), max_side=99)


# Others


@pytest.mark.parametrize("compression", [4, 5])
def test_a_bmp_that_holds_another_file_is_named(compression: int) -> None:
    with pytest.raises(UnsupportedMediaTypeError, match="BMP files that hold"):
        decode(bmp_header(bits=24, compression=compression, data=jpeg()), max_side=99)


@pytest.mark.parametrize(
    ("bits", "masks", "is_read"),
    [
        (16, (0x7C00, 0x03E0, 0x001F), True),
        (16, (0x0F00, 0x00F0, 0x000F), False),
        (32, (0xFF0000, 0x00FF00, 0x0000FF), True),
        (32, (0x0000FF, 0x00FF00, 0xFF0000), False),
        (32, (0x3FF00000, 0x000FFC00, 0x000003FF), False),
    ],
)
def test_a_bmp_is_read_or_its_depth_is_named(
    bits: int, masks: tuple[int, int, int], is_read: bool
) -> None:
    pixels = bytes(scene().width * scene().height * bits // 8)
    data = bmp_header(bits=bits, compression=3, data=pixels, extra=struct.pack("<III", *masks))
    if is_read:
        assert not decode(data, max_side=99).rgb.any()
        return
    with pytest.raises(UnsupportedMediaTypeError, match="BMP files whose channels"):
        decode(data, max_side=99)


def test_a_small_first_frame_of_a_webp_leaves_the_canvas_clear() -> None:
    frames = [Image.new("RGB", (20, 10), colour) for colour in ("red", "blue")]
    data = bytearray(save(frames[0], "WEBP", save_all=True, append_images=frames[1:]))
    at = data.index(b"VP8X") + 12  # the canvas's width and height, each less one
    data[at : at + 6] = (39).to_bytes(3, "little") + (29).to_bytes(3, "little")
    at = data.index(b"ANMF") + 8  # the frame's place, in pairs of pixels
    data[at : at + 6] = (2).to_bytes(3, "little") + (3).to_bytes(3, "little")
    picture = decode(bytes(data), max_side=99)
    assert picture.size == (40, 30)
    assert picture.alpha is not None
    assert (picture.alpha[6:16, 4:24] == 255).all()
    assert picture.alpha.sum() == 255 * 20 * 10


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\xff\x0a\xfa\x1f", "JPEG XL"),
        (b"\xff\x4f\xff\x51\0\x2f", "JPEG 2000"),
        (b"8BPS\0\1", "Photoshop"),
        (b"II\xbc\1", "JPEG XR"),
        (b"qoif\0\0\0\1", "QOI"),
        (b"\x1f\x8b\x08", "Archives"),
        (b"%PDF-1.7", "PDF"),
        (b"<?xml version='1.0'?>\n<svg xmlns=", "SVG"),
        (b"\0\0\1\0\1\0\x10\x10", "Icons"),
        (b"P6\n2 2\n255\n", "Netpbm"),
        (b"\0\0\0\x18ftypmp42", "Videos"),
        (b"<!DOCTYPE html><html>", "Web pages"),
        (b"hello", "This is not a picture"),
    ],
)
def test_files_that_are_taken_for_pictures_are_named(start: bytes, words: str) -> None:
    with pytest.raises(UnsupportedMediaTypeError, match=rf"^{words}.*; send a JPEG, PNG"):
        decode(start + bytes(99), max_side=99)


def test_a_small_first_frame_leaves_the_canvas_clear() -> None:
    frame = io.BytesIO()
    Image.new("RGB", (20, 10), (200, 30, 30)).quantize(4).save(frame, "GIF")
    data = bytearray(frame.getvalue())
    struct.pack_into("<HH", data, 6, 40, 30)
    at = data.index(b"\x2c")
    struct.pack_into("<HH", data, at + 1, 5, 6)
    picture = decode(bytes(data), max_side=99)
    assert picture.size == (40, 30)
    assert picture.alpha is not None
    assert (picture.alpha[6:16, 5:25] == 255).all()
    assert picture.alpha.sum() == 255 * 20 * 10


@pytest.mark.parametrize("is_separate", [False, True])
def test_the_first_frame_of_an_animation_is_read_though_another_picture_stands_before(
    is_separate: bool,
) -> None:
    """Viewers that show the animation do not show that picture."""
    frames = [scene(), ImageOps.flip(scene()), ImageOps.mirror(scene())]
    options: dict[str, object] = {"save_all": True, "append_images": frames[1:]}
    data = save(frames[0], "PNG", default_image=is_separate, **options)
    picture = decode(data, max_side=99)
    assert distance(picture, frames[1 if is_separate else 0]) == 0
    assert FIRST_FRAME in picture.notes


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_a_small_first_frame_of_a_png_is_shown_with_nothing_around_it(mode: str) -> None:
    """Chromium shows the same, and not the picture before the animation."""
    small = scene().convert(mode).crop((0, 0, 20, 10))
    frames = [small, ImageOps.flip(small)]
    data = save(
        scene().convert(mode), "PNG", save_all=True, default_image=True, append_images=frames
    )
    picture = decode(data, max_side=99)
    assert picture.size == scene().size
    assert picture.is_gray == (mode == "L")
    assert picture.alpha is not None
    assert (picture.alpha[:10, :20] == 255).all()
    assert picture.alpha.sum() == 255 * 20 * 10
    shown = picture.rgb[:10, :20]
    assert np.array_equal(shown, np.asarray(small.convert("RGB")))


@pytest.mark.parametrize("box", [(30, 10, 40, 0), (0, 0, 0, 0), (2**32 - 1, 1, 1, 0)])
def test_a_first_frame_that_is_not_on_the_canvas_leaves_the_picture_before_it(
    box: tuple[int, int, int, int],
) -> None:
    frame = scene().crop((0, 0, 20, 10))
    data = save(scene(), "PNG", save_all=True, default_image=True, append_images=[frame])
    at = data.index(b"fcTL")
    control = data[at : at + 8] + struct.pack(">IIII", *box) + data[at + 24 : at + 30]
    data = data[:at] + control + struct.pack(">I", zlib.crc32(control)) + data[at + 34 :]
    assert distance(decode(data, max_side=99), scene()) == 0


def test_an_avif_of_another_main_brand_is_an_avif() -> None:
    data = save(scene(), "AVIF")
    picture = decode(data[:8] + b"mif1" + data[12:], max_side=99)
    assert picture.source_format.name == "avif"


def identity_avif() -> bytes:
    """Make one whose planes are called red, green and blue."""
    data = save(scene(), "AVIF", subsampling="4:4:4")
    return data.replace(b"\0\x0d\0\6\x80", b"\0\x0d\0\0\x80")


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (save(scene(), "WEBP", lossless=True), "png"),
        (save(scene(), "WEBP", lossless=True, icc_profile=b"x" * 140), "png"),
        (save(scene(), "WEBP"), "jpeg"),
        (save(scene(), "AVIF"), "jpeg"),
        (identity_avif(), "png"),
    ],
)  # fmt: skip
def test_lossless_files_stay_lossless(data: bytes, wanted: str) -> None:
    assert output_format(decode(data, max_side=99), "auto") == wanted


def orientation_exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def lossless_jpeg(image: Image.Image) -> bytes:
    """Write grey as a JPEG of process 14, each pixel as its distance from the one before."""
    levels = np.asarray(image.convert("L")).astype(int)
    before = np.column_stack((np.append(128, levels[:-1, 0]), levels[:, :-1]))
    bits = ""
    for step in (levels - before).ravel().tolist():
        length = abs(step).bit_length()
        number = step if step > 0 else step + (1 << length) - 1
        bits += f"{length:04b}" + (f"{number:0{length}b}" if length else "")
    bits += "1" * (-len(bits) % 8)
    pixels = int(bits, 2).to_bytes(len(bits) // 8).replace(b"\xff", b"\xff\0")
    lengths = bytes([0, 0, 0, 9] + [0] * 12)
    frame = struct.pack(">BHHBBBB", 8, image.height, image.width, 1, 1, 0x11, 0)
    return (
        b"\xff\xd8"
        + segment(0xC4, b"\0" + lengths + bytes(range(9)))
        + segment(0xC3, frame)
        + segment(0xDA, b"\1\1\0\1\0\0")
        + pixels
        + b"\xff\xd9"
    )


def test_a_jpeg_without_loss_is_a_lossless_file() -> None:
    picture = decode(lossless_jpeg(gray()), max_side=99)
    assert distance(picture, gray()) == 0
    assert output_format(picture, "auto") == "png"
    with pytest.raises(ImageError):
        decode(lossless_jpeg(gray())[:-40], max_side=99)


def test_a_lossless_avif_stays_so_with_a_profile() -> None:
    """Its container has a profile for the colours, and codes that say how they are stored."""
    profile = make_profile(BT709, gamma=2.2, is_gray=False)
    data = save(scene(), "AVIF", subsampling="4:4:4", icc_profile=profile)
    at = data.index(b"colrnclx") + 12
    picture = decode(data[:at] + b"\0\0" + data[at + 2 :], max_side=99)
    assert picture.icc_profile is not None
    assert output_format(picture, "auto") == "png"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_heic_is_turned_by_exif_where_it_does_not_turn_itself(orientation: int) -> None:
    """Phones show such files upright, though the standard says to ignore EXIF."""
    upright = save(scene(), "HEIF", quality=95, exif=orientation_exif(1))
    at = upright.index(b"\1\x12\0\3\0\0\0\1") + 8
    by_exif = upright[:at] + orientation.to_bytes(2) + upright[at + 2 :]
    turned = upright_after(scene(), orientation)
    assert distance(decode(by_exif, max_side=99), turned) < LEVELS_OFF


def test_a_heic_that_turns_itself_is_not_turned_again_by_exif() -> None:
    """Cameras write both."""
    turned = save(scene(), "HEIF", quality=95, exif=orientation_exif(6))
    assert b"irot" in turned
    picture = decode(turned, max_side=99)
    assert distance(picture, upright_after(scene(), 6)) < LEVELS_OFF


def upright_after(image: Image.Image, orientation: int) -> Image.Image:
    copy = image.copy()
    copy.getexif()[0x0112] = orientation
    return ImageOps.exif_transpose(copy)
