"""Writes a DeepGaze, or any other network of log densities, as one file that Striate runs.

    python deepgaze.py --size 64 --out deepgaze.striate [--centre-bias template.npy]

with the package deepgaze_pytorch installed; or, for any module that takes images in 0..255
[batch, 3, height, width] and log densities of the centre bias [batch, height, width]:

    from deepgaze import export_deepgaze
    export_deepgaze(module, "deepgaze.striate", size=64, centre_bias=template)

Nothing of DeepGaze's is contained here; what is written holds its weights, under its own terms.
"""

import argparse

import torch
import torch.nn.functional as F

from striate_export import ExportError, export


class LogDensity(torch.nn.Module):
    """Images in [0, 1] at their own size to log densities at that size.

    The image is enlarged (bilinear) until its longer side has `longer_side` pixels: DeepGaze was trained on images
    of about 1024 pixels, 35 a degree. Its densities are averaged over the pixels of the small image, normalised
    to a sum of 1, and given as natural logarithms.

    size         height and width of the images in pixels.
    centre_bias  the log density of fixations on any image [rows, columns], in any size; None for a uniform one.
                 It is brought to the enlarged size by its nearest neighbours and normalised.
    """

    def __init__(self, network, size, longer_side=1024, centre_bias=None):
        super().__init__()
        self.network = network
        self.size = tuple(size)
        factor = longer_side / max(size)
        self.enlarged = tuple(max(1, round(side * factor)) for side in size)
        if centre_bias is None:
            bias = torch.zeros(self.enlarged)
        else:
            template = torch.as_tensor(centre_bias, dtype=torch.float64)
            bias = F.interpolate(template[None, None], self.enlarged, mode="nearest-exact")[0, 0]
        bias = bias.double()
        self.register_buffer("centre_bias", (bias - bias.flatten().logsumexp(0)).float()[None])

    def forward(self, x):
        if self.enlarged != self.size:
            x = F.interpolate(x, self.enlarged, mode="bilinear", align_corners=False)
        bias = self.centre_bias.expand(x.shape[0], -1, -1)
        y = self.network(x * 255, bias)
        if y.dim() == 4:
            y = y.flatten(1, 2)
        # Relative to the largest, so that no exponential is 0 where the whole map is dark.
        peak = y.amax((1, 2), keepdim=True)
        density = F.adaptive_avg_pool2d((y - peak).exp()[:, None], self.size)[:, 0]
        y = density.clamp(min=1e-38).log()
        return y - y.logsumexp((1, 2), keepdim=True)


def export_deepgaze(network, path, *, size, longer_side=1024, centre_bias=None, name="deepgaze"):
    """Writes the network with its centre bias; its output is `log_density` [batch, height, width]."""
    size = (size, size) if isinstance(size, int) else tuple(size)
    module = LogDensity(network, size, longer_side, centre_bias)
    return export(module, path, size=size, outputs="log_density", name=name)


def main():
    parser = argparse.ArgumentParser(description="Writes DeepGaze IIE for Striate.")
    parser.add_argument("--size", required=True, help="of the images in pixels: a number, or height,width")
    parser.add_argument("--longer-side", type=int, default=1024, help="of the images that the network sees, in pixels")
    parser.add_argument("--centre-bias", help="an .npy file with a log density, such as MIT1003's; uniform without it")
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    try:
        import deepgaze_pytorch
    except ImportError:
        raise SystemExit("deepgaze: install deepgaze_pytorch first, as its authors describe")
    bias = None
    if arguments.centre_bias:
        import numpy

        bias = numpy.load(arguments.centre_bias)
    size = [int(side) for side in arguments.size.split(",")]
    size = size * 2 if len(size) == 1 else size
    try:
        export_deepgaze(deepgaze_pytorch.DeepGazeIIE(pretrained=True), arguments.out, size=size,
                        longer_side=arguments.longer_side, centre_bias=bias)
    except ExportError as error:
        raise SystemExit(f"deepgaze: {error}")


if __name__ == "__main__":
    main()
