/**
 * Makes the fixture in test/data out of ../shared: the part of the reference numbers and alerts that lets a clone
 * without ../shared prove each physics claim. `bun scripts/make_fixture.ts`; needs GNU tar.
 * Where the numbers come from: test/data/README.md.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { constants, zstdCompressSync } from "node:zlib";

const from = resolve(import.meta.dir, "../../shared");
const to = resolve(import.meta.dir, "../test/data");
/** What both archives together may take, bytes. */
const LIMIT = 5e6;

// biome-ignore lint/suspicious/noExplicitAny: reference files of many shapes, cut down key by key.
type Json = any;
/** A file as it is, or a JSON file cut down. */
type Entry = string | readonly [file: string, cut: (whole: Json) => Json];

const BRONZE = "run00136662-evt000035405932-BRONZE";
const GOLD = "run00136766-evt000007637140-GOLD";
const ALERT = "138632_31747601";

/** The muon tables, and one cascade pair, which has both its names. */
const photonTables: Entry[] = [
  "InfBareMu_mie_abs_z20a10_V2.fits",
  "InfBareMu_mie_prob_z20a10_V2.fits",
  "InfHighEStoch_mie_abs_z20a10.fits",
  "ems_mie_z20_a10.abs.fits",
  "ems_mie_z20_a10.prob.fits",
  "cascade_single_spice_ftp-v1_flat_z20_a5.abs.fits",
  "cascade_single_spice_ftp-v1_flat_z20_a5.prob.v2.fits",
].map((name) => `oracle/tables/${name}`);
const tableNames = photonTables.map((path) => (path as string).split("/").at(-1));

const every = <T>(step: number, rows: T[]): T[] => rows.filter((_, i) => i % step === 0);
const without = (names: readonly string[], from: Record<string, Json>): Json =>
  Object.fromEntries(Object.entries(from).filter(([name]) => !names.includes(name)));

/** Values of the photon tables: of those that are there, every fifth point. */
const tableValues = ({ raw, convolved }: Json): Json => {
  const cut = (tables: Json[]) =>
    tables
      .filter(({ table }) => tableNames.includes(table))
      .map((table) => ({ ...table, rows: every(5, table.rows) }));
  return { raw: cut(raw), convolved: cut(convolved) };
};

/** Light at DOMs: of the services whose tables are there, the first 25 pairs of source and DOM. */
const lightAtDoms = ({ services, ...rest }: Json): Json => ({
  ...rest,
  services: services
    .filter(({ abs, prob }: Json) => [abs, prob].every((name) => tableNames.includes(name)))
    .map((service: Json) => ({ ...service, rows: service.rows.slice(0, 25) })),
});

/** The first six of twelve hypotheses: three tracks, each with both spacings. */
const sixHypotheses = ({ hypotheses, ...rest }: Json): Json => ({
  ...rest,
  hypotheses: hypotheses.slice(0, 6),
});

/** Fits without the energies of every cascade on the way. */
const fitsAlone = ({ fits, ...rest }: Json): Json => ({
  ...rest,
  fits: fits.map((fit: Json) =>
    without(
      Object.keys(fit).filter((key) => /Params$/.test(key) && !/FitParams$/.test(key)),
      fit,
    ),
  ),
});

const h2At15ns = ({ rows, ...rest }: Json): Json => ({
  ...rest,
  rows: rows
    .filter(({ ice, jitter, pdf }: Json) => ice === "H2" && jitter === 15 && pdf > 1e-6)
    .map(({ ice, jitter, effDist, tres, pdf }: Json) => ({ ice, jitter, effDist, tres, pdf })),
});

const folder = (path: string, keep: RegExp): Entry[] =>
  readdirSync(join(from, path), { recursive: true })
    .map(String)
    .filter((name) => keep.test(name))
    .map((name) => `${path}/${name}`);

const reference: Entry[] = [
  // Splines of one to five axes; the six of the photon tables are below.
  ...folder("oracle/splines", /^table_[1-5]d.*|^Hoerandel.*flux|^Standard5Comp/),
  ["oracle/photonics/splineeval.json", tableValues],
  ["oracle/photonics/photonics_service.json", lightAtDoms],
  ["oracle/pandel/pandel_pdf_table.json", h2At15ns],
  // Alerts, and every value in one of them.
  ...[
    `${BRONZE}.pkl`,
    `${GOLD}.pkl`,
    `${ALERT}.json`,
    "hese_event_00.json",
    "event_HESE_2017-11-28.json",
  ].map((name) => `events/${name}`),
  `oracle/events/${BRONZE}.json`,
  // Preparation: cleaning steps, windows, vertices, seeds.
  ...[BRONZE, ALERT, "hese_event_00", "pixel_seeds", "volume_intersections"].map(
    (name) => `oracle/seeds/${name}.json`,
  ),
  "data/ic86-geometry.tsv",
  // Likelihoods at hypotheses, and fits.
  ...[BRONZE, GOLD].flatMap((event): Entry[] => [
    `oracle/llh/splinempe_llh_${event}.json`,
    `oracle/fits/fits_splinempe_${event}.json`,
    ...["original", "wilks"].flatMap((algorithm): Entry[] => [
      [`oracle/llh/millipede_${algorithm}_llh_${event}.json`, sixHypotheses],
      [`oracle/fits/fits_millipede_${algorithm}_${event}.json`, fitsAlone],
    ]),
  ]),
  `oracle/llh/splinempe_perdom_${BRONZE}.json`,
  `oracle/llh/millipede_wilks_gradients_${BRONZE}.json`,
  // The detector: a baseline, a difference to it, and what it makes of the baseline.
  "oracle/gcd/GCD_nominal.i3.zst",
  "oracle/gcd/GCD_diff.i3",
  "oracle/gcd/packet_BRONZE_nominalGCDdiff.json",
  ["oracle/gcd/GCD_expected.json", ({ base, expected }) => ({ base, expected })],
  // The sky, maps and results.
  "oracle/astro.json",
  "oracle/pixels.json",
  ...[BRONZE, GOLD].map((event) => `events/${event}-8_64_512.npz`),
  ...folder("oracle/results_json", /\.json$/),
];

/** The files in a tar that is the same whenever and by whomever it is made. */
function tarOf(entries: readonly Entry[]): Uint8Array {
  const work = mkdtempSync(join(tmpdir(), "skyscan-fixture-"));
  try {
    for (const entry of entries) {
      const [path, cut] = typeof entry === "string" ? [entry] : entry;
      const bytes = readFileSync(join(from, path));
      mkdirSync(join(work, dirname(path)), { recursive: true });
      writeFileSync(
        join(work, path),
        cut ? JSON.stringify(cut(JSON.parse(bytes.toString()))) : bytes,
        { mode: 0o644 },
      );
    }
    const same = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
    const tar = Bun.spawnSync(["tar", "-C", work, "--format=ustar", ...same, "-cf", "-", "."]);
    if (!tar.success) throw new Error(`tar: ${tar.stderr}`);
    return tar.stdout;
  } finally {
    rmSync(work, { recursive: true });
  }
}

let total = 0;
for (const [name, entries] of [
  ["photon_tables.tar.zst", photonTables],
  ["reference.tar.zst", reference],
] as const) {
  const tar = tarOf(entries);
  // A window of 32 MB sees both cascade pairs, which have the same coefficients.
  const params = {
    [constants.ZSTD_c_compressionLevel]: 19,
    [constants.ZSTD_c_windowLog]: 25,
    [constants.ZSTD_c_enableLongDistanceMatching]: 1,
  };
  const packed = zstdCompressSync(tar, { params });
  writeFileSync(join(to, name), packed);
  console.log(`${name}: ${entries.length} files, ${tar.length} bytes, packed ${packed.length}`);
  total += packed.length;
}
if (total > LIMIT) {
  console.error(`together ${total} bytes; they may take ${LIMIT}`);
  process.exit(1);
}
