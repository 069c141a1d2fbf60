"""Predictions for `striate score`: python predict.py VAL VAL-C PREDICTIONS.parquet"""
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torchvision import datasets, models, transforms

val, corrupted, out = map(Path, sys.argv[1:])
model = models.resnet18(num_classes=len(datasets.ImageFolder(val).classes)).eval()  # yours here
transform = transforms.Compose([transforms.Resize((64, 64)), transforms.ToTensor()])
tests = [("clean", 0, val)]
tests += [(d.parent.name, int(d.name), d) for d in sorted(corrupted.glob("*/[1-5]"))]
rows = []
for corruption, severity, folder in tests:
    data = datasets.ImageFolder(folder, transform)
    ids = [str(Path(p).relative_to(folder).with_suffix("")) for p, _ in data.samples]
    for at, (images, labels) in enumerate(torch.utils.data.DataLoader(data, batch_size=256)):
        for k, (label, values) in enumerate(zip(labels.tolist(), model(images).tolist())):
            rows.append({"image_id": ids[256 * at + k], "corruption": corruption,
                         "severity": severity, "label": label, "logits": values})
pq.write_table(pa.Table.from_pylist(rows), out)
