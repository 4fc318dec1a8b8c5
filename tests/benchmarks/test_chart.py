"""The figure of quality against cost shows every network."""

from __future__ import annotations

import pytest

from benchmarks.chart import SCALES, figure, read_peers, read_tiers


@pytest.mark.parametrize(("panel", "scale"), list(enumerate(SCALES)))
def test_every_tier_and_every_peer_is_a_point(panel: int, scale: int) -> None:
    tiers, bicubic = read_tiers(scale)
    assert sorted(tier.name for tier in tiers) == ["fast", "quality"]
    assert all(tier.psnr_y > bicubic for tier in tiers)
    axes = figure().axes[panel]
    labels = {text.get_text() for text in axes.texts}
    assert labels == {network.name for network in [*tiers, *read_peers(scale)]}
