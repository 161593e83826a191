/** What the pictures of the page show: four alerts in four states. */
import { FakeDesk } from "./fake_desk.ts";
import { fakeDoms } from "./fake_doms.ts";

const degree = Math.PI / 180;

/** @param share of the first scan's pixels that are in */
export async function demoDesk(port = 0, share = 0.7, reach?: number): Promise<FakeDesk> {
  const desk = new FakeDesk();
  desk.port = port;
  const { now } = desk;
  const first = {
    run: 136662,
    event: 35405932,
    stream: "bronze",
    created: now - 56,
    ra: 47.99 * degree,
    dec: -3.51 * degree,
  };
  const s1 = desk.add({
    ...first,
    id: "s1",
    reco: "splinempe",
    seed: 1,
    ...(reach ? { reach } : {}),
  });
  const s2 = desk.add({
    ...first,
    id: "s2",
    reco: "millipede_wilks",
    seed: 2,
    created: now - 57,
    ra: 47.5 * degree,
    dec: -3.3 * degree,
  });
  const s3 = desk.add({
    id: "s3",
    reco: "millipede_wilks",
    run: 138632,
    event: 31747601,
    stream: null,
    created: now - 660,
    ra: 0.52,
    dec: 0.2,
    seed: 3,
  });
  const s4 = desk.add({
    id: "s4",
    reco: "splinempe",
    run: 136766,
    event: 7637140,
    stream: "gold",
    created: now - 7300,
    ra: 3.91,
    dec: 0.72,
    seed: 4,
  });
  const s5 = desk.add({
    id: "s5",
    reco: "millipede_wilks",
    run: 136766,
    event: 7637140,
    stream: "gold",
    created: now - 7301,
    ra: 3.91,
    dec: 0.72,
    seed: 5,
  });
  const s6 = desk.add({
    id: "s6",
    reco: "millipede_original",
    run: 118435,
    event: 9961,
    stream: null,
    created: now - 18100,
    ra: 1,
    dec: 1,
    seed: 6,
  });
  s1.done = Math.floor(share * s1.pixels.length);
  s2.done = Math.floor(0.85 * s2.pixels.length);
  s2.state = "waiting";
  s3.done = Math.floor(0.71 * s3.pixels.length);
  s4.done = s4.pixels.length;
  s4.state = "done";
  s5.done = Math.floor(0.34 * s5.pixels.length);
  Object.assign(s5, { state: "stuck", reason: "no worker has answered since 07:37 UTC" });
  Object.assign(s6, { state: "failed", reason: "no pulses left after cleaning" });
  desk.doms = fakeDoms();
  await desk.start();
  return desk;
}
