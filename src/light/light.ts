import { angularAcceptance } from "../detector/acceptance.ts";
import { type Ice, spiceMie } from "../detector/ice.ts";
import { opened } from "../native/core.ts";
import { LIGHT_KINDS, type LightModel, type LightPurpose } from "../native/light.ts";
import { structs } from "../native/structs.ts";
import { openTableLight } from "./photon_tables.ts";

export interface LightOptions {
  readonly reco: LightPurpose;
  /** Directory with photospline FITS tables; default: the standard places. */
  readonly photonTables?: string;
  /** Round the light of cascades from tables as photospline does, number by number: slow. */
  readonly singlePrecision?: boolean;
}

/** Mean of the h2-50cm acceptance over the sphere. */
const MEAN_ACCEPTANCE = 0.338;
/** Time resolution of electronics and photomultiplier, ns (J. Ahrens et al., NIM A 524 (2004) 169). */
const JITTER = 15;
/** Height of the surface in detector coordinates, m. */
const SURFACE = 1948.07;

/** The light model for a reconstruction: photon tables where they are found, else the embedded one. */
export function openLight(options: LightOptions): LightModel {
  const { reco, photonTables, singlePrecision } = options;
  return openTableLight(reco, photonTables, singlePrecision) ?? openEmbeddedLight(reco);
}

/**
 * The analytic light model that needs no files. Throws InputError on layers that do not ascend evenly, and on the jitter.
 * @param jitter σ of the Gaussian that smears arrival times, ns, at least 1
 * @param ice optical properties by depth
 */
export function openEmbeddedLight(
  purpose: LightPurpose,
  jitter = JITTER,
  ice: Ice = spiceMie(),
): LightModel {
  const layers = ice.layers
    .toReversed()
    .map(({ depth, ...optics }) => ({ height: SURFACE - depth, ...optics }));
  const acceptance = Float64Array.from(angularAcceptance("h2-50cm").coefficients);
  const handle = opened(
    "light model",
    "skyscan_light_embedded_open",
    "skyscan_light_close",
    ice.layers.length,
    structs.iceLayer.packAll(layers),
    acceptance.length,
    acceptance,
    MEAN_ACCEPTANCE,
    jitter,
    LIGHT_KINDS[purpose],
  );
  return {
    kind: "embedded",
    description: `embedded light model (${ice.source} ice, Pandel timing)`,
    handle,
    close: () => handle.close(),
  };
}
