"""Expected values of striate-data, made with Pillow, torchvision and scikit-image.

Usage: data.py OUTPUT_FOLDER   (writes transforms.safetensors, decoding.safetensors)

Pinned: Pillow 13.0.0, torch 2.15.0, torchvision 0.29.2, scikit-image 0.26.0,
pyarrow 26.0.1; the versions in use are printed.
"""

import io
import sys
from pathlib import Path

import numpy as np
import PIL
import pyarrow
import pyarrow.parquet as pq
import skimage
import torch
import torchvision
from PIL import Image
from safetensors.numpy import save_file
from skimage.transform import rescale
from torchvision.transforms import functional as F

out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
print("Pillow", PIL.__version__, "torch", torch.__version__, "torchvision", torchvision.__version__,
      "scikit-image", skimage.__version__, "pyarrow", pyarrow.__version__)
photos = Path(__file__).resolve().parents[2] / "datasets/mini/photos.parquet"
rows = pq.read_table(photos).column("image").to_pylist()

rng = np.random.RandomState(7)
image = rng.randint(0, 256, (32, 32, 3), dtype=np.uint8)
wide = rng.randint(0, 256, (24, 37, 3), dtype=np.uint8)
tensors = {"image": image, "wide": wide}
for name, pixels in [("image", image), ("wide", wide)]:
    pil = Image.fromarray(pixels)
    tensors[f"{name}.gray_u8"] = np.asarray(pil.convert("L"))
    tensors[f"{name}.gray_f32"] = F.rgb_to_grayscale(F.to_tensor(pil)).numpy()[0]
    # (top, left) of the crop in the padded image, flip, angle
    cases = [(4, 4, 0, 0.0), (0, 8, 1, 0.0), (7, 1, 0, 15.0), (2, 5, 1, -15.0), (4, 4, 0, 7.25),
             (8, 0, 1, -0.3), (4, 3, 0, 3.7), (1, 6, 1, -11.9), (4, 4, 0, 90.0), (4, 4, 1, 180.0)]
    tensors[f"{name}.cases"] = np.array(cases, dtype=np.float64)
    results = []
    for top, left, flip, angle in cases:
        x = F.pad(pil, 4, fill=0)
        x = F.crop(x, top, left, pixels.shape[0], pixels.shape[1])
        x = F.hflip(x) if flip else x
        results.append(np.asarray(F.rotate(x, angle)))
    tensors[f"{name}.augmented"] = np.stack(results)
    for height, width in [(32, 32), (13, 9), (40, 50), (1, 7)]:
        for kind, resample in [("area", Image.Resampling.BOX), ("triangle", Image.Resampling.BILINEAR)]:
            tensors[f"{name}.{kind}.{height}x{width}"] = np.asarray(pil.resize((width, height), resample))
# The study's rescaling of stimuli: order 1, no antialiasing, then truncation to u8.
gray = rng.randint(0, 256, (41, 33), dtype=np.uint8)
tensors["stimulus"] = gray
for scale in (0.4, 0.5, 1.3):
    scaled = rescale(gray, scale, order=1, mode="reflect", preserve_range=True, anti_aliasing=False)
    tensors[f"stimulus.{scale}"] = scaled.astype(np.uint8)
save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, out / "transforms.safetensors")

# Decoded photographs: a few rows, every 5th pixel in both axes.
tensors = {}
for row in (0, 3, 57, 101, 207):
    pixels = np.asarray(Image.open(io.BytesIO(rows[row]["bytes"])).convert("RGB"))
    tensors[f"row{row}"] = pixels[::5, ::5]
save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, out / "decoding.safetensors")
