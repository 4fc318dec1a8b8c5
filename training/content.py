"""Fit the weights of `photo_or_drawing`: `python -m training.content --data DIR --art DIR`.

It tells photographs from drawings, rendered pages and scans of them; each is seen as it is, badly
exposed, made smaller, and saved as JPEG. The program prints how often the result is right, also on
pictures that were left out of the fit: each is left out once (four groups). Some files are not what
their folder says: `labels.toml` lists them. The samples of the repository, and their quarters, are
learnt too; the figures leave them out.
"""

from __future__ import annotations

import argparse
import io
import json
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch.nn import functional as F

from backend.images.photo_or_drawing import WEIGHTS_FILE, Judge, features
from training.data import picture_files
from training.pages import scanned_pages
from training.renders import render_pictures

LABELS = Path(__file__).with_name("labels.toml")
SAMPLES = Path(__file__).parents[1] / "sample_images"
SAMPLE = "sample "
"""The start of the samples' names."""
GROUPS = 4
NETWORKS, UNITS = 8, 8
"""The number of networks and of hidden units in each; the judge is their mean, as one network."""
PENALTY = 0.0008
"""Penalty on the squared weights."""
STEPS = 500
LEARNING_RATE = 0.01
DECIMALS = 4
FOG, FOG_SHARE = 170, 0.25
LONGEST = 1024
"""The side to which larger pictures are reduced first, to save time."""
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Example:
    """One view of one picture."""

    picture: str
    view: str
    values: dict[str, float]
    is_photograph: bool


def on_white(image: Image.Image) -> Image.Image:
    """Put the image on white."""
    if image.mode not in ("RGBA", "LA", "P"):
        return image.convert("RGB")
    image = image.convert("RGBA")
    paper = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(paper, image).convert("RGB")


def views(image: Image.Image) -> Iterator[tuple[str, Image.Image]]:
    """Yield the picture, then badly exposed, halved and saved as JPEG."""
    image.thumbnail((LONGEST, LONGEST))
    yield "whole", image
    yield "three stops darker", darker(image)
    yield "in fog", image.point(lambda level: FOG + level * FOG_SHARE)
    yield "JPEG 20", saved(image, 20)
    yield "halved", reduced(image, 2)
    yield "halved, JPEG 60", saved(reduced(image, 2), 60)
    yield "quartered, darker", darker(reduced(image, 4))
    grey = reduced(image, 2).convert("L").convert("RGB")
    for name, change in (("", None), (", darker", darker), (", JPEG 20", _saved_badly)):
        yield f"grey{name}", grey if change is None else change(grey)


def darker(image: Image.Image) -> Image.Image:
    """Darken the picture as an exposure with an eighth of the light would."""
    levels = np.arange(256) / 255
    light = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4) / 8
    seen = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return image.point([int(level) for level in seen * 255] * 3)


def _saved_badly(image: Image.Image) -> Image.Image:
    return saved(image, 20)


def saved(image: Image.Image, quality: int) -> Image.Image:
    """Return the picture as a JPEG shows it."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def reduced(image: Image.Image, factor: int) -> Image.Image:
    """Reduce the image by bicubic interpolation."""
    size = max(1, image.width // factor), max(1, image.height // factor)
    return image.resize(size, Image.Resampling.BICUBIC)


def examples(name: str, image: Image.Image, *, is_photograph: bool) -> Iterator[Example]:
    """Return all views of a picture."""
    for view, seen in views(on_white(image)):
        yield Example(
            picture=name,
            view=view,
            values=features(np.asarray(seen)),
            is_photograph=is_photograph,
        )


def fit(names: Sequence[str], inputs: Matrix, labels: Matrix) -> Judge:
    """Fit a judge; `inputs` is (examples, features), `labels` 1 for a photograph, else 0."""
    torch.manual_seed(1)
    mean, deviation = inputs.mean(0), inputs.std(0) + 1e-6
    x = torch.tensor((inputs - mean) / deviation, dtype=torch.float32)
    is_photograph = torch.tensor(labels, dtype=torch.float32).expand(NETWORKS, -1)
    # Both kinds have equal weight, however many there are.
    share = is_photograph.mean()
    balance = torch.where(is_photograph == 1, 0.5 / share, 0.5 / (1 - share))
    hidden = torch.randn(NETWORKS, x.shape[1], UNITS).div(x.shape[1] ** 0.5).requires_grad_()
    hidden_bias = torch.zeros(NETWORKS, 1, UNITS, requires_grad=True)
    output = torch.randn(NETWORKS, UNITS, 1).div(UNITS**0.5).requires_grad_()
    output_bias = torch.zeros(NETWORKS, 1, 1, requires_grad=True)
    optimizer = torch.optim.Adam([hidden, hidden_bias, output, output_bias], lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    for _ in range(STEPS):
        scores = ((x @ hidden + hidden_bias).relu() @ output + output_bias)[..., 0]
        losses = F.binary_cross_entropy_with_logits(
            scores, is_photograph, weight=balance, reduction="none"
        )
        squares = hidden.square().sum() + output.square().sum()
        optimizer.zero_grad()
        (losses.mean(1).sum() + PENALTY * squares).backward()
        optimizer.step()
        schedule.step()
    return Judge(
        names=tuple(names),
        mean=mean.round(DECIMALS),
        deviation=deviation.round(DECIMALS + 2),
        hidden=_rounded(hidden.transpose(1, 2).flatten(0, 1)),
        hidden_bias=_rounded(hidden_bias.flatten()),
        output=_rounded(output.flatten() / NETWORKS),
        output_bias=float(_rounded(output_bias.mean())),
    )


def _rounded(weights: torch.Tensor) -> Matrix:
    return np.asarray(weights.detach().double().numpy().round(DECIMALS))


def is_right(judge: Judge, inputs: Matrix, labels: Matrix) -> npt.NDArray[np.bool_]:
    """Return for each example whether it is judged right."""
    scores = np.array([judge.score(values) for values in inputs])
    return np.asarray((scores > 0) == (labels == 1))


def left_out(
    names: Sequence[str], inputs: Matrix, labels: Matrix, groups: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Return whether weights that never saw an example's picture judge it right."""
    right = np.zeros(len(labels), bool)
    for group in range(GROUPS):
        test = groups == group
        judge = fit(names, inputs[~test], labels[~test])
        right[test] = is_right(judge, inputs[test], labels[test])
    return right


def load(*, data: Path, art: Path) -> list[Example]:
    """Return every view of every picture."""
    labels = tomllib.loads(LABELS.read_text(encoding="utf-8"))
    found: list[Example] = []
    for folder, usual in ((data, True), (art, False)):
        for path in picture_files(folder):
            if any(each in path.name for each in labels["doubtful"]):
                continue
            exceptions = labels["drawings" if usual else "photographs"]
            is_photograph = usual != any(each in path.name for each in exceptions)
            with Image.open(path) as opened:
                found += examples(path.name, opened, is_photograph=is_photograph)
    for i, image in enumerate(render_pictures(seed=1)):
        found += examples(f"render {i}", image, is_photograph=False)
    for i, image in enumerate(scanned_pages(seed=1)):
        found += examples(f"page {i}", image, is_photograph=False)
    for path in picture_files(SAMPLES):
        with Image.open(path) as opened:
            for image in (opened, *quarters(opened)):
                found += examples(
                    f"{SAMPLE}{path.name}", image, is_photograph=path.suffix == ".jpg"
                )
    return found


def quarters(image: Image.Image) -> Iterator[Image.Image]:
    """Yield the four quarters."""
    width, height = image.width // 2, image.height // 2
    for top, left in product((0, height), (0, width)):
        yield image.crop((left, top, left + width, top + height))


def report(title: str, right: npt.NDArray[np.bool_], found: list[Example]) -> None:
    """Print the percentages of each kind, in every view."""
    photograph = np.array([each.is_photograph for each in found])
    page = np.array([each.picture.startswith("page ") for each in found])
    sample = np.array([each.picture.startswith(SAMPLE) for each in found])
    seen = np.array([each.view for each in found])
    print(f"{title}: {right[~sample].mean():.2%} of all views right")
    for view in dict.fromkeys(seen):
        shares = [
            f"{kind} {right[which & (seen == view)].mean():.2%}"
            for kind, which in (
                ("photographs", photograph & ~sample),
                ("drawings", ~photograph & ~page & ~sample),
                ("scanned pages", page),
            )
        ]
        print(f"  {view}: {', '.join(shares)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--art", type=Path, required=True, help="folder of drawings")
    parser.add_argument("--out", type=Path, default=WEIGHTS_FILE)
    options = parser.parse_args()
    found = load(data=options.data, art=options.art)
    names = list(found[0].values)
    inputs = np.array([[each.values[name] for name in names] for each in found])
    labels = np.array([float(each.is_photograph) for each in found])
    pictures = {name: i for i, name in enumerate(dict.fromkeys(each.picture for each in found))}
    groups = np.array([pictures[each.picture] % GROUPS for each in found])
    judge = fit(names, inputs, labels)
    report("as fitted", is_right(judge, inputs, labels), found)
    report("left out", left_out(names, inputs, labels, groups), found)
    save(judge, options.out)


def save(judge: Judge, path: Path) -> None:
    """Save the judge, a line for each field and hidden unit."""
    table = {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in asdict(judge).items()
    }
    units = ",\n    ".join(json.dumps(row) for row in table.pop("hidden"))
    lines = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in table.items()]
    lines.append(f'  "hidden": [\n    {units}\n  ]')
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
