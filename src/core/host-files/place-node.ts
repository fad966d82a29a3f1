// Where an open node was when it was captured, and opening it there again. A node without a name is captured whole.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PlainData } from "../../abi/index.ts";
import { NODE_KINDS, type NodeKind } from "../../session/index.ts";
import {
  type Access,
  type DirectoryNode,
  type FileNode,
  FilesFault,
  type OpenNode,
  openLocation,
  stateReader,
} from "../files/index.ts";
import { createHost, type Host } from "./host-node.ts";

/** Unlinked files up to this size are captured with their content where no journal keeps it. */
export const ORPHAN_BYTES_MAX = 64 << 20;

/** A node with a name. */
export type NamedPlace = {
  readonly root: number;
  readonly path: string;
  readonly kind: NodeKind;
  readonly device: bigint;
  readonly inode: bigint;
};

/** A file or directory that was removed while it was open. */
export type OrphanPlace =
  | { readonly orphan: "regular-file"; readonly content: Uint8Array }
  | { readonly orphan: "directory" };

export type Place = NamedPlace | OrphanPlace;

/**
 * The place of an open node.
 *
 * @throws FilesFault "unlinked-file" for one that is too large, not a regular file, or has other names; "deep-file"
 */
export function placeOf(node: OpenNode): Place {
  const status = node.status();
  if (!status.ok) throw new FilesFault("unlinked-file", `an open file cannot be captured: ${status.reason}`);
  const location = node.location();
  const { kind, device, inode, links } = status.value;
  if (location.ok) return { ...location.value, kind, device, inode };
  if (location.reason !== "noent") {
    throw new FilesFault("deep-file", `a ${kind} is open so deep that no path reaches it: ${location.reason}`);
  }
  if (node.kind === "directory") return { orphan: "directory" };
  if (kind !== "regular-file") {
    throw new FilesFault("unlinked-file", `a ${kind} that has no name any more is open, it cannot be captured`);
  }
  if (links > 0n) {
    throw new FilesFault(
      "unlinked-file",
      "a file is open whose name is gone and that has others: it cannot be captured without a journal",
    );
  }
  return { orphan: "regular-file", content: contentOf(node, status.value.sizeBytes) };
}

/**
 * Opens the node at a captured place; undefined when it is not there. Links on the way are not followed.
 *
 * @throws FilesFault "wrong-state" for what is no place
 */
export function openPlace(roots: readonly DirectoryNode[], saved: PlainData, access: Access): OpenNode | undefined {
  const place = requirePlace(saved);
  if ("orphan" in place) return place.orphan === "directory" ? removedDirectory() : unlinkedFile(place.content);
  if (place.path === "") {
    const again = roots[place.root]?.again();
    return again?.ok ? again.value : undefined;
  }
  const opened = openLocation<OpenNode>(roots, place, (parent, name) =>
    place.kind === "directory" ? parent.child(name) : parent.openFile(name, access),
  );
  return opened.ok ? opened.value : undefined;
}

/** @throws FilesFault "wrong-state" for what is no place */
export function requirePlace(saved: PlainData): Place {
  const reader = stateReader(saved, "place");
  const orphan = reader.field("orphan");
  if (orphan.absent) {
    reader.only("root", "path", "kind", "device", "inode");
    const [root, path] = [reader.field("root").count(), reader.field("path").text()];
    const kind = reader.field("kind").oneOf(NODE_KINDS);
    return { root, path, kind, device: reader.field("device").big(), inode: reader.field("inode").big() };
  }
  if (orphan.oneOf(["regular-file", "directory"]) === "directory") {
    reader.only("orphan");
    return { orphan: "directory" };
  }
  return { orphan: "regular-file", content: reader.only("orphan", "content").field("content").bytes() };
}

function contentOf(file: FileNode, sizeBytes: bigint): Uint8Array {
  if (sizeBytes > ORPHAN_BYTES_MAX) {
    throw new FilesFault(
      "unlinked-file",
      `an unlinked file of ${sizeBytes} bytes is open, at most ${ORPHAN_BYTES_MAX} can be captured without a journal`,
    );
  }
  const content = new Uint8Array(Number(sizeBytes));
  for (let at = 0; at < content.length; ) {
    const read = file.read(content.subarray(at), BigInt(at));
    if (!read.ok || read.value === 0) {
      const found = read.ok ? "end of file" : read.reason;
      throw new FilesFault("unlinked-file", `an unlinked file of ${sizeBytes} bytes reads ${found} at ${at}`);
    }
    at += read.value;
  }
  return content;
}

function unlinkedFile(content: Uint8Array): FileNode | undefined {
  return inScratch((directory) => {
    const file = directory.createFile("unlinked", { read: true, write: true });
    if (!file.ok) return undefined;
    for (let at = 0; at < content.length; ) {
      const written = file.value.write(content.subarray(at), BigInt(at));
      if (!written.ok) return undefined;
      at += written.value.bytes;
    }
    return file.value;
  });
}

function removedDirectory(): DirectoryNode | undefined {
  return inScratch((directory) => {
    const again = directory.again();
    return again.ok ? again.value : undefined;
  });
}

/** Runs `use` with a new directory that is removed, with all that is in it, at once. */
function inScratch<T>(use: (directory: DirectoryNode) => T): T {
  const path = mkdtempSync(join(tmpdir(), "rtcr-"));
  const host: Host = createHost();
  const directory = host.openRoot(path);
  try {
    return use(directory);
  } finally {
    rmSync(path, { recursive: true });
    directory.close();
    host.dispose();
  }
}
