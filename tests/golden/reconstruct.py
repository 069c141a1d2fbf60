"""Expected values of striate-reconstruct from PyTorch, numpy and scikit-image. Usage: reconstruct.py OUT

Made with torch 2.15, numpy 2.4.6 and scikit-image 0.26; everything runs in f64.
"""

import sys
from pathlib import Path

import numpy as np
import skimage
import torch
from safetensors.numpy import save_file
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

print(f"torch {torch.__version__}, numpy {np.__version__}, scikit-image {skimage.__version__}")
out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(20261124)


def save(name, values):
    arrays = {k: np.atleast_1d(np.ascontiguousarray(v)) for k, v in values.items()}
    save_file(arrays, out / f"{name}.safetensors")


def blur(x, sigma=1.0, half=4):
    k = torch.exp(-0.5 * (torch.arange(-half, half + 1) / sigma) ** 2)
    k, c = k / k.sum(), x.shape[1]
    x = torch.nn.functional.pad(x, (half,) * 4, mode="reflect")
    x = torch.nn.functional.conv2d(x, k.view(1, 1, -1, 1).repeat(c, 1, 1, 1), groups=c)
    return torch.nn.functional.conv2d(x, k.view(1, 1, 1, -1).repeat(c, 1, 1, 1), groups=c)


# Two convolutions with a ReLU between: the second one's raw output is matched.
f32 = lambda a: torch.tensor(a.astype(np.float32).astype(np.float64))
w1 = f32(rng.normal(size=(8, 3, 3, 3)) * np.sqrt(2 / 27))
w2 = f32(rng.normal(size=(6, 8, 3, 3)) * np.sqrt(2 / 72))
net = lambda x: torch.nn.functional.conv2d(torch.relu(torch.nn.functional.conv2d(x, w1, padding=1)), w2, padding=1)
images = f32(np.asarray(blur(torch.tensor(rng.normal(size=(2, 3, 16, 16))), 2.0)) * 4)
start = f32(rng.normal(size=(4, 1, 16, 16))).repeat(1, 3, 1, 1)
# Rows: image 0 with ||x|| = 5 and <= 12, image 1 with ||x|| = 5 and <= 1000 (never reached).
limits = [(5.0, True), (12.0, False), (5.0, True), (1000.0, False)]
curves, found = [], []
for row, (limit, equal) in enumerate(limits):
    target = net(images[row // 2 : row // 2 + 1])
    rate = 5000 / 64**3 * target.numel()
    x, curve = start[row : row + 1].clone(), []
    for _ in range(50):
        x.requires_grad_(True)
        loss = ((net(x) - target) ** 2).mean()
        (g,) = torch.autograd.grad(loss, x)
        curve.append(loss.item())
        x = (x - rate * blur(g)).detach()
        factor = limit / x.norm()
        x = x * (factor if equal else min(1.0, factor))
    curves.append(curve)
    found.append(x[0].permute(1, 2, 0).numpy())
save(
    "exact",
    {
        "w1": w1.numpy().astype(np.float32), "w2": w2.numpy().astype(np.float32),
        "images": images.permute(0, 2, 3, 1).numpy().astype(np.float32),
        "start": start.permute(0, 2, 3, 1).numpy().astype(np.float32),
        "curves": np.array(curves), "found": np.array(found),
    },
)

H, W, C = 20, 24, 3
x0 = rng.normal(size=(H, W, C)).astype(np.float32)
x1 = (x0 * 0.9 + 0.4 * rng.normal(size=(H, W, C))).astype(np.float32)
xr = (0.3 * x0 + 0.2 * (x1 - x0) + 0.1 * rng.normal(size=(H, W, C)) + 0.05).astype(np.float32)
a0, n, r = x0.ravel().astype(float), (x1 - x0).ravel().astype(float), xr.ravel().astype(float)
fit = lambda columns, y: np.linalg.lstsq(np.stack(columns, 1), y, rcond=None)[0]
share = lambda columns, y: 1 - ((y - np.stack(columns, 1) @ fit(columns, y)) ** 2).sum() / (y**2).sum()
ab = fit([a0, n], r)
content_noise = [
    ab[0], ab[1], abs(ab[0] / ab[1]), share([a0, n], r),
    fit([a0], r)[0], fit([n], r)[0], share([a0], r), share([n], r),
    a0 @ r / np.sqrt(a0 @ a0 * (r @ r)), n @ r / np.sqrt(n @ n * (r @ r)),
]
fy, fx = np.meshgrid(np.fft.fftfreq(H), np.fft.fftfreq(W), indexing="ij")
radius = np.hypot(fy, fx)
ring = np.floor(radius * min(H, W) + 0.5 + 1e-9).astype(int)  # halves go outwards


def spectrum(m):
    power = (np.abs(np.fft.fft2(m.astype(float), axes=(0, 1))) ** 2).mean(2) / (H * W)
    return np.array([power[(ring == k) & (radius <= 0.5)].mean() for k in range(min(H, W) // 2 + 1)])


energy = lambda m: blur(torch.tensor((m.astype(float) ** 2).mean(2))[None, None], 1.5, 6)[0, 0].numpy()
matched = (r - r.mean()) * np.linalg.norm(a0 - a0.mean()) / np.linalg.norm(r - r.mean()) + a0.mean()
ssim = lambda a, b: structural_similarity(
    a, b, data_range=4.0, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
)
save(
    "metrics",
    {
        "x0": x0, "x1": x1, "xr": xr,
        "content_noise": np.array(content_noise),
        "spectrum": spectrum(xr), "ratio": spectrum(xr) / spectrum(x0),
        "spending": energy(xr) / energy(x0),
        "matched": matched,
        "psnr": peak_signal_noise_ratio(x0.astype(float), xr.astype(float), data_range=4.0),
        "ssim": ssim(x0.astype(float), xr.astype(float)),
    },
)
