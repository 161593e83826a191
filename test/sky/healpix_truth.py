"""Prints what healpy says about HEALPix in RING order, for healpix.test.ts to compare with."""

import json
import sys

import healpy
import numpy

random = numpy.random.default_rng(20231202)
every = [1, 2, 4, 8]
some = [16, 64, 512, 4096]


def pixels(nside):
    count = healpy.nside2npix(nside)
    if nside in every:
        return numpy.arange(count)
    # The polar caps' and the belt's edges, and anything.
    cap = 2 * nside * (nside - 1)
    edges = [0, 1, 2, 3, cap - 1, cap, cap + 4 * nside, count // 2, count - cap - 1, count - cap, count - 4, count - 1]
    return numpy.concatenate([edges, random.integers(0, count, 500)])


def case(nside):
    wanted = pixels(nside)
    theta, phi = healpy.pix2ang(nside, wanted)
    around = healpy.get_all_neighbours(nside, wanted)
    z = random.uniform(-1, 1, 1000)
    longitude = random.uniform(0, 2 * numpy.pi, 1000)
    colatitude = numpy.concatenate([numpy.arccos(z), [0, 0, 0, numpy.pi, numpy.pi, 1e-12, 1e-5, numpy.pi - 1e-5]])
    longitude = numpy.concatenate([longitude, [0, 2, 4, 0, 5, 3, 3, 3]])
    discs = []
    for radius in [0.01, 0.1, 0.5, 1.2, 2.0] if nside <= 16 else [0.01, 0.1]:
        if healpy.nside2npix(nside) * radius**2 > 4e5:
            continue
        for centre in [[0, 0, 1], [0, 0, -1], [1, 0, 0], *random.normal(size=(6, 3))]:
            centre = numpy.asarray(centre) / numpy.linalg.norm(centre)
            inside = healpy.query_disc(nside, centre, radius)
            # Pixels at the very edge are a matter of rounding.
            edge = numpy.abs(healpy.rotator.angdist(numpy.array(healpy.pix2vec(nside, numpy.arange(0, 1) if not len(inside) else inside)), centre) - radius)
            if edge.min() > 1e-12:
                discs.append({"centre": centre.tolist(), "radius": radius, "inside": inside.tolist()})
    nest = healpy.ring2nest(nside, wanted)
    return {
        "nside": nside,
        "area": healpy.nside2pixarea(nside),
        "pixels": wanted.tolist(),
        "ra": phi.tolist(),
        "dec": (numpy.pi / 2 - theta).tolist(),
        "vectors": numpy.array(healpy.pix2vec(nside, wanted)).T.tolist(),
        "neighbours": around.T.tolist(),
        "directions": numpy.array([longitude, numpy.pi / 2 - colatitude]).T.tolist(),
        "at": healpy.ang2pix(nside, colatitude, longitude).tolist(),
        "parents": healpy.nest2ring(max(1, nside // 4), nest // (nside // max(1, nside // 4)) ** 2).tolist(),
        "discs": discs,
    }


json.dump([case(nside) for nside in every + some], sys.stdout)
