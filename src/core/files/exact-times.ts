// Times to the nanosecond, as far as a program can see, on hosts that cannot set them so exactly.
//
// Node hands times to the system as seconds in a double: about 240 ns of a present date are lost. What is lost is
// remembered here: while a file still has the time that the host made of a request, its status shows the request.

import type { PlainData } from "../../abi/index.ts";
import type { NodeStatus } from "../../session/index.ts";
import type { StateReader } from "../../util/index.ts";
import { stateReader } from "./handles.ts";
import type { NewTimes } from "./node.ts";

/** Files whose exact times are remembered at once; the oldest are forgotten. */
export const EXACT_TIMES_MAX = 65_536;

interface ExactTime {
  readonly setNs: bigint;
  readonly actualNs: bigint;
}

interface Entry {
  readonly accessed: ExactTime | undefined;
  readonly modified: ExactTime | undefined;
}

/** The exact times of files by identity. */
export class ExactTimes {
  readonly #times: Map<string, Entry>;

  /** With what `capture` gave, it goes on from there. @throws FilesFault "wrong-state" */
  constructor(captured?: PlainData) {
    this.#times = new Map(captured === undefined ? [] : readTimes(captured));
  }

  /** Notes what `status`, taken right after the times were set, lacks of them. */
  note(set: NewTimes, status: NodeStatus): void {
    const key = keyOf(status);
    const known = this.#times.get(key);
    const accessed = exact(set.accessedNs, status.accessedNs, known?.accessed);
    const modified = exact(set.modifiedNs, status.modifiedNs, known?.modified);
    this.#times.delete(key);
    if (accessed === undefined && modified === undefined) return;
    this.#times.set(key, { accessed, modified });
    if (this.#times.size > EXACT_TIMES_MAX) this.#times.delete(this.#times.keys().next().value!);
  }

  /** The status with the times that were set, where the file still has what the host made of them. */
  shown(status: NodeStatus): NodeStatus {
    if (this.#times.size === 0) return status;
    const known = this.#times.get(keyOf(status));
    if (known === undefined) return status;
    const { accessed, modified } = known;
    return {
      ...status,
      accessedNs: accessed?.actualNs === status.accessedNs ? accessed.setNs : status.accessedNs,
      modifiedNs: modified?.actualNs === status.modifiedNs ? modified.setNs : status.modifiedNs,
    };
  }

  capture(): PlainData {
    return [...this.#times].map(([key, { accessed, modified }]) => [key, { accessed, modified } as PlainData]);
  }
}

function exact(setNs: bigint | undefined, actualNs: bigint, known: ExactTime | undefined): ExactTime | undefined {
  if (setNs === undefined) return known?.actualNs === actualNs ? known : undefined;
  return setNs === actualNs ? undefined : { setNs, actualNs };
}

function keyOf(status: NodeStatus): string {
  return `${status.device}:${status.inode}`;
}

function readTimes(captured: PlainData): [key: string, entry: Entry][] {
  const items = stateReader(captured, "files.times").items();
  if (items.length > EXACT_TIMES_MAX) stateReader(captured, "files.times").malformed(`at most ${EXACT_TIMES_MAX}`);
  return items.map((item) => {
    const [key, entry, ...others] = item.items();
    if (!key || !entry || others.length > 0) return item.malformed("a file and its times");
    entry.only("accessed", "modified");
    return [key.text(), { accessed: readTime(entry.field("accessed")), modified: readTime(entry.field("modified")) }];
  });
}

function readTime(reader: StateReader): ExactTime | undefined {
  if (reader.absent) return undefined;
  reader.only("setNs", "actualNs");
  return { setNs: reader.field("setNs").big(), actualNs: reader.field("actualNs").big(-(1n << 63n)) };
}
