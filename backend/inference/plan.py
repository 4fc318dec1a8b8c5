"""The plan for one picture: the models that run in turn, and the size of the result."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from backend.errors import ImageTooLargeError, RequestError
from backend.images.damage import is_damaged
from backend.images.jpeg_quality import cleanup_from_quality
from backend.images.photo_or_drawing import is_photograph
from backend.images.picture import Picture, RgbImage
from backend.images.pixel_art import is_pixel_art
from backend.models.manifest import FULL_DETAIL, ModelSpec
from backend.models.registry import OTHER_PICTURES, PHOTOGRAPHS, PIXELS, Registry, pixel_spec
from backend.options import AUTO, UpscaleOptions
from backend.sizes import Size, passes


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One network, applied to a whole picture."""

    spec: ModelSpec
    lr_size: Size
    cleanup: int
    """0-100; only the first pass has any."""

    @property
    def pixels(self) -> int:
        return self.lr_size[0] * self.lr_size[1]

    @property
    def sr_size(self) -> Size:
        """(width, height) of what comes out."""
        return self.lr_size[0] * self.spec.scale, self.lr_size[1] * self.spec.scale


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Passes, and the size that the last one's result is reduced to."""

    passes: tuple[Pass, ...]
    size: Size
    dpi: int | None = None

    @property
    def model(self) -> str:
        return self.passes[0].spec.name

    @property
    def scale(self) -> int:
        """The factor of all passes together."""
        return self.passes[-1].sr_size[0] // self.passes[0].lr_size[0]

    @property
    def pixels(self) -> int:
        """The pixels of the input, of all results in between, and of the last one."""
        return self.passes[0].pixels + sum(
            each.sr_size[0] * each.sr_size[1] for each in self.passes
        )


def make_plan(picture: Picture, options: UpscaleOptions, registry: Registry, *, model: str) -> Plan:
    """Choose the networks; raise UnsupportedScaleError or RequestError where none fit."""
    model, detail = _tier(picture, model, options.detail, registry)
    options = options_for_damage(
        replace(options, detail=detail),
        has_detail=model in registry.details,
        jpeg_quality=picture.jpeg_quality,
        rgb=picture.rgb,
    )
    cleanup = options.cleanup or 0
    return plan_passes(picture.size, options, registry, model=model, cleanup=cleanup)


def options_for_damage(
    options: UpscaleOptions,
    *,
    has_detail: bool,
    jpeg_quality: int | None,
    rgb: RgbImage | None = None,
) -> UpscaleOptions:
    """Fill in the clean-up or detail that a request leaves open; without `rgb`, noise is ignored.

    A tier with `detail` judges JPEG damage itself, since a level makes its results smoother than
    they need to be, and damaged photographs get the vivid weights alone: what they lost has to be
    drawn anew, and weights that invent less keep the damage.
    """
    cleanup, detail = options.cleanup, options.detail
    if cleanup is None:
        cleanup = cleanup_from_quality(jpeg_quality)
    if not has_detail:
        return replace(options, cleanup=cleanup)
    if detail is None and is_damaged(rgb, cleanup=cleanup):
        detail = FULL_DETAIL
    return replace(options, detail=detail)


def plan_passes(
    size: Size, options: UpscaleOptions, registry: Registry, *, model: str, cleanup: int
) -> Plan:
    """Choose the networks of a tier for a picture of this size; raise as `make_plan` does."""
    exact = options.size
    wanted = size[0] * options.scale, size[1] * options.scale
    scales = [options.scale]
    if exact is not None:
        wanted = exact.of(size)
        scales = _scales(max(wanted[0] / size[0], wanted[1] / size[1]), model, registry)
    planned: list[Pass] = []
    at = size
    for scale in scales:
        spec = pixel_spec(scale) if model == PIXELS else registry.find(name=model, scale=scale)
        spec = spec.with_detail(options.detail)
        planned.append(Pass(spec=spec, lr_size=at, cleanup=0 if planned else cleanup))
        at = planned[-1].sr_size
    return Plan(passes=tuple(planned), size=wanted, dpi=None if exact is None else exact.dpi)


def _scales(factor: float, model: str, registry: Registry) -> list[int]:
    """Return the passes that together reach the factor."""
    if model == PIXELS:
        return [max(1, math.ceil(factor))]
    scales = registry.models[model]
    found = passes(factor, scales)
    if not found:
        raise RequestError(
            f"That is {factor:.3g} times the picture's size; at most {max(scales) ** 2} times "
            "is possible."
        )
    return found


def _tier(
    picture: Picture, model: str, detail: int | None, registry: Registry
) -> tuple[str, int | None]:
    """Return the tier, which `auto` takes from the picture; `detail` is for photographs only."""
    if model != AUTO:
        return model, detail
    if PIXELS in registry.models and is_pixel_art(picture):
        return PIXELS, None
    return (PHOTOGRAPHS, detail) if is_photograph(picture.rgb) else (OTHER_PICTURES, None)


def check_passes(plan: Plan, *, max_pixels: int) -> None:
    """Raise ImageTooLargeError for more pixels than are allowed, whatever the file format."""
    for each in plan.passes:
        width, height = each.sr_size
        if width * height > max_pixels:
            raise ImageTooLargeError.output(width, height, because="; choose a smaller scale.")
