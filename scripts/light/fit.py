#!/usr/bin/env python3
"""Fits the constants of the embedded light (src/core/light/fitted_optics.hpp) to cells of the photon Monte Carlo.

    scripts/light/fit.py muon|cascade            prints the constants, and how well they fit
    scripts/light/fit.py muon|cascade --check    only how well those in fitted_optics.hpp do

Cells: test/data/light/*.tsv, made by photon_mc.cpp beside this file (300 000 photons for level muons, 1 000 000 for
inclined ones, 400 000 for cascades; seed 7). Needs numpy and scipy.
"""

import pathlib
import re
import sys

import numpy as np
from scipy.linalg import eigh
from scipy.optimize import least_squares
from scipy.special import gammaincinv, k0, k0e

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPEED, GROUP = 0.299792458, 1.35634  # m/ns; group index at 400 nm
COS = 1 / 1.3195
SIN = np.sqrt(1 - COS * COS)
AREA, RADIUS, ROUNDING = 20.2e-4, 0.16510, 0.5  # m^2, m, m
FAR = 8  # where the optical distance saturates in the polynomial
SHARES = {"t10": 0.1, "t50": 0.5, "t90": 0.9}
NAMES = ["direct_share", "direct_fading", "shift_fading", "window"] + [f"amplitude[{i}]" for i in range(7)] + [
    "shape_factor", "shape_power", "shape_by_direct", "rate_factor", "rate_power"]
START = {
    "muon": [0.87, 1.1, 2.5, 0.1, 0.2, 0, 0, 0, 0, 0, 0.1, 0.63, 0.85, 0.5, 2.5, -0.18],
    "cascade": [1, 1.2, 1.4, 0.05, 0.1, 0, 0, 0, 0, 0, 0.1, 0.54, 1.11, 0.42, 2.9, -0.12],
}
# Of a cascade nothing is scattered at the source.
FIXED = {"muon": [], "cascade": [0]}


class Ice:
    """SPICE-Mie at 400 nm, linear between its layers' centres: integrals up to a height."""

    def __init__(self):
        lines = (ROOT / "src/detector/spice-mie.tsv").read_text().splitlines()
        _, kappa, a, b, d, e = map(float, lines[0].split(":")[1].split())
        rows = np.array([[float(x) for x in line.split()] for line in lines if not line.startswith("#")])
        depth, scattering, dust, offset = rows[rows[:, 2] != 999].T
        absorption = (d * dust + e) * 400**-kappa + a * np.exp(-b / 400) * (1 + 0.01 * offset)
        self.z = np.linspace(-700, 1000, 17001)
        self.sums = []
        for values in (scattering, absorption):
            at = np.interp(self.z, 1948.07 - depth[::-1], values[::-1])
            steps = 0.5 * (at[1:] + at[:-1]) * np.diff(self.z)
            self.sums.append(np.concatenate([[0], np.cumsum(steps)]))

    def mean(self, start, end, window):
        middle, half = (start + end) / 2, np.sqrt(((end - start) / 2) ** 2 + window**2 + ROUNDING**2)
        low, high = middle - half, middle + half
        return [(np.interp(high, self.z, s) - np.interp(low, self.z, s)) / (high - low) for s in self.sums]


def acceptance():
    """The h2-50cm curve relative to its mean, and its mean cosine."""
    section = (ROOT / "src/detector/dom-angular-acceptance.tsv").read_text().split("# ")[1]
    curve = np.array([float(x) for x in section.split()[2:]]) / 0.338
    x = np.linspace(-1, 1, 20001)
    values = np.polyval(curve[::-1], x)
    return (lambda cosine: np.polyval(curve[::-1], cosine)), (x * values).mean() / values.mean()


ICE = Ice()
ACCEPTED, VIEW = acceptance()


def emission():
    """A cascade's emission relative to its mean, and its mean cosine."""
    raw = lambda x: np.exp(-2.61 * ((x - COS) ** 2 + 4e-6) ** 0.195)
    x = np.linspace(-1, 1, 200001)
    mean = raw(x).mean()
    return (lambda cosine: raw(cosine) / mean), (x * raw(x)).mean() / mean


EMITTED, FORWARD = emission()


def read(kind):
    lines = (ROOT / f"test/data/light/{kind}_cells.tsv").read_text().splitlines()
    rows = np.array([[float(x) for x in line.split("\t")] for line in lines[1:]])
    return dict(zip(lines[0].split("\t"), rows.T))


def spread(cells, *axes):
    """Points over each cell: one array (cells, points) per axis, every axis given as low and high ends."""
    shares = np.array([1 / 6, 1 / 2, 5 / 6])
    grids = np.meshgrid(*[shares] * len(axes), indexing="ij")
    return [low[:, None] + (high - low)[:, None] * grid.ravel()[None] for (low, high), grid in zip(axes, grids)]


class LayeredDiffusion:
    """What src/core/light/layered_diffusion.cpp says, without tables: light in horizontal layers."""

    STEP = 10  # m

    def __init__(self):
        step = self.STEP
        self.z = np.arange(-650, 651, step)
        at = lambda sums, z: np.interp(z, ICE.z, sums)
        self.b, self.a = [(at(s, self.z + step / 2) - at(s, self.z - step / 2)) / step for s in ICE.sums]
        flow = 2 / (3 * self.b[1:] + 3 * self.b[:-1]) / step**2
        matrix = np.diag(self.a + np.append(flow, 0) + np.append(0, flow)) - np.diag(flow, 1) - np.diag(flow, -1)
        squares, modes = eigh(matrix, np.diag(1 / (3 * self.b)))
        self.logs = np.linspace(np.log(2), np.log(1500), 80)
        falling = k0(np.minimum(np.outer(np.exp(self.logs), np.sqrt(squares)), 600)) / (2 * np.pi * step)
        self.density = np.log(np.maximum(np.einsum("in,rn,jn->ijr", modes, falling, modes, optimize=True), 1e-30))

    def log_density(self, source, receiver, distance):
        value = 0
        places = [((source - self.z[0]) / self.STEP, len(self.z)), ((receiver - self.z[0]) / self.STEP, len(self.z)),
                  ((np.log(distance) - self.logs[0]) / (self.logs[1] - self.logs[0]), len(self.logs))]
        places = [np.clip(at, 0, count - 1.001) for at, count in places]
        nodes = [at.astype(int) for at in places]
        for corner in np.ndindex(2, 2, 2):
            weight = np.prod([1 - abs(at - node - c) for at, node, c in zip(places, nodes, corner)], axis=0)
            value = value + weight * self.density[tuple(node + c for node, c in zip(nodes, corner))]
        return value

    def scattered(self, upwards):
        """By height: where light that travels with the track is scattered first, per length of track."""
        rate, lost = self.b / COS, (self.a + self.b) / COS
        if abs(upwards) < 1e-6:
            return rate / lost
        fine = np.arange(self.z[0], self.z[-1] + 1, 1.0)
        rate, lost = (np.interp(fine, self.z, x) for x in (rate, lost))
        flux, order = np.empty(len(fine)), range(len(fine)) if upwards > 0 else range(len(fine))[::-1]
        before = 1 / lost[order[0]]
        for i in order:
            before = flux[i] = 1 / lost[i] + (before - 1 / lost[i]) * np.exp(-lost[i] / abs(upwards))
        return np.interp(self.z, fine, rate * flux)

    def of_track(self, upwards, height, distance, cosine):
        """Density at DOMs of these heights, at a distance from the track, at an angle about it from its upper side."""
        level = np.sqrt(1 - upwards**2)
        nearest, along = height - distance * cosine * level, -distance * cosine * upwards
        across = distance * np.sqrt(np.maximum(1 - cosine**2, 0))
        turns = np.linspace(-1, 1, 64) * np.arcsinh(600 / 20)
        scattered, total = self.scattered(upwards), 0
        for s, weight in zip(20 * np.sinh(turns), 20 * np.cosh(turns) * (turns[1] - turns[0])):
            source, way = nearest + s * upwards, np.sqrt((along - s * level) ** 2 + across**2 + 1e-3)
            emitted = np.interp(source, self.z, scattered)
            total = total + weight * emitted * np.exp(self.log_density(source, height, way))
        return total


K0_AT = np.geomspace(1e-5, 100, 5000)
K0_LOGS = np.log(k0e(K0_AT)) - K0_AT
USUAL_SCATTERING = 25  # m
DIFFUSED = 10  # m: nearer than layers are thick, light has not diffused yet


class Muons:
    """Cells about a track through (0, 0, height), towards +x or straight up or down."""

    def __init__(self, cells):
        distance = cells["distance"]
        self.rho, phi = spread(
            cells, (0.88 * distance, 1.12 * distance), (np.radians(cells["phi_lo"]), np.radians(cells["phi_hi"])))
        zenith = np.radians(cells["zenith"])[:, None] + 0 * phi
        self.nz, up = -np.cos(zenith), np.sin(zenith)
        self.outward_z = np.cos(phi) * up
        self.height = cells["height"][:, None] + 0 * phi
        self.diffused = np.maximum(self.rho, DIFFUSED)
        self.dom = self.height + self.diffused * self.outward_z
        diffusion, self.density = LayeredDiffusion(), np.empty(phi.shape)
        for upwards in np.unique(self.nz):
            of = self.nz[:, 0] == upwards
            self.density[of] = diffusion.of_track(upwards, self.dom[of], self.diffused[of], np.cos(phi)[of])

    def decay(self, c):
        """k for which K0(k rho) 3 b / (2 pi), the light of a track in even ice, is that in layers."""
        b = ICE.mean(self.height, self.dom, c[3] * self.diffused)[0]
        return np.interp(-np.log(self.density * 2 * np.pi / (3 * b)), -K0_LOGS, K0_AT) / self.diffused

    def expect(self, c):
        rho, nz, above = self.rho, self.nz, self.rho * self.outward_z
        b, a = ICE.mean(self.height, self.height + above, c[3] * rho)
        s = rho * b / SIN
        direct = c[0] * np.exp(-s / c[1])
        shift = VIEW * (1 - np.exp(-s / c[2])) / b
        displaced = np.sqrt(ROUNDING**2 + rho**2 - shift * (2 * above - (1 - nz**2) * shift))
        accepted = ACCEPTED(nz * COS + self.outward_z * SIN)
        decay = self.decay(c)
        near = np.exp(a / b) / (3 * b) / SIN * np.sqrt(2 * decay / np.pi)

        def diffusive(d):
            return (32240 * AREA / (2 * np.pi * SIN) * np.exp(-d * decay)
                    / (near * np.sqrt(d) * np.tanh(np.sqrt(d) / near)))

        light = diffusive(np.hypot(rho, RADIUS)) * accepted * direct + diffusive(displaced) * (1 - direct)
        return (light * correction(c, rho, b, decay), *timing(c, displaced * b / SIN, 1 + (accepted - 1) * direct, a))


class Cascades:
    """Cells about a cascade at (0, 0, height), towards +x or straight up or down."""

    def __init__(self, cells):
        distance = cells["distance"]
        self.r, self.rising, phi = spread(
            cells, (0.88 * distance, 1.12 * distance), (cells["cos_lo"], cells["cos_hi"]),
            (np.radians(cells["phi_lo"]), np.radians(cells["phi_hi"])))
        zenith = np.radians(cells["zenith"])[:, None]
        self.nz = -np.cos(zenith)
        self.cosine = np.sqrt(1 - self.rising**2) * np.cos(phi) * np.sin(zenith) + self.rising * self.nz
        self.height = cells["height"][:, None] + 0 * phi
        self.diffused = np.maximum(self.r, DIFFUSED)
        self.dom = self.height + self.diffused * self.rising
        across = np.maximum(self.diffused * np.sqrt(1 - self.rising**2), 1)
        self.log_density = LayeredDiffusion().log_density(self.height, self.dom, across)

    def decay(self, c):
        """k for which exp(-k r) 3 b / (4 pi r), the light of a point in even ice, is that in layers."""
        b = ICE.mean(self.height, self.dom, c[3] * self.diffused)[0]
        return -(self.log_density + np.log(4 * np.pi * self.diffused / (3 * b))) / self.diffused

    def expect(self, c):
        r = self.r
        b, a = ICE.mean(self.height, self.height + r * self.rising, c[3] * r)
        direct = c[0] * np.exp(-r * b / c[1])
        shift = (1 - np.exp(-r * b / c[2])) / b
        along = r * (FORWARD * self.cosine + VIEW * self.rising)
        square = FORWARD**2 + VIEW**2 + 2 * FORWARD * VIEW * self.nz
        displaced = np.sqrt(ROUNDING**2 + r**2 - shift * (2 * along - square * shift))
        both = EMITTED(self.cosine) * ACCEPTED(self.rising)
        decay, length = self.decay(c), np.exp(a / b) / (3 * b)

        def diffusive(d):
            return 32582 * 5.21 * AREA / (4 * np.pi * d) * np.exp(-d * decay) / (length * np.tanh(d / length))

        light = diffusive(np.hypot(r, RADIUS)) * both * direct + diffusive(displaced) * (1 - direct)
        return (light * correction(c, r, b, decay), *timing(c, displaced * b, 1 + (both - 1) * direct, a))


def correction(c, distance, b, decay):
    u, v = distance * decay, np.log1p(b * distance)
    u = u / (1 + u / FAR)
    by_scattering = c[10] * v * np.log(USUAL_SCATTERING * b)
    return np.exp(c[4] + c[5] * u + c[6] * v + c[7] * v * v + c[8] * u * u + c[9] * u * v + by_scattering)


def timing(c, scatterings, accepted, a):
    return c[11] * scatterings**c[12] * accepted**-c[13], c[14] * SPEED / GROUP * a * scatterings**c[15]


def differences(c, points, cells):
    """ln(model / cell) of the amplitude and of the three quantiles + 10 ns."""
    light, shape, rate = points.expect(c)
    weight = light / light.sum(1, keepdims=True)
    late = [(weight * np.log(gammaincinv(shape, share) / rate + 10)).sum(1) - np.log(cells[name] + 10)
            for name, share in SHARES.items()]
    return np.log(light.mean(1) / cells["amplitude_h250"]), np.array(late)


def weights(cells):
    """What counts: level sources to 200 m."""
    far, level = cells["distance"] > 200, cells["zenith"] == 90
    return np.where(far, 0.25, 1) * np.where(level, 1, 0.5) * np.minimum(1, 0.05 / cells["rel_error"])


def report(c, points, cells):
    amplitude, late = differences(c, points, cells)
    counted = cells["distance"] <= 200
    rms = lambda x: np.sqrt((x**2).mean())
    print(f"rms of ln(quantile + 10 ns) to 200 m: {rms(late[:, counted]):.3f}; of ln(amplitude) at 50 to 200 m: "
          f"{rms(amplitude[counted & (cells['distance'] >= 50)]):.3f}")
    for height, zenith in sorted(set(zip(cells["height"], cells["zenith"]))):
        here = counted & (cells["height"] == height) & (cells["zenith"] == zenith)
        far = here & (cells["distance"] >= 50)
        print(f"  height {height:5.0f} m, zenith {zenith:3.0f}: quantiles {rms(late[:, here]):.3f}, amplitude {rms(amplitude[far]):.3f}")


def in_header(kind):
    """The constants as fitted_optics.hpp has them."""
    text = (ROOT / "src/core/light/fitted_optics.hpp").read_text()
    numbers = re.search(rf"constexpr Constants {kind}\{{(.*?)\}};", text, re.S)[1]
    return [float(x) for x in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", numbers)]


def main():
    kind = sys.argv[1] if len(sys.argv) > 1 else ""
    if kind not in START:
        sys.exit(__doc__)
    cells = read(kind)
    points = (Muons if kind == "muon" else Cascades)(cells)
    if "--check" in sys.argv:
        return report(in_header(kind), points, cells)
    free = [i for i in range(len(NAMES)) if i not in FIXED[kind]]
    scale = weights(cells)

    def constants(x):
        c = list(START[kind])
        for i, value in zip(free, x):
            c[i] = value
        return c

    def residuals(x):
        with np.errstate(all="ignore"):
            amplitude, late = differences(constants(x), points, cells)
        return np.nan_to_num(np.concatenate([scale * amplitude, (0.6 * scale * late).ravel()]), nan=5)

    found = least_squares(residuals, [START[kind][i] for i in free], loss="soft_l1", f_scale=0.5, max_nfev=60)
    c = constants(found.x)
    for name, value in zip(NAMES, c):
        print(f"{name:18} {value:.4f}")
    report(c, points, cells)


main()
