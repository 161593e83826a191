import { describe, expect, test } from "bun:test";
import { Archive, noFacts, type ScanRecord } from "../../src/desk/archive.ts";
import { filterToSql } from "../../src/desk/filter.ts";

const record = (id: string, more: Partial<ScanRecord> = {}): ScanRecord => ({
  ...{ id, alert: "a", priority: 0, state: "waiting", reason: null },
  event: { name: "", run: 1, id: 2, mjd: 59_000.5, type: "neutrino", stream: null, is_real: true },
  settings: {
    ...{ reco: "dummy", nsides: "8:0", threshold: 1, recoTimeout: 1, seed: 0, isRealEvent: null },
  },
  ...{ created: 10, started: null, ended: null, changed: 10, isDeleted: false },
  ...{ rescanOf: null, replacedBy: null, classifiers: {}, request: {}, served: 0 },
  facts: noFacts,
  ...more,
});

const archive = new Archive(":memory:");
archive.add([
  record("a", { created: 1, classifiers: { tag: "x", n: 1, flag: true, list: ["p", "q"] } }),
  record("b", { created: 2, priority: 100, classifiers: { tag: "y", n: 2, nil: null } }),
  record("c", {
    ...{ created: 3, priority: 5, isDeleted: true, replacedBy: "a" },
    event: {
      ...{ name: "", run: 7, id: 8, mjd: 60_000, type: "HESE", stream: null, is_real: false },
    },
  }),
  record("d", { created: 4, state: "cancelled", classifiers: { n: "1", deep: { er: 3 } } }),
]);

const found = (filter: unknown): string => {
  const { sql, values } = filterToSql(filter);
  return archive
    .find(sql, values)
    .map(({ id }) => id)
    .toSorted()
    .join("");
};

/** What MongoDB finds, by its manual: https://www.mongodb.com/docs/manual/reference/operator/query/ */
const cases: [name: string, filter: unknown, found: string][] = [
  ["nothing asked", {}, "abcd"],
  ["equality", { scan_id: "a" }, "a"],
  ["of numbers", { priority: 100 }, "b"],
  ["within a document", { "event_metadata.run_id": 7 }, "c"],
  ["of truth", { "event_metadata.is_real_event": true }, "abd"],
  ["one is not true", { "classifiers.flag": 1 }, ""],
  ["true is not one", { "classifiers.n": true }, ""],
  ["a text is no number", { "classifiers.n": 1 }, "a"],
  ["a number is no text", { "classifiers.n": "1" }, "d"],
  ["an element of a list", { "classifiers.list": "q" }, "a"],
  ["deeper", { "classifiers.deep.er": 3 }, "d"],
  ["an object's members are not its elements", { "classifiers.deep": 3 }, ""],
  ["null is what is null, or missing", { "classifiers.nil": null }, "abcd"],
  ["null is not what is there", { replaced_by_scan_id: null }, "abd"],
  ["$ne finds what is missing too", { "classifiers.tag": { $ne: "x" } }, "bcd"],
  ["$ne null", { replaced_by_scan_id: { $ne: null } }, "c"],
  ["$in", { scan_id: { $in: ["a", "c", "z"] } }, "ac"],
  ["$in nothing", { scan_id: { $in: [] } }, ""],
  ["$nin", { "classifiers.tag": { $nin: ["x", "y"] } }, "cd"],
  ["$gt", { timestamp: { $gt: 2 } }, "cd"],
  ["$gte and $lt", { timestamp: { $gte: 2, $lt: 4 } }, "bc"],
  ["$gt compares numbers with numbers", { "classifiers.n": { $gt: 0 } }, "ab"],
  ["$lte compares texts with texts", { "classifiers.n": { $lte: "9" } }, "d"],
  ["$exists", { "classifiers.nil": { $exists: true } }, "b"],
  ["$exists false", { "classifiers.tag": { $exists: false } }, "cd"],
  ["$not", { timestamp: { $not: { $gt: 2 } } }, "ab"],
  ["$and", { $and: [{ priority: 0 }, { timestamp: { $gt: 1 } }] }, "d"],
  ["$or", { $or: [{ scan_id: "a" }, { "event_metadata.event_type": "HESE" }] }, "ac"],
  ["$nor", { $nor: [{ scan_id: "a" }, { scan_id: "b" }] }, "cd"],
  ["nested", { $or: [{ $and: [{ scan_id: "a" }, { priority: 0 }] }, { scan_id: "d" }] }, "ad"],
  ["cancelled counts as deleted, as there", { is_deleted: true }, "cd"],
  ["not deleted", { is_deleted: false }, "ab"],
  ["several fields", { priority: 0, "event_metadata.run_id": 1 }, "ad"],
  ["text that means something to SQL", { scan_id: "a' OR 1=1 --" }, ""],
];

describe("filters find what MongoDB finds", () => {
  for (const [name, filter, expected] of cases)
    test(name, () => expect(found(filter)).toBe(expected));
});

const refusals: [filter: unknown, reason: RegExp][] = [
  [{ scan_id: { $regex: "a" } }, /\$regex is not translated/],
  [{ $where: "1" }, /\$where is not translated/],
  [{ $expr: {} }, /\$expr/],
  [{ event_i3live_json_dict: 1 }, /no field "event_i3live_json_dict"/],
  [{ "classifiers.a') OR 1=1 --": 1 }, /no field/],
  [{ 'classifiers."x': 1 }, /no field/],
  [{ __proto__x: 1 }, /no field/],
  [{ constructor: 1 }, /no field/],
  [{ classifiers: { tag: "x" } }, /objects are not compared/],
  [{ scan_id: ["a"] }, /lists are not compared/],
  [{ scan_id: { $in: "a" } }, /\$in expects a list/],
  [{ $or: [] }, /\$or expects a list/],
  [{ timestamp: { $gt: true } }, /\$gt expects a number or a text/],
  ["x", /expected an object/],
  [{ $and: Array.from({ length: 300 }, () => ({ priority: 1 })) }, /more than 200/],
];

describe("and what is not translated is refused by name", () => {
  for (const [filter, reason] of refusals)
    test(JSON.stringify(filter).slice(0, 60), () =>
      expect(() => filterToSql(filter)).toThrow(reason),
    );
});
