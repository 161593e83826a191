import type { CommandOutline } from "../../src/cli/outline.ts";

/** The manual page skyscan(1), made of the same flags as the help: roff with the man macros. */

/** A text in which nothing is a request or an escape of roff's. */
const literal = (text: string): string =>
  text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll(/^([.'])/gm, "\\&$1");

/** @param date of the release, YYYY-MM-DD */
export function manualPage(
  outline: readonly CommandOutline[],
  version: string,
  date: string,
): string {
  const [root, ...commands] = outline;
  const sections = commands
    .filter(({ commands: below }) => below.length === 0)
    .map(({ usage, path, description, flags }) =>
      [
        `.SS ${literal(path.join(" "))}`,
        literal(description),
        `.PP\n.B ${literal(usage)}`,
        ...flags
          .filter(({ names }) => !names.includes("--help"))
          .map((flag) => `.TP\n.B ${literal(flag.term)}\n${literal(flag.description)}`),
      ].join("\n"),
    );
  return `.TH SKYSCAN 1 "${date}" "skyscan ${version}" "User Commands"
.SH NAME
skyscan \\- ${literal(root!.description)}
.SH SYNOPSIS
.B skyscan
.I command
[\\fIoptions\\fR]
.SH DESCRIPTION
skyscan takes one recorded IceCube event, fits it for every direction of the sky, spreads the fits over as many
machines as there are, and writes the likelihood map.
Pages about files, conventions and operation are shown by
.BR "skyscan help" .
.SH COMMANDS
${sections.join("\n")}
.SH ENVIRONMENT
Flags of scan, server, client and serve can be given as SKYSCAN_<FLAG_IN_CAPITALS>; a flag wins.
.SH EXIT STATUS
.TP
0
done
.TP
2
bad usage or input
.TP
3
broker or SkyDriver unreachable, or it refused
.TP
4
timed out waiting
.TP
5
internal error
.TP
6
this machine's fault: another one may do
.TP
130
interrupted
`;
}
