/** What the event view shows of fits: tracks, losses along them, and the front of their light. */
import {
  BufferGeometry,
  ConeGeometry,
  CylinderGeometry,
  Float32BufferAttribute,
  Group,
  LineBasicMaterial,
  LineSegments,
  Mesh,
  MeshBasicMaterial,
  type Raycaster,
  Vector3,
} from "three";
import type { Best, PixelAnswer } from "../../desk/messages.ts";
import { energyText } from "../words.ts";
import type { Position } from "./doms.ts";
import { arrivalOf, frontAt, type Track } from "./light_front.ts";

export type Loss = NonNullable<PixelAnswer["losses"]>[number];

/** A track is drawn so far on either side of its vertex, m. */
const REACH = 650;
/** The front of the light is drawn up to so far from the track, m: few photons are seen from farther. */
const FRONT = 200;
const RING = 48;
const SPOKES = 8;
/** Losses below are not drawn, GeV. */
const LEAST_LOSS = 1;

export class TrackScene {
  readonly group = new Group();
  /** The best fit's track, where its vertex is known. */
  track: Track | undefined;
  readonly #tracks = new Group();
  readonly #losses = new Group();
  readonly #front = new LineSegments(
    new BufferGeometry(),
    new LineBasicMaterial({ color: 0x7cc4ff, transparent: true, opacity: 0.6 }),
  );

  constructor() {
    this.#front.frustumCulled = false;
    this.#front.visible = false;
    this.group.add(this.#tracks, this.#losses, this.#front);
  }

  show(best: Best | undefined, other: PixelAnswer | undefined, losses: readonly Loss[]): void {
    for (const group of [this.#tracks, this.#losses]) {
      for (const child of group.children as (LineSegments | Mesh)[]) child.geometry.dispose();
      group.clear();
    }
    this.track = undefined;
    const fit = other?.fits.filter(({ llh }) => llh !== null).sort((a, b) => a.llh! - b.llh!)[0];
    if (other && fit?.x != null)
      this.#tracks.add(trackLine(travelOf(other), [fit.x, fit.y!, fit.z!], 0x7cc4ff, 0.7));
    if (best?.x != null) {
      const vertex: Position = [best.x, best.y!, best.z!];
      const travel = travelOf(best);
      this.#tracks.add(trackLine(travel, vertex, 0xffffff, 1), arrowHead(travel, vertex));
      if (best.time !== null)
        this.track = { vertex, time: best.time, travel: [travel.x, travel.y, travel.z] };
    }
    // The losses are the picked pixel's, along its own track.
    const axis = other ?? best;
    for (const loss of losses)
      if (loss.energy > LEAST_LOSS && axis) this.#losses.add(disc(loss, travelOf(axis)));
  }

  /** Shows where the light's front is. @param now ns; undefined: everything has been seen */
  moveFront(now: number | undefined): void {
    const { track } = this;
    this.#front.visible = track !== undefined && now !== undefined;
    if (track === undefined || now === undefined) return;
    const travel = new Vector3(...track.travel);
    const [u, v] = across(travel);
    const vertex = new Vector3(...track.vertex);
    const at = (along: number) => vertex.clone().addScaledVector(travel, along);
    const tip = at(frontAt(track, now, 0));
    const middle = at(frontAt(track, now, FRONT));
    const rim = Array.from({ length: RING + 1 }, (_, i) => {
      const turn = (2 * Math.PI * i) / RING;
      return middle
        .clone()
        .addScaledVector(u, FRONT * Math.cos(turn))
        .addScaledVector(v, FRONT * Math.sin(turn));
    });
    const ends = rim.slice(1).flatMap((point, i) => [rim[i]!, point]);
    for (let i = 0; i < RING; i += RING / SPOKES) ends.push(tip, rim[i]!);
    this.#front.geometry.setAttribute(
      "position",
      new Float32BufferAttribute(
        ends.flatMap(({ x, y, z }) => [x, y, z]),
        3,
      ),
    );
  }

  /** How much later than its direct light something is seen at a place, ns; undefined without a track. */
  residualAt(place: Position, time: number): number | undefined {
    return this.track && time - arrivalOf(this.track, place);
  }

  /** The loss under a ray, in words. */
  describe(ray: Raycaster): string | undefined {
    const loss = ray.intersectObject(this.#losses)[0]?.object.userData.loss as Loss | undefined;
    if (loss === undefined) return undefined;
    const [x, y, z] = [loss.x, loss.y, loss.z].map((value) => Math.round(value));
    return `loss of ${energyText(loss.energy)} at ${x}, ${y}, ${z} m`;
  }
}

/** Where a particle travels that comes from zenith and azimuth. */
export function travelOf({
  zenith,
  azimuth,
}: {
  readonly zenith: number;
  readonly azimuth: number;
}): Vector3 {
  const across = -Math.sin(zenith);
  return new Vector3(across * Math.cos(azimuth), across * Math.sin(azimuth), -Math.cos(zenith));
}

/** Two directions across another. */
function across(travel: Vector3): [Vector3, Vector3] {
  const u = new Vector3(0, 0, 1).cross(travel);
  if (u.lengthSq() < 1e-6) u.set(1, 0, 0);
  u.normalize();
  return [u, travel.clone().cross(u)];
}

/** The part of a track nearest to the detector's centre, wherever its vertex is. */
function nearestPoint(travel: Vector3, vertex: Position): Vector3 {
  const middle = new Vector3(...vertex);
  return middle.addScaledVector(travel, -middle.dot(travel));
}

function trackLine(
  travel: Vector3,
  vertex: Position,
  color: number,
  opacity: number,
): LineSegments {
  const middle = nearestPoint(travel, vertex);
  const geometry = new BufferGeometry().setFromPoints([
    middle.clone().addScaledVector(travel, -REACH),
    middle.clone().addScaledVector(travel, REACH),
  ]);
  return new LineSegments(
    geometry,
    new LineBasicMaterial({ color, transparent: opacity < 1, opacity }),
  );
}

/** A cone or cylinder of three.js points along y. */
const ALONG_Y = new Vector3(0, 1, 0);

/** Where the track leaves: its direction. */
function arrowHead(travel: Vector3, vertex: Position): Mesh {
  const head = new Mesh(new ConeGeometry(16, 60, 12), new MeshBasicMaterial({ color: 0xffffff }));
  head.position.copy(nearestPoint(travel, vertex).addScaledVector(travel, REACH));
  head.quaternion.setFromUnitVectors(ALONG_Y, travel);
  return head;
}

/** A loss as a disc across the track, its radius as the cube root of its energy. */
function disc(loss: Loss, travel: Vector3): Mesh {
  const radius = 4 * Math.cbrt(loss.energy / 10);
  const made = new Mesh(
    new CylinderGeometry(radius, radius, 4, 24),
    new MeshBasicMaterial({ color: 0xff7ce0, transparent: true, opacity: 0.6 }),
  );
  made.position.set(loss.x, loss.y, loss.z);
  made.quaternion.setFromUnitVectors(ALONG_Y, travel);
  made.userData.loss = loss;
  return made;
}
