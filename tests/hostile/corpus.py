"""Odd and hostile files, as data: each with its expected outcome on every transport."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageOps
from PIL.PngImagePlugin import PngInfo

from backend.images.rights import Rights
from tests.pictures import save
from tests.tiffs import directory, tiff

Pixels = npt.NDArray[np.uint8]

WIDTH, HEIGHT = 48, 32
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
RESOLUTION = {0x011A, 0x011B, 0x0128}
"""The EXIF tags that a result may have if the file has no date or rights."""
RIGHTS = {0x013B, 0x8298}
TOLERANCE = 7.0
"""Largest mean distance from bicubic upscaling, in levels; a wrong picture exceeds 30."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One file: either a picture comes out, near `expected`, or the error `code`."""

    name: str
    make: Callable[[], bytes]
    expected: Callable[[], Image.Image] | None = None
    """The upright picture in the result's mode."""
    format: str = "PNG"
    """The result's format for `auto`."""
    tolerance: float = TOLERANCE
    code: str | None = None
    file_name: str = "picture.png"
    """The suffix on the command line; suffixes must not matter."""
    request_code: str | None = None
    """The error code if a JSON request cannot carry the file."""

    def __str__(self) -> str:
        return self.name


def scene() -> Image.Image:
    """Draw a smooth scene whose eight orientations all differ."""
    x, y = np.meshgrid(np.linspace(0, 1, WIDTH), np.linspace(0, 1, HEIGHT))
    planes = (30 + 200 * x, 220 - 180 * y, 255 * np.hypot(x - 0.2, y - 0.2) / 1.2)
    return Image.fromarray(np.stack(planes, axis=-1).round().astype(np.uint8))


def gray() -> Image.Image:
    return scene().convert("L")


def with_alpha(image: Image.Image) -> Image.Image:
    """Draw opaque on the left, clear on the right, a soft edge between."""
    ramp = np.clip((30 - np.arange(WIDTH)) * 32, 0, 255).astype(np.uint8)
    copy = image.copy()
    copy.putalpha(Image.fromarray(np.tile(ramp, (HEIGHT, 1))))
    return copy


def half_clear(image: Image.Image) -> Image.Image:
    """Make the right half wholly clear."""
    mask = Image.new("L", image.size, 255)
    mask.paste(0, (WIDTH // 2, 0, WIDTH, HEIGHT))
    copy = image.copy()
    copy.putalpha(mask)
    return copy


def jpeg(image: Image.Image | None = None, **options: object) -> bytes:
    return save(image or scene(), "JPEG", **{"quality": 95, "subsampling": 0, **options})


def chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def png(
    rows: Sequence[bytes],
    *,
    size: tuple[int, int],
    depth: int,
    color: int,
    interlaced: bool = False,
    extra: bytes = b"",
) -> bytes:
    """Write a PNG by hand, for the kinds that Pillow cannot write."""
    header = struct.pack(">IIBBBBB", *size, depth, color, 0, 0, int(interlaced))
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"".join(
        (PNG_SIGNATURE, chunk(b"IHDR", header), extra, chunk(b"IDAT", data), chunk(b"IEND", b""))
    )


def wide_png(image: Image.Image, *, color: int, extra: bytes = b"") -> bytes:
    """Write 16 bits a channel, with low bytes unlike the high ones."""
    pixels = np.asarray(image).astype(np.uint16) * 257
    rows = [row.astype(">u2").tobytes() for row in pixels]
    return png(rows, size=image.size, depth=16, color=color, extra=extra)


def interlaced_png() -> bytes:
    """Write Adam7."""
    pixels = np.asarray(scene())
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4)]
    passes += [(2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    rows = [row.tobytes() for y, x, dy, dx in passes for row in pixels[y::dy, x::dx]]
    return png(rows, size=(WIDTH, HEIGHT), depth=8, color=2, interlaced=True)


def four_bit_gray_png() -> bytes:
    levels = np.asarray(gray()) >> 4
    rows = [(row[0::2] << 4 | row[1::2]).astype(np.uint8).tobytes() for row in levels]
    return png(rows, size=(WIDTH, HEIGHT), depth=4, color=0)


def palette_png(**options: object) -> bytes:
    return save(scene().quantize(64), "PNG", **options)


def half_clear_palette_png() -> bytes:
    """Make index 255 clear, with a loud colour that must not be seen."""
    image = scene().quantize(64)
    image.putpalette((image.getpalette() or [])[: 64 * 3] + [0] * (191 * 3) + [255, 0, 255])
    image.paste(255, (WIDTH // 2, 0, WIDTH, HEIGHT))
    return save(image, "PNG", transparency=255)


def keyed_png(image: Image.Image, key: int | tuple[int, int, int]) -> bytes:
    """Give the right half one colour that the file calls transparent."""
    copy = image.copy()
    copy.paste(key, (WIDTH // 2, 0, WIDTH, HEIGHT))
    return save(copy, "PNG", transparency=key)


def bilevel() -> Image.Image:
    return (
        gray().point(lambda level: 255 if level > 110 else 0).convert("1", dither=Image.Dither.NONE)
    )


def turned_jpeg(orientation: int) -> bytes:
    """Store the scene turned, so that a viewer that obeys EXIF shows it upright."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = scene().transpose(undo[orientation]) if orientation in undo else scene()
    exif = Image.Exif()
    exif[0x0112] = orientation
    return jpeg(stored, exif=exif.tobytes())


def turned_png() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return save(scene().transpose(Image.Transpose.ROTATE_90), "PNG", exif=exif.tobytes())


def bmp_header(*, bits: int, compression: int, data: bytes, extra: bytes = b"") -> bytes:
    offset = 14 + 40 + len(extra)
    return (
        b"BM"
        + struct.pack("<IHHI", offset + len(data), 0, 0, offset)
        + struct.pack(
            "<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, bits, compression, len(data), 0, 0, 0, 0
        )
        + extra
        + data
    )


def bmp_565() -> bytes:
    pixels = np.asarray(scene()).astype(np.uint16)[::-1]
    packed = (pixels[..., 0] >> 3) << 11 | (pixels[..., 1] >> 2) << 5 | pixels[..., 2] >> 3
    masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    return bmp_header(bits=16, compression=3, data=packed.astype("<u2").tobytes(), extra=masks)


def bmp_rle8() -> bytes:
    palette = b"".join(bytes((level, level, level, 0)) for level in range(256))
    rows = (
        b"".join(bytes((1, int(level))) for level in row) + b"\0\0"
        for row in np.asarray(gray())[::-1]
    )
    return bmp_header(bits=8, compression=1, data=b"".join(rows) + b"\0\1", extra=palette)


def bmp_top_down() -> bytes:
    pixels = np.ascontiguousarray(np.asarray(scene())[..., ::-1])
    whole = bytearray(bmp_header(bits=24, compression=0, data=pixels.tobytes()))
    struct.pack_into("<i", whole, 22, -HEIGHT)
    return bytes(whole)


def bmp_claiming(width: int, height: int) -> bytes:
    whole = bytearray(save(scene(), "BMP"))
    struct.pack_into("<ii", whole, 18, width, height)
    return bytes(whole)


def jpeg_claiming(width: int, height: int) -> bytes:
    whole = bytearray(jpeg())
    frame = whole.index(b"\xff\xc0")
    struct.pack_into(">HH", whole, frame + 5, height, width)
    return bytes(whole)


def png_claiming(width: int, height: int) -> bytes:
    whole = save(scene(), "PNG")
    header = struct.pack(">II", width, height) + whole[24:29]
    return whole[:8] + chunk(b"IHDR", header) + whole[33:]


def bomb() -> bytes:
    """Write 900 million pixels in about 100 kB."""
    data = zlib.compressobj(9)
    row = bytes(1 + 30000 // 8)
    body = b"".join(data.compress(row) for _ in range(30000)) + data.flush()
    header = struct.pack(">IIBBBBB", 30000, 30000, 1, 0, 0, 0, 0)
    return PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def half(make: Callable[[], bytes]) -> bytes:
    whole = make()
    return whole[: len(whole) // 2]


def broken_crc() -> bytes:
    whole = bytearray(save(scene(), "PNG"))
    whole[29] ^= 0xFF  # the checksum of IHDR
    return bytes(whole)


def broken_pixels() -> bytes:
    header = save(scene(), "PNG")[:33]
    return header + chunk(b"IDAT", b"\x78\x9c" + bytes(range(200))) + chunk(b"IEND", b"")


def animated_png() -> bytes:
    return save(scene(), "PNG", save_all=True, append_images=[scene().rotate(90)])


def turned_tiff() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return save(scene().transpose(Image.Transpose.ROTATE_90), "TIFF", exif=exif)


def float_tiff() -> bytes:
    values = np.asarray(gray(), np.float32) / 255
    return save(Image.fromarray(values), "TIFF")


def heic() -> bytes:
    return save(scene(), "HEIF", quality=95)


def text_png(length: int, *, packed: bool) -> bytes:
    info = PngInfo()
    info.add_text("Comment", "a" * length, zip=packed)
    return save(scene(), "PNG", pnginfo=info)


def profile_bomb_png() -> bytes:
    """Write 100 MB of colour profile in 100 kB."""
    whole = save(scene(), "PNG")
    packed = zlib.compress(bytes(100_000_000), 9)
    return whole[:33] + chunk(b"iCCP", b"bomb\0\0" + packed) + whole[33:]


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


COLOUR_CHUNKS = (
    (b"gAMA", struct.pack(">I", 45455)),
    (b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
    (b"sRGB", b"\0"),
    (b"cICP", bytes((1, 13, 0, 1))),
)


def stripes() -> Image.Image:
    """Write levels of two bits, the last of which is clear."""
    levels = np.tile(np.array([0, 85, 170, 255], np.uint8), (HEIGHT, WIDTH // 4))
    image = Image.fromarray(levels)
    image.putalpha(Image.fromarray(np.where(levels == 255, 0, 255).astype(np.uint8)))
    return image


def rights_exif() -> bytes:
    exif = Image.Exif()
    exif[0x013B], exif[0x8298] = "Ann", "(c) Ann"
    return exif.tobytes()


def rights_packet() -> bytes:
    return Rights(copyright="(c) Ann", creator="Ann", keywords=("sea", "sky")).to_xmp()


def adobe_exif() -> bytes:
    exif = Image.Exif()
    exif[0x8769] = {0xA001: 2}
    return exif.tobytes()


def tiff_of(image: Image.Image, *, photometric: int, bits: int = 8, is_big: bool = False) -> bytes:
    values = np.asarray(image) / 255
    values = values if values.ndim == 3 else values[..., np.newaxis]
    return tiff(directory(values, photometric=photometric, bits=bits), is_big=is_big)


def tiff_with_preview() -> bytes:
    small = np.asarray(scene().resize((12, 8))) / 255
    preview = directory(small, photometric=2, bits=8, more={254: [1]})
    return tiff(preview, directory(np.asarray(scene()) / 255, photometric=2, bits=8))


def noise(length: int) -> bytes:
    return random.Random(length).randbytes(length)


def zip_file() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("picture.png", save(scene(), "PNG"))
    return buffer.getvalue()


def line(width: int, height: int) -> Image.Image:
    """A slow gradient along the longer side."""
    ramp = np.linspace(20, 230, width * height).astype(np.uint8).reshape(height, width)
    return Image.fromarray(np.stack((ramp, 255 - ramp, ramp), axis=-1))


def dot() -> Image.Image:
    return Image.new("RGB", (1, 1), (200, 100, 50))


def clear() -> Image.Image:
    return Image.new("RGBA", (WIDTH, HEIGHT), (10, 20, 30, 0))


GOOD: tuple[Case, ...] = (
    Case(name="jpeg", make=jpeg, expected=scene, format="JPEG", file_name="a.jpg"),
    Case(name="jpeg called png", make=jpeg, expected=scene, format="JPEG", file_name="a.PNG"),
    Case(
        name="png called jpeg",
        make=partial(save, scene(), "PNG"),
        expected=scene,
        file_name="a.jpg",
    ),
    Case(
        name="jpeg progressive", make=partial(jpeg, progressive=True), expected=scene, format="JPEG"
    ),
    Case(name="jpeg 4:2:0", make=partial(jpeg, subsampling=2), expected=scene, format="JPEG"),
    Case(name="jpeg gray", make=lambda: jpeg(gray()), expected=gray, format="JPEG"),
    Case(
        name="jpeg cmyk from adobe",
        make=lambda: jpeg(scene().convert("CMYK")),
        expected=scene,
        format="JPEG",
    ),
    Case(
        name="jpeg cmyk with a broken profile",
        make=lambda: jpeg(scene().convert("CMYK"), icc_profile=noise(16) + b"CMYK" + noise(400)),
        expected=scene,
        format="JPEG",
    ),
    Case(
        name="jpeg with junk after its end",
        make=lambda: jpeg() + noise(5000),
        expected=scene,
        format="JPEG",
    ),
    Case(
        name="jpeg with a thumbnail of two",
        make=lambda: save(
            scene(), "MPO", save_all=True, append_images=[gray().convert("RGB")], quality=95
        ),
        expected=scene,
        format="JPEG",
    ),
    Case(
        name="jpeg with broken exif",
        make=lambda: jpeg(exif=b"Exif\0\0" + noise(200)),
        expected=scene,
        format="JPEG",
    ),
    Case(name="jpeg with exif 99", make=lambda: turned_jpeg(99), expected=scene, format="JPEG"),
    *(
        Case(
            name=f"jpeg with exif {orientation}",
            make=partial(turned_jpeg, orientation),
            expected=scene,
            format="JPEG",
        )
        for orientation in range(1, 9)
    ),
    Case(name="png with exif 6", make=turned_png, expected=scene),
    Case(name="png rgb", make=lambda: save(scene(), "PNG"), expected=scene),
    Case(
        name="png rgba",
        make=lambda: save(with_alpha(scene()), "PNG"),
        expected=lambda: with_alpha(scene()),
    ),
    Case(name="png gray", make=lambda: save(gray(), "PNG"), expected=gray),
    Case(
        name="png gray with alpha",
        make=lambda: save(with_alpha(gray()), "PNG"),
        expected=lambda: with_alpha(gray()),
    ),
    Case(name="png wholly clear", make=lambda: save(clear(), "PNG"), expected=clear),
    Case(
        name="png with two levels",
        make=lambda: save(bilevel(), "PNG"),
        expected=lambda: bilevel().convert("L"),
    ),
    Case(name="png with 16 grays", make=four_bit_gray_png, expected=gray),
    Case(name="png palette", make=palette_png, expected=scene),
    Case(
        name="png palette with a clear colour",
        make=half_clear_palette_png,
        expected=lambda: half_clear(scene()),
    ),
    Case(
        name="png rgb with a clear colour",
        make=lambda: keyed_png(scene(), (255, 0, 255)),
        expected=lambda: half_clear(scene()),
    ),
    Case(
        name="png gray with a clear level",
        make=lambda: keyed_png(gray(), 255),
        expected=lambda: half_clear(gray()),
    ),
    Case(name="png 16-bit gray", make=lambda: wide_png(gray(), color=0), expected=gray),
    Case(
        name="png 16-bit gray with a level that is not there",
        make=lambda: wide_png(gray(), color=0, extra=chunk(b"tRNS", b"\x12\x34")),
        expected=gray,
    ),
    Case(
        name="png 16-bit gray with alpha",
        make=lambda: wide_png(with_alpha(gray()), color=4),
        expected=lambda: with_alpha(gray()),
    ),
    Case(name="png 16-bit rgb", make=lambda: wide_png(scene(), color=2), expected=scene),
    Case(
        name="png 16-bit rgba",
        make=lambda: wide_png(with_alpha(scene()), color=6),
        expected=lambda: with_alpha(scene()),
    ),
    Case(name="png interlaced", make=interlaced_png, expected=scene),
    Case(
        name="png with a zip behind it",
        make=lambda: save(scene(), "PNG") + zip_file(),
        expected=scene,
    ),
    Case(name="png with a long text", make=lambda: text_png(900_000, packed=False), expected=scene),
    Case(
        name="png with srgb profile",
        make=lambda: save(scene(), "PNG", icc_profile=srgb_profile()),
        expected=scene,
    ),
    Case(
        name="png with a broken profile",
        make=lambda: save(scene(), "PNG", icc_profile=noise(600)),
        expected=scene,
    ),
    Case(
        name="png with a text bomb, which is not unpacked",
        make=lambda: text_png(50_000_000, packed=True),
        expected=scene,
    ),
    Case(name="png with a profile bomb, which is ignored", make=profile_bomb_png, expected=scene),
    Case(name="bmp", make=lambda: save(scene(), "BMP"), expected=scene, file_name="a.bmp"),
    Case(name="bmp gray", make=lambda: save(gray(), "BMP"), expected=gray),
    Case(name="bmp palette", make=lambda: save(scene().quantize(64), "BMP"), expected=scene),
    Case(
        name="bmp with two levels",
        make=lambda: save(bilevel(), "BMP"),
        expected=lambda: bilevel().convert("L"),
    ),
    Case(
        name="bmp 32-bit, whose fourth byte means nothing",
        make=lambda: save(with_alpha(scene()), "BMP"),
        expected=scene,
    ),
    Case(name="bmp 16-bit", make=bmp_565, expected=scene),
    Case(name="bmp run-length coded", make=bmp_rle8, expected=gray),
    Case(name="bmp from the top", make=bmp_top_down, expected=scene),
    Case(name="gif", make=lambda: save(scene(), "GIF"), expected=scene),
    Case(
        name="gif called png",
        make=lambda: save(scene(), "GIF"),
        expected=scene,
        file_name="a.png",
    ),
    Case(name="webp", make=lambda: save(scene(), "WEBP"), expected=scene, format="JPEG"),
    Case(
        name="webp with alpha",
        make=lambda: save(with_alpha(scene()), "WEBP"),
        expected=lambda: with_alpha(scene()),
    ),
    Case(name="tiff", make=lambda: save(scene(), "TIFF"), expected=scene),
    Case(name="tiff gray", make=lambda: save(gray(), "TIFF"), expected=gray),
    Case(name="tiff cmyk", make=lambda: save(scene().convert("CMYK"), "TIFF"), expected=scene),
    Case(
        name="tiff turned",
        make=turned_tiff,
        expected=scene,
    ),
    Case(name="tiff of floats", make=float_tiff, expected=gray),
    Case(name="avif", make=lambda: save(scene(), "AVIF"), expected=scene, format="JPEG"),
    Case(name="heic", make=heic, expected=scene, format="JPEG", file_name="IMG_0001.HEIC"),
    Case(name="png animated, of which it is the first", make=animated_png, expected=scene),
    Case(name="jpeg without its end mark", make=lambda: jpeg()[:-2], expected=scene, format="JPEG"),
    Case(
        name="jpeg with rights in three places",
        make=lambda: jpeg(exif=rights_exif(), xmp=rights_packet()),
        expected=scene,
        format="JPEG",
    ),
    Case(
        name="jpeg with adobe's colours by exif",
        make=lambda: jpeg(exif=adobe_exif()),
        expected=scene,
        format="JPEG",
    ),
    Case(
        name="png with colours told in four ways",
        make=lambda: (
            save(scene(), "PNG", icc_profile=srgb_profile())[:33]
            + b"".join(chunk(kind, content) for kind, content in COLOUR_CHUNKS)
            + save(scene(), "PNG")[33:]
        ),
        expected=scene,
    ),
    Case(
        name="png of 2 bits with a clear level",
        make=lambda: png(
            [b"\x1b" * (WIDTH // 4)] * HEIGHT,
            size=(WIDTH, HEIGHT),
            depth=2,
            color=0,
            extra=chunk(b"tRNS", b"\0\3"),
        ),
        expected=stripes,
        tolerance=40.0,
    ),
    Case(
        name="webp without loss", make=lambda: save(scene(), "WEBP", lossless=True), expected=scene
    ),
    Case(
        name="tiff of 16 bits",
        make=lambda: tiff_of(scene(), photometric=2, bits=16),
        expected=scene,
    ),
    Case(
        name="tiff whose white is 0",
        make=lambda: tiff_of(ImageOps.invert(gray()), photometric=0, bits=16),
        expected=gray,
    ),
    Case(name="bigtiff", make=lambda: tiff_of(scene(), photometric=2, is_big=True), expected=scene),
    Case(
        name="tiff with a preview",
        make=lambda: tiff(
            directory(
                np.asarray(scene().resize((12, 8))) / 255, photometric=2, bits=8, more={254: [1]}
            ),
            directory(np.asarray(scene()) / 255, photometric=2, bits=8),
        ),
        expected=scene,
    ),
    Case(
        name="avif by another brand",
        make=lambda: save(scene(), "AVIF")[:8] + b"mif1" + save(scene(), "AVIF")[12:],
        expected=scene,
        format="JPEG",
    ),
    Case(name="1 x 1", make=lambda: save(dot(), "PNG"), expected=dot),
    Case(name="1 x 1 jpeg", make=lambda: jpeg(dot()), expected=dot, format="JPEG"),
    Case(name="4096 x 1", make=lambda: save(line(4096, 1), "PNG"), expected=lambda: line(4096, 1)),
    Case(name="1 x 4096", make=lambda: save(line(1, 4096), "PNG"), expected=lambda: line(1, 4096)),
)

DAMAGED = "invalid_image"
UNREADABLE = "unsupported_media_type"
TOO_LARGE = "image_too_large"

BAD: tuple[Case, ...] = (
    Case(name="empty", make=bytes, code=DAMAGED, request_code="invalid_request"),
    Case(name="random bytes", make=partial(noise, 4000), code=UNREADABLE),
    Case(name="one byte", make=lambda: b"\xff", code=UNREADABLE),
    Case(name="a text", make=lambda: b"Not a picture at all.\n", code=UNREADABLE),
    Case(name="a page", make=lambda: b"<!doctype html><title>404</title>", code=UNREADABLE),
    Case(
        name="svg",
        make=lambda: b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        code=UNREADABLE,
    ),
    Case(name="zip", make=zip_file, code=UNREADABLE),
    Case(name="postscript", make=lambda: save(scene(), "EPS"), code=UNREADABLE),
    Case(name="pdf", make=lambda: save(scene(), "PDF"), code=UNREADABLE),
    Case(name="ico", make=lambda: save(scene(), "ICO"), code=UNREADABLE),
    Case(name="ico called png", make=lambda: save(scene(), "ICO"), code=UNREADABLE),
    Case(name="jpeg 2000", make=lambda: save(scene(), "JPEG2000"), code=UNREADABLE),
    Case(name="gif cut in half", make=partial(half, partial(save, scene(), "GIF")), code=DAMAGED),
    Case(name="webp cut in half", make=partial(half, partial(save, scene(), "WEBP")), code=DAMAGED),
    Case(name="tiff cut in half", make=partial(half, partial(save, scene(), "TIFF")), code=DAMAGED),
    Case(name="avif cut in half", make=partial(half, partial(save, scene(), "AVIF")), code=DAMAGED),
    Case(name="gif signature only", make=lambda: b"GIF89a", code=DAMAGED),
    Case(name="webp of 16383 x 2", make=lambda: save(line(16383, 2), "WEBP"), code=TOO_LARGE),
    Case(name="gif of 5000 x 2", make=lambda: save(line(5000, 2), "GIF"), code=TOO_LARGE),
    Case(name="tiff of 5000 x 2", make=lambda: save(line(5000, 2), "TIFF"), code=TOO_LARGE),
    Case(name="jpeg cut in half", make=partial(half, jpeg), code=DAMAGED),
    Case(name="jpeg without pixels", make=lambda: jpeg()[:2], code=DAMAGED),
    Case(name="png cut in half", make=partial(half, partial(save, scene(), "PNG")), code=DAMAGED),
    Case(name="png signature only", make=lambda: PNG_SIGNATURE, code=DAMAGED),
    Case(name="png with a wrong checksum", make=broken_crc, code=DAMAGED),
    Case(name="png with broken pixels", make=broken_pixels, code=DAMAGED),
    Case(name="png with less than it says", make=partial(png_claiming, 4000, 4000), code=DAMAGED),
    Case(name="png of no pixels", make=partial(png_claiming, 0, 0), code=DAMAGED),
    Case(name="bmp cut in half", make=partial(half, partial(save, scene(), "BMP")), code=DAMAGED),
    Case(name="bmp of no pixels", make=partial(bmp_claiming, 0, 0), code=DAMAGED),
    Case(name="bmp of two billion rows", make=partial(bmp_claiming, 2, 2**31 - 1), code=TOO_LARGE),
    Case(name="bomb of 900 megapixels", make=bomb, code=TOO_LARGE),
    Case(
        name="jpeg that says 65500 x 65500",
        make=partial(jpeg_claiming, 65500, 65500),
        code=TOO_LARGE,
    ),
    Case(name="4097 x 1", make=lambda: save(line(4097, 1), "PNG"), code=TOO_LARGE),
    Case(name="1 x 4097 jpeg", make=lambda: jpeg(line(1, 4097)), code=TOO_LARGE),
)

CORPUS = GOOD + BAD


def assert_right(case: Case, result: bytes, *, scale: int) -> None:
    """Check size, mode and format, and the distance from bicubic upscaling."""
    assert case.expected is not None
    lr = case.expected()
    with Image.open(io.BytesIO(result)) as sr:
        assert sr.format == case.format, f"{case}: {sr.format} instead of {case.format}"
        assert sr.size == (lr.width * scale, lr.height * scale), f"{case}: size {sr.size}"
        assert sr.mode == lr.mode, f"{case}: mode {sr.mode} instead of {lr.mode}"
        kept = RESOLUTION | RIGHTS if "rights" in case.name else RESOLUTION
        assert {*sr.getexif()} <= kept, f"{case}: the result still has EXIF"
        wanted = lr.resize(sr.size, Image.Resampling.BICUBIC)
        distance = np.abs(visible(sr).astype(np.int16) - visible(wanted))
    assert distance.mean() < case.tolerance, f"{case}: {distance.mean():.1f} levels from bicubic"


def visible(image: Image.Image) -> Pixels:
    """Return the picture on green paper, with its alpha: clear pixels have no colour."""
    seen = image.convert("RGBA")
    paper = Image.new("RGBA", image.size, (0, 120, 0, 255))
    flat = np.asarray(Image.alpha_composite(paper, seen).convert("RGB"))
    alpha = np.asarray(seen.getchannel("A"))
    return np.concatenate((flat, alpha[..., np.newaxis]), axis=-1)
