"""Reads a spline table without us: astropy parses the FITS file, SciPy makes the basis functions.

Usage: spline_scipy.py FILE, lines [x0, x1, ...] (inside the extents) on the standard input; a line
[value, slope along axis 0, ...] out for each.
"""

import json
import sys

import numpy as np
from astropy.io import fits
from scipy.interpolate import BSpline

points = np.array([json.loads(line) for line in sys.stdin])
with fits.open(sys.argv[1]) as hdus:
    coefficients = hdus[0].data.astype(np.float64)  # C order: axis 0 first
    header = hdus[0].header
    axes = coefficients.ndim
    extents = hdus["EXTENTS"].data.reshape(axes, 2)
    assert np.all((points >= extents[:, 0]) & (points <= extents[:, 1])), "outside the extents"
    basis = []
    for axis in range(axes):
        knots = hdus[f"KNOTS{axis}"].data.astype(np.float64)
        order, size = header[f"ORDER{axis}"], coefficients.shape[axis]
        assert len(knots) == size + order + 1
        every = BSpline(knots, np.eye(size), order)
        basis.append((every(points[:, axis]), every.derivative()(points[:, axis])))

for i in range(len(points)):
    out = []
    for slope in range(-1, axes):
        left = coefficients
        for axis in range(axes):
            left = np.tensordot(basis[axis][1 if axis == slope else 0][i], left, axes=(0, 0))
        out.append(float(left))
    print(json.dumps(out))
