declare module "delaunator" {
  /** Delaunay triangulation of points in the plane. */
  export default class Delaunator {
    /** @param coordinates x0, y0, x1, y1, … */
    constructor(coordinates: ArrayLike<number>);
    /** Three point numbers per triangle; half-edge e starts at point triangles[e]. */
    readonly triangles: Uint32Array;
    /** The opposite half-edge in the neighbouring triangle, -1 on the hull. */
    readonly halfedges: Int32Array;
    /** Point numbers of the convex hull. */
    readonly hull: Uint32Array;
  }
}
