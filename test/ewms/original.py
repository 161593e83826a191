"""Plays the original's server and client with stub classes of its names, on CPython's own pickle."""

import base64
import dataclasses
import json
import pickle
import struct
import sys
import types


class Stub:
    """An IceTray object: its pickle gives its state as ({}, archive)."""

    def __setstate__(self, state):
        self.members, self.archive = state

    def __reduce__(self):
        return type(self), (), ({}, self.archive)


class I3Frame(Stub):
    pass


class I3Position(Stub):
    @classmethod
    def at(cls, x, y, z):
        position = cls()
        position.archive = bytes([1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0]) + struct.pack("<3d", x, y, z)
        return position

    @property
    def coordinates(self):
        return struct.unpack("<3d", self.archive[12:])


@dataclasses.dataclass
class RecoPixelVariation:
    llh: float
    reco_losses_inside: float
    reco_losses_total: float
    position: I3Position
    time: float
    energy: float
    nside: int
    pixel_id: int
    posvar_id: int
    id_tuple: tuple = None

    def __post_init__(self):
        self.id_tuple = (self.nside, self.pixel_id, self.posvar_id)


def publish(module, *classes):
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        sys.modules.setdefault(".".join(parts[:length]), types.ModuleType(parts[length - 1]))
    for cls in classes:
        cls.__module__, cls.__qualname__ = module, cls.__name__
        setattr(sys.modules[module], cls.__name__, cls)


publish("icecube._icetray", I3Frame)
publish("icecube._dataclasses", I3Position)
publish("skymap_scanner.utils.pixel_classes", RecoPixelVariation)


def answer(path):
    """As the original's server reads an outfile: what is in it, and of which types, in order."""
    with open(path) as file:
        message = json.load(file)
    result = pickle.loads(base64.b64decode(message["reco_pixel_variation_pkl_b64"]))
    described = {
        name: list(value.coordinates) if isinstance(value, I3Position) else value
        for name, value in vars(result).items()
    }
    return {
        "class": type(result).__name__,
        "members": [[name, type(value).__name__] for name, value in vars(result).items()],
        "values": {name: repr(value) for name, value in described.items()},
        "runtime": message["runtime"],
    }


def fit(infile, recorded, outfile):
    """As the original's client works: the ids of its infile, with the values of a recorded answer."""
    with open(infile) as file:
        message = json.load(file)
    frame = pickle.loads(base64.b64decode(message["pframe_pkl_b64"]))
    assert isinstance(frame, I3Frame) and frame.archive.startswith(b"[i3]\6\0\0\0"), frame
    integers = {}
    for name in ["NSide", "Pixel"]:
        integers[name] = integer_in(frame.archive, f"SCAN_Healpix{name}")
    posvar = integer_in(frame.archive, "SCAN_PositionVariationIndex")
    with open(recorded) as file:
        result = pickle.loads(base64.b64decode(json.load(file)["reco_pixel_variation_pkl_b64"]))
    own = RecoPixelVariation(
        llh=result.llh,
        reco_losses_inside=result.reco_losses_inside,
        reco_losses_total=result.reco_losses_total,
        position=I3Position.at(*result.position.coordinates),
        time=result.time,
        energy=result.energy,
        nside=integers["NSide"],
        pixel_id=integers["Pixel"],
        posvar_id=posvar,
    )
    with open(outfile, "w") as file:
        text = base64.b64encode(pickle.dumps(own, protocol=4)).decode()
        json.dump({"reco_pixel_variation_pkl_b64": text, "runtime": 1.5}, file)


def integer_in(archive, key):
    """An I3Int in a frame: key, type name and buffer, each with its length before it; its last four bytes count."""
    at = archive.index(struct.pack("<I", len(key)) + key.encode()) + 4 + len(key)
    (length,) = struct.unpack_from("<I", archive, at)
    at += 4 + length
    (length,) = struct.unpack_from("<I", archive, at)
    return struct.unpack_from("<i", archive, at + length)[0]


if __name__ == "__main__":
    role, *paths = sys.argv[1:]
    if role == "answer":
        json.dump([answer(path) for path in paths], sys.stdout)
    else:
        fit(*paths)
