"""Expected values of striate-data, made with Pillow, torchvision and scikit-image.

Usage: data.py OUTPUT_FOLDER
It writes transforms, decoding and hdf5.safetensors, things.mat and session.nwb.

Pinned: Pillow 13.0.0, torch 2.15.0, torchvision 0.29.2, scikit-image 0.26.0,
pyarrow 26.0.1, h5py 3.16.0; the versions in use are printed.
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
    for resize, crop in [(20, 16), (24, 19), (40, 33), (17, 17)]:
        fitted = F.center_crop(F.resize(pil, resize), [crop, crop])
        tensors[f"{name}.fitted.{resize}.{crop}"] = np.asarray(fitted)
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


def hdf5_files(out):
    """Small files in the layouts of data-formats.md 2.4 and 2.6, as h5py writes them."""
    import h5py

    print("h5py", h5py.__version__)
    rng = np.random.RandomState(11)
    header = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    train = rng.randn(30, 6)
    reps = rng.randn(4, 5, 6)
    reps[3, 1] = np.nan
    with h5py.File(out / "things.mat", "w", userblock_size=512, libver="earliest") as f:
        packed = {"compression": "gzip", "shuffle": True}
        f.create_dataset("train_MUA", data=train, chunks=(7, 4), **packed)
        f.create_dataset("test_MUA", data=np.nanmean(reps, 0), chunks=(2, 6), **packed)
        f.create_dataset("test_MUA_reps", data=reps.astype(np.float32), chunks=(1, 2, 6), **packed)
        refs = f.create_group("#refs#")
        group = f.create_group("train_imgs")
        for column, texts in [("class", ["aardvark", "b\u00e4r"]), ("things_path", ["a/1.jpg", "b/2.jpg"])]:
            made = [refs.create_dataset(f"{column}{i}", data=np.frombuffer(t.encode("utf-16-le"), "<u2")[:, None])
                    for i, t in enumerate(texts)]
            cells = group.create_dataset(column, (2, 1), dtype=h5py.ref_dtype)
            for i, one in enumerate(made):
                cells[i, 0] = one.ref
    with open(out / "things.mat", "r+b") as f:
        f.write(header)
    starts = np.arange(8) * 0.5
    spikes = [np.sort(rng.uniform(0, 4, n)) for n in (60, 0, 45)]
    names = ["cat.png", "dog.png", "cat.png", "eel.png"] * 2
    with h5py.File(out / "session.nwb", "w", libver="latest") as f:
        f["units/spike_times"] = np.concatenate(spikes)
        f["units/spike_times_index"] = np.cumsum([len(s) for s in spikes]).astype(np.uint32)
        f["units/id"] = np.array([3, 4, 9])
        f["intervals/trials/start_time"] = starts
        f["intervals/trials/stop_time"] = starts + 0.3
        f.create_dataset("intervals/trials/image_name", data=names, dtype=h5py.string_dtype())
    counts = np.stack([[np.sum((s >= t + 0.04) & (s < t + 0.16)) for s in spikes] for t in starts])
    save_file({"things.train": train, "things.reps": reps, "nwb.counts": counts.astype(np.float32)},
              out / "hdf5.safetensors")


hdf5_files(out)
