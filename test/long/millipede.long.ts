import { expect, test } from "bun:test";
import { builtinDetector } from "../../src/detector/builtin.ts";
import { loadEvent } from "../../src/event/load.ts";
import { openEmbeddedLight } from "../../src/native/light.ts";
import { millipedeWilks } from "../../src/reco/millipede_wilks.ts";
import { describeShared, shared } from "../shared.ts";

describeShared("millipede over many fits", () => {
  test(
    "1000 fits leave memory flat",
    async () => {
      const light = openEmbeddedLight("cascade");
      const event = await loadEvent(shared("events", "138632_31747601.json"));
      const prepared = millipedeWilks.prepare(event, builtinDetector(), light);
      const run = async (fits: number) => {
        for (let i = 0; i < fits; i++) {
          const fitter = millipedeWilks.open(prepared, light);
          await fitter.fit({ ...prepared.vertex, zenith: 1.57 + 1e-3 * (i % 7), azimuth: 4.88 });
          fitter.close();
        }
        Bun.gc(true);
        return process.memoryUsage.rss() / 2 ** 20;
      };
      const before = await run(50);
      expect((await run(1000)) - before).toBeLessThan(32);
      light.close();
    },
    { timeout: 3_600_000 },
  );
});
