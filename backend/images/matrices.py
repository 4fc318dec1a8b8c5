"""Matrices of three by three, for a handful of numbers: the decoding process has no NumPy."""

from __future__ import annotations

from collections.abc import Sequence

Vector = Sequence[float]
Matrix = Sequence[Vector]


def transformed(matrix: Matrix, vector: Vector) -> Vector:
    """Multiply a matrix by a column."""
    return tuple(sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)


def product(left: Matrix, right: Matrix) -> Matrix:
    """Multiply two matrices."""
    columns = [transformed(left, column) for column in zip(*right, strict=True)]
    return tuple(zip(*columns, strict=True))


def inverse(matrix: Matrix) -> Matrix:
    """Invert by Cramer's rule; ZeroDivisionError if the rows depend on each other."""
    (a, b, c), (d, e, f), (g, h, i) = matrix
    cofactors = (
        (e * i - f * h, c * h - b * i, b * f - c * e),
        (f * g - d * i, a * i - c * g, c * d - a * f),
        (d * h - e * g, b * g - a * h, a * e - b * d),
    )
    determinant = a * cofactors[0][0] + b * cofactors[1][0] + c * cofactors[2][0]
    return tuple(tuple(value / determinant for value in row) for row in cofactors)
