"""Recognises a picture that was saved again, made smaller, mirrored or cropped a little, and joins no look-alikes.

The embeddings of a network are made to be the same for the same kind of thing, and on photos from one laboratory
everything is. Copies share what a network throws away, where exactly light and dark lie: a small grey picture of that
is what is compared, the one laid upon the other.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from graft.contracts import LIMITS, Bool, Float32, Int, ItemLimits
from graft.decoding.decode import View, render

SAME_PRINT = 0.9
"""Correlation of two prints, one laid upon the other, from which on two pictures are copies of one.

Set on altered copies of 90 photos of each of five sets (furniture, insects, bears, trees, potato leaves), and measured
on copies of others by ``python -m benchmarks copies``.
"""
LIKELY = 0.5
"""Whitened cosine of two outlines below which a pair is not looked at."""
HOPEFUL = 0.68
"""Mean of the whitened and the plain cosine of two outlines below which they are not laid upon each other. Of copies in
four of these sets it was 0.7 at least with 8 % cropped off each side, but for one; most pairs of others lie below."""
SIDE = 32
WIDTH = SIDE * SIDE
"""Numbers in a print, of a recording as well."""

_OUTLINE = 16
_AXES = 64
"""Of a half of a whitened outline so many principal axes are kept; of 10,000 photos they held 99 %."""
_ZOOM = 0.9
"""A copy may be a part of its original: outlines are compared whole, and with the middle of either one."""
_ROUNDS = ((1, 2, 0.6), (1, 3, 0.6), (0, 3, 0.7))
"""At half the resolution: blurs, steps, and the correlation of the pattern below which a pair is then given up."""
_BLANK = 8
"""Levels of grey; a picture that spans fewer shows nothing to know it by."""
_SCALES = (0.8, 1.25)
_SHIFT = 0.2
"""Bounds of what one picture may be of the other: of its sides, and from middle to middle in half sides."""


def picture_print(content: bytes, limits: ItemLimits = LIMITS) -> Float32:
    """What a picture is recognised by: all of it, squashed to a square, in grey ``(1024,) float32``, 0 to 255.

    Raises:
        ItemError: As for ``decode.decode_picture``.
    """
    image, _ = render(content, lambda width, height: View(width, height, width, height, SIDE, SIDE), limits)
    return np.asarray(image.convert("L"), np.float32).reshape(-1)


def show_nothing(prints: Float32) -> Bool:
    """Which pictures are of one colour throughout, but for noise, and show nothing to know them by ``(n,) bool``.

    Args:
        prints: ``(n, 1024) float32`` from ``picture_print``; a picture of zeros is not at hand, and not judged.
    """
    blurred = _blurred(prints.reshape(-1, SIDE, SIDE), 4).reshape(-1, WIDTH)
    return np.asarray((np.ptp(blurred, axis=1) < _BLANK) & prints.any(axis=1), np.bool_)


class Outlines(NamedTuple):
    """Two views of each picture, blurred, by which pairs that may be copies are found.

    The left half of a row is what a mirror leaves alone, the right half what it turns into its negative: with
    ``u_i . v_j`` of the left halves ``e``, of the right halves ``o``, the cosine is ``e + o``, and ``e - o`` with one
    of the two mirrored.

    Attributes:
        whole: The whole pictures ``(n, 256) float32``, of unit length; zeros for a blank picture.
        middle: Their middles, the same.
    """

    whole: Float32
    middle: Float32


def outlines(prints: Float32) -> Outlines:
    """The outlines of pictures as they are.

    Args:
        prints: ``(n, 1024) float32`` from ``picture_print``.
    """
    pictures = prints.reshape(-1, SIDE, SIDE)
    found = Outlines(
        *(_halves(np.asarray(view @ pictures @ view.T, np.float32)) for view in (_view(1.0), _view(_ZOOM)))
    )
    blank = np.ptp(prints, axis=1) < _BLANK
    for view in found:
        view[blank] = 0
    return found


def whitened(plain: Outlines) -> Outlines:
    """Outlines in which what all pictures of a set have in common counts for little.

    They are whitened with the covariance of the whole pictures, shrunk towards a multiple of the identity, and each
    half is brought to its ``_AXES`` principal axes, ``(n, 128) float32`` in all.

    Args:
        plain: From ``outlines``, of one picture at least.
    """
    wide = np.stack(plain)  # (2, n, 256)
    n, h = len(plain.whole), _OUTLINE * _OUTLINE // 2
    first = wide[0]
    wide[:, :, :h] -= first[:, :h].mean(axis=0)
    mean_eigenvalue = float((first**2).sum()) / n / max(1, min(n - 1, 2 * h))
    halves = []
    for part in (slice(0, h), slice(h, 2 * h)):
        covariance = first[:, part].T @ first[:, part] / n
        values, vectors = np.linalg.eigh(covariance.astype(np.float64))
        white = (vectors / np.sqrt(values.clip(0) + max(mean_eigenvalue, 1e-12))).astype(np.float32)[:, -_AXES:]
        halves.append(wide[:, :, part] @ white)
    views = np.concatenate(halves, axis=2)
    views /= np.linalg.norm(views, axis=2, keepdims=True).clip(1e-6)
    views[:, ~plain.whole.any(axis=1)] = 0
    return Outlines(*views)


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
    small_a, small_b = _standard(_halved(a)), _standard(_halved(b))
    found = np.zeros(len(a), np.float32)
    rows = np.arange(len(a))
    for blur, steps, least in _ROUNDS:
        first, second = _blurred(small_a[rows], blur), _blurred(small_b[rows], blur)
        at = _moved(first, second, at, steps)
        kept = _pattern_likeness(_laid(first, at), second, at, 4) >= least
        rows, at = rows[kept], at[kept]
    a, b = _standard(a[rows]), _standard(b[rows])
    at = _moved(_blurred(a, 1), _blurred(b, 1), at, 4)
    found[rows] = _pattern_likeness(_blurred(_laid(a, at), 1), _blurred(b, 1), at, 3)
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
    """Blurred once, at half the resolution."""
    fold = _kernel(SIDE, 1).reshape(SIDE // 2, 2, SIDE).mean(axis=1)
    return np.asarray(fold @ pictures @ fold.T, np.float32)


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


def _pattern_likeness(laid: Float32, b: Float32, at: Float32, coarse: int) -> Float32:
    """Correlation of what is finer than so many blurs, where both can be seen ``(p,) float32``."""
    return _correlation(laid - _blurred(laid, coarse), b - _blurred(b, coarse), _seen(at, b.shape[1]))


def _correlation(a: Float32, b: Float32, weight: Float32) -> Float32:
    """Of the pixels that both have ``(p,) float32``; 0 where fewer than half of them are common."""
    count = weight.sum(axis=(1, 2))
    a, b = ((v - ((v * weight).sum(axis=(1, 2)) / count.clip(1))[:, None, None]) * weight for v in (a, b))
    lengths = np.sqrt((a * a).sum(axis=(1, 2)) * (b * b).sum(axis=(1, 2)))
    common = count >= weight[0].size / 2 if len(weight) else count > 0
    found: Float32 = np.where(common, (a * b).sum(axis=(1, 2)) / lengths.clip(1e-6), 0).astype(np.float32)
    return found
