"""Expected values of striate-saliency from numpy and scipy. Usage: saliency.py OUT

Made with numpy 2.4.6 and scipy 1.17.1; the definitions are written out, so near versions serve.
"""

import sys
from pathlib import Path

import numpy as np
import scipy
from safetensors.numpy import save_file
from scipy import ndimage, stats

print(f"numpy {np.__version__}, scipy {scipy.__version__}")
out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(20260801)
eps = np.finfo(float).eps
H, W = 24, 32


def density(m):
    return m / m.sum()


def pearson(a, b):
    return np.corrcoef(a.ravel(), b.ravel())[0, 1]


def judd(saliency, fixated):
    """Bylinskii et al. 2019: a threshold at each fixated value, trapezoids between."""
    at = np.sort(saliency[fixated])[::-1]
    n, pixels = len(at), saliency.size
    tp, fp = [0.0], [0.0]
    for i, threshold in enumerate(at):
        above = (saliency >= threshold).sum()
        tp.append((i + 1) / n)
        fp.append((above - (i + 1)) / (pixels - n))
    return np.trapezoid(tp + [1.0], fp + [1.0])


def shuffled(saliency, fixated, other):
    positives, negatives = saliency[fixated], saliency[other & ~fixated]
    wins = sum((p > n) + 0.5 * (p == n) for p in positives for n in negatives)
    return wins / (len(positives) * len(negatives))


def partial(a, b, controls):
    x = np.stack([np.ones(a.size)] + [c.ravel() for c in controls], 1)
    rest = [m.ravel() - x @ np.linalg.lstsq(x, m.ravel(), rcond=None)[0] for m in (a, b)]
    return np.corrcoef(*rest)[0, 1]


def area(m, h, w):
    """Area average by differences of the interpolated integral along each axis."""
    for axis, new in ((0, h), (1, w)):
        m = np.moveaxis(m, axis, 0)
        integral = np.concatenate([np.zeros((1, m.shape[1])), np.cumsum(m, 0)])
        at = np.linspace(0, m.shape[0], new + 1)
        values = np.stack([np.interp(at, np.arange(len(integral)), c) for c in integral.T], 1)
        m = np.moveaxis(np.diff(values, axis=0) * new / m.shape[0], 0, axis)
    return m


def residual(image, smoothing):
    f = np.fft.fft2(image - image.mean())
    amplitude, phase = np.abs(f), np.angle(f)
    floor = 1e-6 * amplitude.max()
    log = np.log(np.maximum(amplitude, floor))
    average = ndimage.uniform_filter(log, 3, mode="wrap")
    spectrum = np.where(amplitude > floor, np.exp(log - average), 0) * np.exp(1j * phase)
    return density(ndimage.gaussian_filter(np.abs(np.fft.ifft2(spectrum)) ** 2, smoothing, mode="mirror", truncate=4))


a = ndimage.gaussian_filter(rng.random((H, W)), 1.0)
b = ndimage.gaussian_filter(rng.random((H, W)), 1.5) + 0.3 * a
c = rng.random((H, W))
d = np.round(rng.random((H, W)) * 6)  # many ties
other = ndimage.gaussian_filter(rng.random((H, W)), 2.0)


def top(m):
    mask = np.zeros(m.size, bool)
    mask[np.argsort(-m.ravel(), kind="stable")[: round(0.1 * m.size)]] = True
    return mask.reshape(m.shape)


fixated, others = top(b), top(other)
p, q, u = density(a), density(b), np.full((H, W), 1 / (H * W))
image = rng.random((H, W, 3))
y, x = np.mgrid[:H, :W]
distance = np.hypot(y + 0.5 - H / 2, x + 0.5 - W / 2)
squares = np.mean(
    [
        ndimage.gaussian_filter(ch**2, 2.0, mode="mirror", truncate=4)
        - ndimage.gaussian_filter(ch, 2.0, mode="mirror", truncate=4) ** 2
        for ch in np.moveaxis(image, 2, 0)
    ],
    0,
)
contrast = np.sqrt(squares)
values = {
    "a": a, "b": b, "c": c, "d": d, "other": other, "image": image,
    "correlation": pearson(a, b),
    "spearman": stats.spearmanr(a.ravel(), b.ravel()).statistic,
    "spearman_ties": stats.spearmanr(a.ravel(), d.ravel()).statistic,
    "similarity": np.minimum(p, q).sum(),
    "kl": (q * np.log(eps + q / (eps + p))).sum(),
    "judd": judd(a, fixated),
    "shuffled": shuffled(a, fixated, others),
    "shuffled_ties": shuffled(d, fixated, others),
    "nss": ((a - a.mean()) / a.std(ddof=1))[fixated].mean(),
    "gain": (np.log2(eps + p) - np.log2(eps + u))[fixated].mean(),
    "partial": partial(a, b, [c, distance]),
    "distance": distance,
    "contrast": contrast,
    "smoothed": ndimage.gaussian_filter(a, 2.0, mode="mirror", truncate=4),
    "smaller": area(a, 10, 9),
    "larger": area(a, 31, 40),
    "residual": residual(a, 2.5),
}
values = {k: np.atleast_1d(np.ascontiguousarray(v, np.float64)) for k, v in values.items()}
save_file(values, out / "metrics.safetensors")
