"""netCDF files of features (images x units) for the tests of striate-data and striate-cli.

Usage: netcdf.py OUTPUT_FOLDER

Every feature is `(7 r + 3 c + 5 r c) mod 11` of its row r and column c, plus 0.25 where the
type has fractions; the image of row r is called im5, im4, ... im0.

Pinned: numpy 2.4.6, scipy 1.17.1, netCDF4 1.7.5.1.post1, h5netcdf 1.8.2, h5py 3.16.0,
xarray 2026.9.0; the versions in use are printed.
"""

import sys
from pathlib import Path

import h5netcdf
import h5py
import netCDF4
import numpy as np
import scipy
import xarray
from scipy.io import netcdf_file

out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
print(*(f"{m.__name__} {m.__version__}" for m in (np, scipy, netCDF4, h5netcdf, h5py, xarray)))

IMAGES, UNITS = 6, 5
rows, columns = np.mgrid[:IMAGES, :UNITS]
whole = (7 * rows + 3 * columns + 5 * rows * columns) % 11
parts = whole + 0.25
names = [f"im{IMAGES - 1 - r}" for r in range(IMAGES)]
characters = np.array([list(name) for name in names], dtype="S1")

# CDF-1, an array of fixed size and ids of characters.
with netcdf_file(out / "classic.nc", "w", version=1) as file:
    file.history = b"made by netcdf.py"
    for name, length in [("image", IMAGES), ("unit", UNITS), ("text", 3)]:
        file.createDimension(name, length)
    file.createVariable("depth", "d", ("unit",))[:] = np.arange(UNITS)
    rates = file.createVariable("rates", "f", ("image", "unit"))
    rates[:] = parts
    rates.units = b"Hz"
    file.createVariable("image_id", "c", ("image", "text"))[:] = characters

# CDF-2, two variables along the record dimension: their records take turns, filled up to
# four bytes.
with netcdf_file(out / "records.nc", "w", version=2) as file:
    file.createDimension("presentation", None)
    file.createDimension("unit", UNITS)
    rates = file.createVariable("rates", "h", ("presentation", "unit"))
    ids = file.createVariable("image_id", "i", ("presentation",))
    for row in range(IMAGES):
        rates[row] = whole[row]
        ids[row] = IMAGES - 1 - row

# CDF-1, a single variable of shorts along the record dimension: records are not filled up.
with netCDF4.Dataset(out / "single.nc", "w", format="NETCDF3_CLASSIC") as file:
    file.createDimension("presentation", None)
    file.createDimension("unit", UNITS)
    file.createVariable("rates", "i2", ("presentation", "unit"))[:] = whole

# CDF-5, with types that the older formats lack; further axes are part of the features.
with netCDF4.Dataset(out / "wide.nc", "w", format="NETCDF3_64BIT_DATA") as file:
    for name, length in [("image", IMAGES), ("unit", UNITS), ("time_bin", 1)]:
        file.createDimension(name, length)
    file.createVariable("rates", "i8", ("image", "unit", "time_bin"))[:] = whole[..., None]
    file.createVariable("image_id", "u2", ("image",))[:] = np.arange(IMAGES)[::-1]

# netCDF-4 as xarray writes it: the layout of BrainScore's assemblies.
assembly = xarray.Dataset(
    {"x": (("presentation", "neuroid"), parts.astype("f4"))},
    coords={
        "image_id": ("presentation", np.array(names, dtype=object)),
        "repetition": ("presentation", np.zeros(IMAGES, dtype="i4")),
        "neuroid_id": ("neuroid", np.arange(UNITS)),
        "region": ("neuroid", np.array(["V1"] * UNITS, dtype=object)),
    },
)
encoding = {"x": {"zlib": True, "chunksizes": (4, 2)}}
assembly.to_netcdf(out / "assembly.nc", engine="netcdf4", encoding=encoding)

# netCDF-4 by h5netcdf, ids of characters, doubles in one piece.
with h5netcdf.File(out / "plain.nc", "w") as file:
    file.dimensions = {"image": IMAGES, "unit": UNITS, "text": 3}
    file.create_variable("rates", ("image", "unit"), "f8")[:] = parts
    file.create_variable("image_ids", ("image", "text"), "S1")[:] = characters

# What has to be refused or marked, in both families.
for name, kind in [("several3.nc", "NETCDF3_CLASSIC"), ("several4.nc", "NETCDF4")]:
    with netCDF4.Dataset(out / name, "w", format=kind) as file:
        for dimension, length in [("image", IMAGES), ("unit", UNITS)]:
            file.createDimension(dimension, length)
        gaps = np.ma.array(parts, mask=(rows == 2) & (columns == 3))
        gappy = file.createVariable("gappy", "f4", ("image", "unit"), fill_value=-1.0)
        gappy[:] = gaps
        # Of this row nothing was ever written.
        unwritten = file.createVariable("unwritten", "f8", ("image", "unit"))
        unwritten[: IMAGES - 1] = parts[: IMAGES - 1]
        packed = file.createVariable("packed", "i2", ("image", "unit"))
        packed.scale_factor = 0.5
        packed[:] = whole
        file.createVariable("turned", "f4", ("unit", "image"))[:] = parts.T
        file.createVariable("image_id", "i4", ("image",))[:] = np.arange(IMAGES)[::-1]
