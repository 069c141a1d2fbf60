"""How far decoded images are from Pillow's.

    striate data convert IMAGES.tar set.npz --part validation
    python benches/peers/pixels.py IMAGES.tar set.npz

Compares every image of the npz file with what Pillow decodes from the file of its id in
the tar, and prints hashes and the distribution of the differences in levels.
Pinned: Pillow 13.0.0, NumPy 2.4.6.
"""
import hashlib
import io
import sys
import tarfile

import numpy as np
import PIL.features
from PIL import Image

tar = tarfile.open(sys.argv[1])
ours = np.load(sys.argv[2])
differences = np.zeros(256, np.int64)
equal, worst = 0, (0, "")
hashes = [hashlib.sha256(), hashlib.sha256()]
for name, image in zip(ours["ids"], ours["images"]):
    theirs = np.asarray(Image.open(io.BytesIO(tar.extractfile(str(name)).read())).convert("RGB"))
    difference = np.abs(image.astype(int) - theirs)
    differences += np.bincount(difference.ravel(), minlength=256)
    equal += not difference.any()
    worst = max(worst, (int(difference.max()), str(name)))
    for digest, pixels in zip(hashes, [image, theirs]):
        digest.update(np.ascontiguousarray(pixels))
print(f"Pillow {PIL.__version__}, libjpeg-turbo {PIL.features.version('libjpeg_turbo')}")
print(f"{len(ours['ids'])} images, {equal} of them equal; largest difference {worst[0]} in {worst[1]}")
print("sha256 of all pixels:", *[digest.hexdigest() for digest in hashes], sep="\n")
share = differences / differences.sum()
print("levels of difference:", {int(i): f"{share[i]:.4%}" for i in np.flatnonzero(differences)})
