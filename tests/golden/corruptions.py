"""Golden files of the corruptions, made by the Python package `imagecorruptions`.

Pinned: python 3.11, imagecorruptions 1.1.2, numpy 1.26.4, scipy 1.11.4,
scikit-image 0.20.0, opencv-python-headless 4.10.0.84, pillow 13.0.0 (bundled
libjpeg-turbo 3.2.0).

    PYARROW_PYTHON=python-with-pyarrow python corruptions.py OUTPUT [PHOTOS.parquet]

The photographs (datasets/mini/photos.parquet) are read by the interpreter
named in PYARROW_PYTHON, or by this one where it has pyarrow.

Seeds: every result is what the package gives right after numpy.random.seed(N);
impulse noise is what scikit-image's random_noise gives with seed=N.
"""
import functools
import io
import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np

if not hasattr(np, "float_"):
    np.float_ = np.float64
import cv2
import imagecorruptions
import imagecorruptions.corruptions as package
import PIL.features
import scipy
import skimage
from PIL import Image

_gaussian = package.gaussian


def gaussian(image, sigma=1, multichannel=None, **keywords):
    """scikit-image renamed `multichannel=True` to `channel_axis=-1`."""
    if multichannel is not None:
        keywords["channel_axis"] = -1 if multichannel else None
    return _gaussian(image, sigma=sigma, **keywords)


package.gaussian = gaussian
random_noise = skimage.util.random_noise

NAMES = [f.__name__ for f in imagecorruptions.corruption_tuple]
# On a gray image these three fail, or blur along one direction only: there
# the first channel of the result on three equal channels stands for them.
THROUGH_RGB = {"motion_blur", "gaussian_blur", "glass_blur"}


def save(path, arrays):
    """Writes safetensors: this environment has no library for it."""
    codes = {"uint8": "U8", "float64": "F64", "float32": "F32", "int64": "I64"}
    header, offset, blobs = {}, 0, []
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        blob = array.tobytes()
        header[name] = {
            "dtype": codes[str(array.dtype)],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def photos(parquet):
    """A few photographs with structure, as RGB arrays."""
    wanted = [0, 60, 150, 180]
    code = (
        "import sys,pickle,pyarrow.parquet as pq\n"
        f"t=pq.read_table({str(parquet)!r})['image']\n"
        f"sys.stdout.buffer.write(pickle.dumps([t[i].as_py()['bytes'] for i in {wanted}]))\n"
    )
    python = os.environ.get("PYARROW_PYTHON", sys.executable)
    import pickle

    blobs = pickle.loads(subprocess.run([python, "-c", code], check=True, stdout=subprocess.PIPE).stdout)
    return [Image.open(io.BytesIO(b)).convert("RGB") for b in blobs]


def crop(photo, height, width, scale):
    """The middle of the photograph, scaled so that there is something to see."""
    image = photo.resize((round(photo.width * scale), round(photo.height * scale)), Image.BICUBIC)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return np.array(image.crop((left, top, left + width, top + height)))


def corrupt(image, name, severity, seed):
    function = imagecorruptions.corruption_dict[name]
    if image.ndim == 2 and name in THROUGH_RGB:
        return corrupt(np.stack([image] * 3, -1), name, severity, seed)[..., 0]
    skimage.util.random_noise = functools.partial(random_noise, seed=seed)
    np.random.seed(seed)
    with np.errstate(all="ignore"):
        return np.uint8(function(Image.fromarray(image), severity))


def numpy_values():
    out = {}
    for seed in [0, 1, 1000, 123_456_789]:
        def put(name, draw):
            np.random.seed(seed)
            out[f"{name}/{seed}"] = np.asarray(draw(), dtype=np.float64)

        put("random_sample", lambda: np.random.random_sample(100))
        put("uniform", lambda: np.random.uniform(-3.5, 10.25, 100))
        put("normal", lambda: np.random.normal(0.55, 0.3, 1001))
        put("randint_5", lambda: [np.random.randint(5) for _ in range(100)])
        put("randint_6", lambda: np.random.randint(-3, 3, size=100))
        put("randint_1000", lambda: np.random.randint(17, 1017, size=700))
        for mean in [0.02, 0.7, 4.9, 9.99, 10.0, 37.3, 250.0]:
            put(f"poisson_{mean}", lambda: np.random.poisson(mean, 200))
        out[f"pcg64/{seed}"] = np.random.default_rng(seed).random(100)
    np.random.seed(77)
    mixed = []
    for _ in range(40):
        mixed.append(np.random.normal())
        mixed.append(np.random.randint(-2, 2))
        mixed.append(np.random.poisson(12.5))
        mixed.append(np.random.uniform(-45, 45))
        mixed.append(np.random.poisson(0.5))
    out["mixed"] = np.array(mixed, dtype=np.float64)
    return out


# (name, height, width, gray, photographs, scale, seeds, rows kept)
SETS = [
    ("rgb32", 32, 32, False, [0, 1], 0.2, [1, 2024], None),
    ("rgb64", 64, 64, False, [2, 3], 0.35, [3, 77], None),
    ("rgb96x64", 96, 64, False, [1], 0.5, [11], range(0, 96, 2)),
    ("rgb224", 224, 224, False, [0], 1.0, [5], range(9, 224, 28)),
    ("gray32", 32, 32, True, [2], 0.2, [8], None),
    ("gray64", 64, 64, True, [0], 0.35, [9], None),
]


def centred_zoom(image, factor):
    side = image.shape[0]
    inner = int(np.ceil(side / factor))
    start = (side - inner) // 2
    part = image[start : start + inner, start : start + inner]
    large = scipy.ndimage.zoom(part, (factor, factor, 1), order=1)
    start = (large.shape[0] - side) // 2
    return large[start : start + side, start : start + side]


def small_zoom_blur(image, factors):
    x = (image / 255.0).astype(np.float32)
    total = np.zeros_like(x)
    for factor in factors:
        total += centred_zoom(x, factor)
    return np.clip((x + total) / (len(factors) + 1), 0, 1) * 255


def small_frost(image, image_weight, frost_weight, scale):
    folder = Path(imagecorruptions.__file__).parent / "frost"
    files = ["frost1.png", "frost2.png", "frost3.png", "frost4.jpg", "frost5.jpg"]
    side = image.shape[0]
    frost = cv2.imread(str(folder / files[np.random.randint(5)]))
    frost = cv2.resize(frost, (0, 0), fx=scale, fy=scale)
    top = np.random.randint(0, frost.shape[0] - side)
    left = np.random.randint(0, frost.shape[1] - side)
    crop = frost[top : top + side, left : left + side, ::-1]
    return np.clip(image_weight * image + frost_weight * crop, 0, 255)


def small_pixelate(image, factor):
    side = image.shape[0]
    small = Image.fromarray(image).resize((int(side * factor),) * 2, Image.BOX)
    return np.array(small.resize((side, side), Image.BOX))


def small_elastic(image, alpha, sigma, jitter):
    side = image.shape[0]
    alpha, sigma, jitter = side * alpha, side * sigma, side * jitter
    x = np.array(image, dtype=np.float32) / 255.0
    centre, reach = side // 2, side // 3
    corners = np.float32(
        [[centre + reach, centre + reach], [centre + reach, centre - reach], [centre - reach, centre - reach]]
    )
    moved = corners + np.random.uniform(-jitter, jitter, size=(3, 2)).astype(np.float32)
    matrix = cv2.getAffineTransform(corners, moved)
    x = cv2.warpAffine(x, matrix, (side, side), borderMode=cv2.BORDER_REFLECT_101)

    def field():
        noise = np.random.uniform(-1, 1, size=(side, side))
        return (_gaussian(noise, sigma, mode="reflect", truncate=3) * alpha).astype(np.float32)

    dx = field()
    dy = field()
    rows, columns = np.meshgrid(np.arange(side), np.arange(side), indexing="ij")
    places = [rows + dy, columns + dx]
    warped = [scipy.ndimage.map_coordinates(x[..., c], places, order=1, mode="reflect") for c in range(3)]
    return np.clip(np.stack(warped, -1), 0, 1) * 255


def small_defocus(image, radius, sigma):
    kernel = package.disk(radius=radius, alias_blur=sigma)
    planes = [cv2.filter2D(image[..., c] / 255.0, -1, kernel) for c in range(3)]
    return np.clip(np.stack(planes, -1), 0, 1) * 255


def small_mud(image, mean, deviation, sigma, threshold, edge):
    x = np.array(image, dtype=np.float32) / 255.0
    liquid = _gaussian(np.random.normal(size=x.shape[:2], loc=mean, scale=deviation), sigma=sigma)
    mask = _gaussian((liquid > threshold).astype(np.float32), sigma=edge)[..., None]
    mask[mask < 0.8] = 0
    brown = np.array([63 / 255.0, 42 / 255.0, 20 / 255.0], dtype=np.float32)
    return np.clip(x * (1 - mask) + brown * mask, 0, 1) * 255


# What the small-image generators of hendrycks/robustness do differently, with
# some of their constants; motion blur and snow need ImageMagick and are missing.
SMALL = {
    "tiny-imagenet-c": {
        "zoom_blur": (small_zoom_blur, {1: [np.arange(1, 1.06, 0.01)], 5: [np.arange(1, 1.26, 0.01)]}),
        "frost": (small_frost, {1: [1, 0.3, 0.3], 5: [0.7, 0.55, 0.3]}),
        "pixelate": (small_pixelate, {1: [0.9], 4: [0.6]}),
        "elastic_transform": (small_elastic, {1: [0, 0, 0.08], 2: [0.05, 0.3, 0.06], 5: [0.16, 0.03, 0.02]}),
        "defocus_blur": (small_defocus, {1: [0.5, 0.6], 4: [2.5, 0.01]}),
        "spatter": (small_mud, {5: [0.65, 0.1, 0.5, 0.67, 0.6]}),
    },
    "cifar-c": {
        "zoom_blur": (small_zoom_blur, {2: [np.arange(1, 1.11, 0.01)]}),
        "frost": (small_frost, {3: [0.9, 0.4, 0.2], 5: [0.75, 0.45, 0.2]}),
        "pixelate": (small_pixelate, {1: [0.95], 5: [0.65]}),
        "elastic_transform": (small_elastic, {1: [0, 0, 0.08], 3: [0.08, 0.06, 0.06]}),
        "defocus_blur": (small_defocus, {1: [0.3, 0.4], 5: [1.5, 0.1]}),
        "spatter": (small_mud, {4: [0.65, 0.1, 0.7, 0.69, 0.6]}),
    },
}


def small_tables(pictures):
    arrays = {"seed": np.array([21], dtype=np.int64)}
    for table, side, scale in [("tiny-imagenet-c", 64, 0.35), ("cifar-c", 32, 0.2)]:
        image = crop(pictures[3], side, side, scale)
        arrays[f"{table}/input"] = image
        for name, (function, rows) in SMALL[table].items():
            for severity, constants in rows.items():
                np.random.seed(21)
                result = np.uint8(function(image, *constants))
                if table == "tiny-imagenet-c":
                    file = io.BytesIO()
                    Image.fromarray(result).save(file, "JPEG", quality=85, optimize=True)
                    result = np.array(Image.open(file))
                arrays[f"{table}/{name}/{severity}"] = result
    return arrays


def files(folder, photo):
    """Files of kinds that are refused: CMYK, 16 bits per channel."""
    folder.mkdir(exist_ok=True)
    picture = crop(photo, 24, 32, 0.25)
    Image.fromarray(picture).convert("CMYK").save(folder / "cmyk.jpg", quality=75)
    gray = picture.mean(-1) * 257
    Image.fromarray(gray.astype(np.uint16)).save(folder / "gray16.png")


def main():
    output = Path(sys.argv[1])
    default = Path(__file__).resolve().parents[2] / "datasets/mini/photos.parquet"
    parquet = Path(sys.argv[2]) if len(sys.argv) > 2 else default
    output.mkdir(parents=True, exist_ok=True)
    print(
        "imagecorruptions 1.1.2, numpy", np.__version__, "scipy", scipy.__version__,
        "scikit-image", skimage.__version__, "opencv", cv2.__version__, "pillow", PIL.__version__,
        "libjpeg-turbo", PIL.features.version("libjpeg_turbo"),
    )
    save(output / "numpy.safetensors", numpy_values())
    pictures = photos(parquet)
    save(output / "small.safetensors", small_tables(pictures))
    files(output / "files", pictures[0])
    for name, height, width, gray, chosen, scale, seeds, rows in SETS:
        arrays = {"seeds": np.array(seeds, dtype=np.int64)}
        if rows is not None:
            arrays["rows"] = np.array(list(rows), dtype=np.int64)
        for i, (photo, seed) in enumerate(zip(chosen, seeds)):
            image = crop(pictures[photo], height, width, scale)
            if gray:
                image = np.array(Image.fromarray(image).convert("L"))
            arrays[f"{i}/input"] = image
            for corruption in NAMES:
                for severity in range(1, 6):
                    result = corrupt(image, corruption, severity, seed)
                    assert result.shape == image.shape, (corruption, result.shape)
                    kept = result if rows is None else result[list(rows)]
                    arrays[f"{i}/{corruption}/{severity}"] = kept
        save(output / f"{name}.safetensors", arrays)
        print(name, sum(a.nbytes for a in arrays.values()), "bytes")


if __name__ == "__main__":
    main()
