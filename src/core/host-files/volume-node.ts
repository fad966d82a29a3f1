// Directories of the host as a volume. Without an undo journal, what a program does to them stays done.

import type { PlainData } from "../../abi/index.ts";
import { messageOf } from "../../util/index.ts";
import { type Access, FilesFault, type OpenNode, type Volume, type VolumeRoot } from "../files/index.ts";
import { createHost, type Host } from "./host-node.ts";
import { openPlace, type Place, placeOf, requirePlace } from "./place-node.ts";

/** A directory of the host that a program is given. */
export interface HostDirectory {
  readonly hostPath: string;
  /** The path that the program sees. */
  readonly guestPath: string;
  readonly writable: boolean;
}

/**
 * Opens directories of the host.
 *
 * @throws FilesFault "missing-files" naming every directory that cannot be opened
 */
export function openRoots(host: Host, directories: readonly HostDirectory[]): VolumeRoot[] {
  const roots: VolumeRoot[] = [];
  const missing: string[] = [];
  for (const { hostPath, guestPath, writable } of directories) {
    try {
      roots.push({ guestPath, writable, directory: host.openRoot(hostPath) });
    } catch (thrown) {
      missing.push(`${hostPath} (${messageOf(thrown)})`);
    }
  }
  if (missing.length === 0) return roots;
  for (const { directory } of roots) directory.close();
  host.dispose();
  throw new FilesFault(
    "missing-files",
    `directories that the program is given cannot be opened: ${missing.join(", ")}`,
    {
      missing,
    },
  );
}

/** Directories of the host as they are. */
export class HostVolume implements Volume {
  readonly roots: readonly VolumeRoot[];
  readonly #host: Host;

  constructor(directories: readonly HostDirectory[], host: Host = createHost()) {
    this.#host = host;
    this.roots = openRoots(host, directories);
  }

  place(node: OpenNode): PlainData {
    return placeOf(node);
  }

  beginCapture(): void {}

  endCapture(): PlainData {
    return null;
  }

  checkPlace(place: PlainData): void {
    requirePlace(place);
  }

  reopen(place: PlainData, access: Access): OpenNode | undefined {
    return openPlace(
      this.roots.map((root) => root.directory),
      place,
      access,
    );
  }

  endRestore(): void {}

  describe(place: PlainData): string {
    return describePlace(this.roots, place as Place);
  }

  dispose(): void {
    for (const { directory } of this.roots) directory.close();
    this.#host.dispose();
  }
}

/** A place in terms of the program's paths. */
export function describePlace(roots: readonly VolumeRoot[], place: Place): string {
  if ("orphan" in place) return "an unlinked file";
  const guestPath = roots[place.root]?.guestPath ?? `directory ${place.root}`;
  if (place.path === "") return guestPath;
  return guestPath.endsWith("/") ? guestPath + place.path : `${guestPath}/${place.path}`;
}
