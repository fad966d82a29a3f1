// Threads as saved state: `SavedThread` of abi/saved.ts.

import type { PlainData, SavedThread, Signature } from "../abi/index.ts";
import { assert, type PlainWriter } from "../util/index.ts";
import type { Group } from "./group.ts";
import type { References } from "./references.ts";
import { type Entry, Thread } from "./thread.ts";
import { fromSaved, saveValues } from "./values.ts";

const NOTHING: Signature = { params: [], results: [] };

/** Begins a frozen or new thread, which stays as it is: `endSaved` ends it. */
export function beginSaved({ instances, references, stacks, hostCalls }: Group, thread: Thread, to: PlainWriter): void {
  const { id, entry, state, hostCall } = thread;
  assert(state === "frozen" || state === "ready", "a thread that is saved stands still");
  const frozen = state === "frozen";
  to.fields();
  to.put("id", id);
  to.field("entry");
  saveEntry(entry, to);
  to.field("frames");
  stacks.write(frozen ? thread : undefined, to);
  to.field("args");
  const { params } = frozen ? NOTHING : instances[entry.instance]!.program.signature(entry.function);
  saveValues(thread.args, params, references, to);
  if (!hostCall) return;
  to.field("hostCall");
  hostCalls.beginSaved(hostCall, thread.hostArgs, to);
}

/** Writes an entry as saved threads have it. */
export function saveEntry({ instance, function: index, name }: Entry, to: PlainWriter): void {
  to.fields();
  to.put("instance", instance);
  to.put("function", index);
  to.put("name", name);
  to.end();
}

/** Ends a saved thread behind `beginSaved`. @param inCall it stands in a host call, which has this progress */
export function endSaved(inCall: boolean, progress: PlainData | undefined, to: PlainWriter): void {
  if (inCall) {
    if (progress !== undefined) to.put("progress", progress);
    to.end();
  }
  to.end();
}

/** The thread that was saved, of no group yet. */
export function restoredThread(saved: SavedThread, references: References): Thread {
  const value = (from: SavedThread["args"][number]) => fromSaved(from, references);
  const thread = new Thread(saved.id, saved.entry, saved.args.map(value));
  if (saved.frames.length === 0 && !saved.hostCall) return thread;
  thread.asked = saved.frames.length > 0; // it may have been asked about before it was saved
  thread.state = "frozen";
  thread.frames = saved.frames;
  thread.hostCall = saved.hostCall;
  thread.hostArgs = saved.hostCall?.args.map(value) ?? [];
  return thread;
}
