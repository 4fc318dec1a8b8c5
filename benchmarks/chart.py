"""Quality against cost: `python -m benchmarks.chart --out docs/images/quality-cost.svg`.

The shipped tiers, with the means that `benchmarks.quality --record` wrote into the manifest, among
the published networks of `peers.csv`.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from backend.models.manifest import SHIPPED, read_manifest

PEERS = Path(__file__).parent / "peers.csv"
SET = "Set14"
SCALES = (2, 4)
OURS, THEIRS, PLAIN = "#0b6e4f", "#7a7f87", "#b5b8bd"
LEFT = {"ABPN-M4C28", "ECBSR-M4C32", "ETDS-M M6C32", "SAFMNv3", "EFDN"}
"""The networks whose labels stand on the left; those of others stand on the right."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """One point of the chart."""

    name: str
    cost: float
    """Thousand multiplications per LR pixel; for the peers, thousand parameters."""
    psnr_y: float


def read_peers(scale: int) -> list[Network]:
    """Return the published networks that have a figure at this scale."""
    with PEERS.open(newline="") as file:
        rows = list(csv.DictReader(file))
    column = f"{SET} x{scale}"
    return [
        Network(
            name=row["name"],
            cost=float(row[f"thousand parameters x{scale}"]),
            psnr_y=float(row[column]),
        )
        for row in rows
        if row[column]
    ]


def read_tiers(scale: int) -> tuple[list[Network], float]:
    """Return our tiers, cheapest first, and bicubic enlargement's PSNR on the same set.

    Only tiers that were trained for PSNR have a figure: `photo` is measured by `perceptual`.
    """
    specs = [spec for spec in read_manifest(SHIPPED) if spec.scale == scale and SET in spec.quality]
    tiers = [
        Network(
            name=spec.name,
            cost=(spec.multiplications or 0) / 1000,
            psnr_y=spec.quality[SET]["psnr_y"],
        )
        for spec in specs
    ]
    bicubic = specs[0].quality[SET]["bicubic_psnr_y"]
    return sorted(tiers, key=lambda tier: tier.cost), bicubic


def draw(axes: Axes, *, scale: int) -> None:
    """Draw the points of one scale."""
    tiers, bicubic = read_tiers(scale)
    _points(axes, read_peers(scale), colour=THEIRS, size=18)
    _points(axes, tiers, colour=OURS, size=70, weight="bold")
    axes.set_xscale("log")
    axes.set_xlim(9, 5000)
    axes.set_xticks([10, 30, 100, 300, 1000], labels=["10", "30", "100", "300", "1000"])
    axes.set_title(f"x{scale}: {SET}, PSNR-Y in dB (bicubic: {bicubic:.2f})", loc="left")
    axes.set_xlabel("thousand multiplications per input pixel (peers: parameters)")
    axes.grid(color=PLAIN, linewidth=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def _points(
    axes: Axes, networks: Iterable[Network], *, colour: str, size: float, weight: str = "normal"
) -> None:
    for network in networks:
        axes.scatter(network.cost, network.psnr_y, s=size, color=colour, zorder=3)
        is_left = network.name in LEFT
        axes.annotate(
            network.name,
            (network.cost, network.psnr_y),
            xytext=(-6 if is_left else 6, 0),
            textcoords="offset points",
            ha="right" if is_left else "left",
            va="center",
            fontsize=7 if weight == "normal" else 10,
            fontweight=weight,
            color=colour,
        )


def figure() -> Figure:
    """Draw both scales side by side."""
    mpl.rcParams.update({"svg.hashsalt": "quality-cost", "svg.fonttype": "path", "font.size": 9})
    sheet = Figure(figsize=(11, 4.4), layout="constrained", facecolor="white")
    for axes, scale in zip(sheet.subplots(1, len(SCALES)), SCALES, strict=True):
        draw(axes, scale=scale)
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="an SVG file")
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    figure().savefig(options.out, format="svg", metadata={"Date": None})
    print(options.out)


if __name__ == "__main__":
    main()
