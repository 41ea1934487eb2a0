"""Mean-field inference as written in Krähenbühl and Koltun (NIPS 2011), every pixel with every other one.

The oracle for the fast code: O(pixels²), float64, one loop per symbol.
"""

import math

import numpy as np


def gaussian_kernel(features: np.ndarray) -> np.ndarray:
    """k(f_i, f_j) = exp(-|f_i - f_j|² / 2) for (n, d) features in standard deviations."""
    n = len(features)
    kernel = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            kernel[i, j] = math.exp(-0.5 * sum((features[i] - features[j]) ** 2))
    return kernel


def symmetrically_normalized(kernel: np.ndarray) -> np.ndarray:
    """k(i, j) / sqrt(sum_j k(i, j) · sum_i k(i, j)), as the authors' program does it."""
    row_sums = kernel.sum(axis=1)
    return kernel / np.sqrt(row_sums[:, None] * row_sums[None, :])


def crf_features(image: np.ndarray, sxy_px: float, srgb: float | None = None) -> np.ndarray:
    """(n, 2) positions, or (n, 5) positions and colours, in standard deviations (Eq. 3)."""
    height, width = image.shape[:2]
    features = []
    for row in range(height):
        for col in range(width):
            color = [] if srgb is None else [float(value) / srgb for value in image[row, col]]
            features.append([col / sxy_px, row / sxy_px, *color])
    return np.array(features)


def mean_field(
    unary: np.ndarray, kernels: list[tuple[float, np.ndarray]], n_iterations: int, *, own_message: bool = True
) -> np.ndarray:
    """Algorithm 1 with Potts compatibility μ(l, l') = [l ≠ l'].

    ``unary`` is (n, labels); each kernel is its weight and its (n, n) matrix. The paper sums messages over j ≠ i; the
    authors' program includes i's own message, as ``own_message`` does.
    """
    n, n_labels = unary.shape
    marginals = _normalized(np.exp(-unary))
    for _ in range(n_iterations):
        energy = unary.astype(float).copy()
        for weight, kernel in kernels:
            for i in range(n):
                message = np.zeros(n_labels)
                for j in range(n):
                    message += kernel[i, j] * marginals[j] * (own_message or j != i)
                for label in range(n_labels):
                    energy[i, label] += weight * sum(message[other] for other in range(n_labels) if other != label)
        marginals = _normalized(np.exp(-(energy - energy.min(axis=1, keepdims=True))))
    return marginals


def _normalized(weights: np.ndarray) -> np.ndarray:
    """Divide rows by their sum."""
    return weights / weights.sum(axis=1, keepdims=True)
