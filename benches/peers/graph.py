"""Networks of torchvision with random weights: exported, compared with the graph on candle, and timed beside it.

Usage: graph.py CHECK [NETWORK:SIZE ...], CHECK being the example of striate-graph:
    cargo build --release -p striate-graph --example check
    CANDLE_NUM_THREADS=1 python benches/peers/graph.py target/release/examples/check

Needs torch and torchvision (made with 2.15 and 0.29). Both run one image on two threads, in turns; the best of three rounds
of four passes counts.
"""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
import torchvision

sys.path.insert(0, str(Path(__file__).parents[2] / "crates/striate-graph/python"))
from striate_export import _smooth_noise, export

USUAL = ["resnet50:224", "resnext50_32x4d:224", "densenet201:224", "vgg19:224", "efficientnet_b5:456", "convnext_tiny:224", "vit_b_16:224"]
ROUNDS, PASSES = 3, 4


def network(name, size):
    """Random weights; norms take the statistics of a few images, so that maps keep their size, and the last layer is not 0."""
    torch.manual_seed(0)
    model = torchvision.models.get_model(name, weights=None).train()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
        if isinstance(module, torch.nn.Linear):
            torch.nn.init.normal_(module.weight, std=module.weight.shape[1] ** -0.5)
        if "StochasticDepth" in type(module).__name__ or "Dropout" in type(module).__name__:
            module.eval()
    with torch.no_grad():
        model((_smooth_noise(4, 3, size, size, 5) - 0.45) / 0.225)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model.eval()


def of_torch(model, x):
    best = [float("inf")] * 2
    for _ in range(PASSES):
        start = time.perf_counter()
        with torch.no_grad():
            model(x)
        best[0] = min(best[0], time.perf_counter() - start)
        leaf = x.clone().requires_grad_(True)
        start = time.perf_counter()
        model(leaf).sum().backward()
        best[1] = min(best[1], time.perf_counter() - start)
    return best


def main():
    check, *wanted = sys.argv[1:]
    torch.set_num_threads(2)
    print("network, size, largest relative deviation, seconds of Striate and torch, with the gradient of the image")
    for entry in wanted or USUAL:
        name, size = entry.split(":")
        size = int(size)
        model = network(name, size)
        x = torch.rand(1, 3, size, size)
        with tempfile.TemporaryDirectory() as folder:
            file = f"{folder}/network.striate"
            export(model, file, size=size)
            ours, torchs = [float("inf")] * 2, [float("inf")] * 2
            for _ in range(ROUNDS):
                text = subprocess.run([check, file, "1", str(PASSES)], check=True, capture_output=True, text=True).stdout
                found = re.search(r"images: ([\d.]+) s, with the gradient ([\d.]+) s", text)
                ours = [min(a, float(b)) for a, b in zip(ours, found.groups())]
                torchs = [min(a, b) for a, b in zip(torchs, of_torch(model, x))]
            deviation = re.search(r"logits: .*, ([\d.e-]+) of", text).group(1)
        print(f"{name}, {size}, {deviation}, {ours[0]:.3f} {torchs[0]:.3f}, {ours[1]:.3f} {torchs[1]:.3f}", flush=True)


main()
