"""Find the weights of `backend.content`: `python -m training.content --data DIR --art DIR`.

Photographs against drawings and rendered pages, each as it is, made smaller, and saved as JPEG.
Prints how often the result is right, also on pictures that it was not made from: every picture is
left out once (eight groups). What a folder holds is not always what its name says: `--photographs`
and `--drawings` name the exceptions, one part of a file name a line.
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from backend.content import WEIGHTS, features
from training.data import picture_files
from training.renders import render_pictures

GROUPS = 8
RIDGE = 1.0
"""Keeps weights small; in units of one example."""
NEWTON_STEPS = 30
QUALITIES = (40, 75, 92)
REDUCTIONS = (2, 4)
LONGEST = 2048
"""Larger pictures are made smaller first, to save time."""
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Example:
    """One look at one picture."""

    picture: str
    view: str
    values: dict[str, float]
    is_photograph: bool


def on_white(image: Image.Image) -> Image.Image:
    """Without transparency."""
    if image.mode not in ("RGBA", "LA", "P"):
        return image.convert("RGB")
    image = image.convert("RGBA")
    paper = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(paper, image).convert("RGB")


def views(image: Image.Image) -> Iterator[tuple[str, Image.Image]]:
    """The picture, then made smaller, then at half size as JPEG."""
    if max(image.size) > LONGEST:
        image.thumbnail((LONGEST, LONGEST))
    yield "whole", image
    for factor in REDUCTIONS:
        yield f"1/{factor}", reduced(image, factor)
    for quality in QUALITIES:
        file = io.BytesIO()
        reduced(image, 2).save(file, "JPEG", quality=quality)
        yield f"JPEG {quality}", Image.open(file).convert("RGB")


def reduced(image: Image.Image, factor: int) -> Image.Image:
    """By bicubic."""
    size = max(1, image.width // factor), max(1, image.height // factor)
    return image.resize(size, Image.Resampling.BICUBIC)


def examples(name: str, image: Image.Image, *, is_photograph: bool) -> Iterator[Example]:
    """All views of a picture."""
    for view, seen in views(on_white(image)):
        yield Example(
            picture=name,
            view=view,
            values=features(np.asarray(seen)),
            is_photograph=is_photograph,
        )


def fit(inputs: Matrix, labels: Matrix) -> Matrix:
    """Weights, the bias last, of a ridge-penalised logistic regression by Newton's method."""
    x = np.hstack([inputs, np.ones((len(inputs), 1))])
    # Both kinds count the same, however many there are.
    balance = np.where(labels == 1, 0.5 / labels.mean(), 0.5 / (1 - labels.mean()))
    penalty = RIDGE * np.eye(x.shape[1])
    penalty[-1, -1] = 0
    weights = np.zeros(x.shape[1])
    for _ in range(NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-x @ weights))
        gradient = x.T @ (balance * (chance - labels)) + penalty @ weights
        curvature = (x * (balance * chance * (1 - chance))[:, None]).T @ x + penalty
        weights -= np.linalg.solve(curvature, gradient)
    return weights


def standardised(inputs: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    """(inputs with mean 0 and deviation 1, means, deviations)."""
    mean, deviation = inputs.mean(0), inputs.std(0) + 1e-6
    return (inputs - mean) / deviation, mean, deviation


def is_right(inputs: Matrix, labels: Matrix, weights: Matrix) -> npt.NDArray[np.bool_]:
    """For each example."""
    return np.asarray((inputs @ weights[:-1] + weights[-1] > 0) == (labels == 1))


def left_out(
    inputs: Matrix, labels: Matrix, groups: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Whether each example is judged rightly by weights that never saw its picture."""
    right = np.zeros(len(labels), bool)
    for group in range(GROUPS):
        test = groups == group
        right[test] = is_right(inputs[test], labels[test], fit(inputs[~test], labels[~test]))
    return right


def load(options: argparse.Namespace) -> list[Example]:
    """Every view of every picture."""
    drawn = options.drawings.read_text().split() if options.drawings else []
    photographed = options.photographs.read_text().split() if options.photographs else []
    found: list[Example] = []
    for folder, usual in ((options.data, True), (options.art, False)):
        for path in picture_files(folder):
            exceptions = drawn if usual else photographed
            is_photograph = usual != any(each in path.name for each in exceptions)
            with Image.open(path) as image:
                found += examples(path.name, image, is_photograph=is_photograph)
    for i, image in enumerate(render_pictures(seed=1)):
        found += examples(f"render {i}", image, is_photograph=False)
    return found


def report(title: str, right: npt.NDArray[np.bool_], found: list[Example]) -> None:
    """Percentages of all views, of whole pictures, and of each kind."""
    whole = np.array([each.view == "whole" for each in found])
    photograph = np.array([each.is_photograph for each in found])
    print(
        f"{title}: {right.mean():.2%} of all views right, whole pictures {right[whole].mean():.2%} "
        f"(photographs {right[whole & photograph].mean():.2%}, "
        f"others {right[whole & ~photograph].mean():.2%})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--art", type=Path, required=True, help="folder of drawings")
    parser.add_argument("--photographs", type=Path, help="photographs among the drawings")
    parser.add_argument("--drawings", type=Path, help="drawings among the photographs")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    options = parser.parse_args()
    found = load(options)
    names = list(found[0].values)
    inputs = np.array([[each.values[name] for name in names] for each in found])
    labels = np.array([float(each.is_photograph) for each in found])
    pictures = {name: i for i, name in enumerate(dict.fromkeys(each.picture for each in found))}
    groups = np.array([pictures[each.picture] % GROUPS for each in found])
    inputs, mean, deviation = standardised(inputs)
    weights = fit(inputs, labels)
    report("as fitted", is_right(inputs, labels, weights), found)
    report("left out", left_out(inputs, labels, groups), found)
    table = {
        name: [round(float(value), 5) for value in row]
        for name, *row in zip(names, mean, deviation, weights[:-1], strict=True)
    }
    table["bias"] = [round(float(weights[-1]), 5)]
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in table.items())
    options.out.write_text("{\n" + lines + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
