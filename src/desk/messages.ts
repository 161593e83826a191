// Everything that goes between the desk and its page: bodies of requests and answers, and server-sent events. The page
// imports the types alone; the desk checks what it is sent by the same schemas and makes /openapi.json of them.
// Directions are in radians (equatorial J2000: ra, dec), times in s since 1970 and the detector's in ns, lengths in m,
// energies in GeV. A number there is none of is null.
import * as v from "valibot";

const number = v.number();
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const orNull = <Schema extends v.GenericSchema>(schema: Schema) => v.nullable(schema);

/** A direction, equatorial J2000. */
export const Direction = v.object({ ra: number, dec: number });

/** What a scan is doing. stuck: running, but no result for too long; why is its reason. */
export const ScanState = v.picklist([
  "reading",
  "waiting",
  "running",
  "stuck",
  "done",
  "failed",
  "cancelled",
]);
export type ScanState = v.InferOutput<typeof ScanState>;

/** Which event a scan is about. */
export const EventLabel = v.object({
  /** "run00136662.evt000035405932.neutrino", the stem of its files. */
  name: v.string(),
  run: count,
  id: count,
  /** UTC, days. */
  mjd: number,
  /** "neutrino", "HESE", …; "None" where the alert does not say. */
  type: v.string(),
  /** "gold", "bronze", …; null where the alert does not say. */
  stream: orNull(v.string()),
  is_real: v.boolean(),
});
export type EventLabel = v.InferOutput<typeof EventLabel>;

/** The area inside of a contour. */
export const Area = v.object({
  percent: number,
  /** 2Δllh of the contour. */
  level: number,
  area_sqdeg: number,
  /** Of the circle of that area, degrees. */
  radius_deg: number,
  /** It reaches the edge of what has been scanned: the area is a lower limit. */
  is_open: v.boolean(),
  /** The smallest area the map resolves: what is below it says more about the pixels. Scans of before have none. */
  resolved_sqdeg: v.optional(number),
});
export type Area = v.InferOutput<typeof Area>;

/** Fits done, and how many there will have been. */
export const Done = v.object({ done: count, estimated: count });

/** One scan as a row of the list. */
export const ScanRow = v.object({
  id: v.string(),
  /** null as long as the alert is being read. */
  event: orNull(EventLabel),
  reco: v.string(),
  /** "8:0 64:12 512:24". */
  nsides: v.string(),
  priority: number,
  state: ScanState,
  /** SkyDriver's word for it. */
  scan_state: v.string(),
  /** Why it is stuck, failed, or waits; null where there is nothing to say. */
  reason: orNull(v.string()),
  progress: Done,
  seconds_left: orNull(number),
  best: orNull(Direction),
  /** Of the finished map; empty before. */
  areas: v.array(Area),
  /** Of its pixels, those without a fit. */
  failed_pixels: count,
  created: number,
  started: orNull(number),
  ended: orNull(number),
  /** Scans a recipe made of one alert have the same one. */
  alert: v.string(),
  /** A rescan says of which scan it is one. */
  rescan_of: orNull(v.string()),
});
export type ScanRow = v.InferOutput<typeof ScanRow>;

/** GET /scans?limit=200, newest first. */
export const ScanList = v.object({ scans: v.array(ScanRow) });
export type ScanList = v.InferOutput<typeof ScanList>;

/** The best fit so far, or at the end. */
export const Best = v.object({
  ...{ nside: count, pixel: count, llh: number },
  ...Direction.entries,
  /** Where it comes from in the detector. */
  ...{ zenith: number, azimuth: number },
  ...{ x: orNull(number), y: orNull(number), z: orNull(number), time: orNull(number) },
  ...{ energy: orNull(number), E_in: orNull(number), E_tot: orNull(number) },
});
export type Best = v.InferOutput<typeof Best>;

/** The direction that was fitted with nothing held fixed, once the first stage was done: long before fine pixels are. */
export const FirstDirection = v.object({
  ...Direction.entries,
  llh: number,
  /**
   * The ellipse that holds 90 % of a Gaussian of the likelihood's curvature: semi-axes a ≥ b, rad, and the longer one's
   * angle, east of north, rad; null where the likelihood does not curve upwards.
   */
  ellipse: orNull(v.object({ a: number, b: number, angle: number })),
});
export type FirstDirection = v.InferOutput<typeof FirstDirection>;

/** Where a finished map says the event came from, as its notice and circular state it. */
export const Place = v.object({
  ...Direction.entries,
  /** How far the 90 % contour reaches, in RA not times cos δ; null where the map does not resolve it. */
  errors: orNull(
    v.object({
      ...{ ra_plus: number, ra_minus: number, dec_plus: number, dec_minus: number },
      contains_pole: v.boolean(),
    }),
  ),
});
export type Place = v.InferOutput<typeof Place>;

/** How far one nside is; recos are fits. */
export const Stage = v.object({
  nside: count,
  pixels: v.object({ done: count, sent: count, estimated: count }),
  recos: v.object({ done: count, sent: count, estimated: count, failed: count }),
});
export type Stage = v.InferOutput<typeof Stage>;

/** The direction the alert came with. */
export const OnlineDirection = v.object({
  ...Direction.entries,
  /** Its radii, radians; null where the alert has none. */
  ...{ r50: orNull(number), r90: orNull(number) },
  /** Which reconstruction it is: the key in the alert. */
  kind: v.string(),
});
export type OnlineDirection = v.InferOutput<typeof OnlineDirection>;

/** One thing to download. */
export const FileEntry = v.object({
  name: v.string(),
  /** "FITS, multi-order", … */
  what: v.string(),
  /** What it says, and for whom, in a sentence. */
  says: v.string(),
  /** partial: of a map that is not finished, "draft" in its name; not yet: there is nothing to make it of. */
  state: v.picklist(["final", "draft", "not yet"]),
  /** Why not yet. */
  reason: orNull(v.string()),
  media_type: v.string(),
});
export type FileEntry = v.InferOutput<typeof FileEntry>;

/** GET /scan/ID/page: all one scan's view needs but its pixels. */
export const ScanPage = v.object({
  row: ScanRow,
  /** How the map came about. */
  provenance: v.object({
    version: v.string(),
    reco: v.string(),
    nsides: v.string(),
    variations: orNull(count),
    light: orNull(v.string()),
    detector: orNull(v.string()),
    energy: orNull(v.object({ value: number, source: v.string() })),
    seed: orNull(number),
  }),
  levels: v.object({
    /** "Wilks", "IC160427A", "calibrated". */
    convention: v.string(),
    list: v.array(v.object({ percent: number, level: number })),
  }),
  is_calibrated: v.boolean(),
  /** "Not calibrated. Wilks levels, statistical only; …" */
  honesty: v.string(),
  online: orNull(OnlineDirection),
  best: orNull(Best),
  /** null before, and for algorithms that hold the direction fixed always. */
  first: orNull(FirstDirection),
  /** Of a finished map. */
  place: orNull(Place),
  stages: v.array(Stage),
  /** What happened when, in order: "alert", "received", "first pixel", "nside 8", "done", … */
  timeline: v.array(v.object({ what: v.string(), at: number })),
  /** Every scan of the same event, this one too, newest first. */
  siblings: v.array(ScanRow),
  files: v.array(FileEntry),
  /** What map.bin is numbered by. */
  ...{ epoch: v.string(), seq: count },
});
export type ScanPage = v.InferOutput<typeof ScanPage>;

/**
 * The JSON header of a "SKM1" body: map.bin, and the block of a `pixels` event. The body: "SKM1", u32 length of the
 * header, the header padded with blanks to a multiple of 4; then for each block u32 pixel[count] (RING, ascending) and
 * one f32[count] for each column after "pixel". All little-endian. Nsides above 16384 have f64 pixels, said in columns.
 */
export const MapHeader = v.object({
  /** Another epoch: what is known of the map is void. */
  epoch: v.string(),
  /** Every pixel announced up to here is in. */
  seq: count,
  /** What d counts from: d = llh − base, f32; NaN: no fit. It may be another one in each body. */
  base: number,
  blocks: v.array(v.object({ nside: count, count: count })),
  /** ["pixel:u32" | "pixel:f64", "d:f32", and as asked for by ?columns= "X:f32", "Y:f32", "Z:f32", "T:f32", "E_in:f32", "E_tot:f32"] */
  columns: v.array(v.string()),
});
export type MapHeader = v.InferOutput<typeof MapHeader>;

/** What ?columns= may name, separated by commas. */
export const mapColumns = ["X", "Y", "Z", "T", "E_in", "E_tot"] as const;
export type MapColumn = (typeof mapColumns)[number];

/** One task of a pixel, and the best fit it led to. */
export const PixelFit = v.object({
  /** The first seed variation it began at, and at how many. */
  ...{ posvar: count, variations: count },
  /** 0: from the pixel's own seeds; 1, 2, …: a further look, from the minima of the pixels around it. */
  round: count,
  llh: orNull(number),
  ...{ x: orNull(number), y: orNull(number), z: orNull(number), time: orNull(number) },
  ...{ energy: orNull(number), E_in: orNull(number), E_tot: orNull(number) },
  evaluations: count,
  seconds: number,
  /** Why there is no fit. */
  reason: orNull(v.string()),
});
export type PixelFit = v.InferOutput<typeof PixelFit>;

/** GET /scan/ID/pixel/NSIDE/I. Exact doubles. */
export const PixelAnswer = v.object({
  ...{ nside: count, pixel: count },
  ...Direction.entries,
  ...{ zenith: number, azimuth: number },
  fits: v.array(PixelFit),
  /** −ln L of the distinct minima its fits ended in, lowest first; empty for algorithms that keep none. */
  minima: v.array(number),
  /** Energy losses along the best fit's track; null for algorithms without. */
  losses: orNull(
    v.array(v.object({ x: number, y: number, z: number, time: number, energy: number })),
  ),
  /** The same fit on the command line. */
  command: v.string(),
});
export type PixelAnswer = v.InferOutput<typeof PixelAnswer>;

/**
 * The JSON header of a "SKD1" body, GET /event/RUN.EVENT/doms.bin: "SKD1", u32 length of the header, the header padded
 * with blanks to a multiple of 4; then of the hit DOMs, by string and om: u16 string[doms], u16 om[doms], each padded to
 * a multiple of 4; f32 first[doms] (ns after origin), f32 charge[doms] (PE), f32 width[doms] (ns from first to last
 * pulse), u32 offset[doms + 1] into the pulses; f32 time[pulses] (ns after origin), f32 pe[pulses]; and, where
 * `positions`, f32 x[doms], y[doms], z[doms] (m). All little-endian.
 */
export const DomsHeader = v.object({
  doms: count,
  pulses: count,
  /** ns of the event's time that the body's times count from. */
  origin: number,
  /** A GCD moved the DOMs from where the built-in geometry has them: where they are is in the body. */
  positions: v.boolean(),
  /** Which pulses: the key in the alert. */
  kind: v.string(),
});
export type DomsHeader = v.InferOutput<typeof DomsHeader>;

/** One client of the desk's pool. */
export const ClientRow = v.object({
  id: v.string(),
  host: v.string(),
  is_local: v.boolean(),
  workers: count,
  state: v.picklist(["idle", "working", "draining"]),
  /** The scan it works for. */
  scan: orNull(v.string()),
  /** Since when it does, or has been idle. */
  since: number,
});
export type ClientRow = v.InferOutput<typeof ClientRow>;

/** GET /queue: what runs where. */
export const Queue = v.object({
  clients: v.array(ClientRow),
  workers: v.object({ all: count, busy: count }),
  /** Fits a second, lately, of all scans. */
  rate: number,
  /** Scans that are not over, in the order in which workers come to them. */
  order: v.array(
    v.object({
      scan: v.string(),
      priority: number,
      workers: count,
      /** Worker time it has had, s. */
      served: number,
      rate: orNull(number),
    }),
  ),
});
export type Queue = v.InferOutput<typeof Queue>;

/** GET /desk: what there is to know before anything else. */
export const DeskInfo = v.object({
  version: v.string(),
  /** This browser may start, cancel and rescan; else it has to give the token first. */
  may_write: v.boolean(),
  may_read: v.boolean(),
  needs_token: v.boolean(),
  recos: v.array(v.string()),
  /** What is run for an alert nothing else is said about. */
  recipe: v.array(v.object({ reco: v.string(), nsides: v.string() })),
  workers: count,
  /** Folder whose new files are taken in; null: none. */
  watch: orNull(v.string()),
  now: number,
});
export type DeskInfo = v.InferOutput<typeof DeskInfo>;

/** POST /session: the token becomes a cookie. Answered 204, or 401. */
export const SessionRequest = v.object({ token: v.pipe(v.string(), v.maxLength(4096)) });
export type SessionRequest = v.InferOutput<typeof SessionRequest>;

/** {"8": 0, "64": 12, "512": 24}: SkyDriver's way to write nsides. */
export const Nsides = v.record(
  v.pipe(v.string(), v.regex(/^\d{1,5}$/, "expected an nside")),
  v.pipe(v.number(), v.integer(), v.minValue(0)),
);

const scalar = v.union([v.string(), v.number(), v.boolean(), v.null()]);

/**
 * POST /scan: SkyDriver's body, where of the event exactly one of `event_i3live_json` (object or text), `event_file`,
 * `simulate`. What concerns containers and clusters there is taken and has no effect. Answered 200 with the first
 * scan's manifest, SkyDriver's, and `scan_ids`: those of all the recipe's scans.
 */
export const ScanRequest = v.object({
  event_i3live_json: v.optional(
    v.union([v.string(), v.record(v.string(), v.unknown())], "expected the alert as JSON"),
  ),
  /** SkyDriver's own store of events is not here: refused, with the reason. */
  i3_event_id: v.optional(v.string()),
  /** A file as it is (.json, .pkl, .i3, packed or not). */
  event_file: v.optional(
    v.object({
      name: v.pipe(v.string(), v.maxLength(255)),
      // Checked as it is read: a pattern takes half a second for a megabyte, and gives up on eight.
      base64: v.pipe(v.string(), v.description("The file's bytes in base64.")),
    }),
  ),
  /** A simulated muon, so that a new installation proves itself without an alert. */
  simulate: v.optional(v.boolean()),
  /** Default: the desk's recipe. */
  reco_algo: v.optional(v.pipe(v.string(), v.maxLength(100))),
  nsides: v.optional(Nsides),
  /** Beyond these until the 90 % contour is resolved: ours. */
  refine_to_contour: v.optional(v.boolean()),
  /** Default: what the event says of itself. */
  real_or_simulated_event: v.optional(
    v.picklist(["real", "real_event", "sim", "simulated", "simulated_event"]),
  ),
  /** Longest time one fit may take, s. */
  max_pixel_reco_time: v.optional(v.pipe(v.number(), v.minValue(0.1), v.maxValue(1e6))),
  predictive_scanning_threshold: v.optional(v.pipe(v.number(), v.minValue(0.1), v.maxValue(1))),
  /** 100 and more goes before everything else. */
  priority: v.optional(v.pipe(v.number(), v.minValue(-1e6), v.maxValue(1e6))),
  classifiers: v.optional(v.record(v.string(), scalar)),
  manifest_projection: v.optional(v.array(v.string())),
  /** The same event and algorithm again, though it was scanned already. */
  again: v.optional(v.boolean()),
  // Taken for the sake of SkyDriver's scripts.
  docker_tag: v.optional(v.string()),
  request_clusters: v.optional(
    v.union([v.record(v.string(), v.number()), v.array(v.tuple([v.string(), v.number()]))]),
  ),
  scanner_server_memory_bytes: v.optional(v.union([v.string(), v.number()])),
  worker_memory_bytes: v.optional(v.union([v.string(), v.number()])),
  worker_disk_bytes: v.optional(v.union([v.string(), v.number()])),
  debug_mode: v.optional(v.unknown()),
  scanner_server_env_from_user: v.optional(v.record(v.string(), v.unknown())),
  skyscan_mq_client_timeout_wait_for_first_message: v.optional(v.number()),
});
export type ScanRequest = v.InferOutput<typeof ScanRequest>;

/** What POST /scan answers beyond SkyDriver's manifest. */
export const ScanAnswer = v.looseObject({ scan_id: v.string(), scan_ids: v.array(v.string()) });
export type ScanAnswer = v.InferOutput<typeof ScanAnswer>;

/** POST /scan/ID/actions/rescan. Answered as POST /scan. */
export const RescanRequest = v.object({
  /** The scan is cancelled first. */
  abort_first: v.optional(v.boolean()),
  replace_scan: v.optional(v.boolean()),
  /** With other settings than the scan's: ours. */
  reco_algo: v.optional(v.pipe(v.string(), v.maxLength(100))),
  nsides: v.optional(Nsides),
  refine_to_contour: v.optional(v.boolean()),
  priority: v.optional(v.pipe(v.number(), v.minValue(-1e6), v.maxValue(1e6))),
});
export type RescanRequest = v.InferOutput<typeof RescanRequest>;

/** POST /scans/find: a filter as MongoDB writes it. */
export const FindRequest = v.object({
  filter: v.record(v.string(), v.unknown()),
  include_deleted: v.optional(v.boolean()),
  manifest_projection: v.optional(v.union([v.string(), v.array(v.string())])),
});
export type FindRequest = v.InferOutput<typeof FindRequest>;

/** DELETE /scan/ID: cancels one that is not over; one that is done goes from the list where that is said. */
export const DeleteRequest = v.object({ delete_completed_scan: v.optional(v.boolean()) });
export type DeleteRequest = v.InferOutput<typeof DeleteRequest>;

/** Every answer that is no success: the reason in words, for the page as it is. */
export const Problem = v.object({
  code: count,
  error: v.string(),
  /** The scan there is already (409). */
  scan_id: v.optional(v.string()),
});
export type Problem = v.InferOutput<typeof Problem>;

/**
 * The events of GET /events?scan=ID&scan=ID (those of these scans, and `scan` and `clients` of all) and of
 * GET /scan/ID/events, by their names. Ids are "<epoch>.<seq>" of `pixels` events; with Last-Event-ID, or &since=SEQ
 * for one scan, what came after it is sent again. A comment line comes every 15 s.
 */
export const serverEvents = {
  /** First of all, also after a reconnection. Another version: "A newer desk is running. Reload". */
  hello: v.object({ version: v.string(), now: number, may_write: v.boolean() }),
  /** A scan that is new, or changed. */
  scan: v.object({ row: ScanRow }),
  /** A scan that was deleted. */
  gone: v.object({ scan: v.string() }),
  /** At most twice a second. */
  progress: v.object({
    scan: v.string(),
    ...Done.entries,
    sent: count,
    stages: v.array(Stage),
    /** Fits a second, lately. */
    rate: orNull(number),
    seconds_left: orNull(number),
    clients: count,
    failed: count,
  }),
  /** The direction that was fitted free is known. */
  first: v.object({ scan: v.string(), ...FirstDirection.entries }),
  /** The best fit has changed. */
  best: v.object({ scan: v.string(), ...Best.entries }),
  state: v.object({ scan: v.string(), state: ScanState, reason: orNull(v.string()), at: number }),
  /** New pixels: block is the base64 of a "SKM1" body. Each is announced once, when all its variations are in. */
  pixels: v.object({ scan: v.string(), n: count, block: v.string() }),
  /** Too many pixels wait: fetch map.bin?since=SEQ. */
  behind: v.object({ scan: v.string(), epoch: v.string(), seq: count }),
  /** At most every 5 s. */
  clients: v.object({
    clients: count,
    workers: count,
    busy: count,
    /** Fits a second, lately, of all scans. */
    rate: number,
    running: count,
    waiting: count,
  }),
} as const;

export type ServerEventName = keyof typeof serverEvents;
/** The data of a server-sent event by its name. */
export type ServerEvent<Name extends ServerEventName> = v.InferOutput<(typeof serverEvents)[Name]>;
