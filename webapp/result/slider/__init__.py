"""Two pictures of one scene, one over the other, with a divider the visitor drags."""

from __future__ import annotations

from typing import assert_never

from webapp.result.slider import builtin, juxtapose
from webapp.result.slider.comparison import Comparison, Start
from webapp.settings import SliderKind

__all__ = ["Comparison", "Start", "show"]


def show(comparison: Comparison, *, kind: SliderKind) -> None:
    """Draw the comparison; one may be drawn once a page.

    The third-party slider shows finished results only.
    """
    match kind:
        case "builtin":
            builtin.show(comparison)
        case "juxtapose":
            if comparison.right is not None:
                words = comparison.texts["before"], comparison.texts["after"]
                juxtapose.show(comparison.left, comparison.right, labels=words, key=comparison.key)
        case _:
            assert_never(kind)
