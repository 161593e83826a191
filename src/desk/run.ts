// One scan of the desk while it runs: the server of `skyscan server`, and what is seen of it from outside.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../config/clock.ts";
import { sigmaEllipse, sigmasIn90 } from "../geometry/first_direction.ts";
import type { BrokerAddress } from "../mq/address.ts";
import { momentAt, toDetector } from "../native/sky.ts";
import type { Scan } from "../scan/scan.ts";
import type { PixelResult } from "../scan/task.ts";
import type { TaskBook } from "../scan/task_book.ts";
import type { Collection } from "../server/collection.ts";
import type { Manifest } from "../server/manifest.ts";
import { stemOfScan } from "../server/output.ts";
import type { ScanPlan } from "../server/plan.ts";
import {
  cancelled,
  type ObservedParts,
  runServer,
  type ServerObserver,
  type ServerOutcome,
} from "../server/server.ts";
import { pixelCentre } from "../sky/healpix.ts";
import type { StoredResult } from "../store/row.ts";
import type { ScanFacts } from "./archive.ts";
import { LiveMap } from "./live_map.ts";
import type { Area, Best, FirstDirection, Stage } from "./messages.ts";

/** How the desk runs a scan. */
export interface RunOptions {
  readonly broker: BrokerAddress;
  /** The scan's folder. */
  readonly folder: string;
  /** s. */
  readonly recoTimeout: number;
  /** The name its clients know it by. */
  readonly basename: string;
  /** The longest message the broker takes, bytes. */
  readonly longestMessage?: number;
}

/** Where a scan's result files are, below its folder. */
export const outputOf = (folder: string): string => join(folder, "out");

/** Clients of the desk do not leave by themselves; any other waits so long for work, s. */
const timeoutToClients = 600;
/** Different clients a fit may fail on before it is given up. */
const maxFailures = 3;

/** A scan that runs, as it is seen from outside; who runs it tells its observer. */
export class Run {
  readonly plan: ScanPlan;
  readonly map = new LiveMap();
  readonly observer: ServerObserver;
  /** Called when the first pixel is whole. */
  onFirstPixel: () => void = () => {};
  readonly #stop = new AbortController();
  readonly #clock: Clock;
  #ended: Promise<ServerOutcome> | undefined;
  #parts: ObservedParts | undefined;
  #light: string | null = null;
  #resumed = 0;
  /** When the last result came, or that was last known to have changed, by the clock. */
  #resultAt: number;

  constructor(plan: ScanPlan, clock: Clock) {
    this.plan = plan;
    this.#clock = clock;
    this.#resultAt = clock.now();
    this.observer = {
      onCounted: (result, scan) => {
        const before = this.map.size;
        this.map.count(scan, result);
        this.#resultAt = clock.now();
        if (before === 0 && this.map.size > 0) this.onFirstPixel();
      },
      onAssembled: (parts) => {
        this.#parts = parts;
        this.#resumed = this.map.seq;
      },
    };
  }

  /** Runs it. @returns what is fulfilled when it is over, and rejected with why it ended early */
  begin({
    broker,
    folder,
    recoTimeout,
    basename,
    longestMessage,
  }: RunOptions): Promise<ServerOutcome> {
    mkdirSync(outputOf(folder), { recursive: true });
    const ended = runServer(this.plan, {
      ...{ broker, basename, recoTimeout, timeoutToClients, maxFailures },
      examined: { longestMessage },
      outputDir: outputOf(folder),
      cacheDir: join(folder, "cache"),
      // A scan may wait for workers as long as others need them: the desk says when it is stuck.
      timeoutFromClients: Number.POSITIVE_INFINITY,
      showsProgress: false,
      stop: this.#stop.signal,
      observer: this.observer,
    });
    this.#ended = ended;
    ended.catch(() => {});
    return ended;
  }

  /** Fulfilled when it is over, however it ended. */
  async settled(): Promise<void> {
    await this.#ended?.catch(() => {});
  }

  /** Ends it for good: what there is of the map is saved. */
  cancel(): void {
    this.#stop.abort(cancelled);
  }

  /** Ends it until the desk is started again. */
  interrupt(): void {
    this.#stop.abort();
  }

  get collection(): Collection<TaskBook> | undefined {
    return this.#parts?.collection;
  }

  get manifest(): Manifest | undefined {
    return this.#parts?.manifest();
  }

  /** Results of earlier starts. */
  get resumed(): number {
    return this.#resumed;
  }

  /** One pixel's fits. */
  fitsOf(nside: number, pixel: number): StoredResult[] {
    return this.#parts?.store.resultsOf(nside, pixel) ?? [];
  }

  /** Fits that can be done now; undefined: not known yet. */
  get open(): number | undefined {
    if (this.collection === undefined) return undefined;
    const { released, done } = this.collection.scheduler.counts;
    return released - done;
  }

  /** Since the last result, s. */
  get quietFor(): number {
    return this.#clock.now() - this.#resultAt;
  }

  /** Counts that time from now on: whatever kept results away has changed. */
  expectResults(): void {
    this.#resultAt = this.#clock.now();
  }

  /** What is to be remembered of it as it is now. */
  facts(areas: readonly Area[]): ScanFacts {
    const { plan } = this;
    const best = this.collection?.scan.best;
    const stages = this.stages();
    // A manifest is dear: it sorts every fit's time.
    this.#light ??= this.manifest?.scan.light ?? null;
    return {
      ...this.progress(),
      failedPixels: this.map.failed,
      stages,
      best: best === undefined ? null : bestOf(best, plan),
      ...(this.first && { first: this.first }),
      areas,
      light: this.#light,
      detector: plan.detector.source,
      energy: plan.energy ?? null,
      variations: plan.reco.seeds.variations.length,
      seq: this.map.seq,
      stem: stemOf(plan, this.collection?.scan),
    };
  }

  /** The direction that was fitted with nothing held fixed; undefined: not yet, or never. */
  get first(): FirstDirection | undefined {
    const fit = this.collection?.scan.freeFit;
    if (fit?.direction === undefined || !Number.isFinite(fit.llh)) return undefined;
    const { ra, dec } = fit.direction;
    const sigma = sigmaEllipse(fit.direction);
    return {
      ...{ ra, dec, llh: fit.llh },
      ellipse: sigma
        ? { a: sigmasIn90 * sigma.a, b: sigmasIn90 * sigma.b, angle: sigma.positionAngle }
        : null,
    };
  }

  progress(): { done: number; estimated: number } {
    const progress = this.collection?.scan.progress();
    return { done: progress?.recosDone ?? 0, estimated: progress?.recosEstimated ?? 0 };
  }

  stages(): Stage[] {
    return (this.collection?.scan.progress().stages ?? []).map((stage) => ({
      nside: stage.nside,
      pixels: {
        ...{ done: stage.pixelsDone, sent: stage.pixelsSent, estimated: stage.pixelsEstimated },
      },
      recos: {
        ...{ done: stage.recosDone, sent: stage.recosSent, estimated: stage.recosEstimated },
        failed: stage.recosFailed,
      },
    }));
  }
}

/** The stem of a scan's result files, the partial ones' too. @param scan where it has begun: it may have gone further */
export const stemOf = ({ event, progression }: ScanPlan, scan?: Pick<Scan, "nsides">): string =>
  stemOfScan(event.metadata, scan?.nsides ?? progression.map(({ nside }) => nside));

const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** A best fit with its directions. */
export function bestOf(fit: PixelResult, { event }: Pick<ScanPlan, "event">): Best {
  const { ra, dec } = pixelCentre(fit.nside, fit.pixel);
  const { zenith, azimuth } = toDetector(ra, dec, momentAt(event.metadata.mjd));
  const { nside, pixel, llh, x, y, z, time, energy, E_in, E_tot } = fit;
  return {
    ...{ nside, pixel, llh, ra, dec, zenith, azimuth },
    ...{ x: orNull(x), y: orNull(y), z: orNull(z), time: orNull(time) },
    ...{ energy: orNull(energy), E_in: orNull(E_in), E_tot: orNull(E_tot) },
  };
}
