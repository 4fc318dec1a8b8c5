"""A picture, and a frame on it that the visitor moves by pointer or arrow keys."""

from __future__ import annotations

from pathlib import Path

from webapp.base.component import component, ignore_change

FOLDER = Path(__file__).parent

__all__ = ["frame", "picture"]


def picture(image: str, *, alt: str, key: str) -> None:
    """Draw a data URL without a frame, as wide as there is room."""
    component(FOLDER)(key=key, data={"image": image, "alt": alt, "frame": None})


def frame(
    image: str,
    *,
    size: tuple[int, int],
    frame: tuple[int, int],
    alt: str,
    label: str,
    key: str,
) -> tuple[int, int] | None:
    """Draw it and return the frame's (left, top) in pixels of the picture, None until it moved.

    `image` is a data URL, `size` and `frame` are (width, height) in pixels of the whole picture.
    """
    result = component(FOLDER)(
        key=key,
        data={
            "image": image,
            "size": size,
            "frame": frame,
            "alt": alt,
            "label": label,
        },
        default={"at": None},
        on_at_change=ignore_change,
    )
    at = result.get("at")
    return (int(at[0]), int(at[1])) if at else None
