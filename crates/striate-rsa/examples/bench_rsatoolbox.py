"""The peer of bench.rs: the same steps with rsatoolbox, one JSON line each.

Usage: python bench_rsatoolbox.py IMAGES FEATURES REPLICATES
Pinned: rsatoolbox 0.3.2. The bootstrap runs the given replicates as they are;
give few and scale by hand where it takes too long.
"""

import json
import os
import resource
import sys
import time
import warnings

import numpy as np
from rsatoolbox.data import Dataset
from rsatoolbox.inference import eval_bootstrap_pattern
from rsatoolbox.model import ModelFixed
from rsatoolbox.rdm import RDMs, calc_rdm, compare

METHODS = {
    "pearson": "corr",
    "cosine": "cosine",
    "spearman": "spearman",
    "tau-a": "tau-a",
    "tau-b": "tau-b",
    "rho-a": "rho-a",
    "corr-cov": "corr_cov",
    "cosine-cov": "cosine_cov",
}


def timed(step, what, count, function):
    start, cpu = time.perf_counter(), time.process_time()
    try:
        result = function()
    except Exception as error:
        # E.g. whitened comparators of samples of 100 or more patterns (0.3.2).
        print(json.dumps({"step": step, "what": what, "failed": repr(error)[:120]}), flush=True)
        return None
    seconds = round(time.perf_counter() - start, 6)
    cpu = round(time.process_time() - cpu, 6)
    row = {"step": step, "what": what, "count": count, "seconds": seconds, "cpu_seconds": cpu}
    print(json.dumps(row), flush=True)
    return result


def main():
    images, width, replicates = (int(a) for a in (*sys.argv[1:4], 1000, 4096, 1000)[:3])
    warnings.simplefilter("ignore")
    os.environ["TQDM_DISABLE"] = "1"
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(images, width))
    first, second = ((shared + rng.normal(size=shared.shape)).astype(np.float32) for _ in range(2))
    for name, method in (("correlation", "correlation"), ("squared-euclidean", "euclidean")):
        timed("matrix", name, 1, lambda: calc_rdm(Dataset(first), method=method))
    # From the vectors, so that the patterns get the index that the bootstrap wants.
    a, b = (
        RDMs(calc_rdm(Dataset(v), method="correlation").get_vectors()) for v in (first, second)
    )
    for name, method in METHODS.items():
        timed("compare", name, 1, lambda: compare(a, b, method=method))
    model = ModelFixed("model", a)
    for name, method in METHODS.items():
        timed(
            "bootstrap",
            name,
            replicates,
            lambda: eval_bootstrap_pattern(
                model, b, method=method, N=replicates, boot_noise_ceil=False
            ),
        )
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"step": "peak memory", "kib": kib}))


if __name__ == "__main__":
    main()
