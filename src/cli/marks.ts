// What is known of a checkpoint on this machine beside the store: nothing that an image could bring along.
//
//   released/ID   the output that the checkpoint holds was written out
//   made/ID       a run under this state directory made it: whatever it names of this machine was given to that run. The
//                 file says the inode of the state directory, so that a copy of one, or somebody else's, vouches for nothing
//
// I1  A mark is made when its checkpoint is complete, so a mark without a checkpoint is of no use to anybody.

import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import type { Home } from "./home.ts";

const FOLDERS = ["released", "made"] as const;

/** Notes durably that the output which a checkpoint holds was written out. */
export function noteReleased(home: Home, id: string): void {
  note(home.at("released", id), "");
}

/** Whether the output that a checkpoint holds is known to have been written out. */
export function outputReleased(home: Home, id: string): boolean {
  return existsSync(home.at("released", id));
}

/** Notes durably that a run under this state directory has made a checkpoint. */
export function noteMade(home: Home, id: string): void {
  note(home.at("made", id), inodeOf(home));
}

/** Whether a run under this state directory is known to have made a checkpoint. */
export function madeHere(home: Home, id: string): boolean {
  try {
    return readFileSync(home.at("made", id), "utf8") === inodeOf(home);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw thrown;
  }
}

/** A checkpoint is removed. */
export function forgetMarks(home: Home, id: string): void {
  for (const folder of FOLDERS) rmSync(home.at(folder, id), { force: true });
}

/** All marks, by the ids of their checkpoints. */
export function listMarks(home: Home): readonly { readonly id: string; readonly path: string }[] {
  return FOLDERS.flatMap((folder) => readdirSync(home.at(folder)).map((id) => ({ id, path: home.at(folder, id) })));
}

function note(path: string, text: string): void {
  const file = openSync(path, "w", 0o600);
  writeSync(file, text);
  fsyncSync(file);
  closeSync(file);
}

function inodeOf({ path }: Home): string {
  return String(statSync(path, { bigint: true }).ino);
}
