declare module "*.woff2" {
  const address: string;
  export default address;
}
declare module "*.css";
declare module "*.tsv" {
  const table: string;
  export default table;
}
declare module "delaunator" {
  export default class Delaunator {
    constructor(coordinates: ArrayLike<number>);
    readonly triangles: Uint32Array;
    readonly halfedges: Int32Array;
    readonly hull: Uint32Array;
  }
}
declare module "d3-geo-projection" {
  import type { GeoProjection } from "d3-geo";
  export function geoMollweide(): GeoProjection;
}
