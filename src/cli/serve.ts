import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { consola } from "consola";
import { InputError, Interrupted } from "../config/errors.ts";
import { setLogLevels } from "../config/log.ts";
import { print } from "../config/print.ts";
import { selfCommand } from "../config/self.ts";
import { catchSignals } from "../config/signals.ts";
import type { Alert, RecipeStep } from "../desk/intake.ts";
import { parseAddress } from "../mq/address.ts";
import { pageDocuments } from "../page/documents.ts";
import { findReco } from "../reco/registry.ts";
import { requireWritable } from "../server/startup.ts";
import { DEFAULT_PROGRESSION, formatProgression, parseProgression } from "../sky/progression.ts";
import { identityOf } from "./broker.ts";
import { flag, integerFrom, mostWorkers, seconds } from "./flags.ts";
import { nsidesOf } from "./nsides.ts";
import { fitProcessName } from "./process_names.ts";
import { askSelf, runSelf } from "./run_self.ts";
import { recoList } from "./scan_flags.ts";
import { tokenFileMeaning, tokenOf } from "./token.ts";

interface Flags {
  host: string;
  port: number;
  data: string;
  workers: number;
  recoAlgo: string;
  nsides?: string[];
  recipe?: string;
  watch?: string;
  webhook?: string;
  hook?: string;
  address?: string;
  broker?: string;
  brokerToken?: string;
  caFile?: string;
  desk?: string;
  condor?: number;
  condorIdle: number;
  publicRead?: boolean;
  allowHost?: string[];
  basePath: string;
  trustProxy?: boolean;
  cert?: string;
  key?: string;
  photonTables?: string;
  gcdDir?: string;
  seed: number;
  recoTimeout: number;
  log: string;
  logThirdParty: string;
}

const lastPort = 65_535;

/** The desk: takes alerts in, runs their scans, shows their maps. */
export function serveCommand(): Command {
  return addServiceFlags(
    new Command("serve").description(
      "Run the alert desk: a page and a REST interface that take alerts, run their scans and show the maps filling in.",
    ),
  )
    .addHelpText(
      "after",
      `
Prints its address on stdout when it listens. Started again with the same --data it goes on with what was not finished.
More: skyscan help desk.
Example:
  skyscan serve --data /var/lib/skyscan --workers 8`,
    )
    .action(serve);
}

function addServiceFlags(command: Command): Command {
  return command
    .addOption(
      flag(
        "--host <address>",
        "address to listen on; beyond this machine a token of 16 characters or more is needed",
        "127.0.0.1",
      ),
    )
    .addOption(
      flag("--port <n>", "TCP port; 0: any free one", 8080).argParser(integerFrom(0, lastPort)),
    )
    .addOption(flag("--data <dir>", "everything the desk remembers", "skyscan-desk"))
    .addOption(
      flag("--workers <n>", "fits at a time on this machine", availableParallelism()).argParser(
        integerFrom(0, mostWorkers),
      ),
    )
    .addOption(flag("--reco-algo <name>", `what is run for an alert: ${recoList}`, "splinempe"))
    .addOption(
      nsidesOf(
        flag("--nsides <nside:extension...>", "refinement of the map, coarse to fine"),
      ).default(undefined, formatProgression(DEFAULT_PROGRESSION)),
    )
    .addOption(
      flag("--recipe <file>", "JSON: the scans that are run for an alert, instead of that one"),
    )
    .addOption(flag("--watch <dir>", "folder whose new files are taken in, once each"))
    .addOption(flag("--webhook <url>", "is sent JSON when a scan is done, has failed or is stuck"))
    .addOption(flag("--hook <command>", "is run by a shell then, with SKYSCAN_STATE and more"))
    .addOption(flag("--address <url>", "the page's address as others know it, for links in these"))
    .addOption(flag("-b, --broker <url>", "a broker through which clients from anywhere may come"))
    .addOption(flag("--broker-token <token>", "its password (better: in SKYSCAN_BROKER_TOKEN)"))
    .addOption(flag("--ca-file <pem>", "certificate of a private TLS authority, for the broker"))
    .addOption(flag("--desk <name>", "the desk's name on the broker (default: one nobody guesses)"))
    .addOption(
      flag(
        "--condor <n>",
        "clients asked of an HTCondor pool while there is work; needs --broker with a password",
      ).argParser(integerFrom(1, mostWorkers)),
    )
    .addOption(
      flag(
        "--condor-idle <s>",
        "they are removed when there was no work for so long, s",
        600,
      ).argParser(seconds),
    )
    .addOption(
      flag("-a, --auth-token <token>", "what pages and scripts must give (better: a file)"),
    )
    .addOption(flag("--auth-token-file <file>", tokenFileMeaning))
    .addOption(flag("--public-read", "looking needs no token"))
    .addOption(flag("--allow-host <name...>", "names the desk may be called by"))
    .addOption(flag("--base-path <path>", "path the desk is served at, behind a proxy", "/"))
    .addOption(
      flag(
        "--trust-proxy",
        "the proxy's X-Forwarded-For, -Proto and -Host say who came, and how: whose address counts for limits",
      ),
    )
    .addOption(flag("--cert <pem>", "TLS: the desk's certificate, with those that vouch for it"))
    .addOption(flag("--key <pem>", "TLS: the certificate's private key"))
    .addOption(flag("--photon-tables <dir>", "photospline tables of the light"))
    .addOption(flag("-g, --gcd-dir <dir>", "baseline GCD files"))
    .addOption(flag("--seed <n>", "random seed of the scans", 0).argParser(integerFrom(0)))
    .addOption(
      flag("--reco-timeout <s>", "longest time one fit may take, s", 300).argParser(seconds),
    )
    .addOption(flag("-l, --log <level>", "level of the log", "INFO"))
    .addOption(flag("--log-third-party <level>", "level of the libraries' log", "WARNING"));
}

async function serve(flags: Flags, command: Command): Promise<void> {
  setLogLevels(flags.log, flags.logThirdParty);
  const token = tokenOf(command);
  // Only who needs a desk waits for it to be loaded.
  const { requireToken } = await import("../desk/access.ts");
  const { runService } = await import("../desk/service.ts");
  requireToken(flags.host, token);
  const identity = identityOf(flags);
  requireWritable(flags.data, "--data");
  const { stop } = catchSignals();
  await runService({
    ...{ host: flags.host, port: flags.port, base: basePath(flags.basePath), stop },
    ...(identity && { identity }),
    ...(token !== undefined && { token }),
    isPublicRead: flags.publicRead ?? false,
    hosts: flags.allowHost ?? [],
    trustsProxy: flags.trustProxy ?? false,
    intake: {
      ...{ data: flags.data, recipe: await recipeOf(flags), seed: flags.seed },
      recoTimeout: flags.recoTimeout,
      ...(flags.gcdDir !== undefined && { gcdDir: flags.gcdDir }),
      ...(flags.photonTables !== undefined && { photonTables: flags.photonTables }),
    },
    workers: flags.workers,
    fitCommand: [...selfCommand(), fitProcessName],
    ...(flags.broker !== undefined && { broker: brokerOf(flags, flags.broker) }),
    ...(flags.desk !== undefined && { name: flags.desk }),
    ...(flags.condor !== undefined && {
      condor: { jobs: flags.condor, idleWait: flags.condorIdle },
    }),
    ...(flags.caFile !== undefined && { caFile: flags.caFile }),
    documents: pageDocuments,
    ...{ runSelf, askSelf, simulate },
    ...(flags.watch !== undefined && { watch: flags.watch }),
    ...(flags.webhook !== undefined && { webhook: webAddress("--webhook", flags.webhook) }),
    ...(flags.hook !== undefined && { hook: flags.hook }),
    ...(flags.address !== undefined && { address: webAddress("--address", flags.address) }),
    onListening: (address) => {
      print(`${address}\n`);
      consola.info(token ? "a token is asked for" : "no token is asked for");
    },
  });
  throw new Interrupted();
}

const brokerOf = ({ brokerToken, caFile }: Flags, broker: string) =>
  parseAddress(broker, {
    ...(brokerToken !== undefined && { authToken: brokerToken }),
    ...(caFile !== undefined && { caFile }),
  });

/** Throws InputError, that does not repeat what may hold a secret. */
function webAddress(name: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new InputError(`${name}: expected an http:// or https:// address`);
  return name === "--address" ? url.href.replace(/\/?$/, "/") : url.href;
}

async function recipeOf({ recoAlgo, nsides, recipe }: Flags): Promise<RecipeStep[]> {
  if (recipe !== undefined) {
    const { readRecipe } = await import("../desk/recipe.ts");
    return readRecipe(recipe);
  }
  const progression = nsides === undefined ? DEFAULT_PROGRESSION : parseProgression(nsides);
  return [{ reco: findReco(recoAlgo).name, nsides: progression, priority: 0 }];
}

/** "/", or "/name/". Throws InputError. */
function basePath(text: string): string {
  const path = `/${text.replace(/^\/+|\/+$/g, "")}/`.replace("//", "/");
  if (/^\/([\w.~-]+\/)*$/.test(path) && !/\/\.\.?\//.test(path)) return path;
  throw new InputError(`--base-path: expected a path like /desk, not "${text.slice(0, 60)}"`);
}

/** A muon of our own, another one each time. */
async function simulate(): Promise<Alert> {
  const folder = await mkdtemp(join(tmpdir(), "skyscan-muon-"));
  try {
    const seed = Math.floor(Date.now() / 1000);
    const file = join(folder, "muon.json");
    const trouble = await runSelf(["simulate", "--out", file, "--seed", String(seed)]);
    if (trouble !== undefined) throw new InputError(`the muon cannot be simulated: ${trouble}`);
    return { bytes: await Bun.file(file).bytes(), name: "simulated muon" };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
