// The command line: finds the verb, reads its arguments, turns failures into messages and exit codes.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Call, Command, Io } from "./command.ts";
import { flag, readArguments } from "./command.ts";
import { EXIT, toFailure, usageError } from "./failure.ts";
import { homePath } from "./home-path.ts";
import { VERBS } from "./verbs/index.ts";

const EXIT_CODES = `exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 damaged checkpoint, 5 refused, 6 peer lost
`;

/**
 * Runs one command.
 *
 * @param args the verb and what follows it
 * @returns the exit code; nothing is thrown
 */
export async function main(args: readonly string[], io: Io): Promise<number> {
  const shown = {
    ...io,
    out: (text: string) => io.out(visible(text)),
    err: (text: string) => io.err(visible(text)),
    programs: io,
  };
  try {
    return await dispatch(args, shown);
  } catch (thrown) {
    const { exitCode, message, hint } = toFailure(thrown);
    shown.err(`error: ${message}\n`);
    if (hint !== undefined) shown.err(`hint: ${hint}\n`);
    return exitCode;
  }
}

/** Names in checkpoints and modules may be a stranger's: what would act on a terminal is shown, in JSON's own way. */
function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these it is about
  const acting = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
  return text.replace(acting, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

async function dispatch([verb, ...rest]: readonly string[], io: Io): Promise<number> {
  if (verb === "help" && rest.length > 0) return dispatch([rest[0]!, "--help"], io);
  if (verb === undefined || verb === "--help" || verb === "-h" || verb === "help") {
    (verb === undefined ? io.err : io.out)(await overview());
    return verb === undefined ? EXIT.usage : EXIT.done;
  }
  if (verb === "--version" || verb === "-V" || verb === "version") {
    io.out(`rtcr ${versionOfPackage()}\n`);
    return EXIT.done;
  }
  const known = VERBS.find(({ name }) => name === verb);
  if (!known) throw usageError(`no verb ${JSON.stringify(verb)}, expected ${VERBS.map(({ name }) => name).join(", ")}`);
  const command = await known.load();
  const { values, positionals } = readArguments(command, rest);
  if (flag(values, "help")) {
    io.out(helpOf(command));
    return EXIT.done;
  }
  const { openHome } = await import("./home.ts"); // not needed before: code is read when it is called for
  const call: Call = { values, positionals, io, home: openHome(homePath(io.environment)) };
  return command.run(call);
}

/** As package.json says, which lies two folders above, of sources and of what is built. */
function versionOfPackage(): string {
  const file = join(import.meta.dirname, "../../package.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { readonly version: string }).version;
}

async function overview(): Promise<string> {
  const commands = await Promise.all(VERBS.map((verb) => verb.load()));
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `rtcr: checkpoint, restore and move running WebAssembly programs\n\nusage: rtcr VERB ...\n\n${lines.join("\n")}\n
rtcr VERB --help tells more, rtcr --version which one this is. State is kept under $RTCR_HOME, else in the platform's state directory.\n${EXIT_CODES}`;
}

function helpOf({ name, usage, help }: Command): string {
  return `usage: rtcr ${name} ${usage}\n\n${help.trim()}\n\n${EXIT_CODES}`;
}
