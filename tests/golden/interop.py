"""Checkpoints of small networks as PyTorch writes them, with what they give.

Usage: interop.py OUTPUT_FOLDER
       interop.py --check NETWORK.safetensors PREDICTIONS.npz IMAGES.npz
The first writes the files below. The second loads what `striate convert --to torchvision`
wrote into a torchvision VGG, strictly, and compares its class scores with those of
`striate predict` on the same images; the network's shape is read from the file.

* plain.pth: a VGG with batch norm and a dense head, on RGB, zip layout; also run on
  images of 8, 12 and 24 px, cut from or repeated beyond those of 16 px.
* legacy.pth: the same weights in float16, in the layout before PyTorch 1.6.
* nested.pth: without batch norm, with a convolutional head, on gray; a checkpoint with an
  optimiser and a history, names after `module.`, one weight stored transposed.
* study.pth: the names of the study's own code: shared and unshared block, readouts.
* mixed.pth, mixed_legacy.pth: every type of element, strides, offsets, shared storages.
* expected.safetensors: images, class scores, responses, and the tensors of mixed.pth.

Pinned: torch 2.15.0, torchvision 0.29.2, numpy 2.4.6, safetensors 0.8.0; the versions in
use are printed.
"""

import sys
from collections import OrderedDict
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn
from torchvision.models.vgg import VGG, make_layers

IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
GRAY = ([0.45], [0.22])


def vgg(widths, batch_norm, channels, head):
    """torchvision's VGG with other widths; its pooling to 7x7 is left out."""
    net = VGG(make_layers(widths, batch_norm=batch_norm), num_classes=2, init_weights=False)
    first = net.features[0]
    net.features[0] = nn.Conv2d(channels, first.out_channels, 3, padding=1)
    net.avgpool = nn.Identity()
    layers = []
    for i, (inputs, outputs) in enumerate(zip(head, head[1:])):
        if i:
            layers += [nn.ReLU(), nn.Dropout()]
        layers.append(nn.Linear(inputs, outputs))
    net.classifier = nn.Sequential(*layers)
    return net


def conv_head(widths):
    """The study's head: 1x1 convolutions, then the maximum of each map."""
    layers = []
    for i, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
        if i:
            layers += [nn.ReLU(), nn.Dropout()]
        layers.append(nn.Conv2d(inputs, outputs, 1))
    return nn.Sequential(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten())


def randomise(net, generator):
    """Weights that keep the scale of the maps, and running statistics that matter."""
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            fan_in = module.weight[0].numel()
            module.weight.data.normal_(0, (2 / fan_in) ** 0.5, generator=generator)
            module.bias.data.normal_(0, 0.3, generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            module.weight.data.uniform_(0.5, 1.5, generator=generator)
            module.bias.data.normal_(0, 0.3, generator=generator)
            module.running_mean.normal_(0, 0.5, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
            module.num_batches_tracked.fill_(17)
    return net.eval()


def inputs(images, mean, std):
    """u8 images to network inputs, `[n, channels, height, width]`."""
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    if len(mean) == 1 and x.shape[1] == 3:
        # Pillow's 8-bit gray, as the study converts its test images.
        rgb = torch.from_numpy(images).long()
        gray = (rgb * torch.tensor([19595, 38470, 7471])).sum(-1, keepdim=True) + 0x8000 >> 16
        x = gray.permute(0, 3, 1, 2).float() / 255
    return (x - torch.tensor(mean).view(-1, 1, 1)) / torch.tensor(std).view(-1, 1, 1)


class Study(nn.Module):
    """The names of the study's multi-task network (training.md 4.1), narrow."""

    def __init__(self, widths, split, classes, neurons):
        super().__init__()
        layers = list(make_layers(widths, batch_norm=True).children())
        self.mtl_vgg_core = nn.Module()
        self.mtl_vgg_core.v1_block = nn.Sequential(*layers[:split])
        self.mtl_vgg_core.unshared_block = nn.Sequential(*layers[split:])
        self.classification_readout = conv_head([widths[-2], 6, classes])
        channels = self.mtl_vgg_core.v1_block[split - 3].out_channels
        readout = nn.Module()
        readout.mu = nn.Parameter(torch.empty(1, neurons, 1, 2))
        readout.sigma = nn.Parameter(torch.empty(1, neurons, 1, 2))
        readout.features = nn.Parameter(torch.empty(1, channels, 1, neurons))
        readout.bias = nn.Parameter(torch.empty(neurons))
        self.v1_readout = nn.ModuleDict({"3631807112901": readout})

    def forward(self, x):
        """Class scores, and the equations of training.md 4.2 and 4.4."""
        shared = self.mtl_vgg_core.v1_block(x.expand(-1, 3, -1, -1))
        scores = self.classification_readout(self.mtl_vgg_core.unshared_block(shared))
        readout = self.v1_readout["3631807112901"]
        grid = readout.mu.expand(len(x), -1, -1, -1)
        sampled = F.grid_sample(shared, grid, align_corners=True)[..., 0]
        y = (sampled * readout.features[:, :, 0]).sum(1) + readout.bias
        return scores, F.elu(y - 1) + 1


def mixed():
    """Tensors of every type, and windows into storages of every kind."""
    base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4) / 8 - 1
    ties = torch.tensor([0.0, -0.0, 1.0, -2.5, 6.1e-5, 6e-8, 65504.0, float("inf"), -float("inf")])
    return OrderedDict(
        f32=base,
        transposed=base.permute(2, 0, 1),
        part=base[1, 1:, ::2],
        row=base[0, 2],
        expanded=torch.tensor([[3.0], [4.0]]).expand(2, 3),
        f16=ties.half(),
        bf16=ties.bfloat16(),
        f64=torch.tensor([[1 / 3, -1e300]], dtype=torch.float64),
        i64=torch.tensor(1 << 40),
        i32=torch.tensor([-5, 7], dtype=torch.int32),
        i16=torch.tensor([-300, 300], dtype=torch.int16),
        i8=torch.tensor([-7, 7], dtype=torch.int8),
        u8=torch.tensor([0, 255], dtype=torch.uint8),
        bool=torch.tensor([True, False]),
        empty=torch.zeros(0, 3),
        parameter=nn.Parameter(torch.ones(2)),
        number=3,
        text="text",
    )


def make(out):
    out.mkdir(parents=True, exist_ok=True)
    print({n: version(n) for n in ("torch", "torchvision", "numpy", "safetensors")})
    generator = torch.Generator().manual_seed(5)
    images = np.random.RandomState(5).randint(0, 256, (6, 16, 16, 3), dtype=np.uint8)
    expected = {"images": torch.from_numpy(images)}
    with torch.no_grad():
        net = randomise(vgg([4, 4, "M", 6, "M"], True, 3, [6 * 4 * 4, 7, 5]), generator)
        state = net.state_dict()
        torch.save(state, out / "plain.pth")
        expected["plain"] = net(inputs(images, *IMAGENET))
        # Other sizes through the pooling that torchvision has before its classifier.
        net.avgpool = nn.AdaptiveAvgPool2d((4, 4))
        for px in (8, 12, 24):
            x = inputs(images, *IMAGENET)
            x = torch.cat([x, x], 3)[:, :, :, :px]
            x = torch.cat([x, x], 2)[:, :, :px]
            expected[f"plain.{px}px"] = net(x)
        net.avgpool = nn.Identity()
        halved = OrderedDict((k, v.half() if v.dim() else v) for k, v in state.items())
        torch.save(halved, out / "legacy.pth", _use_new_zipfile_serialization=False)
        net.load_state_dict(halved)
        expected["legacy"] = net(inputs(images, *IMAGENET))

        net = vgg([4, "M", 6, 6, "M"], False, 1, [6, 5])
        net.classifier = conv_head([6, 7, 5])
        randomise(net, generator)
        # torchvision's own forward flattens before the head.
        expected["nested"] = net.classifier(net.features(inputs(images, *GRAY)))
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    net.classifier(net.features(inputs(images, *GRAY))).sum().backward()
    optimiser.step()
    optimiser.zero_grad()
    with torch.no_grad():
        expected["nested"] = net.classifier(net.features(inputs(images, *GRAY)))
        state = OrderedDict((f"module.{k}", v) for k, v in net.state_dict().items())
        weight = state["module.features.3.weight"]
        state["module.features.3.weight"] = weight.transpose(0, 1).contiguous().transpose(0, 1)
        scheduler = torch.optim.lr_scheduler.MultiStepLR(optimiser, [3, 5])
        checkpoint = {
            "epoch": 3,
            "state_dict": state,
            "optimizer": optimiser.state_dict(),
            "scheduler": {"milestones": scheduler.milestones},
            "history": [{"loss": 0.5, "best": None}, (1, True)],
            "best": np.float64(71.5),
            "loss": torch.tensor(0.25),
        }
        torch.save(checkpoint, out / "nested.pth")

        net = randomise(Study([4, 4, "M", 6, 8, "M"], 10, 5, 3), generator)
        readout = net.v1_readout["3631807112901"]
        readout.mu.data.uniform_(-1, 1, generator=generator)
        readout.sigma.data.uniform_(0, 0.5, generator=generator)
        readout.features.data.normal_(0, 0.5, generator=generator)
        readout.bias.data.uniform_(0, 2, generator=generator)
        expected["study"], expected["study.responses"] = net(inputs(images, *GRAY))
        torch.save({"net": net.state_dict(), "epoch": 9}, out / "study.pth")

        tensors = mixed()
        torch.save(tensors, out / "mixed.pth")
        torch.save({"model": tensors, "ema": tensors.copy()}, out / "mixed_legacy.pth",
                   _use_new_zipfile_serialization=False)
        for name, tensor in tensors.items():
            if isinstance(tensor, torch.Tensor):
                whole = tensor.is_floating_point()
                plain = tensor.double() if whole else tensor.long()
                expected[f"mixed.{name}"] = plain.detach().clone().contiguous()
    save_file({k: v.contiguous() for k, v in expected.items()}, out / "expected.safetensors")


def check(network, predictions, images):
    state = load_file(network)
    convs = sorted(int(k.split(".")[1]) for k, v in state.items()
                   if k.startswith("features.") and v.dim() == 4)
    batch_norm = f"features.{convs[0] + 1}.running_mean" in state
    widths, step = [], 3 if batch_norm else 2
    for i, following in zip(convs, [*convs[1:], None]):
        widths.append(state[f"features.{i}.weight"].shape[0])
        if following is None or following - i > step:
            widths.append("M")
    heads = [v for k, v in sorted(state.items()) if k.startswith("classifier.") and v.dim() > 1]
    sizes = [heads[0].shape[1], *(h.shape[0] for h in heads)]
    channels = state["features.0.weight"].shape[1]
    net = vgg(widths, batch_norm, channels, sizes)
    conv = heads[0].dim() == 4
    if conv:
        net.classifier = conv_head(sizes)
    net.load_state_dict(state, strict=True)
    net.eval()
    found = np.load(predictions)["logits"]
    pixels = np.load(images)["images"]
    with torch.no_grad():
        for mean, std in (IMAGENET, GRAY):
            x = inputs(pixels, mean, std)
            if x.shape[1] > channels:
                continue
            x = x.expand(-1, channels, -1, -1)
            x = net.classifier(net.features(x)) if conv else net(x)
            difference = np.abs(x.numpy() - found)
            print(f"mean {mean}: largest difference {difference.max():.2e}")
            if (difference <= 1e-5 * (1 + np.abs(found))).all():
                print("the same")
                return
    sys.exit("the class scores differ")


if sys.argv[1] == "--check":
    check(*sys.argv[2:5])
else:
    make(Path(sys.argv[1]))
