// The handles of one file system session: small integers, reused, and the form in which they are captured.

import type { PlainData } from "../../abi/index.ts";
import type { NodeHandle } from "../../session/index.ts";
import { Fault, required } from "../../util/index.ts";
import type { OpenNode } from "./node.ts";
import type { Volume } from "./volume.ts";

/** Captured state could not be taken up: files are missing, or the state is not one of this service. */
export class FilesFault extends Fault<
  "missing-files" | "changed-files" | "wrong-state" | "unlinked-file" | "deep-file" | "journal"
> {}

/** An open node and what its client may do with it. */
export interface OpenHandle {
  readonly node: OpenNode;
  /** The volume that the node belongs to, by index. */
  readonly volume: number;
  readonly read: boolean;
  readonly write: boolean;
  /** The root it was opened under may be changed. */
  readonly writable: boolean;
}

interface CapturedHandle {
  readonly handle: number;
  readonly volume: number;
  readonly place: PlainData;
  readonly read: boolean;
  readonly write: boolean;
  readonly writable: boolean;
}

export class HandleTable {
  readonly #open: (OpenHandle | undefined)[] = [];
  /** No number below is free: a new node gets the lowest one, so that a restored table goes on as this one. */
  #lowest = 0;

  /** A table that holds every root of the volumes, in their order. */
  static ofRoots(volumes: readonly Volume[]): HandleTable {
    const table = new HandleTable();
    for (const [volume, { roots }] of volumes.entries()) {
      for (const { directory, writable, guestPath } of roots) {
        const node = directory.again();
        if (!node.ok)
          throw new FilesFault("missing-files", `the directory ${guestPath} cannot be opened: ${node.reason}`);
        table.add({ node: node.value, volume, read: true, write: false, writable });
      }
    }
    return table;
  }

  /**
   * Opens every node of a capture again, under the same numbers.
   *
   * @throws FilesFault "missing-files" naming all that are gone; then nothing stays open
   */
  static restored(volumes: readonly Volume[], state: PlainData): HandleTable {
    const table = new HandleTable();
    const missing: string[] = [];
    const given = givenPaths(state);
    for (const saved of requireHandles(state, volumes.length)) {
      const volume = volumes[saved.volume]!;
      const moved = withinRoots(saved.place, given[saved.volume], volume);
      const node = "place" in moved ? volume.reopen(moved.place, saved) : undefined;
      const { read, write } = saved;
      if (node === undefined) missing.push("place" in moved ? volume.describe(moved.place) : moved.missing);
      else {
        const writable = saved.writable && mayChange(volume, node);
        table.#open[saved.handle] = { node, volume: saved.volume, read, write, writable };
      }
    }
    if (missing.length > 0) {
      table.closeAll();
      const what = missing.length === 1 ? "1 file or directory" : `${missing.length} files or directories`;
      throw new FilesFault(
        "missing-files",
        `${what} that the program had open cannot be found: ${missing.join(", ")}`,
        {
          missing,
        },
      );
    }
    for (const volume of volumes) volume.endRestore();
    return table;
  }

  get(handle: NodeHandle): OpenHandle | undefined {
    return this.#open[handle];
  }

  /** A free number, which then names `open`. */
  add(open: OpenHandle): NodeHandle {
    while (this.#open[this.#lowest] !== undefined) this.#lowest++;
    const handle = this.#lowest++;
    this.#open[handle] = open;
    return handle;
  }

  /** Closes the node; false when the handle names none. */
  close(handle: NodeHandle): boolean {
    const open = this.#open[handle];
    if (open === undefined) return false;
    open.node.close();
    this.#open[handle] = undefined;
    this.#lowest = Math.min(this.#lowest, handle);
    return true;
  }

  closeAll(): void {
    for (const handle of this.#open.keys()) this.close(handle);
  }

  /** Every handle with the place of its node, and the state of the volumes. */
  capture(volumes: readonly Volume[]): { readonly [key: string]: PlainData } {
    for (const volume of volumes) volume.beginCapture();
    const handles: PlainData[] = [];
    for (const [handle, open] of this.#open.entries()) {
      if (open === undefined) continue;
      const { node, volume, read, write, writable } = open;
      const place = required(volumes[volume], "the volume of an open node").place(node);
      handles.push({ handle, volume, place, read, write, writable });
    }
    const given = volumes.map(({ roots }) => roots.map(({ guestPath }) => guestPath));
    return { version: 1, handles, given, volumes: volumes.map((volume) => volume.endCapture()) };
  }
}

/** The paths of each volume's roots at the capture; absent in older states, whose roots are those of now in their order. */
function givenPaths(state: PlainData): readonly (readonly string[] | undefined)[] {
  const { given = [] } = (state ?? {}) as { given?: PlainData };
  const lists = Array.isArray(given) && given.every((paths) => Array.isArray(paths));
  if (lists && given.flat().every((path) => typeof path === "string")) return given as readonly (readonly string[])[];
  throw new FilesFault("wrong-state", "file system state: expected lists of the given paths");
}

/** A place among the roots of now: a root is the one that the client knew by its path, whatever their order is. */
function withinRoots(
  place: PlainData,
  given: readonly string[] | undefined,
  { roots }: Volume,
): { readonly place: PlainData } | { readonly missing: string } {
  const { root, path } = (place ?? {}) as { root?: unknown; path?: unknown };
  const guestPath = typeof root === "number" ? given?.[root] : undefined;
  if (guestPath === undefined) return { place };
  if (roots[root as number]?.guestPath === guestPath) return { place };
  const now = roots.findIndex((each) => each.guestPath === guestPath);
  if (now >= 0) return { place: { ...(place as object), root: now } };
  return { missing: path === "" ? guestPath : `${guestPath.replace(/\/$/, "")}/${String(path)}` };
}

/** Whether the root in which a node lies may be changed now, whatever was so at the capture. */
function mayChange({ roots }: Volume, node: OpenNode): boolean {
  const at = node.location();
  return !at.ok || (roots[at.value.root]?.writable ?? true);
}

function requireHandles(state: PlainData, volumes: number): readonly CapturedHandle[] {
  const { version, handles } = (state ?? {}) as { version?: unknown; handles?: unknown };
  if (version !== 1 || !Array.isArray(handles)) {
    throw new FilesFault("wrong-state", `file system state of version ${String(version)}, expected 1`);
  }
  for (const saved of handles as readonly CapturedHandle[]) {
    const valid = Number.isInteger(saved.handle) && saved.handle >= 0 && saved.handle < 1 << 24;
    if (!valid || !(saved.volume >= 0 && saved.volume < volumes)) {
      throw new FilesFault("wrong-state", `file handle ${saved.handle} on volume ${saved.volume} of ${volumes}`);
    }
  }
  return handles as readonly CapturedHandle[];
}

/** The states of the volumes in a captured session, in their order: what each volume is created from again. */
export function volumeStates(state: PlainData): readonly PlainData[] {
  const { version, volumes } = (state ?? {}) as { version?: unknown; volumes?: unknown };
  if (version !== 1 || !Array.isArray(volumes)) {
    throw new FilesFault("wrong-state", `file system state of version ${String(version)}, expected 1`);
  }
  return volumes as readonly PlainData[];
}
