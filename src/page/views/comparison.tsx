/** What two maps that are compared say of each other, in words. */
import { useMemo } from "preact/hooks";
import type { ScanRow } from "../../desk/messages.ts";
import { degreesPerRadian } from "../../geometry/constants.ts";
import type { Shown } from "../desk.ts";
import { agreementOf } from "../map/agreement.ts";
import { angleText, areaText, deltaText, percent, shown } from "../words.ts";
import { usePage } from "./hooks.ts";

export function Comparison() {
  const { shell } = usePage();
  const { a, b, mode } = shell;
  const [first, second] = [shell.shown(a), shell.shown(b)];
  const [judgedA, judgedB] = [judged(first), judged(second)];
  const agreement = useMemo(
    () => judgedA && judgedB && agreementOf(judgedA, judgedB),
    [judgedA?.map, judgedA?.map.version, judgedB?.map, judgedB?.map.version],
  );
  if (mode === "one" || !a || !b || !agreement || !judgedA || !judgedB) return null;
  const { apart, firstInSecond, secondInFirst, firstWithin, secondWithin } = agreement;
  return (
    <ul class="comparison" aria-label="What the two maps say of each other">
      <li>
        minima <b>{angleText(apart)}</b> apart
      </li>
      <Place row={a} delta={firstInSecond} other={b} level={judgedB.level} />
      <Place row={b} delta={secondInFirst} other={a} level={judgedA.level} />
      <Share row={a} scan={first!} share={firstWithin} other={b} otherScan={second!} />
      <Share row={b} scan={second!} share={secondWithin} other={a} otherScan={first!} />
    </ul>
  );
}

/** A map with the level of its own 90 % contour. */
function judged(scan: Shown | undefined) {
  const level = scan?.page?.levels.list.find((entry) => entry.percent === 90)?.level;
  return scan?.map && level !== undefined ? { map: scan.map, level } : undefined;
}

function Place({
  row,
  delta,
  other,
  level,
}: {
  row: ScanRow;
  delta: number | undefined;
  other: ScanRow;
  level: number;
}) {
  const isInside = delta !== undefined && delta <= level;
  return (
    <li class={isInside ? "" : "outside"}>
      {shown(row.reco)}'s best:{" "}
      {delta === undefined ? (
        `not fitted by ${shown(other.reco)}`
      ) : (
        <>
          2Δllh <b>{deltaText(delta)}</b> of {level} in {shown(other.reco)}
          {isInside ? " ✓" : ", outside its 90 %"}
        </>
      )}
    </li>
  );
}

function Share({
  row,
  scan,
  share,
  other,
  otherScan,
}: {
  row: ScanRow;
  scan: Shown;
  share: number | undefined;
  other: ScanRow;
  otherScan: Shown;
}) {
  const [own, theirs] = [scan, otherScan].map(({ contours }) => {
    const contour = contours.find((entry) => entry.percent === 90);
    return contour && areaText(contour.area * degreesPerRadian ** 2, contour.isOpen);
  });
  if (share === undefined || own === undefined || theirs === undefined) return null;
  const part = share > 0.995 ? "all" : share < 0.005 ? "nothing" : percent(share);
  return (
    <li>
      {part} of {shown(row.reco)}'s {own} lies in {shown(other.reco)}'s {theirs}
    </li>
  );
}
