"""Reads maps and progressions, prints the pixels to scan next, by healpy and brute force, for choose.test.ts."""

import json
import sys

import healpy
import numpy


def choose(maps, progression):
    fitted = [(llh, nside, pixel) for nside, pixels in maps.items() for pixel, llh in pixels.items() if not numpy.isnan(llh)]
    chosen = {}
    for (nside, _), (fine, extension) in zip(progression, progression[1:]):
        if not maps.get(nside):
            continue
        pixels = maps[nside]
        split = set()
        if fitted:
            _, best_nside, best = min(fitted)
            cosines = numpy.dot(numpy.array(healpy.pix2vec(nside, numpy.arange(healpy.nside2npix(nside)))).T, healpy.pix2vec(best_nside, best))
            radius = numpy.sqrt(extension * healpy.nside2pixarea(nside) / numpy.pi)
            split |= set(numpy.flatnonzero(numpy.arccos(numpy.clip(cosines, -1, 1)) < radius).tolist())
        around = healpy.get_all_neighbours(nside, list(pixels)).T.tolist()
        for (pixel, llh), near in zip(pixels.items(), around):
            for neighbour in near:
                if neighbour in pixels and 2 * abs(llh - pixels[neighbour]) > 200000:
                    split |= {pixel, neighbour}
        ratio = (fine // nside) ** 2
        if split:
            nested = healpy.ring2nest(nside, sorted(split))[:, None] * ratio + numpy.arange(ratio)
            chosen[fine] = sorted(healpy.nest2ring(fine, nested.ravel()).tolist())
    return chosen


cases = json.load(sys.stdin)
answers = []
for case in cases:
    maps = {
        nside: {pixel: float("nan") if llh is None else llh for pixel, llh in pixels} for nside, pixels in case["maps"]
    }
    answers.append(choose(maps, case["progression"]))
json.dump(answers, sys.stdout)
