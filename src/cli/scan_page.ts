// --page: while a scan runs in this process, its page can be looked at.
import type { Command } from "commander";
import type { ScanPlan } from "../server/plan.ts";
import type { ServerObserver, ServerOutcome } from "../server/server.ts";
import { flag } from "./flags.ts";
import { runSelf } from "./run_self.ts";

export interface ScanPageFlags {
  page?: string;
  pageToken?: string;
  recoTimeout: number;
}

/** Adds --page. */
export const addPageFlags = (command: Command): Command =>
  command
    .addOption(
      flag("--page <[host:]port>", "the scan's live page there (as in skyscan serve; 0: any port)"),
    )
    .addOption(flag("--page-token <token>", "what it asks for (better: SKYSCAN_PAGE_TOKEN)"));

/**
 * Runs a scan, with its page where that is asked for.
 * @param file the alert's
 * @param work runs it, and tells its observer
 */
export async function withPage(
  { page, pageToken, recoTimeout }: ScanPageFlags,
  { plan, file, outputDir }: { plan: ScanPlan; file: string; outputDir: string },
  work: (observed: { observer?: ServerObserver }) => Promise<ServerOutcome>,
): Promise<ServerOutcome> {
  if (page === undefined) return await work({});
  // Only who wants a page waits for it to be loaded.
  const { pageAddress, showOneScan } = await import("../desk/one_scan.ts");
  const { pageDocuments } = await import("../page/documents.ts");
  const shown = await showOneScan({
    ...{ plan, file, outputDir, recoTimeout, runSelf, documents: pageDocuments },
    ...pageAddress(page),
    ...(pageToken !== undefined && { token: pageToken }),
  });
  try {
    const outcome = await work({ observer: shown.observer });
    shown.end(outcome);
    return outcome;
  } catch (error) {
    shown.end(error instanceof Error ? error : new Error(String(error)));
    throw error;
  } finally {
    await shown.close();
  }
}
