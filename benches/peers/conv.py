"""The convolutions of VGG-19, one by one, this project against PyTorch, in turns.

    python benches/peers/conv.py BENCHMARK [ROUNDS]

BENCHMARK is the built `cargo bench -p striate-kernels --bench layers`. Each round runs
each shape with ours, PyTorch and PyTorch with channels_last, each in a process of its own
with the same threads. Needs torch (pinned in xtask/src/golden.rs).
"""
import math
import subprocess
import sys
import time
from importlib.metadata import version

from machine import machine

# Batch, map, channels in and out: VGG-19 at 64 and at 224 pixels.
SHAPES = [(32, 64, 3, 64), (32, 64, 64, 64), (32, 32, 64, 128), (32, 32, 128, 128), (32, 16, 128, 256), (32, 16, 256, 256), (32, 8, 256, 512), (32, 8, 512, 512), (32, 4, 512, 512)]
SHAPES += [(4, 224, 3, 64), (4, 224, 64, 64), (4, 112, 64, 128), (4, 112, 128, 128), (4, 56, 128, 256), (4, 56, 256, 256), (4, 28, 256, 512), (4, 28, 512, 512), (4, 14, 512, 512)]
# The mini network's.
SHAPES += [(64, 32, 1, 16), (64, 32, 16, 16), (64, 16, 16, 32), (64, 16, 32, 32), (64, 8, 32, 64), (64, 8, 64, 64), (64, 4, 64, 128), (64, 4, 128, 128)]
PRODUCTS = ("forward", "d input", "d weight")
REPETITIONS = 5


def times_of_torch(batch, size, channels, out, layout):
    import torch

    torch.manual_seed(1)
    form = torch.channels_last if layout == "channels_last" else torch.contiguous_format
    x = torch.randn(batch, channels, size, size).to(memory_format=form)
    weight = torch.randn(out, channels, 3, 3).to(memory_format=form)
    grad = torch.randn(batch, out, size, size).to(memory_format=form)

    def backward(mask):
        torch.ops.aten.convolution_backward(grad, x, weight, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, mask)

    works = [
        lambda: torch.nn.functional.conv2d(x, weight, padding=1),
        lambda: backward([True, False, False]),
        lambda: backward([False, True, False]),
    ]
    best = []
    for work in works:
        work()
        start = time.perf_counter()
        work()
        # The system brings the times of running threads up to date every few milliseconds.
        calls = math.ceil(0.1 / (time.perf_counter() - start))
        spent = []
        for _ in range(REPETITIONS):
            start = time.process_time()
            for _ in range(calls):
                work()
            spent.append(1e3 * (time.process_time() - start) / calls)
        best.append(min(spent))
    print("peak 0", *best)


def main():
    benchmark, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
    print(f"Machine: {machine()}.\nPyTorch {version('torch')}; CPU time of all threads for a call, the fastest of {REPETITIONS} repetitions of a tenth of a second in {rounds} round{'s' * (rounds != 1)} in turns.\n")
    print("| batch, map, channels | algorithm | " + " | ".join(f"{p}, ms (of peak) | PyTorch / ours" for p in PRODUCTS) + " |")
    print("|---|---|" + "---:|" * 2 * len(PRODUCTS), flush=True)
    ahead, peaks = [], []
    for shape in SHAPES:
        batch, size, channels, out = map(str, shape)
        commands = {"striate": [benchmark, "shape", batch, size, channels, out, str(REPETITIONS)]}
        for layout in ("nchw", "channels_last"):
            commands[layout] = [sys.executable, __file__, "torch", batch, size, channels, out, layout]
        best, algorithm = {}, ""
        for _ in range(rounds):
            for label, command in commands.items():
                line = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
                if label == "striate":
                    algorithm = line[2]
                    peaks.append(float(line[1]))
                found = [float(value) for value in line[-3:]]
                best[label] = [min(pair) for pair in zip(found, best.get(label, found))]
        flop = 2 * 9 * shape[0] * shape[1] ** 2 * shape[2] * shape[3]
        cells = []
        for i, product in enumerate(PRODUCTS):
            ours, theirs = best["striate"][i], min(best["nchw"][i], best["channels_last"][i])
            if theirs < ours:
                ahead.append(f"{batch} x {size} x {size}, {channels} -> {out}, {product} ({theirs / ours:.2f})")
            cells.append(f"{ours:.2f} ({100 * flop / ours / 1e6 / max(peaks):.0f} %) | {theirs / ours:.2f}")
        print(f"| {batch} x {size} x {size}, {channels} -> {out} | {algorithm} | " + " | ".join(cells) + " |", flush=True)
    print(f"\nThe peak of multiply-adds of one thread, measured in each process: {max(peaks):.0f} GFLOP/s; shares count the direct convolution, so Winograd may exceed 100 %.")
    print("PyTorch is faster at: " + ("; ".join(ahead) or "no shape") + ".")


if __name__ == "__main__":
    if sys.argv[1] == "torch":
        times_of_torch(*map(int, sys.argv[2:6]), sys.argv[6])
    else:
        main()
