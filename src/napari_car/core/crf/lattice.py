"""Gaussian filtering in linear time with the permutohedral lattice.

Adams, Baek and Davis: "Fast High-Dimensional Filtering Using the Permutohedral Lattice", Eurographics 2010. The
lattice divides the feature space into simplices. A value is spread over the d + 1 vertices of its simplex (splat),
the vertices are blurred along the d + 1 lattice directions, and the result is read back at the same d + 1 vertices
(slice). All three are sums of few rows, which ``embedding_bag`` does in parallel, in a fixed order and without the
interpreter lock.
"""

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float32, Int32, Int64
from torch import Tensor
from torch.nn.functional import embedding_bag

from napari_car.errors import ConfigError

_POINTS_PER_BLOCK = 1 << 14
"""Points whose simplices are found at once: the intermediate tensors of a block stay in the processor's cache."""

_MAX_NUMBER_BITS = 62


@dataclass(frozen=True, slots=True)
class PermutohedralLattice:
    """The vertices around a set of points, with all that is needed to filter values given at these points.

    Takes about 0.1 kB per point and 0.1 kB per vertex for d = 5. Photographs have about one vertex per point, noise
    up to six.

    Attributes
    ----------
    splat_points, splat_weights : (n * (d + 1),) int32 and float32
        Points and their barycentric coordinates, grouped by vertex.
    splat_starts : (n_vertices + 1,) int32
        Where each vertex's group starts. The last, empty group makes a row of zeros: the vertex that is not there.
    neighbors : (d + 1, n_vertices + 1, 3) int32
        For each direction and vertex: itself, the one before, the one after.
    blur_weights : (n_vertices + 1, 3) float32
        1, 1/2, 1/2 in each row.
    slice_vertices, slice_weights : (n, d + 1) int32 and float32
        Vertices of each point's simplex and its barycentric coordinates.
    """

    splat_points: Int32[Tensor, " incidences"]
    splat_weights: Float32[Tensor, " incidences"]
    splat_starts: Int32[Tensor, " vertices"]
    neighbors: Int32[Tensor, "corners vertices 3"]
    blur_weights: Float32[Tensor, "vertices 3"]
    slice_vertices: Int32[Tensor, "n corners"]
    slice_weights: Float32[Tensor, "n corners"]

    @classmethod
    def build(cls, features: Float32[Tensor, "d n"]) -> "PermutohedralLattice":
        """Find the lattice vertices around points.

        Parameters
        ----------
        features : (d, n) float32
            Coordinates in units of the Gaussian's standard deviation; n >= 1.

        Raises
        ------
        ConfigError
            If the points lie so far apart, in standard deviations, that vertices cannot be numbered in 64 bits.
        """
        d, n = features.shape
        numbering = _VertexNumbering.around(features)
        keys = features.new_empty((d + 1, n), dtype=torch.int64)
        weights = torch.empty_like(keys, dtype=torch.float32)
        for start in range(0, n, _POINTS_PER_BLOCK):
            block = slice(start, start + _POINTS_PER_BLOCK)
            keys[:, block], weights[:, block] = _enclosing_simplices(features[:, block], numbering)

        # A stable sort groups the incidences by vertex in a reproducible order: sums come out the same every time.
        sorted_keys, order = torch.sort(keys.view(-1), stable=True)
        vertices, n_incidences = torch.unique_consecutive(sorted_keys, return_counts=True)
        del keys, sorted_keys
        n_vertices = len(vertices)
        vertex_of_sorted = torch.repeat_interleave(
            torch.arange(n_vertices, dtype=torch.int32, device=order.device), n_incidences, output_size=len(order)
        )
        slice_vertices = torch.empty_like(vertex_of_sorted).scatter_(0, order, vertex_of_sorted)
        starts = torch.zeros(n_vertices + 1, dtype=torch.int32, device=order.device)
        starts[1:] = n_incidences.cumsum(0)
        return cls(
            splat_points=(order % n).int(),
            splat_weights=weights.view(-1).index_select(0, order),
            splat_starts=starts,
            neighbors=_find_neighbors(vertices, numbering),
            blur_weights=weights.new_tensor([1.0, 0.5, 0.5]).repeat(n_vertices + 1, 1),
            slice_vertices=slice_vertices.view(d + 1, n).T.contiguous(),
            slice_weights=weights.T.contiguous(),
        )

    def filter(self, values: Float32[Tensor, "n channels"]) -> Float32[Tensor, "n channels"]:
        """Filter values given at the points with the Gaussian of unit standard deviation.

        Approximate, and up to a constant factor: the result has a meaning only relative to that for ones (see
        :meth:`normalized`). Symmetrically normalised, photographs' pixels come out within some per cent.
        """
        table = embedding_bag(
            self.splat_points, values, self.splat_starts, mode="sum", per_sample_weights=self.splat_weights
        )
        for neighbors in self.neighbors:
            table = embedding_bag(neighbors, table, mode="sum", per_sample_weights=self.blur_weights)
        return embedding_bag(self.slice_vertices, table, mode="sum", per_sample_weights=self.slice_weights)

    def normalized(self) -> "PermutohedralLattice":
        """Return the lattice of the symmetrically normalised kernel D^-1/2 K D^-1/2, where D = diag(K 1)."""
        ones = self.slice_weights.new_ones((len(self.slice_weights), 1))
        scale = self.filter(ones).add_(1e-20).rsqrt_()
        return replace(
            self,
            splat_weights=self.splat_weights * scale[:, 0].index_select(0, self.splat_points),
            slice_weights=self.slice_weights * scale,
        )


@dataclass(frozen=True, slots=True)
class _VertexNumbering:
    """One 64-bit number for each lattice vertex near the points.

    All d + 1 coordinates of a vertex have the same remainder r modulo d + 1 and sum to zero, so d quotients and r
    determine it: number = (sum of quotient * stride) * (d + 1) + r. There is room for the neighbours of every vertex.
    """

    lowest: Int64[Tensor, "d 1"]
    strides: Int64[Tensor, "d 1"]

    @classmethod
    def around(cls, features: Tensor) -> "_VertexNumbering":
        """Return a numbering for the vertices in the points' bounding box."""
        low, high = features.amin(1).double(), features.amax(1).double()
        scales = _axis_scales(len(features)).to(low)
        low, high = low * scales, high * scales
        d = len(features)
        strides, stride, lowest = [0] * d, 1, [0] * d
        for axis in range(d):
            # Elevated coordinate `axis`, see _elevate: at most the sum of those after it less `axis` times the own.
            least = float(low[axis:].sum() - (axis * high[axis - 1] if axis else 0.0)) / (d + 1)
            most = float(high[axis:].sum() - (axis * low[axis - 1] if axis else 0.0)) / (d + 1)
            # Rounding and wrapping move a quotient by at most 2, a neighbour by 1.
            lowest[axis], strides[axis] = math.floor(least) - 4, stride
            stride *= math.ceil(most) + 4 - lowest[axis]
        if math.log2(stride * (d + 1)) > _MAX_NUMBER_BITS:
            raise ConfigError("The dense CRF's standard deviations are too small for this image; use larger ones.")
        return cls(
            lowest=torch.tensor(lowest, device=features.device)[:, None],
            strides=torch.tensor(strides, device=features.device)[:, None],
        )


def _axis_scales(d: int) -> Tensor:
    """Return the diagonal of E (Adams et al., p. 5) for the blur's standard deviation, as (d,) float32."""
    # Rounded to single precision where Krähenbühl's program does, for the same simplices at cell borders.
    blur_deviation = torch.tensor(math.sqrt(2.0 / 3.0) * (d + 1), dtype=torch.float32).item()
    return torch.tensor([blur_deviation / math.sqrt((i + 1) * (i + 2)) for i in range(d)], dtype=torch.float32)


def _elevate(features: Tensor) -> Tensor:
    """Embed (d, n) features in the hyperplane of R^(d+1) whose coordinates sum to zero, as (d + 1, n)."""
    d, n = features.shape
    scaled = features * _axis_scales(d).to(features.device)[:, None]
    elevated = features.new_empty((d + 1, n))
    after = features.new_zeros(n)
    for axis in range(d, 0, -1):
        elevated[axis] = after - scaled[axis - 1] * axis
        after += scaled[axis - 1]
    elevated[0] = after
    return elevated


def _enclosing_simplices(features: Tensor, numbering: _VertexNumbering) -> tuple[Tensor, Tensor]:
    """Return numbers of the vertices with remainder 0 to d of each point's simplex, and barycentric coordinates.

    Both are (d + 1, n): int64 and float32.
    """
    d = len(features)
    elevated = _elevate(features)
    quotient = torch.round(elevated * (1.0 / (d + 1)))  # the nearest vertex of remainder 0, divided by d + 1
    rank = _descending_rank(elevated - quotient * (d + 1))
    # Where the rounded coordinates do not sum to zero, the nearest vertex lies outside the hyperplane: wrap it back.
    rank += quotient.sum(0).int()
    wrap = (rank < 0).int() - (rank > d).int()
    rank += wrap * (d + 1)
    quotient += wrap

    offset = (elevated - quotient * (d + 1)) * (1.0 / (d + 1))
    ascending = torch.empty_like(offset).scatter_(0, (d - rank).long(), offset)
    weights = torch.empty_like(offset)
    weights[0] = ascending[0] + (1.0 - ascending[d])
    weights[1:] = ascending[1:] - ascending[:-1]

    # The vertex of remainder r is the one of remainder r - 1 plus one everywhere, less d + 1 at the coordinate of rank
    # d + 1 - r. Coordinate d is not part of the number: its stride is 0.
    step = numbering.strides.new_zeros((d + 1, 1))
    step[:d] = numbering.strides
    step_by_rank = torch.empty_like(rank, dtype=torch.int64).scatter_(0, rank.long(), step.expand_as(rank))
    numbers = torch.empty_like(step_by_rank)
    numbers[0] = ((quotient[:d].long() - numbering.lowest) * numbering.strides).sum(0)
    for remainder in range(1, d + 1):
        numbers[remainder] = numbers[remainder - 1] - step_by_rank[d + 1 - remainder]
    return numbers * (d + 1) + torch.arange(d + 1, device=numbers.device)[:, None], weights


def _descending_rank(values: Tensor) -> Tensor:
    """Return each row's place (0 = largest) in its column's descending order; the later of equal rows is first."""
    rank = torch.zeros_like(values, dtype=torch.int32)
    for i in range(len(values) - 1):
        smaller = values[i] < values[i + 1 :]
        rank[i] += smaller.sum(0, dtype=torch.int32)
        rank[i + 1 :] += ~smaller
    return rank


def _find_neighbors(vertices: Tensor, numbering: _VertexNumbering) -> Tensor:
    """Return, for each direction, each vertex with the one before and the one after it, as int32.

    ``vertices`` (n_vertices,) holds sorted numbers; n_vertices itself stands for a neighbour that is not there.
    """
    d, n_vertices = len(numbering.strides), len(vertices)
    absent = n_vertices
    own = torch.arange(n_vertices + 1, dtype=torch.int32, device=vertices.device)
    neighbors = own.repeat_interleave(3).repeat(d + 1).view(d + 1, n_vertices + 1, 3)
    # One less everywhere: the remainder falls by one, or, from 0, to d with all quotients one less.
    remainder = vertices % (d + 1)
    borrow = int(numbering.strides.sum()) * (d + 1) - (d + 1)
    before_any = vertices - 1 - torch.where(remainder == 0, borrow, 0)
    for direction in range(d + 1):
        # ... and d + 1 more along the direction: one quotient more. The last coordinate is not part of the number.
        step = int(numbering.strides[direction]) * (d + 1) if direction < d else 0
        wanted = before_any + step
        found = torch.searchsorted(vertices, wanted).clamp_(max=n_vertices - 1)
        found = torch.where(vertices.index_select(0, found) == wanted, found, absent)
        neighbors[direction, :-1, 1] = found
        # "After" is the reverse of "before".
        after = torch.full_like(own, absent).scatter_(0, found, own[:-1])
        after[absent] = absent
        neighbors[direction, :, 2] = after
    return neighbors
