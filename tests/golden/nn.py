"""Golden values of striate-nn, made by PyTorch.

    python tests/golden/nn.py tests/golden/nn

Made with torch 2.15.0, neuralpredictors 0.3.0, safetensors 0.8.0, NumPy 2.4.6 (the run prints its versions).
Inputs are drawn from fixed seeds; everything is computed in f64 and stored in
f32, so the tolerances of the tests are those of f32 arithmetic alone. Maps are
stored as torch has them (NCHW, weights OIHW).
"""

import collections
import collections.abc
import sys
from pathlib import Path

import numpy
import safetensors
import torch
import torch.nn.functional as F
# neuralpredictors 0.3.0 imports a name that left collections with Python 3.10.
collections.Iterable = collections.abc.Iterable
from neuralpredictors.layers.cores.conv2d import SE2dCore  # noqa: E402
from neuralpredictors.regularizers import LaplaceL2norm  # noqa: E402
from neuralpredictors.layers.readouts import FullFactorized2d, FullGaussian2d, PointPooled2d
from safetensors.torch import save_file
from torchvision.transforms.functional import gaussian_blur

torch.use_deterministic_algorithms(True)
OUT = Path(sys.argv[1] if len(sys.argv) > 1 else "tests/golden/nn")


def draw(seed, *shape):
    """Normal values that f32 holds exactly, as f64."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator).double()


def leaf(seed, *shape, scale=1.0):
    return (draw(seed, *shape) * scale).float().double().requires_grad_()


def save(name, tensors):
    OUT.mkdir(parents=True, exist_ok=True)
    plain = {}
    for key, value in tensors.items():
        value = value.detach()
        plain[key] = (value.float() if value.is_floating_point() else value).contiguous().clone()
    save_file(plain, OUT / f"{name}.safetensors")


def with_gradients(result, y, **leaves):
    """Adds y, random output weights, and the gradients of sum(weights * y)."""
    weights = draw(99, *y.shape)
    (y * weights).sum().backward()
    result.update({"y": y, "weights": weights})
    for name, value in leaves.items():
        result[name] = value
        result[f"grad_{name}"] = value.grad
    return result


def conv2d():
    cases = [  # batch, in, height, width, out, kernel, stride, padding
        (2, 3, 7, 6, 4, 3, 1, 1),
        (2, 3, 8, 7, 5, 3, 2, 1),
        (1, 2, 9, 10, 3, 5, 3, 0),
        (2, 16, 4, 4, 16, 1, 1, 0),
        (2, 4, 6, 6, 3, 2, 2, 1),
        (2, 16, 8, 8, 16, 3, 1, 1),
    ]
    for i, (b, c, h, w, o, k, s, p) in enumerate(cases):
        x, weight, bias = leaf(i, b, c, h, w), leaf(10 + i, o, c, k, k), leaf(20 + i, o)
        y = F.conv2d(x, weight, bias, stride=s, padding=p)
        result = {"settings": torch.tensor([s, p])}
        save(f"conv2d_{i}", with_gradients(result, y, x=x, weight=weight, bias=bias))


def linear():
    x, weight, bias = leaf(1, 5, 7), leaf(2, 3, 7), leaf(3, 3)
    save("linear", with_gradients({}, F.linear(x, weight, bias), x=x, weight=weight, bias=bias))


def batch_norm():
    for mode in ("train", "eval", "frozen"):
        x, weight, bias = leaf(1, 3, 4, 5, 3), leaf(2, 4), leaf(3, 4)
        mean, var = draw(4, 4), draw(5, 4).abs() + 0.5
        result = {"mean_before": mean.clone(), "var_before": var.clone()}
        # Frozen is torch's layer put into evaluation during training.
        y = F.batch_norm(x, mean, var, weight, bias, mode == "train", 0.1, 1e-5)
        result.update({"mean_after": mean, "var_after": var})
        save(f"batch_norm_{mode}", with_gradients(result, y, x=x, weight=weight, bias=bias))


def block():
    """conv3x3 + batch norm + ReLU + pooling, in training."""
    x, weight, bias = leaf(1, 3, 4, 6, 6), leaf(2, 8, 4, 3, 3), leaf(3, 8)
    gamma, beta = leaf(4, 8), leaf(5, 8)
    mean, var = torch.zeros(8).double(), torch.ones(8).double()
    y = F.batch_norm(F.conv2d(x, weight, bias, padding=1), mean, var, gamma, beta, True, 0.1, 1e-5)
    y = F.max_pool2d(F.relu(y), 2)
    result = {"mean_after": mean, "var_after": var}
    leaves = dict(x=x, weight=weight, bias=bias, gamma=gamma, beta=beta)
    save("conv_block", with_gradients(result, y, **leaves))


def pools():
    x = leaf(1, 2, 3, 7, 6)
    with torch.no_grad():  # ties: the first maximum of a window gets the gradient
        x[0, 0] = x[0, 0].round()
        x[1, 1, :2, :2] = 1.0
    save("max_pool_2x2", with_gradients({}, F.max_pool2d(x, 2), x=x))
    x = x.detach().clone().requires_grad_()
    y = F.adaptive_max_pool2d(x, 1).flatten(1)
    save("global_max_pool", with_gradients({}, y, x=x))


def activations():
    x = leaf(1, 40, scale=3.0)
    with torch.no_grad():
        x[:3] = torch.tensor([0.0, 1.0, -12.0])
    save("relu", with_gradients({}, F.relu(x), x=x))
    x = x.detach().clone().requires_grad_()
    save("elu_plus_one", with_gradients({}, F.elu(x - 1) + 1, x=x))


def dropout():
    x, mask = leaf(1, 4, 5), (draw(2, 4, 5) > 0).double()
    save("dropout", with_gradients({"mask": mask}, x * mask / (1 - 0.5), x=x))


def sample():
    x = leaf(1, 2, 5, 4, 6)
    grid = leaf(2, 2, 9, 2, scale=0.7)  # some outside of the map
    y = F.grid_sample(x, grid[:, :, None], padding_mode="zeros", align_corners=True)
    save("bilinear_sample", with_gradients({}, y.squeeze(3).transpose(1, 2), x=x, grid=grid))


def readout():
    b, n, c = 3, 6, 5
    for mode in ("train", "eval"):
        x, features, bias = leaf(1, b, c, 4, 6), leaf(2, c, n), leaf(3, n)
        mu, sigma = leaf(4, n, 2, scale=0.5), leaf(5, n, 2, scale=0.5)
        with torch.no_grad():
            mu[0, 0], sigma[1, 1] = 1.4, -0.2  # to be clamped
        before = {"mu_before": mu.clone(), "sigma_before": sigma.clone()}
        with torch.no_grad():
            mu.clamp_(-1, 1)
            sigma.clamp_(min=0)
        noise = draw(6, b, n, 2)
        g = mu + sigma * noise if mode == "train" else mu.expand(b, n, 2)
        # The gradient of the study's torch at the bounds is 1.
        inside = (g >= -1) & (g <= 1)
        g = torch.where(inside, g, g.detach().clamp(-1, 1))
        z = F.grid_sample(x, g[:, :, None], align_corners=True).squeeze(3)
        y = F.elu((z * features).sum(1) + bias - 1) + 1
        result = {"noise": noise, **before}
        leaves = dict(x=x, features=features, bias=bias, mu=mu, sigma=sigma)
        if mode == "eval":
            leaves.pop("sigma")
        save(f"readout_{mode}", with_gradients(result, y, **leaves))


def readout_kinds():
    """The readouts of neuralpredictors, on maps of 9 x 7 of 5 channels, behind ELU + 1."""
    b, n, c, h, w = 3, 6, 5, 9, 7

    def rates(name, module, inputs, **params):
        module = module.double()
        x, bias = leaf(1, b, c, h, w), leaf(3, n)
        result = {}
        with torch.no_grad():
            for i, (key, value) in enumerate(params.items()):
                value.copy_(leaf(10 + i, *value.shape, scale=0.4))
                if key == "sigma" and value.shape[-1] == 1:
                    value.abs_()  # the study clamps deviations at 0, neuralpredictors does not
            module.bias.copy_(bias)
            for key, value in params.items():
                result[f"{key}_before"] = value.clone()
        torch.manual_seed(7)
        y = F.elu(module(x, **inputs) - 1) + 1
        if inputs.get("sample"):
            torch.manual_seed(7)
            result["noise"] = torch.empty(b, n, 1, 2, dtype=torch.double).normal_().squeeze(2)
        params = {key: value for key, value in params.items() if inputs.get("sample") or key != "sigma"}
        save(f"readout_{name}", with_gradients(result, y, x=x, bias=module.bias, **params))

    for kind in ("isotropic", "full"):
        for sample in (True, False):
            module = FullGaussian2d((c, h, w), n, bias=True, gauss_type=kind, align_corners=True)
            mode = "train" if sample else "eval"
            rates(f"{kind}_{mode}", module, {"sample": sample}, features=module._features, mu=module._mu, sigma=module.sigma)
    module = PointPooled2d((c, h, w), n, pool_steps=2, pool_kern=2, bias=True, init_range=0.2, align_corners=True)
    rates("point_pooled", module, {}, features=module.features, mu=module.grid)
    module = FullFactorized2d((c, h, w), n, bias=True, normalize=True)
    rates("factorised", module, {}, features=module._features, mask=module.spatial)


def depthwise():
    cases = [(3, 1, 1, 1, 6, 5, 4), (5, 1, 4, 2, 9, 8, 7), (2, 1, 0, 3, 6, 7, 3), (5, 2, 2, 1, 9, 14, 17)]
    for i, (k, stride, padding, dilation, h, w, c) in enumerate(cases):
        x, weight = leaf(1, 2, c, h, w), leaf(2, c, 1, k, k)
        y = F.conv2d(x, weight, stride=stride, padding=padding, dilation=dilation, groups=c)
        settings = {"settings": torch.tensor([stride, padding, dilation])}
        save(f"depthwise_{i}", with_gradients(settings, y, x=x, weight=weight))


def se_core():
    """The core of neuralpredictors, small, in training mode; parameters in its names."""
    torch.manual_seed(3)
    core = SE2dCore(1, 6, 4, 3, layers=3, gamma_input=10, final_nonlinearity=True, bias=False, momentum=0.9,
                    pad_input=False, batch_norm=True, hidden_dilation=2, hidden_padding=2, n_se_blocks=1,
                    se_reduction=3, depth_separable=True, stack=-1, attention_conv=False).double()
    with torch.no_grad():
        for i, value in enumerate(core.parameters()):
            value.copy_(leaf(20 + i, *value.shape, scale=0.5))
    x = leaf(1, 3, 1, 9, 8)
    result = {}
    for mode in ("train", "eval"):
        core.train(mode == "train")
        x.grad = None
        core.zero_grad()
        y = core(x)
        parameters = dict(core.named_parameters())
        result = with_gradients({}, y, x=x, **{k: v for k, v in parameters.items()})
        result["regulariser"] = core.regularizer()
        save(f"se_core_{mode}", {**result, **{k: v for k, v in core.named_buffers() if "running" in k}})


def laplace():
    weight = leaf(1, 3, 2, 6, 5)
    y = LaplaceL2norm(padding=1).double()(weight)
    save("laplace_l2norm", with_gradients({}, y, weight=weight))


def losses():
    logits, labels = leaf(1, 6, 5, scale=4.0), torch.tensor([0, 4, 2, 2, 1, 3])
    y = F.cross_entropy(logits, labels)
    save("cross_entropy", with_gradients({"labels": labels}, y, x=logits))
    prediction, target = leaf(2, 6, 4), draw(3, 6, 4)
    save("mse", with_gradients({"target": target}, F.mse_loss(prediction, target), x=prediction))
    rate = leaf(4, 6, 4).detach().abs().float().double().requires_grad_()
    count = draw(5, 6, 4).abs().round()
    for reduction in ("sum", "mean"):
        rate.grad = None
        y = F.poisson_nll_loss(rate, count, log_input=False, eps=1e-12, reduction=reduction)
        save(f"poisson_{reduction}", with_gradients({"target": count}, y, x=rate))
    for name, half in (("classification", 1.0), ("regression", 0.5)):
        loss = torch.tensor(1.7).double().requires_grad_()
        s = torch.tensor([0.3]).double().requires_grad_()
        y = (half * torch.exp(-s) * loss + 0.5 * s).squeeze()
        save(f"weighted_{name}", with_gradients({}, y, x=loss, s=s))
    rate = leaf(6, 5, 4).detach().abs().float().double().requires_grad_()
    count = (draw(7, 5, 4).abs() * 4).round()
    s = torch.tensor([0.4]).double().requires_grad_()
    r = s.exp()
    y = (
        (count + r) * (rate + r).log() - count * rate.log() - r * s
        + torch.lgamma(r) - torch.lgamma(count + r) + torch.lgamma(count + 1) + 1e-5
    ).mean()
    save("negative_binomial", with_gradients({"target": count}, y, x=rate, s=s))


def optimisers():
    for name in ("sgd", "adam"):
        p = [leaf(1, 3, 4), leaf(2, 5)]
        result = {"p0": p[0].clone(), "p1": p[1].clone()}
        if name == "sgd":
            optimiser = torch.optim.SGD(p, lr=0.1, momentum=0.75, weight_decay=5e-4)
        else:
            optimiser = torch.optim.Adam(p, lr=0.01, weight_decay=5e-4)
        steps = {"p0": [], "p1": [], "g0": [], "g1": []}
        for step in range(10):
            for i, value in enumerate(p):
                value.grad = draw(100 + 2 * step + i, *value.shape)
                steps[f"g{i}"].append(value.grad.clone())
            for group in optimiser.param_groups:
                group["lr"] *= 0.9
            optimiser.step()
            for i, value in enumerate(p):
                steps[f"p{i}"].append(value.detach().clone())
        result.update({f"steps_{key}": torch.stack(value) for key, value in steps.items()})
        save(name, result)


def plateau():
    values = (draw(1, 60).cumsum(0) * 0.3 + 5).round(decimals=1)
    values[40:] = values[40]
    for goal in ("max", "min"):
        for mode in ("rel", "abs"):
            p = torch.zeros(1, requires_grad=True)
            optimiser = torch.optim.SGD([p], lr=0.1)
            schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
                optimiser, goal, factor=0.3, patience=2, threshold=0.1, threshold_mode=mode,
                cooldown=1, min_lr=1e-3, eps=1e-8,
            )
            rates = []
            for value in values.tolist():
                schedule.step(value)
                rates.append(optimiser.param_groups[0]["lr"])
            rates = torch.tensor(rates, dtype=torch.float64)
            OUT.mkdir(parents=True, exist_ok=True)
            save_file({"values": values, "rates": rates}, OUT / f"plateau_{goal}_{mode}.safetensors")


def blur():
    x = leaf(1, 2, 3, 7, 8)
    y = gaussian_blur(x, [5, 5], [1.3, 1.3])
    save("gaussian_blur", with_gradients({"settings": torch.tensor([1.3])}, y, x=x))


if __name__ == "__main__":
    versions = {"torch": torch, "numpy": numpy, "safetensors": safetensors}
    print(", ".join(f"{name} {module.__version__}" for name, module in versions.items()))
    for make in (conv2d, linear, batch_norm, block, pools, activations, dropout, sample, readout, readout_kinds, depthwise, se_core, laplace,
                 losses, optimisers, plateau, blur):
        make()
