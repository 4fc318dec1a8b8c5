"""Two pictures of one scene, one over the other, with a divider the visitor drags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, assert_never

from webapp.result.slider import builtin, juxtapose

__all__ = ["Kind", "show"]

Kind = Literal["builtin", "juxtapose"]


def show(
    left: bytes,
    right: bytes,
    *,
    labels: tuple[str, str],
    texts: Mapping[str, str],
    key: str,
    kind: Kind = "builtin",
    slot: str = "result",
    sweeps: bool = False,
    details: tuple[str, str] | None = None,
) -> None:
    """Draw two sides made by `side.pack`, the left one magnified to the size of the right one.

    `key` names the pair of pictures: derive it from the digest of the input and the options, and
    never use it for other pixels. While it stays the same the visitor keeps divider and zoom. One
    `slot` may be drawn once a page. `texts` are the words on the built-in slider's controls. With
    `sweeps` the first slider of a page load moves its divider once, unless motion is unwanted.
    `details` are addresses of the two whole pictures, to which the built-in slider adds
    `/COLUMN-ROW.webp` for the pieces of `detail.TILE_SIDE` that are looked at closely.
    """
    match kind:
        case "builtin":
            builtin.show(
                left,
                right,
                labels=labels,
                texts=texts,
                key=key,
                slot=slot,
                sweeps=sweeps,
                details=details,
            )
        case "juxtapose":
            words = texts["before"], texts["after"]
            juxtapose.show(left, right, labels=words, key=key)
        case _:
            assert_never(kind)
