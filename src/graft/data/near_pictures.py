"""Recognises a picture that was saved again, made smaller, mirrored or cropped a little, and joins no look-alikes.

The embeddings of a network are made to be the same for the same kind of thing, and on photos from one laboratory
everything is. Copies share what a network throws away, where exactly light and dark lie: a small grey picture of that
is what is compared, the one laid upon the other.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from graft.contracts import Float32, Int
from graft.data.decode import View, render

SAME_PRINT = 0.9
"""Correlation of two prints, one laid upon the other, from which on two pictures are copies of one.

Set on altered copies of 90 photos of each of five sets (furniture, insects, bears, trees, potato leaves), and measured
on copies of others by ``python -m benchmarks copies``.
"""
LIKELY = 0.5
"""Whitened cosine of two outlines below which a pair is not looked at."""
SIDE = 32
WIDTH = SIDE * SIDE
"""Numbers in a print."""

_OUTLINE = 16
_ZOOM = 0.9
"""A copy may be a part of its original: outlines are compared whole, and with the middle of either one."""
_HOPEFUL, _FIRST = 0.8, 0.85
"""Correlations at half the resolution below which a pair is given up, on the way and at its end."""
_BLANK = 8
"""Levels of grey; a picture that spans fewer shows nothing to know it by."""
_SCALES = (0.8, 1.25)
_SHIFT = 0.2
"""Bounds of what one picture may be of the other: of its sides, and from middle to middle in half sides."""


def picture_print(content: bytes) -> Float32:
    """What a picture is recognised by: all of it, squashed to a square, in grey ``(1024,) float32``, 0 to 255.

    Raises:
        ItemError: As for ``decode.decode_picture``.
    """
    image, _, _ = render(content, lambda width, height: View(width, height, width, height, SIDE, SIDE))
    return np.asarray(image.convert("L"), np.float32).reshape(-1)


def outlines(prints: Float32) -> tuple[Float32, Float32]:
    """Two views of each picture, by which pairs that may be copies are found.

    Each is blurred and whitened with the covariance of the whole pictures, so that what all pictures of a set have in
    common counts for little. The left half of a row is what a mirror leaves alone, the right half what it turns into
    its negative: with ``u_i . v_j`` of the left halves ``e``, of the right halves ``o``, the cosine is ``e + o``, and
    ``e - o`` with one of the two mirrored.

    Args:
        prints: ``(n, 1024) float32`` from ``picture_print``; one at least.

    Returns:
        The whole pictures and their middles, ``(n, 256) float32`` each, of unit length; zeros for a blank picture.
    """
    pictures = prints.reshape(-1, SIDE, SIDE)
    halves = [_halves(np.asarray(view @ pictures @ view.T, np.float32)) for view in (_view(1.0), _view(_ZOOM))]
    n, h = len(prints), _OUTLINE * _OUTLINE // 2
    mean = halves[0][:, :h].mean(axis=0)
    for view in halves:
        view[:, :h] -= mean
    first = halves[0]
    mean_eigenvalue = float((first**2).sum()) / n / max(1, min(n - 1, 2 * h))
    for part in (slice(0, h), slice(h, 2 * h)):
        covariance = first[:, part].T @ first[:, part] / n
        values, vectors = np.linalg.eigh(covariance.astype(np.float64))
        white = (vectors / np.sqrt(values.clip(0) + max(mean_eigenvalue, 1e-12))).astype(np.float32)
        for view in halves:
            view[:, part] = view[:, part] @ white
    blank = np.ptp(prints, axis=1) < _BLANK
    for view in halves:
        view /= np.linalg.norm(view, axis=1, keepdims=True).clip(1e-6)
        view[blank] = 0
    return halves[0], halves[1]


def aligned_likeness(a: Float32, b: Float32, mirrored: Int, zoom: Int) -> Float32:
    """How alike two pictures are when one is laid upon the other as well as it goes.

    Position and scale, apart for width and height, are found by Gauss-Newton steps with the gradient of ``b`` alone
    (Baker and Matthews, "Lucas-Kanade 20 years on", IJCV 2004), at half the resolution first.

    Args:
        a: Prints ``(p, 1024) float32``.
        b: The other of each pair ``(p, 1024) float32``.
        mirrored: Whether ``a`` is to be mirrored first ``(p,)``.
        zoom: Where to begin ``(p,)``: 1 where ``b`` seems to be a part of ``a``, -1 where ``a`` is one of ``b``, or 0.

    Returns:
        Correlation of the fine pattern ``(p,) float32``, -1 to 1; 0 for pairs that are far from alike.
    """
    a, b = a.reshape(-1, SIDE, SIDE), b.reshape(-1, SIDE, SIDE)
    a = np.where(mirrored[:, None, None] != 0, a[:, :, ::-1], a)
    scale = np.float32(_ZOOM) ** zoom.astype(np.float32)
    at = np.stack([scale, scale, np.zeros_like(scale), np.zeros_like(scale)], axis=1)  # (p, 4)
    small_a, small_b = _standard(_halved(_blurred(a, 1))), _standard(_halved(_blurred(b, 1)))
    found = np.zeros(len(a), np.float32)
    rows = np.arange(len(a))
    for blur, steps, least in ((1, 2, _HOPEFUL), (1, 3, _HOPEFUL), (0, 3, _FIRST)):
        first, second = _blurred(small_a[rows], blur), _blurred(small_b[rows], blur)
        at = _moved(first, second, at, steps)
        kept = _correlation(_laid(first, at), second, _seen(at, SIDE // 2)) >= least
        rows, at = rows[kept], at[kept]
    a, b = _standard(a[rows]), _standard(b[rows])
    at = _moved(_blurred(a, 1), _blurred(b, 1), at, 4)
    laid = _laid(a, at)
    fine, other = _blurred(laid, 1), _blurred(b, 1)
    found[rows] = _correlation(fine - _blurred(fine, 3), other - _blurred(other, 3), _seen(at, SIDE))
    return found


@lru_cache(maxsize=4)
def _view(scale: float) -> Float32:
    """Blurs, takes the middle and halves the resolution ``(16, 32) float32``."""
    middle = (scale * ((np.arange(SIDE) + 0.5) / SIDE * 2 - 1) + 1) * (SIDE / 2) - 0.5
    laid = np.maximum(0, 1 - np.abs(middle[:, None] - np.arange(SIDE))) @ _kernel(SIDE, 4)
    return np.asarray(laid.reshape(_OUTLINE, 2, SIDE).mean(axis=1), np.float32)


def _halves(small: Float32) -> Float32:
    """Sums and differences of small pictures with the mirrored ones ``(n, 256) float32``."""
    small = _standard(small) / np.float32(_OUTLINE)
    left, right = small[:, :, : _OUTLINE // 2], small[:, :, : _OUTLINE // 2 - 1 : -1]
    n = len(small)
    halves = np.concatenate([(left + right).reshape(n, -1), (left - right).reshape(n, -1)], axis=1)
    return np.asarray(halves / np.sqrt(2), np.float32)


def _halved(pictures: Float32) -> Float32:
    n, side, _ = pictures.shape
    half: Float32 = pictures.reshape(n, side // 2, 2, side // 2, 2).mean(axis=(2, 4), dtype=np.float32)
    return half


def _standard(pictures: Float32) -> Float32:
    """Mean 0 and standard deviation 1 each; what is all but blank stays so."""
    centred = pictures - pictures.mean(axis=(1, 2), keepdims=True)
    standard: Float32 = centred / centred.std(axis=(1, 2), keepdims=True).clip(min=1e-2)
    return standard


@lru_cache(maxsize=16)
def _kernel(side: int, times: int) -> Float32:
    """Blurs by (1, 2, 1) / 4 so many times ``(side, side) float32``; the border is repeated."""
    once = np.eye(side) / 2 + np.eye(side, k=1) / 4 + np.eye(side, k=-1) / 4
    once[0, 0] = once[-1, -1] = 0.75
    return np.linalg.matrix_power(once, times).astype(np.float32)


def _blurred(pictures: Float32, times: int) -> Float32:
    kernel = _kernel(pictures.shape[1], times)
    return np.asarray(kernel @ pictures @ kernel.T, np.float32)


def _places(at: Float32, side: int) -> Float32:
    """Where the middles of the pixels come to lie, in pixels of the other picture ``(2, p, side) float32``: x, y."""
    grid = (np.arange(side, dtype=np.float32) + 0.5) / side * 2 - 1
    places = (at[:, :2, None] * grid + at[:, 2:, None] + 1) * np.float32(side / 2) - np.float32(0.5)
    return np.asarray(places.transpose(1, 0, 2), np.float32)


def _laid(pictures: Float32, at: Float32) -> Float32:
    """Each picture through its frame ``at`` (scales and shifts in x and y), bilinearly; zeros beyond its border."""
    side = pictures.shape[1]
    pixels = np.arange(side, dtype=np.float32)
    across, down = (np.maximum(0, 1 - np.abs(place[:, :, None] - pixels)) for place in _places(at, side))
    return np.asarray(down @ pictures @ across.transpose(0, 2, 1), np.float32)


def _seen(at: Float32, side: int) -> Float32:
    """1 where the frame lies within the picture, else 0 ``(p, side, side) float32``."""
    across, down = ((place >= 0) & (place <= side - 1) for place in _places(at, side))
    return np.asarray(down[:, :, None] & across[:, None, :], np.float32)


def _moved(a: Float32, b: Float32, at: Float32, steps: int) -> Float32:
    """Frames through which ``a`` looks more like ``b``, up to brightness and contrast."""
    n, side, _ = a.shape
    grid = (np.arange(side, dtype=np.float32) + 0.5) / side * 2 - 1
    down, across = (gradient * np.float32(side / 2) for gradient in np.gradient(b, axis=(1, 2)))
    slopes = [across * grid, down * grid[:, None], across, down, b, np.ones_like(b)]
    steepest = np.stack(slopes, axis=1).reshape(n, 6, side * side)
    hessian = steepest @ steepest.transpose(0, 2, 1)
    trace = np.trace(hessian, axis1=1, axis2=2)[:, None, None]
    inverse = np.linalg.inv(hessian + np.eye(6, dtype=np.float32) * (1e-3 * trace + 1e-3))
    for _ in range(steps):
        residual = ((b - _laid(a, at)) * _seen(at, side)).reshape(n, side * side, 1)
        step = (inverse @ (steepest @ residual))[:, :4, 0].clip(-0.1, 0.1)
        scales = (at[:, :2] * (1 + step[:, :2])).clip(*_SCALES)
        at = np.concatenate([scales, (at[:, 2:] + at[:, :2] * step[:, 2:]).clip(-_SHIFT, _SHIFT)], axis=1)
    return at


def _correlation(a: Float32, b: Float32, weight: Float32) -> Float32:
    """Of the pixels that both have ``(p,) float32``; 0 where fewer than half of them are common."""
    count = weight.sum(axis=(1, 2))
    a, b = ((v - ((v * weight).sum(axis=(1, 2)) / count.clip(1))[:, None, None]) * weight for v in (a, b))
    lengths = np.sqrt((a * a).sum(axis=(1, 2)) * (b * b).sum(axis=(1, 2)))
    common = count >= weight[0].size / 2 if len(weight) else count > 0
    found: Float32 = np.where(common, (a * b).sum(axis=(1, 2)) / lengths.clip(1e-6), 0).astype(np.float32)
    return found
