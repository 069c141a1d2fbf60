"""Small networks with random weights, exported for the tests of striate-graph. Usage: make.py [OUT]

Made with torch 2.15 and numpy 2.4.6. Besides each network NAME.striate there is NAME.safetensors: images of
another batch size, what PyTorch makes of them, and gradients with respect to them.
"""

import sys
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F

here = Path(__file__).parent
sys.path.insert(0, str(here.parent.parent / "python"))
from deepgaze import LogDensity
from striate_export import export, write_safetensors

print(f"torch {torch.__version__}")
out = Path(sys.argv[1]) if len(sys.argv) > 1 else here


class Bottleneck(nn.Module):
    """A residual block with a grouped convolution, and a projection beside it."""

    def __init__(self, inputs, width, outputs, groups, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.down = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        return self.relu(self.bn3(self.conv3(y)) + self.down(x))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True))
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = Bottleneck(8, 8, 16, 4, 1)
        self.layer2 = Bottleneck(16, 12, 24, 2, 2)
        self.fc = nn.Linear(24, 5)

    def forward(self, x):
        x = self.layer2(self.layer1(self.pool(self.stem(x))))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, (1, 1)), 1))


class DenseNet(nn.Module):
    """Norm and activation before each convolution, concatenation, a transition, a gray image."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 8, 3, padding=1)
        self.norms = nn.ModuleList([nn.BatchNorm2d(8 + 4 * i) for i in range(3)])
        self.convs = nn.ModuleList([nn.Conv2d(8 + 4 * i, 4, 3, padding=1, bias=False) for i in range(3)])
        self.transition = nn.Sequential(nn.BatchNorm2d(20), nn.ReLU(), nn.Conv2d(20, 10, 1, bias=False), nn.AvgPool2d(2, 2))
        self.out = nn.Linear(10 * 3 * 2, 3)

    def forward(self, x):
        maps = [self.stem(x)]
        for norm, conv in zip(self.norms, self.convs):
            maps.append(conv(F.relu(norm(torch.cat(maps, 1)))))
        x = self.transition(torch.cat(maps, 1))
        # Windows of different sizes.
        x = F.adaptive_avg_pool2d(x, (3, 2))
        return self.out(x.reshape(x.shape[0], -1))


class EfficientNet(nn.Module):
    """An inverted bottleneck with static padding on one side, squeeze and excitation, SiLU and hardswish."""

    def __init__(self):
        super().__init__()
        self.expand = nn.Sequential(nn.Conv2d(3, 16, 1, bias=False), nn.BatchNorm2d(16, eps=1e-3), nn.SiLU())
        self.depthwise = nn.Conv2d(16, 16, 5, stride=2, groups=16, bias=False)
        self.norm = nn.BatchNorm2d(16, eps=1e-3)
        self.reduce, self.restore = nn.Conv2d(16, 4, 1), nn.Conv2d(4, 16, 1)
        self.depthwise2 = nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.project = nn.Sequential(nn.Conv2d(16, 8, 1, bias=False), nn.BatchNorm2d(8))
        self.act, self.gate = nn.Hardswish(), nn.Hardsigmoid()
        self.out = nn.Linear(8, 6)

    def forward(self, x):
        x = self.expand(x)
        x = F.silu(self.norm(self.depthwise(F.pad(x, [1, 2, 1, 2]))))
        x = x * torch.sigmoid(self.restore(F.silu(self.reduce(x.mean((2, 3), keepdim=True)))))
        y = F.relu6(self.depthwise2(x))
        x = self.project(self.act(x + y * self.gate(y)))
        return self.out(x.mean((2, 3)))


class ConvNeXt(nn.Module):
    """Layer norm over channels, a depthwise 7x7, GELU, a layer scale."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 12, 4, 4)
        self.norm0 = nn.LayerNorm(12, eps=1e-6)
        self.dw = nn.Conv2d(12, 12, 7, padding=3, groups=12)
        self.norm = nn.LayerNorm(12, eps=1e-6)
        self.up, self.down = nn.Linear(12, 24), nn.Linear(24, 12)
        self.scale = nn.Parameter(torch.randn(12, 1, 1) * 0.5)
        self.group = nn.GroupNorm(3, 12)
        self.out = nn.Linear(12, 4)

    def forward(self, x):
        x = self.norm0(self.stem(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        y = self.down(F.gelu(self.up(self.norm(self.dw(x).permute(0, 2, 3, 1)))))
        x = self.group(x + self.scale * y.permute(0, 3, 1, 2))
        return self.out(F.elu(x).amax((-2, -1)))


class Vit(nn.Module):
    """A class token, positions, one encoder layer of torch.nn."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 16, 8, 8)
        self.token = nn.Parameter(torch.randn(1, 1, 16) * 0.3)
        self.position = nn.Parameter(torch.randn(1, 17, 16) * 0.3)
        self.norm1, self.norm2 = nn.LayerNorm(16), nn.LayerNorm(16)
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(16, 32), nn.GELU(approximate="tanh"), nn.Linear(32, 16))
        self.head = nn.Linear(16, 7)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.position
        y = self.norm1(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        x = x + self.mlp(self.norm2(x))
        return self.head(x[:, 0])


class Saliency(nn.Module):
    """A readout after the published description of DeepGaze II (Kuemmerer et al. 2017, arXiv:1610.01563).

    Features of several layers of a VGG, upsampled and concatenated; a network of 1x1 convolutions; Gaussian
    smoothing; the logarithm of a centre bias added; a log-softmax over pixels. Random weights.
    """

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 8, 3, padding=1)
        self.conv3 = nn.Conv2d(8, 8, 3, padding=2, dilation=2)
        self.readout = nn.Sequential(nn.Conv2d(22, 8, 1), nn.Softplus(), nn.Conv2d(8, 4, 1), nn.LeakyReLU(0.1), nn.Conv2d(4, 1, 1))
        x = torch.arange(-4.0, 5.0)
        kernel = torch.exp(-(x**2) / (2 * 1.5**2))
        self.register_buffer("kernel", kernel / kernel.sum())

    def forward(self, image, centre_bias):
        x = (image / 255 - 0.45) / 0.225
        first = F.relu(self.conv1(x))
        second = F.relu(self.conv2(F.max_pool2d(first, 2)))
        third = F.relu(self.conv3(F.max_pool2d(second, 2)))
        size = first.shape[2:]
        features = [first] + [F.interpolate(f, size, mode="bilinear", align_corners=False) for f in (second, third)]
        y = self.readout(torch.cat(features, 1))
        y = F.conv2d(F.pad(y, [0, 0, 4, 4], mode="replicate"), self.kernel.view(1, 1, -1, 1))
        y = F.conv2d(F.pad(y, [4, 4, 0, 0], mode="replicate"), self.kernel.view(1, 1, 1, -1))
        y = y[:, 0] + centre_bias
        return y - y.logsumexp((1, 2), keepdim=True)


class Odds(nn.Module):
    """Whatever the others do not use."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, (1, 5), padding=(0, 2))
        self.multiplied = nn.Conv2d(8, 16, 3, padding=1, groups=8)

    def forward(self, x):
        x = self.conv(x)
        a, b = x.chunk(2, 1)
        x = torch.cat([torch.maximum(a, b) / (b.abs() + 1), torch.tanh(a * b)], 1)
        x = self.multiplied(F.pad(x, [1, 1, 2, 0], mode="reflect"))
        # A shuffle of channels.
        x = x.view(x.shape[0], 2, 8, *x.shape[2:]).transpose(1, 2).flatten(1, 2)
        x = F.interpolate(x, scale_factor=2, mode="nearest")[:, ::2, 1:-1, :]
        x = F.max_pool2d(x, 3, 2, 1, ceil_mode=True) - F.avg_pool2d(x, 3, 2, 1, count_include_pad=False, ceil_mode=True)
        x = F.pad(x, [1, 0], value=0.5).roll(1, 2).flip(3)
        n = x.shape[0]
        y = (x.pow(2) + 1).rsqrt().sqrt() * torch.clamp(x, -0.5, 0.8) + x.std((2, 3), keepdim=True)
        maps = torch.stack([y[:, 0], y[:, 1].sin(), -y[:, 2]], 1)
        weights = F.softmax(maps.flatten(2), -1) @ x.flatten(2).transpose(1, 2)
        return {"scores": F.log_softmax(weights.reshape(n, -1), 1), "maps": F.interpolate(maps, (9, 7), mode="bicubic")}


class Watched(nn.Module):
    """What torch.export cannot trace with a free batch: numbers from weights, len(x); and changes in place."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.out = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Linear(8, 3)
        self.sigma = nn.Parameter(torch.tensor(1.2))
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x):
        reach = int(torch.ceil(2 * self.sigma).item())
        kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / self.sigma) ** 2)
        y = self.norm(self.conv(x))
        y.relu_()
        y = y * 2
        y.add_(y.mean((2, 3), keepdim=True))
        y = F.conv2d(y, (kernel / kernel.sum()).view(1, 1, 1, -1).repeat(8, 1, 1, 1), groups=8)
        y = F.max_pool2d(y, 2).flatten(2).transpose(1, 2)
        y = y + self.attention(y, y, y)[0]
        return self.out(F.layer_norm(y, (8,)).mean(1)).view(len(x), 3)


def randomise(model, seed):
    """Weights that keep the maps at a size of 1, and statistics unlike those of a fresh norm."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, (nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm)):
            module.weight.data = 0.7 + 0.6 * torch.rand(module.weight.shape, generator=generator)
            module.bias.data = 0.2 * torch.randn(module.bias.shape, generator=generator)
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean = 0.3 * torch.randn(module.running_mean.shape, generator=generator)
            module.running_var = 0.5 + torch.rand(module.running_var.shape, generator=generator)
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            scale = (2.0 / module.weight[0].numel()) ** 0.5
            module.weight.data = scale * torch.randn(module.weight.shape, generator=generator)
            if module.bias is not None:
                module.bias.data = 0.1 * torch.randn(module.bias.shape, generator=generator)
    return model.eval()


def golden(name, model, size, outputs, count=3, low=0.0, high=1.0, channels=3, mean=None, std=None, **options):
    height, width = (size, size) if isinstance(size, int) else size
    export(model, out / f"{name}.striate", size=size, outputs=outputs, channels=channels, value_range=(low, high),
           mean=mean, std=std, name=name, **options)
    generator = torch.Generator().manual_seed(7)
    images = low + (high - low) * torch.rand(count, channels, height, width, generator=generator)
    images.requires_grad_(True)
    x = images
    if mean is not None:
        shape = (1, channels, 1, 1)
        x = (x - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape)
    found = model(x)
    found = found if isinstance(found, dict) else {outputs: found}
    tensors = {"images": images}
    for key, value in found.items():
        weight = torch.randn(value.shape, generator=generator)
        (gradient,) = torch.autograd.grad((value * weight).sum(), images, retain_graph=True)
        tensors |= {f"{key}.value": value, f"{key}.weight": weight, f"{key}.gradient": gradient}
    write_safetensors(out / f"{name}.safetensors", tensors, {})


torch.manual_seed(0)
rgb = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
golden("resnet", randomise(ResNet(), 1), 32, "logits", features=["layer1"], class_names=["ant", "bee", "cat", "dog", "eel"], **rgb)
golden("densenet", randomise(DenseNet(), 2), (18, 14), "logits", channels=1, mean=[0.45], std=[0.22])
golden("efficientnet", randomise(EfficientNet(), 3), 20, "logits", **rgb)
golden("convnext", randomise(ConvNeXt(), 4), 24, "logits", **rgb)
golden("vit", randomise(Vit(), 5), 32, "logits", count=1, **rgb)
golden("odds", randomise(Odds(), 6), (11, 12), {"scores": "scores", "maps": "maps"})
golden("watched", randomise(Watched(), 9), 12, "logits", count=3)
head = LogDensity(randomise(Saliency(), 8), size=(20, 24), longer_side=40)
golden("deepgaze", head, (20, 24), "log_density", count=2)
print(f"{sum(f.stat().st_size for f in out.iterdir() if f.suffix in ('.striate', '.safetensors'))} bytes")
