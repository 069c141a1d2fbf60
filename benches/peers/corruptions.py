"""The tables of speeds: this crate against the Python package, as Markdown.

    cargo xtask bench corruptions
    python benches/peers/corruptions.py BENCHMARK [SIZE...]       (default 64 224)

BENCHMARK is the binary that `cargo bench -p striate-corruptions --no-run` makes;
the Python needs the packages pinned at the head of tests/golden/corruptions.py.

Both sides work on the same picture, in turns, severity by severity, on the same
core. A time is processor time, which other programs on the machine do not count
towards, and the least of several batches in each of ROUNDS turns (one turn for large pictures).
"""
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version

for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]:
    os.environ[name] = "1"
import numpy as np

if not hasattr(np, "float_"):
    np.float_ = np.float64
import cv2
import imagecorruptions
import imagecorruptions.corruptions as package

from machine import machine

cv2.setNumThreads(1)
_gaussian = package.gaussian
ROUNDS = 2
# Seconds of a batch of calls, at least.
BATCH = 0.003


def gaussian(image, sigma=1, multichannel=None, **keywords):
    if multichannel is not None:
        keywords["channel_axis"] = -1 if multichannel else None
    return _gaussian(image, sigma=sigma, **keywords)


package.gaussian = gaussian
np.seterr(all="ignore")

# How many times faster the counter mode is to be at 64x64, where not 5.
TARGETS = {"glass_blur": 500, "zoom_blur": 50, "frost": 50, "pixelate": 1.5, "jpeg_compression": 1.5, "contrast": 1.5}


class Ours:
    """The benchmark binary, asked line by line."""

    def __init__(self, binary):
        self.process = subprocess.Popen(
            [binary, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        # Linux: the processor time of another process.
        self.clock = (~self.process.pid << 3) | 2

    def ask(self, *request):
        print(*request, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"no answer to {request}")
        return answer

    def picture(self, side):
        data = bytes.fromhex(self.ask("picture", side))
        return np.frombuffer(data, np.uint8).reshape(side, side, 3)

    def seconds(self, *request):
        """The processor time of a request, all threads."""
        start = time.clock_gettime(self.clock)
        self.ask(*request)
        return time.clock_gettime(self.clock) - start

    def least(self, side, name, severity, mode):
        """Microseconds per call."""
        return least(lambda calls: self.seconds("calls", side, name, severity, mode, calls))


def least(seconds, most=2000):
    """Microseconds per call; `seconds(calls)` makes calls and says how long they took."""
    times = [seconds(1), seconds(1)]
    if times[1] < 0.05:
        # Short calls: the second guess no longer has the cost of asking in it.
        calls = int(min(max(BATCH / times[1], 1), most))
        calls = int(min(max(BATCH / (seconds(calls) / calls), 1), most))
        times = [seconds(calls) / calls for _ in range(5)]
    return min(times) * 1e6


def package_seconds(image, severity, name):
    def seconds(calls):
        start = time.process_time()
        for _ in range(calls):
            imagecorruptions.corrupt(image, severity, name)
        return time.process_time() - start

    return seconds


def one_core(process):
    core = {min(os.sched_getaffinity(0))}
    os.sched_setaffinity(0, core)
    os.sched_setaffinity(process.pid, core)


def versions():
    packages = ["imagecorruptions", "numpy", "scipy", "scikit-image", "opencv-python-headless", "pillow"]
    return ", ".join(f"{package} {version(package)}" for package in packages)


def table(ours, side):
    image = ours.picture(side)
    print(
        f"\n## {side}x{side} RGB, one core\n\nMicroseconds of processor time per call, mean of the five severities;"
        " in brackets the least ratio of any severity.\n"
    )
    print("| corruption | Python, µs | counter, µs | times faster | NumPy mode, µs | times faster | target |")
    print("|---|---:|---:|---:|---:|---:|---:|", flush=True)
    sums = np.zeros(3)
    for name in imagecorruptions.get_corruption_names("all"):
        rows = np.full((5, 3), np.inf)
        # Large pictures take long, and their times scatter less.
        for _ in range(ROUNDS if side < 128 else 1):
            for severity in range(1, 6):
                row = [least(package_seconds(image, severity, name))]
                row += [ours.least(side, name, severity, mode) for mode in ["counter", "numpy"]]
                rows[severity - 1] = np.minimum(rows[severity - 1], row)
        sums += rows.sum(0)
        python, counter, in_numpy = rows.mean(0)
        ratios = rows[:, :1] / rows[:, 1:]
        target = TARGETS.get(name, 5)
        met = "" if side != 64 else f"{target}: {'met' if python / counter >= target else 'MISSED'}"
        print(
            f"| {name} | {python:.0f} | {counter:.1f} | {python / counter:.1f} ({ratios[:, 0].min():.1f})"
            f" | {in_numpy:.1f} | {python / in_numpy:.1f} ({ratios[:, 1].min():.1f}) | {met} |",
            flush=True,
        )
    python, counter, in_numpy = sums
    met = "" if side != 64 else f"50: {'met' if python / counter >= 50 else 'MISSED'}"
    print(
        f"| **all 19 x 5, sum** | {python:.0f} | {counter:.0f} | {python / counter:.1f}"
        f" | {in_numpy:.0f} | {python / in_numpy:.1f} | {met} |",
        flush=True,
    )


def threads(ours):
    """By the clock on the wall: says something on an idle machine only."""
    load = os.getloadavg()[0]
    print("\n## Two threads, batch API\n\nMicroseconds per image, 64x64, of batches of 64 images, mean of the severities,")
    print(f"by the clock on the wall (load {load:.1f}), and the processor time of both threads together.\n")
    print("| corruption | one thread, µs | two threads, µs | times faster | processor time, two / one |")
    print("|---|---:|---:|---:|---:|", flush=True)
    sums = np.zeros(4)
    for name in imagecorruptions.get_corruption_names("all"):
        best = np.full(4, np.inf)
        for _ in range(ROUNDS):
            for i, count in enumerate([1, 2]):
                # So many that new threads have found their cores.
                start = time.clock_gettime(ours.clock)
                wall = float(ours.ask("batch", 64, name, count, 25))
                used = (time.clock_gettime(ours.clock) - start) / 25
                best[[i, i + 2]] = np.minimum(best[[i, i + 2]], [wall, used])
        best *= 1e6 / (64 * 5)
        sums += best
        print(f"| {name} | {best[0]:.1f} | {best[1]:.1f} | {best[0] / best[1]:.2f} | {best[3] / best[2]:.3f} |", flush=True)
    print(
        f"| **all 19, sum** | {sums[0]:.1f} | {sums[1]:.1f} | {sums[0] / sums[1]:.2f} | {sums[3] / sums[2]:.3f} |",
        flush=True,
    )


def main():
    binary, sizes = sys.argv[1], [int(s) for s in sys.argv[2:]] or [64, 224]
    print(f"Machine: {machine()}.\nPython {platform.python_version()}, {versions()}.", flush=True)
    ours = Ours(binary)
    threads(ours)
    one_core(ours.process)
    for side in sizes:
        table(ours, side)


if __name__ == "__main__":
    main()
