// Every route of the desk, in the order in which they are looked at: what is fixed before what is named.
import type { Route } from "./route.ts";
import { backlog } from "./routes/backlog.ts";
import { calibrate, uncalibrate } from "./routes/calibration.ts";
import { deskInfo } from "./routes/desk_info.ts";
import { doms } from "./routes/doms.ts";
import { events, scanEvents } from "./routes/events.ts";
import { files } from "./routes/files.ts";
import { find } from "./routes/find.ts";
import { health } from "./routes/health.ts";
import { logs } from "./routes/logs.ts";
import { map } from "./routes/map.ts";
import { metrics } from "./routes/metrics.ts";
import { openapi } from "./routes/openapi.ts";
import { pixel } from "./routes/pixel.ts";
import { queue } from "./routes/queue.ts";
import { remove } from "./routes/remove.ts";
import { rescan } from "./routes/rescan.ts";
import { i3Event, manifest, result, scan, status, workforce } from "./routes/scan.ts";
import { scanLog } from "./routes/scan_log.ts";
import { scanPage } from "./routes/scan_page.ts";
import { scanRequest } from "./routes/scan_request.ts";
import { scans } from "./routes/scans.ts";
import { closeSession, openSession } from "./routes/session.ts";
import { submit } from "./routes/submit.ts";

export const routes: readonly Route[] = [
  ...[submit, scan, manifest, result, status, logs, i3Event, workforce, remove, rescan],
  ...[calibrate, uncalibrate],
  ...[scans, scanPage, map, pixel, scanLog, files, scanEvents, events, doms],
  ...[find, backlog, scanRequest, deskInfo, queue, openSession, closeSession],
  ...[health, metrics, openapi],
];
