// The handles of one file system session: small integers, reused, and the form in which they are captured.

import type { PlainData } from "../../abi/index.ts";
import type { NodeHandle } from "../../session/index.ts";
import { required, StateReader } from "../../util/index.ts";
import { FilesFault } from "./fault.ts";
import type { OpenNode } from "./node.ts";
import type { Volume } from "./volume.ts";

const VERSION = 1;

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
    checkHandles(volumes, state);
    const given = givenPaths(state);
    for (const saved of readHandles(state, volumes.length)) {
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
    return { version: VERSION, handles, given, volumes: volumes.map((volume) => volume.endCapture()) };
  }
}

/** The paths of each volume's roots at the capture; absent in older states, whose roots are those of now in their order. */
function givenPaths(state: PlainData): readonly (readonly string[])[] {
  const given = readState(state).field("given");
  return given.absent ? [] : given.items().map((paths) => paths.items().map((path) => path.text()));
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

/** Numbers of handles stay below: many more than descriptors of a program. */
const HANDLES_MAX = 1 << 20;

/** @throws FilesFault "wrong-state" */
function readHandles(state: PlainData, volumes: number): readonly CapturedHandle[] {
  const seen = new Set<number>();
  return readState(state)
    .field("handles")
    .items()
    .map((item) => {
      item.only("handle", "volume", "place", "read", "write", "writable");
      const handle = item.field("handle").count(HANDLES_MAX);
      if (seen.has(handle)) item.field("handle").malformed("each handle once");
      seen.add(handle);
      const [read, write, writable] = ["read", "write", "writable"].map((name) => item.field(name).flag()) as Flags;
      const volume = item.field("volume").count(volumes);
      return { handle, volume, place: item.field("place").raw() as PlainData, read, write, writable };
    });
}

type Flags = [read: boolean, write: boolean, writable: boolean];

/**
 * The states of the volumes in a captured session, in their order: what each volume is created from again.
 *
 * @param count how many there have to be. Default: any number
 * @throws FilesFault "wrong-state"
 */
export function volumeStates(state: PlainData, count?: number): readonly PlainData[] {
  const volumes = readState(state).field("volumes");
  const items = volumes.items();
  if (items.length !== (count ?? items.length)) volumes.malformed(`the states of ${count} volumes`);
  return items.map((volume) => volume.raw() as PlainData);
}

/** That a capture's handles can be meant for these volumes, which are not touched. @throws FilesFault "wrong-state" */
export function checkHandles(volumes: readonly Volume[], state: PlainData): void {
  givenPaths(state);
  for (const { volume, place } of readHandles(state, volumes.length)) volumes[volume]!.checkPlace(place);
}

function readState(state: PlainData): StateReader {
  const reader = stateReader(state, "files").only("version", "handles", "given", "volumes", "times");
  return reader.field("version").raw() === VERSION ? reader : reader.field("version").malformed(`version ${VERSION}`);
}

/** Captured state of file systems, read back. @param path what it is, for messages */
export function stateReader(state: PlainData | undefined, path: string): StateReader {
  return new StateReader(state, path, (message, field) => new FilesFault("wrong-state", message, { field }));
}
