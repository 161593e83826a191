import { angularAcceptance } from "../detector/acceptance.ts";
import { type Ice, scaledIce, spiceMie } from "../detector/ice.ts";
import { opened } from "../native/core.ts";
import { LIGHT_KINDS, type LightModel, type LightPurpose } from "../native/light.ts";
import { structs } from "../native/structs.ts";
import {
  type EmbeddedName,
  type LightChoice,
  NEWEST_EMBEDDED,
  needsEmbedded,
  requireOneIce,
} from "./choice.ts";
import { openTableLight } from "./photon_tables.ts";

export interface LightOptions {
  readonly reco: LightPurpose;
  /** Directory with photospline FITS tables; default: the standard places. */
  readonly photonTables?: string;
  /** Round the light of cascades from tables as photospline does, number by number: slow. */
  readonly singlePrecision?: boolean;
  readonly choice?: LightChoice;
  /** See {@link EmbeddedOptions}; of tables nothing is known of it. */
  readonly jitter?: number;
}

/** Height of the surface in detector coordinates, m. */
const SURFACE = 1948.07;

/** skyscan_embedded_models. */
const MODELS = {
  "embedded-2026a": 1,
  "embedded-2026b": 2,
} as const satisfies Record<EmbeddedName, number>;
/** What the core takes for a model's own jitter. */
const OWN_JITTER = 0;

/**
 * The light model for a reconstruction: what is chosen; else photon tables where they are found, else the newest
 * embedded one. Throws InputError where tables and ice are both chosen, MachineError where there are no tables.
 * @param openEmbedded opens an embedded one
 */
export function openLight(
  options: LightOptions,
  openEmbedded: typeof openEmbeddedLight = openEmbeddedLight,
): LightModel {
  const { reco, photonTables, singlePrecision, choice = {}, jitter } = options;
  const { light } = choice;
  const embedded = { ...embeddedOf(choice), ...(jitter !== undefined && { jitter }) };
  requireOneIce(choice, photonTables);
  if (needsEmbedded(choice)) return openEmbedded(reco, embedded);
  return (
    openTableLight(reco, { photonTables, singlePrecision, isRequired: light === "tables" }) ??
    openEmbedded(reco, embedded)
  );
}

/** What an embedded model may be opened with. */
export interface EmbeddedOptions {
  readonly model?: EmbeddedName;
  /** σ of the Gaussian that smears arrival times, ns, at least 1; default: the model's. */
  readonly jitter?: number;
  /** Optical properties by depth; default: SPICE-Mie. */
  readonly ice?: Ice;
  /** Hole ice: 0: h2-50cm, the default; 1: nominal. */
  readonly holeIce?: number;
}

/** The embedded model as chosen. */
export function embeddedOf(choice: LightChoice): EmbeddedOptions {
  const { light, ice = spiceMie(), iceScale, holeIce } = choice;
  return {
    ...(light !== undefined && light !== "tables" && { model: light }),
    ice: iceScale === undefined ? ice : scaledIce(ice, iceScale),
    ...(holeIce !== undefined && { holeIce }),
  };
}

/** The analytic light model that needs no files. Throws InputError on layers that do not ascend evenly, and on the jitter. */
export function openEmbeddedLight(
  purpose: LightPurpose,
  options: EmbeddedOptions = {},
): LightModel {
  const { model = NEWEST_EMBEDDED, jitter = OWN_JITTER, ice = spiceMie(), holeIce } = options;
  const layers = ice.layers
    .toReversed()
    .map(({ depth, ...optics }) => ({ height: SURFACE - depth, ...optics }));
  const acceptance = angularAcceptance(holeIce);
  const handle = opened(
    "light model",
    "skyscan_light_embedded_open",
    "skyscan_light_close",
    MODELS[model],
    ice.layers.length,
    structs.iceLayer.packAll(layers),
    acceptance.coefficients.length,
    Float64Array.from(acceptance.coefficients),
    jitter,
    LIGHT_KINDS[purpose],
  );
  const hole = holeIce === undefined ? "" : `, hole ice ${acceptance.name}`;
  return {
    kind: "embedded",
    description: `embedded light model ${model} (ice ${ice.source}${hole}; Pandel timing)`,
    handle,
    close: () => handle.close(),
  };
}
