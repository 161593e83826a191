import { type Command, Option } from "commander";
import type { Pole } from "../result/result.ts";

export interface PoleFlags {
  fromSouth?: boolean;
  fromNorth?: boolean;
}

/** --from-south and --from-north, for commands that turn a result's pixels into directions. */
export const addPoleFlags = (command: Command): Command =>
  command
    .addOption(
      new Option(
        "--from-south",
        "the file's pixels are counted from the south pole, as before April 2023",
      ).conflicts("fromNorth"),
    )
    .addOption(
      new Option(
        "--from-north",
        "from the north pole, as since then (default: what its header tells)",
      ),
    );

export const poleOf = ({ fromSouth, fromNorth }: PoleFlags): Pole | undefined =>
  fromSouth ? "south" : fromNorth ? "north" : undefined;
