"""Golden values of striate-rsa from rsatoolbox.

Usage: python rsa.py OUTPUT_FOLDER
Pinned: rsatoolbox 0.3.2, numpy 2.x, scipy 1.17.1, safetensors.
"""

import sys
import warnings
from importlib.metadata import version

import numpy as np
from rsatoolbox.data import Dataset
from rsatoolbox.data.noise import prec_from_residuals
from rsatoolbox.inference import (
    boot_noise_ceiling,
    eval_bootstrap_pattern,
    eval_bootstrap_rdm,
    eval_dual_bootstrap,
    eval_fixed,
)
from rsatoolbox.model import ModelFixed
from rsatoolbox.rdm import RDMs, calc_rdm, compare
from safetensors.numpy import save_file

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


def vector(rdm):
    return rdm.get_vectors()[0].astype(np.float64)


def matrices(rng):
    """Features to matrices, with noise precisions, folds and rates."""
    images, features, folds = 18, 40, 3
    signal = rng.normal(size=(images, features)) + rng.normal(size=(1, features)) * 2
    repeats = signal[None] + rng.normal(size=(folds, images, features)) * 0.7
    repeats = repeats.astype(np.float32)
    rates = rng.gamma(2.0, 2.0, size=(images, features)).astype(np.float32)
    mean = repeats[0].astype(np.float64)
    out = {"repeats": repeats, "rates": rates}
    data = Dataset(mean)
    out["correlation"] = vector(calc_rdm(data, method="correlation"))
    out["squared-euclidean"] = vector(calc_rdm(data, method="euclidean"))
    out["poisson"] = vector(calc_rdm(Dataset(rates.astype(np.float64)), method="poisson"))
    # Within-image residuals over the folds, all folds stacked.
    wide = repeats.astype(np.float64)
    residuals = (wide - wide.mean(0, keepdims=True)).reshape(-1, features)
    dof = images * (folds - 1)
    for name, method in (("identity", "shrinkage_eye"), ("diagonal", "shrinkage_diag")):
        precision = prec_from_residuals(residuals, dof=dof, method=method)
        out[f"precision.{name}"] = precision
        out[f"mahalanobis.{name}"] = vector(
            calc_rdm(data, method="mahalanobis", noise=precision)
        )
        folded = Dataset(
            wide.reshape(-1, features),
            obs_descriptors={
                "image": np.tile(np.arange(images), folds),
                "fold": np.repeat(np.arange(folds), images),
            },
        )
        out[f"crossnobis.{name}"] = vector(
            calc_rdm(
                folded,
                method="crossnobis",
                descriptor="image",
                cv_descriptor="fold",
                noise=precision,
            )
        )
    return out


def comparisons(rng):
    """Pairs of matrices, without and with ties, whole and in bootstrap samples."""
    images = 20
    pairs = images * (images - 1) // 2
    latent = rng.normal(size=(images, 3))
    distance = np.linalg.norm(latent[:, None] - latent[None], axis=2)
    distance = distance[np.triu_indices(images, 1)]
    a = distance + rng.gamma(2.0, 0.5, size=pairs)
    b = distance + rng.gamma(2.0, 0.5, size=pairs)
    rdms = {
        "a": a,
        "b": b,
        "tied_a": np.round(a),
        "tied_b": np.round(b),
    }
    out = dict(rdms)
    draws = rng.integers(0, images, size=(6, images))
    out["draws"] = draws
    for first, second in (("a", "b"), ("tied_a", "tied_b"), ("a", "tied_b")):
        x, y = (RDMs(rdms[k][None]) for k in (first, second))
        for name, method in METHODS.items():
            out[f"{name}.{first}.{second}"] = compare(x, y, method=method)[0]
            out[f"{name}.{first}.{second}.draws"] = np.array(
                [
                    compare(
                        x.subsample_pattern("index", draw),
                        y.subsample_pattern("index", draw),
                        method=method,
                    )[0, 0]
                    for draw in draws
                ]
            )
    return out


class Recorder:
    """Records the integers that rsatoolbox draws."""

    def __enter__(self):
        self.original, self.draws = np.random.randint, []

        def randint(*args, **kwargs):
            draw = self.original(*args, **kwargs)
            self.draws.append(np.asarray(draw, dtype=np.int64))
            return draw

        np.random.randint = randint
        return self

    def __exit__(self, *_):
        np.random.randint = self.original


def inference(rng):
    """Noise ceilings, bootstraps and their corrected variances."""
    images, subjects, replicates = 16, 5, 40
    pairs = images * (images - 1) // 2
    truth = rng.gamma(3.0, 1.0, size=pairs)
    data = RDMs(truth + rng.gamma(2.0, 0.7, size=(subjects, pairs)))
    models = [
        ModelFixed(str(k), RDMs((truth + scale * rng.gamma(2.0, 1.0, size=pairs))[None]))
        for k, scale in enumerate((0.3, 1.0, 3.0))
    ]
    out = {
        "data": data.get_vectors(),
        "models": np.array([m.rdm_obj.get_vectors()[0] for m in models]),
    }
    for name, method in METHODS.items():
        ceiling = boot_noise_ceiling(data, method=method)
        out[f"ceiling.{name}"] = np.array(ceiling)
        out[f"fixed.{name}"] = eval_fixed(models, data, method=method).evaluations[0]
    for name in ("pearson", "cosine", "spearman", "tau-a", "rho-a", "corr-cov", "cosine-cov"):
        method = METHODS[name]
        for kind, function in (
            ("images", eval_bootstrap_pattern),
            ("subjects", eval_bootstrap_rdm),
        ):
            np.random.seed(3)
            with Recorder() as recorder:
                result = function(models, data, method=method, N=replicates)
            store(out, f"{kind}.{name}", result, recorder)
        np.random.seed(3)
        with Recorder() as recorder:
            result = eval_dual_bootstrap(
                models, data, method=method, N=replicates, k_pattern=1, k_rdm=1
            )
        store(out, f"dual.{name}", result, recorder)
    return out


def store(out, key, result, recorder):
    draws = recorder.draws
    kind = key.split(".")[0]
    if kind == "dual":
        drawn = {f"draws.{kind}.subjects": draws[0::2], f"draws.{kind}.images": draws[1::2]}
    else:
        drawn = {f"draws.{kind}": draws}
    for name, values in drawn.items():
        # The same draws for every method.
        assert np.array_equal(out.setdefault(name, np.array(values)), np.array(values))
    evaluations = np.asarray(result.evaluations)
    out[f"{key}.evaluations"] = evaluations.reshape(evaluations.shape[0], 3, -1)
    out[f"{key}.ceiling"] = np.asarray(result.noise_ceiling).reshape(2, evaluations.shape[0], -1)
    out[f"{key}.model_variances"] = np.asarray(result.model_var)
    out[f"{key}.difference_variances"] = np.asarray(result.diff_var)
    out[f"{key}.ceiling_variances"] = np.asarray(result.noise_ceil_var)


def cka(rng):
    x = rng.normal(size=(15, 9)).astype(np.float32)
    y = (x[:, :5] @ rng.normal(size=(5, 12)) + rng.normal(size=(15, 12))).astype(np.float32)
    a, b = (v.astype(np.float64) - v.astype(np.float64).mean(0) for v in (x, y))
    value = np.linalg.norm(a.T @ b) ** 2 / np.linalg.norm(a.T @ a) / np.linalg.norm(b.T @ b)
    return {
        "x": x,
        "y": y,
        "value": np.array([value]),
        "debiased": np.array([hsic(a, b) / np.sqrt(hsic(a, a) * hsic(b, b))]),
    }


def hsic(x, y):
    """The unbiased estimate of Song et al. 2012, as printed there."""
    n = len(x)
    k, l = x @ x.T, y @ y.T
    np.fill_diagonal(k, 0)
    np.fill_diagonal(l, 0)
    one = np.ones(n)
    return (
        np.trace(k @ l)
        + (one @ k @ one) * (one @ l @ one) / (n - 1) / (n - 2)
        - 2 / (n - 2) * one @ k @ l @ one
    ) / (n * (n - 3))


def main(folder):
    for package in ("rsatoolbox", "numpy", "scipy"):
        print(package, version(package))
    warnings.simplefilter("ignore")
    for seed, (name, make) in enumerate(
        (("matrices", matrices), ("comparisons", comparisons), ("inference", inference), ("cka", cka))
    ):
        tensors = {k: np.ascontiguousarray(v) for k, v in make(np.random.default_rng(seed)).items()}
        save_file(tensors, f"{folder}/{name}.safetensors")


if __name__ == "__main__":
    main(sys.argv[1])
