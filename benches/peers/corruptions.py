"""The table of speeds: this crate against the Python package, on one core.

    python benches/peers/corruptions.py [SIZE...]      (default 64 224)

The Python needs the packages pinned at the head of tests/golden/corruptions.py.
Times are the least of several batches, in microseconds, mean over the five
severities; per size, ours runs first and then the package, on the same core.
"""
import os
import subprocess
import sys
import time

for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]:
    os.environ[name] = "1"
import numpy as np

if not hasattr(np, "float_"):
    np.float_ = np.float64
import cv2
import imagecorruptions
import imagecorruptions.corruptions as package

cv2.setNumThreads(1)
_gaussian = package.gaussian


def gaussian(image, sigma=1, multichannel=None, **keywords):
    if multichannel is not None:
        keywords["channel_axis"] = -1 if multichannel else None
    return _gaussian(image, sigma=sigma, **keywords)


package.gaussian = gaussian
np.seterr(all="ignore")


def picture(side):
    y, x, c = np.meshgrid(np.arange(side), np.arange(side), np.arange(3), indexing="ij")
    block = (x * 5 // side + y * 4 // side + c) % 4 * 40
    slope = x * 60 // side + y * 30 // side
    return (block + slope + np.random.RandomState(1).uniform(0, 20, x.shape)).astype(np.uint8)


def least(call):
    call()
    start = time.perf_counter()
    call()
    once = time.perf_counter() - start
    calls = int(min(max(0.003 / once, 1), 500))
    best = float("inf")
    for _ in range(3 if once > 0.05 else 6):
        start = time.perf_counter()
        for _ in range(calls):
            call()
        best = min(best, (time.perf_counter() - start) / calls)
    return best * 1e6


def main():
    sizes = [int(s) for s in sys.argv[1:]] or [64, 224]
    speed = ["cargo", "bench", "--quiet", "--package", "striate-corruptions", "--bench", "corruptions", "--"]
    subprocess.run([*speed, "16"], check=True, stdout=subprocess.DEVNULL)  # builds
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for side in sizes:
        image = picture(side)
        ours = {}
        for line in subprocess.run([*speed, str(side)], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines():
            _, name, severity, counter, numpy = line.split()
            ours[name, int(severity)] = float(counter), float(numpy)
        print(f"\n| {side}x{side} RGB | Python, us | counter, us | times faster (least over severities) | NumPy mode, us | times faster (least) |")
        print("|---|---:|---:|---:|---:|---:|", flush=True)
        sums = np.zeros(3)
        for name in imagecorruptions.get_corruption_names("all"):
            rows = []
            for severity in range(1, 6):
                python = least(lambda: imagecorruptions.corrupt(image, severity, name))
                rows.append((python, *ours[name, severity]))
            rows = np.array(rows)
            sums += rows.sum(0)
            python, counter, numpy = rows.mean(0)
            print(
                f"| {name} | {python:.0f} | {counter:.1f} | {python / counter:.1f} ({(rows[:, 0] / rows[:, 1]).min():.1f})"
                f" | {numpy:.1f} | {python / numpy:.1f} ({(rows[:, 0] / rows[:, 2]).min():.1f}) |",
                flush=True,
            )
        python, counter, numpy = sums
        print(f"| all 19 x 5 (sum) | {python:.0f} | {counter:.0f} | {python / counter:.1f} | {numpy:.0f} | {python / numpy:.1f} |")


if __name__ == "__main__":
    main()
