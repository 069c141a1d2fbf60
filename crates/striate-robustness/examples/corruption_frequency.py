"""Where in the spectrum each corruption changes an image: the numbers of
`striate_robustness::frequency::CENTRE`.

Usage: python corruption_frequency.py PATCHES.npz
Pinned: imagecorruptions 1.1.2 (table `imagecorruptions`, 64 px), numpy 1.26.4,
scipy 1.11.4, scikit-image 0.20.0, opencv-python-headless 4.10.0.84.

PATCHES.npz holds `patches`, images x 64 x 64 x 3 u8; the numbers were made with
52 patches: of every fourth photograph of datasets/mini/photos.parquet the
square with a third of its shorter side, whose upper left corner is at a third
of its width and height, resized to 64 px by areas.
Per corruption and severity: the difference of the gray corrupted and clean
patch, minus its mean; the mean frequency of its two-dimensional spectrum,
weighted by power, in cycles per pixel (0 to 0.71, the highest along an axis is
0.5). Then the mean over patches weighted by power, and over severities 1 to 5.
"""

import json
import sys

import numpy as np

if not hasattr(np, "float_"):
    np.float_ = np.float64
import imagecorruptions
import imagecorruptions.corruptions as package
import skimage.filters


def gaussian(image, sigma, multichannel=False, **rest):
    """scikit-image's, with the argument that the package still uses."""
    axis = -1 if multichannel else None
    return skimage.filters.gaussian(image, sigma=sigma, channel_axis=axis, **rest)


package.gaussian = gaussian

GRAY = np.array([0.2989, 0.587, 0.114])


def main():
    patches = np.load(sys.argv[1])["patches"]
    side = patches.shape[1]
    axis = np.fft.fftfreq(side)
    radius = np.hypot(axis[:, None], axis[None, :])
    np.random.seed(0)
    result = {}
    for name in imagecorruptions.get_corruption_names("all"):
        centres = []
        for severity in range(1, 6):
            power, weighted = 0.0, 0.0
            for patch in patches:
                corrupted = imagecorruptions.corrupt(patch, severity, corruption_name=name)
                difference = (corrupted.astype(float) - patch) @ GRAY
                spectrum = np.abs(np.fft.fft2(difference - difference.mean())) ** 2
                power += spectrum.sum()
                weighted += (spectrum * radius).sum()
            centres.append(weighted / power)
        result[name] = round(float(np.mean(centres)), 3)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
