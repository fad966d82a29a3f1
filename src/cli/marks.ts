// What is known of a checkpoint on this machine beside the store: nothing that an image could bring along.
//
//   released/ID   the output that the checkpoint holds was written out
//   made/ID       a run under this state directory made it: whatever it names of this machine was given to that run. The
//                 file says the id under the state directory's seal (seal.ts), so somebody else's vouches for nothing
//
// I1  made/ID comes before its checkpoint, so that no kill leaves one without; released/ID comes after the output. A mark
//     without a checkpoint is of no use to anybody.

import { existsSync, readFileSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { syncFolder, writeDurably } from "./durable.ts";
import type { Home } from "./home.ts";
import { makeSeal, readSeal } from "./seal.ts";

const FOLDERS = ["released", "made"] as const;

/** Notes durably that the output which a checkpoint holds was written out. */
export function noteReleased(home: Home, id: string): void {
  note(home, home.at("released", id), "");
}

/** Whether the output that a checkpoint holds is known to have been written out. */
export function outputReleased(home: Home, id: string): boolean {
  return existsSync(home.find("released", id));
}

/** Notes durably that a run under this state directory makes a checkpoint, before it is one. */
export function noteMade(home: Home, id: string): void {
  const path = home.at("made", id);
  note(home, path, makeSeal(home.path)(madeText(id)));
}

/** Whether a run under this state directory is known to have made a checkpoint. */
export function madeHere(home: Home, id: string): boolean {
  try {
    const mark = readFileSync(home.find("made", id), "utf8");
    return mark === readSeal(home.path)?.(madeText(id));
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw thrown;
  }
}

/** A checkpoint is removed. */
export function forgetMarks(home: Home, id: string): void {
  for (const folder of FOLDERS) rmSync(home.find(folder, id), { force: true });
}

/** All marks, by the ids of their checkpoints. */
export function listMarks(home: Home): readonly { readonly id: string; readonly path: string }[] {
  return FOLDERS.flatMap((folder) => home.list(folder).map((id) => ({ id, path: home.find(folder, id) })));
}

function note(home: Home, path: string, text: string): void {
  writeDurably(path, text);
  syncFolder(dirname(path));
  syncFolder(home.path); // the folder of marks may be new, another process's too
}

function madeText(id: string): string {
  return `made ${id}`;
}
