"""Expected values of striate-attack from PyTorch. Usage: attack.py OUT

Made with torch 2.15 and numpy 2.4.6; everything runs in f64, weights, images and starts are f32 values.
"""

import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

print(f"torch {torch.__version__}, numpy {np.__version__}")
out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
torch.set_default_dtype(torch.float64)
f32 = lambda a: torch.tensor(np.asarray(a).astype(np.float32).astype(np.float64))
length = lambda v: v.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
hwc = lambda t: t.permute(0, 2, 3, 1) if t.dim() == 4 else t
SIZE, STEPS = 10, 12


def make(name, seed, mean, std):
    """PGD on a network of two convolutions that sees `len(mean)` channels."""
    rng = np.random.default_rng(seed)
    channels = len(mean)
    mean, std = (torch.tensor(v).view(1, -1, 1, 1) for v in (mean, std))
    w1 = f32(rng.normal(size=(6, channels, 3, 3)) * np.sqrt(2 / (9 * channels)))
    w2 = f32(rng.normal(size=(8, 6, 3, 3)) * np.sqrt(2 / 54))
    w3 = f32(rng.normal(size=(4, 8 * SIZE * SIZE)) * np.sqrt(8 / (8 * SIZE * SIZE)))

    def network(x):
        x = torch.relu(F.conv2d((x - mean) / std, w1, padding=1))
        x = torch.relu(F.conv2d(x, w2, padding=1))
        # Flattened as [height, width, channels].
        return x.permute(0, 2, 3, 1).flatten(1) @ w3.T

    def gradient(x, labels):
        x = x.clone().requires_grad_(True)
        loss = F.cross_entropy(network(x), labels, reduction="sum")
        (g,) = torch.autograd.grad(loss, x)
        return g, loss.item()

    images = f32(np.clip(rng.normal(0.5, 0.3, size=(3, channels, SIZE, SIZE)), 0, 1))
    labels = network(images).argmax(1)
    values = {}
    for norm, epsilon in [("linf", 8 / 255), ("l2", 0.6)]:
        if norm == "linf":
            start = f32(epsilon * rng.uniform(-1, 1, size=images.shape))
        else:
            start = f32(0.5 * epsilon * rng.normal(size=images.shape) / SIZE)
        origin = x = f32((images + start).clip(0, 1))
        smallest, losses = 1.0, []
        for _ in range(STEPS):
            g, loss = gradient(x, labels)
            losses.append(loss)
            # A sign is only the same in f32 where the gradient is clearly not 0.
            smallest = min(smallest, (g.abs().flatten(1) / g.abs().flatten(1).amax(1, keepdim=True)).min().item())
            step = 2.5 * epsilon / STEPS
            d = x - images + step * (g.sign() if norm == "linf" else g / length(g))
            d = d.clip(-epsilon, epsilon) if norm == "linf" else d * (epsilon / length(d)).clip(max=1)
            x = (images + d).clip(0, 1)
        losses.append(gradient(x, labels)[1])
        print(name, norm, "loss", losses[0], "to", losses[-1], "smallest relative gradient", smallest)
        assert norm == "l2" or smallest > 1e-5, "a gradient near 0: choose another seed"
        values |= {f"{norm}_start": origin, f"{norm}_found": x, f"{norm}_epsilon": torch.tensor([epsilon])}

    values = {k: hwc(v).numpy() for k, v in values.items()}
    values |= {"w1": hwc(w1).numpy(), "w2": hwc(w2).numpy(), "w3": w3.numpy(), "images": hwc(images).numpy()}
    values |= {"mean": mean.flatten().numpy(), "std": std.flatten().numpy()}
    values = {k: v.astype(np.float64 if "found" in k or "eps" in k else np.float32) for k, v in values.items()}
    values["labels"] = labels.numpy()
    g, loss = gradient(images, labels)
    values |= {"gradient": hwc(g).numpy(), "loss": np.array([loss]), "logits": network(images).detach().numpy()}
    save_file({k: np.ascontiguousarray(v) for k, v in values.items()}, out / f"{name}.safetensors")


make("pgd", 20261128, [0.45], [0.22])
make("pgd_colour", 1, [0.4802, 0.4481, 0.3975], [0.2302, 0.2265, 0.2262])
