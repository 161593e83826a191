/** The event view as a script of its own: 0.5 MB that the page loads only where an event is looked at. */
import geometry from "../../detector/ic86-geometry.tsv" with { type: "text" };
import { createEventView } from "./event_view.ts";
import type { Offering } from "./loader.ts";

(globalThis as Offering).skyscanOpenEvent = (holder, bytes) =>
  createEventView(holder, bytes, geometry);
