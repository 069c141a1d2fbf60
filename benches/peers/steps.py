"""Steps of a VGG with batch norm, this project against PyTorch, in turns.

    python benches/peers/steps.py MODE BENCHMARK [ROUNDS]

MODE is train, evaluate, reconstruct or attack; BENCHMARK is the built `cargo bench` that times
it. Each round runs ours, PyTorch and PyTorch with channels_last, each in a process of its
own with the same threads; printed are the median over rounds of the CPU and wall time of
a step, its range, and the peak memory. Needs torch (pinned in xtask/src/golden.rs).

* train: forward, cross-entropy, backward, SGD (training.md 1.1).
* evaluate: forward with running statistics, and the cross-entropy.
* reconstruct: from the last convolution, in the study's exact mode (analyses.md 3):
  forward, gradient of the images, its blur, a step, projection to half of the norm.
* attack: PGD within a ball of the maximum norm, on RGB for vgg19: forward, gradient of the
  cross-entropy, a step along its sign, the projection to the ball and to valid pixels.
"""
import resource
import statistics
import subprocess
import sys
import time
from importlib.metadata import version

from machine import machine

NETWORKS = {"narrow": ([[w] * 2 for w in (16, 32, 64, 128)], 32), "vgg19": ([[w] * n for n, w in ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512))], 64)}
# Training images of TinyImageNet and the batch of the study (training.md 1.1).
STUDY_IMAGES, STUDY_BATCH = 90_000, 128
# Network, batch, steps, and the share of the rounds.
RUNS = {
    "train": [("narrow", 64, 20, 1), ("vgg19", 32, 3, 1), ("vgg19", 128, 2, 3)],
    "evaluate": [("narrow", 64, 40, 1), ("vgg19", 32, 6, 1)],
    "reconstruct": [("narrow", 64, 20, 1), ("vgg19", 32, 4, 1)],
    "attack": [("narrow", 64, 20, 1), ("vgg19", 32, 4, 1)],
}
# The blur of the gradient: standard deviation and half width in pixels (analyses.md 3.3).
BLUR_SIGMA, BLUR_HALF = 1.0, 4


def step_of_torch(mode, name, batch, steps, channels_last):
    import torch
    import torch.nn as nn

    torch.manual_seed(1)
    blocks, size = NETWORKS[name]
    channels = 3 if (mode, name) == ("attack", "vgg19") else 1
    layers, width = [], channels
    for block in blocks:
        for out in block:
            layers += [nn.Conv2d(width, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU(inplace=True)]
            width = out
        layers.append(nn.MaxPool2d(2))
    trunk = nn.Sequential(*layers)
    net = nn.Sequential(trunk, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(width, 200))
    x, labels = torch.randn(batch, channels, size, size), torch.arange(batch)
    if channels_last:
        net, x = net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.75, weight_decay=5e-4)

    def train():
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), labels)
        loss.backward()
        optimizer.step()
        loss.item()

    def evaluate():
        with torch.inference_mode():
            nn.functional.cross_entropy(net(x), labels).item()

    if mode != "train":
        net.eval()
        net.requires_grad_(False)
    if mode == "reconstruct":
        with torch.no_grad():
            target = trunk(x)
        taps = torch.exp(-torch.arange(-BLUR_HALF, BLUR_HALF + 1) ** 2 / (2 * BLUR_SIGMA**2))
        taps = taps / taps.sum()
        limit = 0.5 * x.flatten(1).norm(dim=1)
        image = torch.randn_like(x).requires_grad_()
        rate = 5000 / 64**3 * target[0].numel()

    def reconstruct():
        loss = (trunk(image) - target).square().flatten(1).mean(1).sum()
        (gradient,) = torch.autograd.grad(loss, image)
        with torch.no_grad():
            pad = nn.functional.pad(gradient, [BLUR_HALF] * 4, mode="reflect")
            smooth = nn.functional.conv2d(nn.functional.conv2d(pad, taps.view(1, 1, -1, 1)), taps.view(1, 1, 1, -1))
            image.sub_(rate * smooth)
            norm = image.flatten(1).norm(dim=1)
            image.mul_((limit / norm).view(-1, 1, 1, 1))
        loss.item()

    if mode == "attack":
        origin, epsilon = x.sigmoid(), 1e-6
        state = {"x": (origin + epsilon * (2 * torch.rand_like(origin) - 1)).clamp(0, 1)}
        labels = net(origin).argmax(1)

    def attack():
        image = state["x"].requires_grad_()
        loss = nn.functional.cross_entropy(net(image), labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, image)
        with torch.no_grad():
            moved = image + 2.5 * epsilon / steps * gradient.sign()
            state["x"] = torch.minimum(torch.maximum(moved, origin - epsilon), origin + epsilon).clamp(0, 1)
        loss.item()

    step = {"train": train, "evaluate": evaluate, "reconstruct": reconstruct, "attack": attack}[mode]
    cpu, wall = [], []
    for i in range(steps + 1):
        start = time.process_time(), time.perf_counter()
        step()
        if i:
            cpu.append(1e3 * (time.process_time() - start[0]))
            wall.append(1e3 * (time.perf_counter() - start[1]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{statistics.median(cpu):.1f} {statistics.median(wall):.1f} {peak:.0f}")


def run(command):
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [float(value) for value in output.split()[-3:]]


def main():
    mode, benchmark = sys.argv[1:3]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    print(f"Machine: {machine()}.\nPyTorch {version('torch')}, median of {rounds} rounds in turns (one of the largest).", flush=True)
    for name, batch, steps, share in RUNS[mode]:
        commands = {"striate": [benchmark, name, str(batch), str(steps)] + (["evaluate"] if mode == "evaluate" else [])}
        for layout in ("nchw", "channels_last"):
            commands[f"PyTorch, {layout}"] = [sys.executable, __file__, "torch", mode, name, str(batch), str(steps), layout]
        results = {label: [] for label in commands}
        for _ in range(-(-rounds // share)):
            for label, command in commands.items():
                results[label].append(run(command))
        print(f"\n| {name}, batch {batch}: one step | CPU, ms (range) | wall, ms (range) | peak, MB | CPU / ours | wall / ours | peak of ours |")
        print("|---|---:|---:|---:|---:|---:|---:|")
        ours = [statistics.median(column) for column in zip(*results["striate"])]
        for label, rows in results.items():
            cpu, wall, peak = zip(*rows)
            middle = statistics.median
            print(
                f"| {label} | {middle(cpu):.0f} ({min(cpu):.0f}-{max(cpu):.0f}) | {middle(wall):.0f} ({min(wall):.0f}-{max(wall):.0f})"
                f" | {middle(peak):.0f} | {middle(cpu) / ours[0]:.2f} | {middle(wall) / ours[1]:.2f} | {ours[2] / middle(peak):.2f} |",
                flush=True,
            )
        if mode == "reconstruct":
            speeds = ", ".join(f"{label} {1e3 * batch / statistics.median(row[1] for row in rows):.0f}" for label, rows in results.items())
            print(f"\nImages times steps per second: {speeds}.")
        if (mode, name, batch) == ("train", "vgg19", STUDY_BATCH):
            steps = -(-STUDY_IMAGES // STUDY_BATCH)
            minutes = {label: statistics.median(row[1] for row in rows) * steps / 60e3 for label, rows in results.items()}
            each = ", ".join(f"{label} {value:.0f} min" for label, value in minutes.items())
            print(f"\nAn epoch of the study's classification ({STUDY_IMAGES:,} images, {steps} steps), from these steps: {each}.")


if __name__ == "__main__":
    if sys.argv[1] == "torch":
        step_of_torch(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]), sys.argv[6] == "channels_last")
    else:
        main()
