import { InputError } from "../config/errors.ts";
import { randomIntegers, shuffle } from "../config/random.ts";
import type { Flood, Minimum, Start } from "../geometry/minima.ts";
import { choosePixels, firstPixels, isBetter, type Pointing } from "../sky/choose.ts";
import {
  angleBetween,
  type Direction,
  neighbours,
  parentOf,
  pixelVector,
  vectorOf,
} from "../sky/healpix.ts";
import { checkProgression, expectedPixels, type Progression } from "../sky/progression.ts";
import { fitValues } from "./fit_values.ts";
import { isSearchedWhole, isSown, news, startsBelow, startsBeside } from "./minima.ts";
import {
  type FreeStart,
  fitsOf,
  freeRound,
  type Pixel,
  type PixelResult,
  type ReleasedTask,
  type Task,
  type TaskResult,
} from "./task.ts";

/** All a scan's course depends on, but the results. */
export interface ScanSettings {
  readonly progression: Progression;
  /** Fits per pixel. */
  readonly variations: number;
  /** For the random order of the tasks of a round; an integer. */
  readonly seed: number;
  /**
   * Share of a stage that must be done before the next one begins, 0.1 ≤ threshold ≤ 1 (default). Below
   * 1 the map depends on the order of arrival; at 1 it does not.
   */
  readonly threshold?: number;
  /** Scan around a direction only. */
  readonly pointing?: Pointing;
  /** The first stage's pixels come in the order of their distance from here: it is where one looks first. */
  readonly towards?: Direction;
  /** How directions pass on their minima; absent: they do not. */
  readonly flood?: Flood;
  /** What is wanted beyond the progression; absent: nothing. */
  readonly further?: Further;
  /** So many of the first stage's best pixels are where a fit with free direction starts; absent: there is none. */
  readonly freeStarts?: number;
}

/**
 * The pixels wanted of a map that has all its progression asks for, by nside; those it has may be among them, and an
 * nside beyond its finest begins another stage. Empty: the map is finished. Depends on the map alone, so that a scan
 * that is begun again takes the same course.
 */
export type Further = (
  pixels: ReadonlyMap<number, readonly PixelResult[]>,
) => ReadonlyMap<number, readonly number[]>;

/** How far a stage, or the whole scan, is. */
export interface Counts {
  readonly recosDone: number;
  readonly recosSent: number;
  /** What will have been sent at the end, as far as one can tell. */
  readonly recosEstimated: number;
  readonly pixelsDone: number;
  readonly pixelsSent: number;
  readonly pixelsEstimated: number;
  /** Of the recos done, those without a result (llh NaN). */
  readonly recosFailed: number;
}

export interface ScanProgress extends Counts {
  readonly stages: readonly (Counts & { readonly nside: number })[];
  /** Results that came again, and were dropped. */
  readonly duplicates: number;
  /** Results nobody asked for, and were dropped. */
  readonly foreign: number;
}

/** Where a task stands: never sent, sent, or its result is in. */
export type TaskState = "unknown" | "waiting" | "done";

/** A pixel whose fits are out or in. */
interface Open {
  /** By posvar: whether the result is in. */
  readonly seen: Uint8Array;
  missing: number;
  best: TaskResult | undefined;
  /** Its direction's minima, lowest first. */
  minima: readonly Minimum[];
  /** How often it was looked at again, and whether the last time is still out. */
  round: number;
  isRevisited: boolean;
}

interface StageState {
  readonly nside: number;
  /** Every pixel sent. */
  readonly pixels: Map<number, Open>;
  /** Those that have all their variations. */
  readonly final: Map<number, PixelResult>;
  /** Shares of this stage at which the next is looked at. */
  readonly thresholds: readonly number[];
  /** How many of them its share has passed. */
  passed: number;
  /** Pixels whose neighbours have not been told of their lowest minimum yet. */
  readonly fresh: Set<number>;
  /** Rounds in which neighbours were. */
  rounds: number;
  recosDone: number;
  recosFailed: number;
}

/** Throws InputError when the settings break a rule. */
function check({ progression, variations, seed, pointing }: ScanSettings): void {
  checkProgression(progression);
  if (!(Number.isSafeInteger(variations) && variations > 0))
    throw new InputError(`variations: ${variations} is not a positive integer`);
  if (!Number.isSafeInteger(seed)) throw new InputError(`seed: ${seed} is not an integer`);
  if (pointing && !(pointing.radius > 0))
    throw new InputError(`pointed scan: radius ${pointing.radius} rad is not positive`);
}

/**
 * A scan's brain: which fits to do, which of them count, when it is over. No clock, no input or output.
 *
 * The same settings and the same results in the same order give the same tasks; at threshold 1 the order of
 * the results within a round does not matter, since the next pixels are then chosen only when everything
 * sent is in.
 *
 * Adding a result costs the same however many there are; choosing pixels, a few times per stage, costs
 * in proportion to the pixels of the stage.
 */
export class Scan {
  readonly #settings: ScanSettings;
  readonly #threshold: number;
  /** Coarse to fine: those of the progression, and what was added beyond it. */
  readonly #stages: StageState[] = [];
  readonly #stageOf = new Map<number, StageState>();
  /** The pixels that have all their variations, by nside. */
  readonly #map = new Map<number, ReadonlyMap<number, PixelResult>>();
  #rounds = 0;
  /** Fits and further looks sent whose results are not in. */
  #outstanding = 0;
  /** Pixels of the first stage that wait until there is something known beside them. */
  readonly #held = new Set<number>();
  /** All sent fits and looks are in, and set no more free. */
  #isLast = false;
  /** The fit that leaves the direction free: which task it is, and what came of it. */
  #free: ReleasedTask | undefined;
  #freeResult: TaskResult | undefined;
  #best: PixelResult | undefined;
  #duplicates = 0;
  #foreign = 0;

  /** Throws InputError when the settings break a rule. */
  constructor(settings: ScanSettings) {
    check(settings);
    const { progression, threshold = 1 } = settings;
    const series = thresholds(threshold);
    this.#settings = settings;
    this.#threshold = threshold;
    for (const [i, { nside }] of progression.entries())
      this.#addStage(nside, i === progression.length - 1 ? [1] : series);
  }

  #addStage(nside: number, thresholds: readonly number[]): void {
    const stage: StageState = {
      ...{ nside, thresholds, pixels: new Map(), final: new Map(), fresh: new Set() },
      ...{ passed: 0, rounds: 0, recosDone: 0, recosFailed: 0 },
    };
    this.#stages.push(stage);
    this.#stageOf.set(nside, stage);
    this.#map.set(nside, stage.final);
  }

  /** The first tasks. To be called once, before all else. */
  start(): ReleasedTask[] {
    if (this.#rounds > 0) throw new Error("the scan has been started already");
    const { progression, pointing } = this.#settings;
    const first = progression[0]!.nside;
    const pixels = firstPixels(first, pointing);
    const { flood } = this.#settings;
    const sown = pixels.filter((pixel) => !flood || isSown({ nside: first, pixel }, flood));
    // Of a pointed scan's few pixels there may be none.
    if (sown.length === 0) return this.#send(new Map([[first, pixels]]));
    for (const pixel of pixels) this.#held.add(pixel);
    return this.#send(new Map([[first, sown]]));
  }

  /** Takes a result and returns the tasks it sets free (most often none). Duplicates and foreign results change nothing but their count. */
  add(result: TaskResult): ReleasedTask[] {
    const stage = this.#stageOf.get(result.nside);
    const open = stage?.pixels.get(result.pixel);
    const state = this.stateOf(result);
    if (state === "waiting" && result.round === freeRound) {
      this.#freeResult = result;
      return [];
    }
    if (!stage || !open || state === "unknown") {
      this.#foreign++;
      return [];
    }
    if (state === "done") {
      this.#duplicates++;
      return [];
    }
    if ((result.round ?? 0) > 0) this.#improve(stage, open, result);
    else {
      this.#collect(stage, open, result);
      if (open.missing > 0) return [];
      this.#finish(stage, open.best!);
    }
    return [...this.#releasedFree(), ...this.#released(stage)];
  }

  /** Whether add() would count a result for this task ("waiting"), or why not. */
  stateOf(task: Task): TaskState {
    const { nside, pixel, posvar, round = 0 } = task;
    const open = this.#stageOf.get(nside)?.pixels.get(pixel);
    const last = posvar + fitsOf(task) - 1;
    if (round === freeRound) {
      if (nside !== this.#free?.nside || pixel !== this.#free.pixel || posvar !== 0)
        return "unknown";
      return this.#freeResult ? "done" : "waiting";
    }
    if (!open || !(posvar in open.seen && last in open.seen && last >= posvar)) return "unknown";
    if (round === 0) return open.seen.subarray(posvar, last + 1).includes(1) ? "done" : "waiting";
    if (!(round <= open.round)) return "unknown";
    return round === open.round && open.isRevisited ? "waiting" : "done";
  }

  /** Everything sent is in, and no more pixels are wanted. */
  get isComplete(): boolean {
    return this.#isLast && (this.#free === undefined) === (this.#freeResult === undefined);
  }

  /** The fit that left the direction free, once it is in: llh NaN where it failed. */
  get freeFit(): TaskResult | undefined {
    return this.#freeResult;
  }

  /** The best pixel so far, of all nsides; undefined as long as there is none but NaN. */
  get best(): PixelResult | undefined {
    return this.#best;
  }

  /** A pixel's fit, once all its variations are in. */
  pixel({ nside, pixel }: Pixel): PixelResult | undefined {
    return this.#map.get(nside)?.get(pixel);
  }

  /**
   * The pixels by nside, coarse to fine, ascending: those with all their variations in, or, `unfinished`
   * too, those with at least one.
   */
  pixels({ unfinished = false } = {}): Map<number, PixelResult[]> {
    const found = new Map<number, PixelResult[]>();
    for (const stage of this.#stages) {
      const pixels = [...stage.final.values()];
      if (unfinished)
        for (const { missing, best } of stage.pixels.values())
          if (missing > 0 && best) pixels.push(withoutVariation(best));
      if (pixels.length > 0)
        found.set(
          stage.nside,
          pixels.sort((a, b) => a.pixel - b.pixel),
        );
    }
    return found;
  }

  /** Its stages, coarse to fine: those of the progression, and those added beyond it so far. */
  get nsides(): number[] {
    return this.#stages.map(({ nside }) => nside);
  }

  progress(): ScanProgress {
    const stages = this.#stages.map((stage, i) => this.#progressOf(stage, i));
    const sum = (key: keyof Counts) => stages.reduce((total, stage) => total + stage[key], 0);
    return {
      recosDone: sum("recosDone"),
      recosSent: sum("recosSent"),
      recosEstimated: sum("recosEstimated"),
      pixelsDone: sum("pixelsDone"),
      pixelsSent: sum("pixelsSent"),
      pixelsEstimated: sum("pixelsEstimated"),
      recosFailed: sum("recosFailed"),
      stages,
      duplicates: this.#duplicates,
      foreign: this.#foreign,
    };
  }

  #progressOf(stage: StageState, i: number): Counts & { readonly nside: number } {
    const { progression, pointing, variations } = this.#settings;
    const pixelsSent = stage.pixels.size;
    const pixelsHeld = i === 0 ? this.#held.size : 0;
    // Of what lies beyond the progression nobody knows more than has been sent.
    const isKnown = i < progression.length && !(pointing && i === 0);
    const expected = isKnown ? Math.round(expectedPixels(progression, i)) : pixelsSent + pixelsHeld;
    const pixelsEstimated = this.#isLast ? pixelsSent : Math.max(pixelsSent, expected);
    return {
      nside: stage.nside,
      recosDone: stage.recosDone,
      recosSent: pixelsSent * variations,
      recosEstimated: pixelsEstimated * variations,
      pixelsDone: stage.final.size,
      pixelsSent,
      pixelsEstimated,
      recosFailed: stage.recosFailed,
    };
  }

  #collect(stage: StageState, open: Open, result: TaskResult): void {
    const count = fitsOf(result);
    open.seen.fill(1, result.posvar, result.posvar + count);
    open.missing -= count;
    this.#outstanding -= count;
    stage.recosDone += count;
    stage.recosFailed += result.failures?.length ?? (Number.isNaN(result.llh) ? count : 0);
    if (!isBetterVariation(result, open.best)) return;
    open.best = result;
    open.minima = result.minima ?? [];
  }

  #finish(stage: StageState, result: TaskResult): void {
    const pixel = withoutVariation(result);
    stage.final.set(pixel.pixel, pixel);
    if (this.#settings.flood && !Number.isNaN(pixel.llh)) stage.fresh.add(pixel.pixel);
    if (isBetter(pixel, this.#best)) this.#best = pixel;
  }

  /** Takes what a further look has found: it counts where it is lower, and is never worse than nothing. */
  #improve(stage: StageState, open: Open, result: TaskResult): void {
    open.isRevisited = false;
    this.#outstanding--;
    if (result.minima && result.minima.length > 0) open.minima = result.minima;
    const before = stage.final.get(result.pixel)!.llh;
    if (!(result.llh < before)) return;
    const pixel = withoutVariation(result);
    stage.final.set(pixel.pixel, pixel);
    if (pixel.llh < before - news) stage.fresh.add(pixel.pixel);
    if (isBetter(pixel, this.#best)) this.#best = pixel;
  }

  /**
   * Once the first stage is whole, the fit that leaves the direction free. Nothing waits for it, and no pixel depends on
   * it.
   */
  #releasedFree(): ReleasedTask[] {
    const { freeStarts = 0, variations } = this.#settings;
    const { nside, pixels, final } = this.#stages[0]!;
    const isWhole = this.#held.size === 0 && final.size === pixels.size;
    if (freeStarts === 0 || this.#free !== undefined || !isWhole) return [];
    const free = [...final.values()]
      .filter(({ llh }) => !Number.isNaN(llh))
      .sort((a, b) => a.llh - b.llh || a.pixel - b.pixel)
      .slice(0, freeStarts)
      .flatMap(({ pixel }): FreeStart[] => {
        const [at] = pixels.get(pixel)!.minima;
        return at ? [{ nside, pixel, at }] : [];
      });
    const [best] = free;
    if (best === undefined) return [];
    const { pixel } = best;
    this.#free = { nside, pixel, posvar: 0, count: variations, round: freeRound, free };
    return [this.#free];
  }

  /** What a pixel that has just become whole sets free. */
  #released(stage: StageState): ReleasedTask[] {
    if (this.#held.size > 0) return this.#outstanding === 0 ? this.#spread() : [];
    if (this.#outstanding === 0) {
      const again = this.#revisit();
      if (again.length > 0) return again;
      const refined = this.#refine(this.#stages.length - 1);
      const released = refined.length > 0 ? refined : this.#goFurther();
      this.#isLast = released.length === 0;
      return released;
    }
    if (this.#threshold === 1) return [];
    const passed = passedThresholds(stage);
    if (passed <= stage.passed) return [];
    stage.passed = passed;
    return this.#refine(this.#stages.indexOf(stage));
  }

  /** The pixels of the first stage that touch one that has its fits; all that are left where none does. */
  #spread(): ReleasedTask[] {
    const { nside, final } = this.#stages[0]!;
    const held = [...this.#held];
    const isFitted = (pixel: number) => !Number.isNaN(final.get(pixel)?.llh ?? Number.NaN);
    const beside = held.filter((pixel) => neighbours(nside, pixel).some(isFitted));
    return this.#send(new Map([[nside, beside.length > 0 ? beside : held]]));
  }

  /**
   * Further looks at the pixels whose neighbours have found something new: a round of Jacobi's, each made of the round
   * before, so that neither order nor number of workers counts.
   */
  #revisit(): ReleasedTask[] {
    const { flood, variations } = this.#settings;
    const tasks: ReleasedTask[] = [];
    if (!flood) return tasks;
    for (const stage of this.#stages) {
      const { nside, fresh, final, pixels } = stage;
      if (fresh.size === 0) continue;
      const around = new Map<number, readonly number[]>();
      const neighboursOf = (pixel: number) => {
        const known = around.get(pixel) ?? neighbours(nside, pixel);
        around.set(pixel, known);
        return known;
      };
      const told = new Set<number>();
      if (stage.rounds < flood.rounds)
        for (const pixel of fresh)
          for (const neighbour of neighboursOf(pixel))
            if (!Number.isNaN(final.get(neighbour)?.llh ?? Number.NaN)) told.add(neighbour);
      for (const pixel of [...told].sort((a, b) => a - b)) {
        const starts = startsBeside(
          { nside, pixel },
          neighboursOf(pixel).filter((neighbour) => fresh.has(neighbour)),
          (at) => pixels.get(at)?.minima,
          flood,
        );
        if (starts.length === 0) continue;
        const open = pixels.get(pixel)!;
        open.round++;
        open.isRevisited = true;
        this.#outstanding++;
        const task = { nside, pixel, posvar: 0, count: variations, round: open.round, starts };
        tasks.push(this.#withParent(task));
      }
      fresh.clear();
      stage.rounds++;
    }
    return shuffle(tasks, randomIntegers(this.#settings.seed, this.#rounds++));
  }

  /** @param last index of the stage up to which the pairs of stages are looked at: one beyond it is sent to */
  #refine(last: number): ReleasedTask[] {
    const { progression, pointing } = this.#settings;
    return this.#send(
      choosePixels(this.#map, progression.slice(0, last + 2), pointing, this.#best),
    );
  }

  /** What is wanted of the finished map. */
  #goFurther(): ReleasedTask[] {
    const chosen = this.#settings.further?.(this.pixels()) ?? new Map();
    const finest = this.#stages.at(-1)!.nside;
    for (const nside of [...chosen.keys()].sort((a, b) => a - b))
      if (nside > finest) this.#addStage(nside, [1]);
    return this.#send(chosen);
  }

  /** Marks the pixels not yet sent as sent, and returns their tasks: the first round's by distance, all others' in a random order. */
  #send(chosen: ReadonlyMap<number, readonly number[]>): ReleasedTask[] {
    const { variations, seed, towards } = this.#settings;
    const fresh: Pixel[] = [];
    for (const [nside, pixels] of chosen) {
      const stage = this.#stageOf.get(nside)!;
      for (const pixel of pixels)
        if (!stage.pixels.has(pixel)) {
          if (stage === this.#stages[0]) this.#held.delete(pixel);
          stage.pixels.set(pixel, {
            seen: new Uint8Array(variations),
            missing: variations,
            best: undefined,
            minima: [],
            round: 0,
            isRevisited: false,
          });
          fresh.push({ nside, pixel });
          // News of pixels that are new here may be told again.
          stage.rounds = 0;
        }
      // New pixels make the share done smaller: thresholds may be passed again.
      stage.passed = passedThresholds(stage);
    }
    if (fresh.length === 0) return [];
    this.#outstanding += fresh.length * variations;
    const isFirst = this.#rounds === 0;
    shuffle(fresh, randomIntegers(seed, this.#rounds++));
    return (isFirst ? nearestFirst(fresh, towards) : fresh).map((pixel) => {
      const starts = this.#startsIn(pixel);
      const task = { ...pixel, posvar: 0, count: variations };
      return this.#withParent(starts.length > 0 ? { ...task, starts } : task);
    });
  }

  #withParent(task: ReleasedTask): ReleasedTask {
    const parent = this.#parentFit(task);
    return parent ? { ...task, parent } : task;
  }

  /** The minima of the finest coarser pixels around this one, or, in the first map, of those beside it. */
  #startsIn(pixel: Pixel): Start[] {
    const { flood } = this.#settings;
    if (!flood) return [];
    const [first, second] = this.#stages;
    if (pixel.nside === first!.nside) return this.#startsAround(pixel, flood);
    // What such pixels of the second map have found reaches those of finer ones.
    if (pixel.nside === second!.nside && isSearchedWhole(pixel, flood)) return [];
    for (const { nside, pixels, final } of this.#stages.toReversed()) {
      if (nside >= pixel.nside) continue;
      const minimaOf = (at: number) => (final.has(at) ? pixels.get(at)?.minima : undefined);
      const starts = startsBelow(pixel, nside, minimaOf, flood);
      if (starts.length > 0) return starts;
    }
    return [];
  }

  /** The minima beside a pixel of the first map that waited for them, unless it is near the best of those that did not. */
  #startsAround(pixel: Pixel, flood: Flood): Start[] {
    const best = this.#best;
    const here = pixelVector(pixel.nside, pixel.pixel);
    const isNear =
      best && angleBetween(pixelVector(best.nside, best.pixel), here) < flood.sownWithin;
    if (isNear || isSown(pixel, flood)) return [];
    const { nside, pixels, final } = this.#stages[0]!;
    const minimaOf = (at: number) => (final.has(at) ? pixels.get(at)?.minima : undefined);
    return startsBeside(pixel, neighbours(nside, pixel.pixel), minimaOf, flood);
  }

  /** The fit to start from: the finest coarser pixel around this one, if its fit succeeded. */
  #parentFit({ nside, pixel }: Pixel): PixelResult | undefined {
    for (const stage of this.#stages.toReversed()) {
      if (stage.nside >= nside) continue;
      const fit = stage.final.get(parentOf(nside, pixel, stage.nside));
      if (fit) return Number.isNaN(fit.llh) ? undefined : fit;
    }
    return undefined;
  }
}

/** Pixels by their distance from a direction; as they are without one. */
function nearestFirst(pixels: readonly Pixel[], towards: Direction | undefined): readonly Pixel[] {
  if (towards === undefined) return pixels;
  const centre = vectorOf(towards);
  return pixels
    .map((at) => ({ at, away: angleBetween(centre, pixelVector(at.nside, at.pixel)) }))
    .sort((a, b) => a.away - b.away)
    .map(({ at }) => at);
}

/** The threshold, every tenth above it, and 1. Throws InputError outside of [0.1, 1], the original's range. */
function thresholds(threshold: number): number[] {
  if (!(threshold >= 0.1 && threshold <= 1))
    throw new InputError(`predictive scanning threshold: ${threshold} is not from 0.1 to 1`);
  const tenths = Array.from({ length: 10 }, (_, i) => (i + 1) / 10);
  return [threshold, ...tenths.filter((tenth) => tenth > threshold)];
}

/** How many of its thresholds the share of a stage's whole pixels over its sent ones has reached. */
function passedThresholds({ thresholds, final, pixels }: StageState): number {
  const share = final.size / pixels.size;
  return thresholds.filter((threshold) => share >= threshold).length;
}

/** Lower llh wins, any number over NaN, and the lower variation on a tie: whatever comes first. */
function isBetterVariation(a: TaskResult, b: TaskResult | undefined): boolean {
  if (!b) return true;
  if (a.llh === b.llh || (Number.isNaN(a.llh) && Number.isNaN(b.llh))) return a.posvar < b.posvar;
  return a.llh < b.llh || Number.isNaN(b.llh);
}

const withoutVariation = (result: TaskResult): PixelResult => ({
  nside: result.nside,
  pixel: result.pixel,
  ...fitValues((name) => result[name]),
});
