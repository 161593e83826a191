// Which client works for which scan. Pure: no network, no clock.

/** A scan that is not over, as far as workers are concerned. */
export interface Claim {
  readonly scan: string;
  /** Higher goes first, whatever the others need; equal ones share. */
  readonly priority: number;
  /** Any clock, s. */
  readonly created: number;
  /** Worker time it has had, s. */
  readonly served: number;
  /** Fits that can be done now; undefined: not known yet. */
  readonly open: number | undefined;
}

/** A client that can be sent somewhere. */
export interface Helper {
  readonly id: string;
  readonly workers: number;
  /** Where it is, or is on its way to. */
  readonly scan: string | null;
  /** Since when. */
  readonly since: number;
  /** Scans it cannot work for. */
  readonly refused: ReadonlySet<string>;
}

/**
 * Worker time after which a scan stands back behind those that have had less, s, and then after twice as much, and so
 * on: short scans are not kept waiting by long ones, and those of one size go one after the other instead of all
 * ending last. (The least-attained-service rule with levels, as multilevel feedback queues have it.)
 */
const firstLevel = 60;
/** A client stays so long before it is moved for fairness alone, s: opening an event costs it half a second. */
export const shortestStay = 10;

const levelOf = ({ served }: Claim): number => Math.floor(Math.log2(1 + served / firstLevel));

/** In the order in which workers come to them. */
export const inOrder = (claims: readonly Claim[]): Claim[] =>
  claims.toSorted(
    (a, b) =>
      b.priority - a.priority ||
      levelOf(a) - levelOf(b) ||
      a.created - b.created ||
      (a.scan < b.scan ? -1 : 1),
  );

/**
 * How many workers each scan should have: priorities one after the other, equal ones the same number each, none more
 * than it has fits for.
 */
export function sharesOf(claims: readonly Claim[], workers: number): Map<string, number> {
  const shares = new Map(claims.map(({ scan }) => [scan, 0]));
  let left = workers;
  for (const peers of groupedByPriority(inOrder(claims))) {
    let hungry = peers.filter(({ open }) => open !== 0);
    while (left > 0 && hungry.length > 0) {
      for (const { scan } of hungry) {
        if (left === 0) break;
        shares.set(scan, shares.get(scan)! + 1);
        left--;
      }
      hungry = hungry.filter(({ scan, open }) => open === undefined || shares.get(scan)! < open);
    }
  }
  return shares;
}

function groupedByPriority(ordered: readonly Claim[]): Claim[][] {
  const groups: Claim[][] = [];
  for (const claim of ordered) {
    const last = groups.at(-1);
    if (last?.[0]?.priority === claim.priority) last.push(claim);
    else groups.push([claim]);
  }
  return groups;
}

/**
 * Sends clients to scans.
 * @param now by the clock of `since`
 * @returns where each client that has to move goes; null: nowhere for now
 */
export function share(
  claims: readonly Claim[],
  helpers: readonly Helper[],
  now: number,
): Map<string, string | null> {
  const known = new Map(claims.map((claim) => [claim.scan, claim]));
  const workers = helpers.reduce((sum, helper) => sum + helper.workers, 0);
  const shares = sharesOf(claims, workers);
  const missing = new Map(shares);
  const moves = new Map<string, string | null>();
  const free: Helper[] = [];
  for (const helper of helpers) {
    const isPlaced = helper.scan !== null && known.has(helper.scan);
    if (isPlaced) missing.set(helper.scan, missing.get(helper.scan)! - helper.workers);
    else free.push(helper);
    if (helper.scan !== null && !isPlaced) moves.set(helper.id, null);
  }
  const placed = helpers.filter(({ scan }) => scan !== null && known.has(scan));
  for (const claim of inOrder(claims)) {
    while (missing.get(claim.scan)! > 0) {
      const helper =
        takeFree(free, claim) ?? takePlaced(placed, claim, { known, missing, moves, now });
      if (helper === undefined) break;
      moves.set(helper.id, claim.scan);
      missing.set(claim.scan, missing.get(claim.scan)! - helper.workers);
    }
  }
  return moves;
}

function takeFree(free: Helper[], { scan }: Claim): Helper | undefined {
  const at = free.findIndex(({ refused }) => !refused.has(scan));
  return at < 0 ? undefined : free.splice(at, 1)[0];
}

interface Placement {
  readonly known: ReadonlyMap<string, Claim>;
  /** Workers each scan should still get; below 0: it has too many. */
  readonly missing: Map<string, number>;
  readonly moves: ReadonlyMap<string, string | null>;
  readonly now: number;
}

/** A client of another scan that has more than its share, or is less urgent; that one then has fewer. */
function takePlaced(
  placed: readonly Helper[],
  claim: Claim,
  { known, missing, moves, now }: Placement,
): Helper | undefined {
  const candidates = placed.filter((helper) => {
    if (helper.scan === claim.scan || moves.has(helper.id) || helper.refused.has(claim.scan))
      return false;
    const theirs = known.get(helper.scan!)!;
    const isAtLeisure = theirs.open === 0;
    // What is more urgent gives only what it has too many of.
    if (theirs.priority > claim.priority && missing.get(helper.scan!)! + helper.workers > 0)
      return false;
    const isLessUrgent = theirs.priority < claim.priority;
    if (!isAtLeisure && !isLessUrgent && now - helper.since < shortestStay) return false;
    // Only where it makes the shares more equal than they are.
    const before = Math.abs(missing.get(helper.scan!)!) + Math.abs(missing.get(claim.scan)!);
    const after =
      Math.abs(missing.get(helper.scan!)! + helper.workers) +
      Math.abs(missing.get(claim.scan)! - helper.workers);
    return isLessUrgent || after < before;
  });
  // From the scan with most too many; the smallest client that will do.
  candidates.sort(
    (a, b) =>
      missing.get(a.scan!)! - missing.get(b.scan!)! ||
      a.workers - b.workers ||
      a.since - b.since ||
      (a.id < b.id ? -1 : 1),
  );
  const [helper] = candidates;
  if (helper !== undefined) missing.set(helper.scan!, missing.get(helper.scan!)! + helper.workers);
  return helper;
}
