import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { CondorClients, submitText } from "../../src/desk/condor.ts";
import { testFolder } from "../folder.ts";
import { VirtualTime } from "../system/virtual_time.ts";

const folder = testFolder();

/** A pool that notes what it is asked. */
function pool(answers: { submit?: () => string; left?: () => string } = {}) {
  const time = new VirtualTime();
  const asked: string[] = [];
  let hasWork = false;
  const here = mkdtempSync(join(folder, "c-"));
  const clients = new CondorClients({
    ...{ jobs: 5, executable: "/opt/skyscan", broker: "mqtts://b:8883", password: "secret" },
    ...{ desk: "d", idleWait: 600, folder: here, hasWork: () => hasWork },
    clock: { ...time.clock(), every: () => () => {} },
    run: async (command) => {
      asked.push(`${Math.round(time.now)} ${command.slice(0, 2).join(" ")}`);
      if (command[0] === "condor_submit") return (answers.submit ?? (() => "12.0 - 12.4\n"))();
      return command[0] === "condor_q" ? (answers.left ?? (() => "0\n1\n"))() : "";
    },
  });
  return {
    ...{ asked, clients, here },
    async pass(seconds: number, work: boolean) {
      hasWork = work;
      for (const end = time.now + seconds; time.now < end; time.now += 5) {
        clients.consider();
        await clients.busy;
      }
    },
  };
}

test("asks for clients when work stays, once, and gives them back when it has been away for ten minutes", async () => {
  const { asked, clients, here, pass } = pool();
  await pass(5, true);
  await pass(20, false);
  expect(asked).toEqual([]);
  await pass(100, true);
  expect(asked.filter((line) => line.includes("submit")).length).toBe(1);
  expect(clients.cluster).toBe("12");
  await pass(500, false);
  await pass(5, true);
  expect(asked.filter((line) => line.includes("condor_rm"))).toEqual([]);
  await pass(700, false);
  expect(asked.filter((line) => line.includes("condor_rm")).length).toBe(1);
  expect(asked.at(-1)).toMatch(/condor_rm 12$/);
  expect(clients.cluster).toBeUndefined();
  // The password is a file of ours alone, and in no file the pool's users read.
  expect(statSync(join(here, "token")).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(here, "clients.submit"), "utf8")).not.toContain("secret");
});

test("asks again for clients that are gone, and later where the scheduler refuses", async () => {
  let refuses = true;
  let left = "0\n";
  const { asked, clients, pass } = pool({
    submit: () => {
      if (refuses) throw new Error("no schedd");
      return "7.0 - 7.4";
    },
    left: () => left,
  });
  await pass(60, true);
  expect(asked.length).toBe(1);
  refuses = false;
  await pass(60, true);
  expect(clients.cluster).toBe("7");
  left = "";
  await pass(150, true);
  expect(asked.filter((line) => line.includes("submit")).length).toBe(3);
});

test("the submit file is the one of scripts/condor, for a desk", () => {
  const text = submitText({
    ...{ executable: "/opt/skyscan", broker: "mqtts://b:8883", desk: "d", folder: "/w", jobs: 5 },
  });
  expect(text).toMatch(
    /^skyscan = \/opt\/skyscan\nbroker = mqtts:\/\/b:8883\ndesk = d\njobs = 5\n/,
  );
  expect(text).toContain("scan = --desk $(desk)");
  expect(text.split("\n\n")[0]).not.toContain("ca_file");
  const trusting = submitText({
    ...{ executable: "/opt/skyscan", broker: "mqtts://b:8883", desk: "d", folder: "/w", jobs: 5 },
    caFile: "/etc/ssl/ours.pem",
  });
  expect(trusting).toContain("\nca_file = /etc/ssl/ours.pem\n\n");
});
