"""The work of a job: the files that a result keeps, and their conversions."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from backend import LocalEngine, Upscaled, UpscaleOptions, Watch
from backend.errors import CancelledError, ImageTooLargeError
from backend.images.metadata import Kept
from backend.images.picture import Picture, decode, encode
from webapp.base import side
from webapp.base.files import Disk
from webapp.intake.pictures import InputFile, Inspection, inspect
from webapp.work import enhance as module
from webapp.work.enhance import Enhanced, EnhanceRequest, enhance, formats, master_format


class BoxEngine:
    """An engine that repeats pixels: exact and quick."""

    models: ClassVar = {"box": (2, 4)}
    details: ClassVar[dict[str, int]] = {}

    def upscale(self, data: bytes, options: UpscaleOptions, *, watch: Watch = Watch()) -> Upscaled:
        watch.check()
        picture = decode(data, max_side=4096)
        scale = options.scale
        sr = Picture(
            rgb=picture.rgb.repeat(scale, 0).repeat(scale, 1),
            alpha=None
            if picture.alpha is None
            else picture.alpha.repeat(scale, 0).repeat(scale, 1),
        )
        watch.on_progress(1, 1)
        return Upscaled(
            data=encode(sr, format=options.format),
            width=sr.size[0],
            height=sr.size[1],
            format=options.format,
            model="box",
            scale=scale,
            cleanup=options.cleanup or 0,
            lr_size=picture.size,
            seconds=0.1,
        )

    def estimated_seconds(self, size: tuple[int, int], options: UpscaleOptions) -> float:
        return 0.1


@pytest.fixture
def work(disk: Disk) -> Callable[..., Enhanced]:
    def work(
        data: bytes, *, scale: int = 2, engine: object = None, cancelled: bool = False
    ) -> Enhanced:
        return enhance(
            data,
            EnhanceRequest(digest="0" * 64, options=UpscaleOptions(scale=scale)),
            seen(data, disk),
            engine=engine or BoxEngine(),  # type: ignore[arg-type]
            disk=disk,
            watch=Watch(is_cancelled=lambda: cancelled),
        )

    return work


def seen(data: bytes, disk: Disk, *, max_side: int = 4096) -> Inspection:
    picture = InputFile.from_bytes(data, name="a.png", disk=disk)
    return inspect(picture, decode=decode, max_side=max_side, disk=disk)


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def test_a_jpeg_gives_a_png_that_was_never_a_jpeg(
    photo_bytes: Callable[..., bytes], work: Callable[..., Enhanced]
) -> None:
    data = photo_bytes("JPEG", quality=60)

    result = work(data)

    assert result.upscaled.format == "png"
    expected = np.asarray(opened(data).convert("RGB")).repeat(2, 0).repeat(2, 1)
    assert np.array_equal(np.asarray(opened(result.encode("png"))), expected)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "avif"])
def test_every_format_keeps_the_same_metadata(
    photo_bytes: Callable[..., bytes], work: Callable[..., Enhanced], kind: str
) -> None:
    result = work(photo_bytes("PNG"))
    kept = Kept(taken="2011:04:05 06:07:08", dpi=(240, 240))

    seen = decode(result.encode(kind, kept=kept), max_side=999)

    assert Kept.of(seen) == kept
    assert not Kept.of(decode(result.encode(kind), max_side=999)).taken


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "avif"])
@pytest.mark.parametrize("kept", [None, Kept(taken="2011:04:05 06:07:08", dpi=(72, 72))])
def test_every_format_of_a_print_has_its_resolution(
    photo_bytes: Callable[..., bytes], work: Callable[..., Enhanced], kind: str, kept: Kept | None
) -> None:
    result = replace(work(photo_bytes("PNG")), dpi=300)

    assert decode(result.encode(kind, kept=kept), max_side=999).dpi == (300, 300)


KINDS = [("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP"), ("avif", "AVIF")]


@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_every_format_opens_and_has_the_right_size(
    photo_bytes: Callable[..., bytes], work: Callable[..., Enhanced], kind: str, name: str
) -> None:
    result = work(photo_bytes("PNG"), scale=4)

    with opened(result.encode(kind)) as image:
        image.load()
        assert (image.format, image.size) == (name, (384, 256))
    assert kind in result.formats


def test_a_large_result_is_a_jpeg_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, work: Callable[..., Enhanced]
) -> None:
    monkeypatch.setattr(module, "LOSSLESS_PIXELS", 3000)

    result = work(png(noise(40, 30)))

    assert result.upscaled.format == "jpeg"
    assert result.formats == ("jpeg",)
    assert result.encode("jpeg") == result.master.read()


def test_a_large_transparent_result_stays_a_png(
    monkeypatch: pytest.MonkeyPatch, work: Callable[..., Enhanced]
) -> None:
    monkeypatch.setattr(module, "LOSSLESS_PIXELS", 3000)
    picture = noise(40, 30)
    picture.putalpha(Image.linear_gradient("L").resize((40, 30)))

    result = work(png(picture))

    assert result.upscaled.format == "png"
    assert result.formats == ("png",)


def test_the_bound_is_on_the_result_not_on_the_input(disk: Disk) -> None:
    picture = seen(png(Image.new("L", (2000, 1500))), disk)

    assert master_format(picture, pixels=4 * 2000 * 1500) == "png"
    assert master_format(picture, pixels=16 * 2000 * 1500) == "jpeg"


def test_webp_is_not_offered_where_it_cannot_hold_the_result(
    work: Callable[..., Enhanced],
) -> None:
    result = work(png(Image.new("RGB", (4096, 2))), scale=4)

    assert formats(result.upscaled) == result.formats == ("png", "jpeg", "avif")


def test_before_and_after_are_upright(
    photo: Image.Image, disk: Disk, work: Callable[..., Enhanced]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    photo.save(file, "JPEG", exif=exif)

    before = side.unpack(seen(file.getvalue(), disk).side.read())
    after = side.unpack(work(file.getvalue()).side.read())

    assert before.size == (photo.height, photo.width)
    assert after.size == (2 * photo.height, 2 * photo.width)


def test_a_quality_can_be_chosen(
    photo_bytes: Callable[..., bytes], work: Callable[..., Enhanced]
) -> None:
    result = work(photo_bytes("PNG"))

    assert len(result.encode("jpeg", quality=60)) < len(result.encode("jpeg"))


def test_the_kept_bytes_are_counted(
    photo_bytes: Callable[..., bytes], work: Callable[..., Enhanced]
) -> None:
    result = work(photo_bytes("PNG"))

    assert result.nbytes == result.master.nbytes + result.side.nbytes
    assert result.upscaled.data == b""


def test_a_cancelled_job_makes_nothing(
    photo_bytes: Callable[..., bytes], work: Callable[..., Enhanced]
) -> None:
    with pytest.raises(CancelledError):
        work(photo_bytes("PNG"), cancelled=True)


def test_the_real_engine_makes_a_result_that_is_saved(
    engine: LocalEngine, photo_bytes: Callable[..., bytes], work: Callable[..., Enhanced]
) -> None:
    result = work(photo_bytes("JPEG"), engine=engine)

    assert opened(result.encode("png")).size == (192, 128)


def test_requests_with_other_options_have_other_keys() -> None:
    options = [
        UpscaleOptions(scale=2),
        UpscaleOptions(scale=4),
        UpscaleOptions(scale=2, cleanup=0),
        UpscaleOptions(scale=2, model="fast"),
        UpscaleOptions(scale=2, model="photo", detail=0),
        UpscaleOptions(scale=2, model="photo", detail=100),
    ]
    requests = [EnhanceRequest(digest="a", options=each) for each in options]

    assert len({request.key for request in requests}) == len(set(requests)) == 6


def test_inspection_tells_size_and_quality(photo_bytes: Callable[..., bytes], disk: Disk) -> None:
    inspection = seen(photo_bytes("JPEG", quality=40), disk)

    assert inspection.size == (96, 64)
    assert inspection.jpeg_quality == 40
    assert not inspection.has_alpha
    assert opened(inspection.preview.read()).size == (96, 64)


def test_inspection_refuses_what_the_engine_would(disk: Disk) -> None:
    with pytest.raises(ImageTooLargeError):
        seen(png(Image.new("L", (40, 10))), disk, max_side=39)


def test_a_file_is_known_by_its_content(disk: Disk) -> None:
    one, other, different = (
        InputFile.from_bytes(data, name=name, disk=disk)
        for data, name in ((b"same", "a.jpg"), (b"same", "b.jpg"), (b"else", "a.jpg"))
    )

    assert one.digest == other.digest != different.digest


@pytest.mark.parametrize(
    ("kind", "is_lossless"),
    [("GIF", True), ("TIFF", True), ("AVIF", False), ("WEBP", False), ("HEIF", False)],
)
def test_more_formats_are_read(
    photo_bytes: Callable[..., bytes], disk: Disk, kind: str, is_lossless: bool
) -> None:
    data = photo_bytes(kind)

    inspection = seen(data, disk)

    assert inspection.size == (96, 64)
    assert inspection.notes == ()
    assert decode(data, max_side=99).source_format.is_lossless is is_lossless
    expected = np.asarray(opened(photo_bytes("PNG")).convert("RGB"), np.int16)
    assert np.abs(decode(data, max_side=99).rgb - expected).mean() < 6


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "PNG", "WEBP"])
def test_the_first_of_several_frames_is_taken_and_the_visitor_told(kind: str, disk: Disk) -> None:
    file = io.BytesIO()
    red, blue = (Image.new("RGB", (8, 6), colour) for colour in ("red", "blue"))
    red.save(file, kind, save_all=True, append_images=[blue])

    inspection = seen(file.getvalue(), disk)

    assert inspection.notes == ("first_frame",)
    first = opened(inspection.preview.read()).convert("RGB").getpixel((4, 3))
    assert isinstance(first, tuple)
    assert first[0] > 200
    assert first[2] < 60
