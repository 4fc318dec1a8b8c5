"""Networks in the ncnn format: a `.param` file that lists the layers, and a `.bin` of numbers.

A line of the `.param` is `kind name inputs outputs blob… 0=… 1=…`, the meaning of the numbers being
the kind's own. The `.bin` holds, layer by layer, for a Convolution a tag of four bytes, the
(out, in, side, side) weights and the float32 bias, and for a PReLU its float32 slopes; every array
is padded to four bytes. Only what super-resolution networks are made of is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from backend.errors import ModelError

MAGIC = "7767517"
FLOAT16_TAG, FLOAT32_TAG = 0x01306B47, 0
WEIGHT_TYPES: Mapping[int, type[np.floating]] = {FLOAT16_TAG: np.float16, FLOAT32_TAG: np.float32}
_LISTS_FROM = -23300
"""Key -23300 - n holds a list, its length first, where key n would hold one number."""

Numbers = npt.NDArray[np.floating]


@dataclass(frozen=True, kw_only=True)
class Convolution:
    """Stride 1, and zeros around the picture, so that it keeps its size."""

    source: str
    output: str
    weights: Numbers
    """(out, in, side, side), in the file's precision."""
    bias: Numbers
    slope: float
    """Slope for negative results: 1 is no activation, 0 is ReLU."""


@dataclass(frozen=True, kw_only=True)
class PRelu:
    """Negative values are multiplied by their channel's slope."""

    source: str
    output: str
    slopes: Numbers


@dataclass(frozen=True, kw_only=True)
class Concatenation:
    """The concatenation of channels."""

    sources: tuple[str, ...]
    output: str


@dataclass(frozen=True, kw_only=True)
class WeightedSum:
    """Each source times its factor."""

    sources: tuple[str, ...]
    output: str
    factors: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Resizing:
    """Pixels repeated a whole number of times, or bicubic with a = -0.75 and half-pixel centres."""

    source: str
    output: str
    factor: Fraction
    is_bicubic: bool


@dataclass(frozen=True, kw_only=True)
class PixelShuffle:
    """(C * factor**2, H, W) -> (C, H * factor, W * factor)."""

    source: str
    output: str
    factor: int


Layer = Convolution | PRelu | Concatenation | WeightedSum | Resizing | PixelShuffle


@dataclass(frozen=True, kw_only=True)
class Network:
    """The layers, each after those that it needs; the last one's output is the network's."""

    source: str
    """The name of the input: RGB in [0, 1], as the output is."""
    layers: tuple[Layer, ...]

    @property
    def output(self) -> str:
        """The name of the result."""
        return self.layers[-1].output


def sources(layer: Layer) -> tuple[str, ...]:
    """Return the blobs that the layer reads."""
    return layer.sources if isinstance(layer, Concatenation | WeightedSum) else (layer.source,)


def read_network(param: str, data: bytes) -> Network:
    """Parse both files; raise ModelError if they are damaged or have unknown layers."""
    try:
        return _read(param, Arrays(data))
    except (ValueError, KeyError, IndexError, ZeroDivisionError) as exc:
        raise ModelError("The ncnn files are damaged.") from exc


def _read(param: str, arrays: Arrays) -> Network:
    lines = [line.split() for line in param.splitlines() if line.strip()]
    if lines[0] != [MAGIC]:
        raise ModelError("The '.param' file is not one of ncnn.")
    inputs: list[str] = []
    layers: list[Layer] = []
    copied: dict[str, str] = {}  # output of a Split -> the blob it copies
    for words in lines[2:]:
        row = _Row.from_words(words)
        read = tuple(copied.get(name, name) for name in row.inputs)
        if row.kind == "Input":
            inputs += row.outputs
        elif row.kind == "Split":
            copied |= dict.fromkeys(row.outputs, read[0])
        else:
            layers.append(_layer(row, read, row.outputs[0], arrays))
    arrays.check_end()
    network = Network(source=inputs[0], layers=tuple(layers))
    if len(inputs) != 1 or not layers or not _is_in_order(network):
        raise ModelError("The ncnn files are not those of one picture in and one out.")
    return network


def _is_in_order(network: Network) -> bool:
    known = {network.source}
    for layer in network.layers:
        if not known.issuperset(sources(layer)) or layer.output in known:
            return False
        known.add(layer.output)
    return True


@dataclass(frozen=True, kw_only=True)
class _Row:
    """One line of the `.param` file."""

    kind: str
    name: str
    inputs: list[str]
    outputs: list[str]
    parameters: Mapping[int, str]

    @classmethod
    def from_words(cls, words: list[str]) -> _Row:
        kind, name, reads, writes = words[0], words[1], int(words[2]), int(words[3])
        blobs, cells = words[4 : 4 + reads + writes], words[4 + reads + writes :]
        if len(blobs) != reads + writes:
            raise ValueError("blobs are missing")
        pairs = (cell.split("=") for cell in cells)
        return cls(
            kind=kind,
            name=name,
            inputs=blobs[:reads],
            outputs=blobs[reads:],
            parameters={int(key): value for key, value in pairs},
        )

    def whole(self, key: int, default: int | None = None) -> int:
        """Return a whole number; raise KeyError if it is absent and has no default."""
        return int(self.parameters[key] if default is None else self.parameters.get(key, default))

    def numbers(self, key: int) -> tuple[float, ...]:
        """Return a list, empty if it is absent."""
        count, *values = self.parameters.get(_LISTS_FROM - key, "0").split(",")
        if len(values) != int(count):
            raise ValueError("numbers are missing")
        return tuple(float(value) for value in values)

    def check(self, *, is_known: bool) -> None:
        """Raise ModelError unless the layer is of a known kind."""
        if not is_known:
            raise self.error()

    def error(self) -> ModelError:
        """Make an error for an unknown layer or parameter."""
        return ModelError(f"The ncnn layer '{self.name}' ({self.kind}) is of no kind known here.")


def _layer(row: _Row, read: tuple[str, ...], output: str, arrays: Arrays) -> Layer:
    layer: Layer
    match row.kind:
        case "Convolution":
            layer = _convolution(row, read[0], output, arrays)
        case "PReLU":
            slopes = arrays.take(np.float32, row.whole(0))
            layer = PRelu(source=read[0], output=output, slopes=slopes)
        case "Concat":
            row.check(is_known=row.whole(0, 0) == 0)
            layer = Concatenation(sources=read, output=output)
        case "Eltwise":
            factors = row.numbers(1) or (1.0,) * len(read)
            row.check(is_known=row.whole(0, 0) == 1 and len(factors) == len(read))
            layer = WeightedSum(sources=read, output=output, factors=factors)
        case "BinaryOp":
            row.check(is_known=row.whole(0, 0) == row.whole(1, 0) == 0 and len(read) == 2)
            layer = WeightedSum(sources=read, output=output, factors=(1.0, 1.0))
        case "Interp":
            layer = _resizing(row, read[0], output)
        case "PixelShuffle":
            row.check(is_known=row.whole(1, 0) == 0)
            layer = PixelShuffle(source=read[0], output=output, factor=row.whole(0))
        case _:
            raise row.error()
    return layer


def _convolution(row: _Row, source: str, output: str, arrays: Arrays) -> Convolution:
    side = row.whole(1)
    activation = row.whole(9, 0)
    row.check(
        is_known=side % 2 == 1
        and row.whole(11, side) == side  # square kernels
        and row.whole(2, 1) == row.whole(3, 1) == row.whole(5) == 1  # dilation, stride, bias
        and row.whole(4, 0) == side // 2
        and not row.parameters.keys() & {12, 13, 14, 15, 16, 18}  # equal padding on all sides
        and row.whole(8, 0) == 0  # no int8 weights
        and activation in (0, 1, 2)
    )
    outputs, count = row.whole(0), row.whole(6)
    weights = arrays.take_tagged(count).reshape(outputs, -1, side, side)
    return Convolution(
        source=source,
        output=output,
        weights=weights,
        bias=arrays.take(np.float32, outputs),
        slope=(1.0, 0.0, *row.numbers(10))[activation],
    )


def _resizing(row: _Row, source: str, output: str) -> Resizing:
    factor, is_bicubic = Fraction(row.parameters[1]), row.whole(0) == 3
    row.check(
        is_known=Fraction(row.parameters[2]) == factor > 0
        and (is_bicubic or (row.whole(0) == 1 and factor.denominator == 1))
        and row.whole(3, 0) == row.whole(4, 0) == 0  # no fixed output size
        and row.whole(6, 0) == 0  # corners not aligned
    )
    return Resizing(source=source, output=output, factor=factor, is_bicubic=is_bicubic)


class Arrays:
    """A reader of the numbers of a `.bin` file, front to back."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, dtype: type[np.floating], count: int) -> Numbers:
        """Return the next numbers; raise ValueError if the file is too short."""
        values = np.frombuffer(self._data, dtype, count, self._at)
        self._at += -(-values.nbytes // 4) * 4
        return values

    def take_tagged(self, count: int) -> Numbers:
        """Take numbers in the precision that the tag before them names."""
        tag = int(np.frombuffer(self._data, np.uint32, 1, self._at)[0])
        self._at += 4
        if tag not in WEIGHT_TYPES:
            raise ModelError(f"Weights of kind {tag:#x} are not known here.")
        return self.take(WEIGHT_TYPES[tag], count)

    def check_end(self) -> None:
        """Raise ValueError if numbers are left over."""
        if self._at != len(self._data):
            raise ValueError(f"{len(self._data) - self._at} bytes are left over")
