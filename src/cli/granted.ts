// What of this machine a restored program gets. An image names directories and addresses, and anybody can write an image:
// they are opened without a word only for a checkpoint that a run under this state directory has made (marks.ts); for any
// other the user gives them. The undo journal that such an image names is somebody else's, or none: it gets a new one.
import { short } from "../checkpoint/index.ts";
import type { HostDirectory } from "../core/host-files/index-node.ts";
import { CliFailure, EXIT, usageError } from "./failure.ts";
import { replaceDirectories } from "./given.ts";
import type { Home } from "./home.ts";
import { journalInUse, newJournal } from "./journals.ts";
import { madeHere } from "./marks.ts";
import type { ProgramRecord } from "./record.ts";

/** As the options of `restore` say it. */
export interface Given {
  readonly directories: readonly HostDirectory[];
  readonly listen: readonly string[];
}

export interface Granted {
  readonly record: ProgramRecord;
  /** What people should know of it. */
  readonly note?: string;
}

/**
 * What a program runs on that goes on from a checkpoint.
 *
 * @throws CliFailure "refused" when it names what nobody has given, usage when something is given that it does not name
 */
export function grantedRecord(home: Home, id: string, recorded: ProgramRecord, given: Given): Granted {
  const { spec } = recorded;
  const directories = replaceDirectories(spec.directories, given.directories);
  const record = {
    ...recorded,
    listen: replaceAddresses(recorded.listen, given.listen),
    spec: { ...spec, directories },
  };
  if (!madeHere(home, id)) {
    requireGiven(home, id, recorded, given);
    return { record: { ...record, ...(recorded.journal === undefined ? {} : { journal: newJournal() }) } };
  }
  if (recorded.journal === undefined || !journalInUse(home, recorded.journal)) return { record };
  const note = `another program continues the files of ${short(id)}, this one begins a journal of its own`;
  return { record: { ...record, journal: newJournal() }, note };
}

/** All or none: the program knows its sockets by their order. */
function replaceAddresses(recorded: readonly string[], given: readonly string[]): readonly string[] {
  if (given.length === 0) return recorded;
  if (given.length === recorded.length) return given;
  const expected = recorded.join(", ") || "none: it has no sockets";
  throw usageError(`--listen is given ${given.length} times, expected ${recorded.length}, for ${expected}`, "restore");
}

function requireGiven(home: Home, id: string, { listen, journal, spec }: ProgramRecord, given: Given): void {
  const missing = spec.directories.filter(
    ({ guestPath }) => !given.directories.some((directory) => directory.guestPath === guestPath),
  );
  const addresses = given.listen.length === 0 ? listen : [];
  if (missing.length === 0 && addresses.length === 0) return;
  const wanted = [
    ...missing.map(({ hostPath, guestPath }) => `the directory ${shown(hostPath)} as ${shown(guestPath)}`),
    ...addresses.map((address) => `to listen at ${shown(address)}`),
  ];
  const message = `checkpoint ${short(id)} was not made under ${home.path}, and names what it was not given here: ${wanted.join(", ")}`;
  const options = [
    ...missing.map(({ guestPath }) => `--dir HOST::${shown(guestPath)}`),
    ...addresses.map(() => "--listen HOST:PORT"),
    ...(journal === undefined ? [] : ["--accept-changed-files, as nothing is known of the files here"]),
  ];
  throw new CliFailure(EXIT.refused, message, options.join(" "));
}

/** Names that an image gives are not to be taken for anything else on a terminal. */
function shown(text: string): string {
  return /^[\x21-\x7e]+$/.test(text) ? text : JSON.stringify(text).replace(/[\x7f-\uffff]/g, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
