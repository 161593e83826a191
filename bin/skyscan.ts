#!/usr/bin/env bun
import { report } from "../src/cli/report.ts";

// Not at the top: the native core is loaded with it, and what keeps it from loading is for the user to know.
const program = import("../src/cli/main.ts");
process.exitCode = await program.then(({ main }) => main(process.argv.slice(2)), report);
