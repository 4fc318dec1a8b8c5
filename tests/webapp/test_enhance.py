"""The work of a job: which files a result keeps, and what is made from them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from backend import LocalEngine, Settings, Upscaled, UpscaleOptions, Watch
from backend.errors import CancelledError, ImageTooLargeError
from backend.images import Picture, decode, encode
from webapp import enhance as module
from webapp.comparison import builtin
from webapp.enhance import Enhanced, Wish, enhance, formats, master_format
from webapp.pictures import Picked, inspect


class BoxEngine:
    """Enlarges by repeating pixels: exact and quick."""

    models: ClassVar = {"box": (2, 4)}

    def upscale(self, data: bytes, options: UpscaleOptions, *, watch: Watch) -> Upscaled:
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
        assert options.format in ("png", "jpeg")
        return Upscaled(
            data=encode(sr, format=options.format),
            width=sr.size[0],
            height=sr.size[1],
            format=options.format,
            model="box",
            scale=scale,
            cleanup=0,
            lr_size=picture.size,
            seconds=0.1,
        )

    def estimated_seconds(self, size: tuple[int, int], options: UpscaleOptions) -> float:
        return 0.1


def work(
    data: bytes, *, scale: int = 2, engine: object = None, cancelled: bool = False
) -> Enhanced:
    wish = Wish(digest="0" * 64, options=UpscaleOptions(scale=scale))
    return enhance(
        data,
        wish,
        engine=engine or BoxEngine(),  # type: ignore[arg-type]
        max_side=4096,
        watch=Watch(is_cancelled=lambda: cancelled),
    )


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def test_a_jpeg_gives_a_png_that_was_never_a_jpeg(photo_bytes: Callable[..., bytes]) -> None:
    data = photo_bytes("JPEG", quality=60)

    result = work(data)

    assert result.upscaled.format == "png"
    expected = np.asarray(opened(data).convert("RGB")).repeat(2, 0).repeat(2, 1)
    assert np.array_equal(np.asarray(opened(result.file("png"))), expected)


@pytest.mark.parametrize(("kind", "name"), [("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP")])
def test_every_format_opens_and_has_the_right_size(
    photo_bytes: Callable[..., bytes], kind: str, name: str
) -> None:
    result = work(photo_bytes("PNG"), scale=4)

    with opened(result.file(kind)) as image:  # type: ignore[arg-type]
        image.load()
        assert (image.format, image.size) == (name, (384, 256))
    assert kind in result.formats


def test_a_large_result_is_a_jpeg_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOSSLESS_PIXELS", 3000)

    result = work(png(noise(40, 30)))

    assert result.upscaled.format == "jpeg"
    assert result.formats == ("jpeg",)
    assert result.file("jpeg") is result.upscaled.data


def test_a_large_transparent_result_stays_a_png(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOSSLESS_PIXELS", 3000)
    picture = noise(40, 30)
    picture.putalpha(Image.linear_gradient("L").resize((40, 30)))

    result = work(png(picture))

    assert result.upscaled.format == "png"
    assert result.formats == ("png",)


def test_the_bound_is_on_the_result_not_on_the_input() -> None:
    picture = Picture(rgb=np.zeros((1500, 2000, 3), np.uint8))

    assert master_format(picture, scale=2) == "png"
    assert master_format(picture, scale=4) == "jpeg"


def test_webp_is_not_offered_where_it_cannot_hold_the_result() -> None:
    result = work(png(Image.new("RGB", (4096, 2))), scale=4)

    assert formats(result.upscaled) == ("png", "jpeg")


def test_before_and_after_are_upright(photo: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    photo.save(file, "JPEG", exif=exif)

    before, after = builtin.unpack(work(file.getvalue()).comparison)

    assert before.size == (photo.height, photo.width)
    assert after.size == (2 * photo.height, 2 * photo.width)


def test_the_kept_bytes_are_counted(photo_bytes: Callable[..., bytes]) -> None:
    result = work(photo_bytes("PNG"))

    assert result.nbytes == len(result.upscaled.data) + len(result.comparison)


def test_a_cancelled_job_makes_nothing(photo_bytes: Callable[..., bytes]) -> None:
    with pytest.raises(CancelledError):
        work(photo_bytes("PNG"), cancelled=True)


def test_the_real_engine_does_it_too(
    engine: LocalEngine, photo_bytes: Callable[..., bytes]
) -> None:
    assert set(engine.models[engine.settings.model]) >= {2, 4}

    result = work(photo_bytes("JPEG"), engine=engine)

    assert opened(result.file("png")).size == (192, 128)
    assert engine.estimated_seconds((1000, 1000), UpscaleOptions(scale=4)) > 0


def test_wishes_with_other_options_have_other_names() -> None:
    options = [
        UpscaleOptions(scale=2),
        UpscaleOptions(scale=4),
        UpscaleOptions(scale=2, cleanup=0),
        UpscaleOptions(scale=2, model="fast"),
    ]
    wishes = [Wish(digest="a", options=each) for each in options]

    assert len({wish.name for wish in wishes}) == len(set(wishes)) == 4


def test_inspection_tells_size_and_quality(photo_bytes: Callable[..., bytes]) -> None:
    seen = inspect(photo_bytes("JPEG", quality=40), settings=Settings())

    assert seen.size == (96, 64)
    assert seen.jpeg_quality == 40
    assert opened(seen.preview).size == (96, 64)


def test_inspection_refuses_what_the_engine_would() -> None:
    with pytest.raises(ImageTooLargeError):
        inspect(png(Image.new("L", (40, 10))), settings=Settings(max_side=39))


def test_a_picked_file_is_known_by_its_content() -> None:
    one, other = Picked.of(b"same", name="a.jpg"), Picked.of(b"same", name="b.jpg")

    assert one.digest == other.digest != Picked.of(b"else", name="a.jpg").digest
