"""Decodes images to RGB with Pillow and torchvision, for crates/striate-data/benches/decode.rs.

Usage: data.py FILE COUNT   (a parquet table or a tar of JPEGs; the first COUNT images in
byte order of their names). Reads lines "decoder threads", answers with seconds.
"""

import io
import sys
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor

import PIL
import torch
import torchvision
from machine import machine
from PIL import Image
from torchvision.io import ImageReadMode, decode_image

path, count = sys.argv[1], int(sys.argv[2])
if path.endswith(".parquet"):
    import pyarrow.parquet as pq

    images = [row["bytes"] for row in pq.read_table(path).column("image").to_pylist()]
else:
    with tarfile.open(path) as tar:
        members = [m for m in tar.getmembers() if m.isfile() and m.name.endswith(".JPEG")]
        members.sort(key=lambda m: m.name.removeprefix("./").encode())
        images = [tar.extractfile(m).read() for m in members[:count]]
assert len(images) == count, (len(images), count)
tensors = [torch.frombuffer(bytearray(image), dtype=torch.uint8) for image in images]
# One image is one task: no threads within a decoder.
torch.set_num_threads(1)


def pillow(image):
    return Image.open(io.BytesIO(image)).convert("RGB").tobytes()


def by_torchvision(tensor):
    return decode_image(tensor, ImageReadMode.RGB)


print(f"Machine: {machine()}. Pillow {PIL.__version__}, torchvision {torchvision.__version__}.", flush=True)
for line in sys.stdin:
    decoder, threads = line.split()
    decode, work = (pillow, images) if decoder == "pillow" else (by_torchvision, tensors)
    start = time.perf_counter()
    if threads == "1":
        for image in work:
            decode(image)
    else:
        with ThreadPoolExecutor(int(threads)) as pool:
            for _ in pool.map(decode, work, chunksize=16):
                pass
    print(time.perf_counter() - start, flush=True)
