// What files should be like: as a checkpoint describes them, and as what was done since then has left them. Compared
// with what is there, that tells changes by others, which a restore must not pass over.

import type { NodeKind } from "../../session/index.ts";
import { type DirectoryNode, type Location, openLocation } from "../files/index.ts";
import type { JournalLog } from "./log-node.ts";
import type { JournalRecord, Stamp } from "./records.ts";
import { identityOf } from "./tracked-file.ts";
import { keyOf, locationOf } from "./written.ts";

/** What is known of the node at a location; undefined properties are not. */
export interface Expected {
  readonly kind?: NodeKind | undefined;
  readonly device?: bigint | undefined;
  readonly inode?: bigint | undefined;
  readonly sizeBytes?: bigint | undefined;
  readonly modifiedNs?: bigint | undefined;
}

/** Something that is not as the checkpoint, or what the program did after it, has left it. */
export interface Difference {
  /** The path, as the user knows it. */
  readonly path: string;
  readonly what: "missing" | "appeared" | "replaced" | "changed" | "unknown";
  readonly found: string;
  readonly expected: string;
}

/** What should be where: by location, "absent" where something was removed. */
export class Ledger {
  readonly #nodes = new Map<string, Expected | "absent">();
  /** What is known of a file by identity: all its names share what was last done to it. */
  readonly #files = new Map<string, Expected>();

  expect(at: Location, expected: Expected): void {
    this.#nodes.set(keyOf(at), expected);
  }

  /** Goes through what was done since a position. */
  replay(log: JournalLog, from: number): void {
    const heads = log.heads(from).filter(({ type }) => type !== "patch");
    const cancelled = new Set<number>();
    for (const { start, type } of heads) {
      const entry = type === "cancel" ? log.read(start) : undefined;
      if (entry?.record.type === "cancel") cancelled.add(entry.record.position);
    }
    for (const { start } of heads) {
      if (cancelled.has(start)) continue;
      const { record, stamp } = log.read(start);
      this.#apply(record, stamp);
    }
  }

  /** Everything under the roots that is not as it should be. The trash is not looked at: files come and go there. */
  differences(roots: readonly DirectoryNode[], pathOf: (at: Location) => string): Difference[] {
    const differences: Difference[] = [];
    for (const [key, node] of this.#nodes) {
      const expected = this.#latest(node);
      const at = locationOf(key);
      if (at.root >= roots.length) continue;
      const status = openLocation(roots, at, (parent, name) => parent.statusOf(name));
      const found = status.ok ? status.value : undefined;
      const difference = compare(expected, found);
      if (difference !== undefined) differences.push({ path: pathOf(at), ...difference });
    }
    return differences;
  }

  #apply(record: JournalRecord, stamp: Stamp | undefined): void {
    switch (record.type) {
      case "touch": {
        const expected = afterTouch(record, stamp);
        this.expect(record.at, expected);
        this.#files.set(identityOf(record), expected);
        break;
      }
      case "create":
      case "revive":
        this.expect(record.at, {});
        break;
      case "mkdir":
        this.expect(record.at, { kind: "directory" });
        break;
      case "symlink":
        this.expect(record.at, { kind: "symbolic-link" });
        break;
      case "link":
        this.#copy(record.from, record.at);
        break;
      case "remove":
      case "unlink-link":
      case "rmdir":
        this.#nodes.set(keyOf(record.at), "absent");
        break;
      case "rename":
        this.#move(record.from, record.to);
        break;
    }
  }

  #latest(node: Expected | "absent"): Expected | "absent" {
    if (node === "absent" || node.device === undefined || node.inode === undefined) return node;
    return this.#files.get(identityOf({ device: node.device, inode: node.inode })) ?? node;
  }

  #copy(from: Location, to: Location): void {
    const expected = this.#nodes.get(keyOf(from));
    this.expect(to, expected === undefined || expected === "absent" ? {} : expected);
  }

  #move(from: Location, to: Location): void {
    const below = `${keyOf(from)}/`;
    this.#copy(from, to);
    for (const [key, expected] of [...this.#nodes]) {
      if (!key.startsWith(below)) continue;
      this.#nodes.delete(key);
      this.#nodes.set(`${keyOf(to)}/${key.slice(below.length)}`, expected);
    }
    this.#nodes.set(keyOf(from), "absent");
  }
}

function afterTouch({ device, inode }: { device: bigint; inode: bigint }, stamp: Stamp | undefined): Expected {
  const known = { kind: "regular-file", device, inode } as const;
  return stamp?.settled ? { ...known, sizeBytes: stamp.size, modifiedNs: stamp.modifiedNs } : known;
}

type Found = Required<{ [Key in keyof Expected]: NonNullable<Expected[Key]> }>;

function compare(expected: Expected | "absent", found: Found | undefined): Omit<Difference, "path"> | undefined {
  if (expected === "absent") {
    return found && { what: "appeared", found: found.kind, expected: "nothing, the program had removed it" };
  }
  if (found === undefined) return { what: "missing", found: "nothing", expected: expected.kind ?? "a file" };
  if (expected.kind !== undefined && expected.kind !== found.kind) {
    return { what: "replaced", found: found.kind, expected: expected.kind };
  }
  if (found.kind !== "regular-file") return undefined;
  if (!sameFile(expected, found)) {
    return {
      what: "replaced",
      found: `another file (inode ${found.inode} on device ${found.device})`,
      expected: `inode ${expected.inode} on device ${expected.device}`,
    };
  }
  if (differs(expected.sizeBytes, found.sizeBytes)) {
    return { what: "changed", found: `${found.sizeBytes} bytes`, expected: `${expected.sizeBytes} bytes` };
  }
  if (!differs(expected.modifiedNs, found.modifiedNs)) return undefined;
  return {
    what: "changed",
    found: `modified ${dateOf(found.modifiedNs)}`,
    expected: `modified ${dateOf(expected.modifiedNs!)}`,
  };
}

/**
 * Whether it can be the file that is known. On a device that has another number it is, with size and time as they were left:
 * many get one at each mount (btrfs, NFS, removable ones), so after a restart of the machine. Where files have other numbers
 * too nothing tells one from another's copy with its time set back: file systems that number anew at each mount (FAT, many
 * in user space) mostly keep no time of change that could.
 */
function sameFile({ device, inode, sizeBytes, modifiedNs }: Expected, found: Found): boolean {
  if (differs(inode, found.inode)) return false;
  return !differs(device, found.device) || (sizeBytes === found.sizeBytes && modifiedNs === found.modifiedNs);
}

function differs(expected: bigint | undefined, found: bigint): boolean {
  return expected !== undefined && expected !== found;
}

/** A time with its nanoseconds. */
function dateOf(timeNs: bigint): string {
  const second = timeNs / 1_000_000_000n;
  const fraction = String(timeNs - second * 1_000_000_000n).padStart(9, "0");
  return new Date(Number(second) * 1000).toISOString().replace(".000Z", `.${fraction}Z`);
}
