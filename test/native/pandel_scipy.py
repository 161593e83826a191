"""Makes pandel_scipy.json: the gamma distribution convoluted with a Gaussian, by closed form and quadrature.

Density: parabolic cylinder function (G. Japaridze, M. Ribordy, astro-ph/0506136, eq. 13) in mpmath's
arbitrary precision. CDF: scipy's regularised incomplete gamma function integrated over the Gaussian.
Run with Debian's python3-scipy and python3-mpmath; the numbers are committed.
"""

import json

import mpmath
import numpy as np
from scipy import integrate, special

C = 0.299792458
ABSORPTION = C / (1.35634 * 98)


def density(shape, t, rate, sigma):
    eta = mpmath.mpf(rate) * sigma - mpmath.mpf(t) / sigma
    return float(
        mpmath.mpf(rate) ** shape
        * mpmath.mpf(sigma) ** (shape - 1)
        * mpmath.exp(-mpmath.mpf(t) ** 2 / (2 * sigma**2) + eta**2 / 4)
        * mpmath.pcfd(-shape, eta)
        / mpmath.sqrt(2 * mpmath.pi)
    )


def cumulative(shape, t, rate, sigma):
    def at(y):
        gauss = np.exp(-y * y / 2 / sigma**2) / sigma / np.sqrt(2 * np.pi)
        return special.gammainc(shape, rate * (t - y)) * gauss if y < t else 0.0

    low, high = -9 * sigma, min(t, 9 * sigma)
    if high <= low:
        return 0.0
    total, edges = 0.0, np.linspace(low, high, 10)
    for a, b in zip(edges[:-1], edges[1:]):
        # The fourth power takes the edge off where the gamma distribution begins.
        total += integrate.quad(
            lambda v: at(b - v**4) * 4 * v**3, 0, (b - a) ** 0.25, epsabs=0, epsrel=1e-10, limit=200
        )[0]
    return total


def main():
    random = np.random.default_rng(20231)
    out = []
    for name, tau, sigma in [("muon", 556.7, 15.0), ("noise", 556.7, 1000.0), ("cascade", 450.0, 15.0)]:
        rate, rows = 1 / tau + ABSORPTION, []
        while len(rows) < 150:
            shape = 10 ** random.uniform(-2, 1.7)
            if len(rows) % 2:
                t = random.uniform(-5 * sigma, 10 * sigma)
            else:
                t = abs(random.normal(shape / rate, 3 * np.sqrt(shape) / rate))
            shape, t = round(shape, 4), round(t, 2)
            try:
                p = density(shape, t, rate, sigma)
            except mpmath.NoConvergence:
                continue
            if p > 1e-6:
                rows.append([shape, t, p, cumulative(shape, t, rate, sigma)])
        out.append({"name": name, "tau": tau, "sigma": sigma, "rows": rows})
    with open("pandel_scipy.json", "w") as file:
        json.dump(out, file)


main()
