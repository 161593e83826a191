#!/usr/bin/env bun
import { report } from "../src/cli/report.ts";
import { printed } from "../src/config/print.ts";

// Not at the top: the native core is loaded with it, and what keeps it from loading is for the user to know.
const program = import("../src/cli/main.ts");
process.exitCode = await program.then(({ main }) => main(process.argv.slice(2)), report);

// Whoever reads our output gets all of it; then nothing that is still open (a pipe being read, a connection, a timer)
// keeps a process that has done its work.
await printed();
process.exit();
