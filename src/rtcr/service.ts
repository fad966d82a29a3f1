// The `Rtcr` service (spec 2.14): components beside a supervisor ask it for checkpoints, and to go back to them.
//
//   checkpoint("sheep")   of the child of that name, kept under it; "" is all children
//   checkpoint_as("sheep", "v1")   the same, kept under a label of the client's own
//   restore("v1")         those children become again what the checkpoint of that label or name has; from the event loop
//   kept(0), kept(1), ..  what the client could restore: its labels, then the names
//   forget("v1")          it is kept no longer
//
// I1  Names are the same for all clients, labels are each client's: no label hides or replaces what another client has.
// I2  What is kept, and for how much RAM of whose, is `KeptCheckpoints`' to say (kept.ts).

import type { SystemCheckpoint } from "../checkpoint/index.ts";
import type { Env, KeptCheckpoint, OutOf, Quota, RtcrSession, SavedComponent, SlotWriter } from "../session/index.ts";
import { type Attempt, refusal, required, success } from "../util/index.ts";
import { Charges } from "./charges.ts";
import { RtcrFault } from "./faults.ts";
import { type Kept, KeptCheckpoints, type SavedKept } from "./kept.ts";
import type { Rtcr } from "./rtcr.ts";
import { warn } from "./warning.ts";

export const RTCR_SERVICE = "Rtcr";
/** Characters of a name. */
export const CHECKPOINT_NAME_LIMIT = 64;
const LABEL = new RegExp(`^[A-Za-z0-9._-]{1,${CHECKPOINT_NAME_LIMIT}}$`);
/** What a checkpoint of all children is called. */
const ALL = "all";
/** Labels of one client under which checkpoints are kept, and of all clients. Names are as many as children. */
export const LABELS_KEPT = 16;
export const ALL_LABELS_KEPT = 64;

export interface ControlOptions {
  readonly env: Env;
  readonly rtcr: () => Rtcr;
  /** Of the supervisor: what it has, and neither uses nor preserves. */
  readonly spare: () => Quota;
  /** A checkpoint has been made for a component: to store it. @param hold keeps its storage until what it returns is called */
  readonly made: (system: SystemCheckpoint, hold: () => () => void) => void;
}

/** What of it is state of its supervisor. */
export interface SavedControl {
  readonly kept: readonly SavedKept[];
  /** `KeptCheckpoints.captureEnded`. Absent in older images. */
  readonly ended?: readonly number[];
}

type CheckpointRefusal = "no-such-child" | "failed" | OutOf;

export class RtcrControl {
  readonly #options: ControlOptions;
  readonly #kept: KeptCheckpoints;

  /** @param again what `capture` gave @throws TypeError if it is no such state */
  constructor(
    options: ControlOptions,
    again?: { readonly saved: SavedControl; readonly slots: SavedComponent["slots"] },
  ) {
    this.#options = options;
    this.#kept = new KeptCheckpoints(new Charges(options.env, options.spare));
    if (!again) return;
    const { saved, slots } = again;
    this.#kept.resumeEnded(saved.ended ?? [], slots);
    for (const kept of saved.kept) {
      const key: unknown = kept.name;
      const why = typeof key === "string" ? this.#refusesSaved(key) : "it is no text";
      if (why) throw new TypeError(`name ${shown(String(key))} of a kept checkpoint: ${why}`);
      this.#kept.resume(kept, slots);
    }
  }

  capture(slots: SlotWriter): SavedControl {
    return { kept: this.#kept.capture(slots), ended: this.#kept.captureEnded(slots) };
  }

  /** The key under which a checkpoint is kept; undefined: it is none of them. */
  nameOf(system: SystemCheckpoint): string | undefined {
    return this.#kept.keyOf(system);
  }

  /** What is kept under a key that `nameOf` gave; it is read until it is released. */
  use(key: string): Pick<Kept, "system" | "release"> | undefined {
    const kept = this.#kept.get(key);
    kept?.use();
    return kept;
  }

  /** A session. @param client whose labels are its own */
  session(client: string): RtcrSession {
    return {
      kind: "rtcr",
      checkpoint: (name) => this.#checkpoint(name, name, name === "" ? ALL : name),
      restore: (name) => this.#restore(this.#kept.get(this.#found(client, name))),
      checkpointAs: (name, label) => this.#labelled(name, label, client),
      forget: (name) =>
        this.#kept.forget(this.#found(client, name)) ? success(undefined) : refusal("rom-module-does-not-exist"),
      kept: (index) => this.#shown(client, index),
    };
  }

  dispose(): void {
    this.#kept.dispose();
  }

  #shown(client: string, index: number): Attempt<KeptCheckpoint, "rom-module-does-not-exist"> {
    const { keys } = this.#kept;
    const own = keys.filter((key) => isLabel(key) && clientOf(key) === client);
    const key = [...own, ...keys.filter((each) => !isLabel(each))][index];
    const kept = key === undefined ? undefined : this.#kept.get(key);
    if (key === undefined || !kept) return refusal("rom-module-does-not-exist");
    return success({ name: key.slice(key.lastIndexOf(BETWEEN) + 1), own: isLabel(key), bytes: kept.bytes });
  }

  #labelled(name: string, label: string, client: string): Attempt<void, CheckpointRefusal> {
    if (!this.#knows(name)) return refusal("no-such-child");
    const key = keyOf(client, label);
    const why = refusesLabel(label) ?? (this.#kept.get(key) ? undefined : this.#full(client));
    if (why) return this.#failed(`checkpoint ${shown(name)}: label ${shown(label)}: ${why}`);
    return this.#checkpoint(name, key, label);
  }

  #knows(name: string): boolean {
    return name === "" || (name.length <= CHECKPOINT_NAME_LIMIT && this.#options.rtcr().children.includes(name));
  }

  /** Why a client cannot have another label. */
  #full(client: string): string | undefined {
    const labels = this.#kept.keys.filter(isLabel);
    const own = labels.filter((key) => clientOf(key) === client);
    if (own.length >= LABELS_KEPT) return `${own.length} labels of this client are kept, expected fewer`;
    if (labels.length >= ALL_LABELS_KEPT) return `${labels.length} labels of all clients are kept, expected fewer`;
    return undefined;
  }

  /** Why a key of a saved supervisor can be none. */
  #refusesSaved(key: string): string | undefined {
    if (this.#kept.get(key)) return "it is there twice";
    if (isLabel(key)) return refusesLabel(key.slice(clientOf(key).length + 1)) ?? this.#full(clientOf(key));
    return key.length <= CHECKPOINT_NAME_LIMIT ? undefined : `expected at most ${CHECKPOINT_NAME_LIMIT} characters`;
  }

  /** @param key under which it is kept @param called its own name */
  #checkpoint(name: string, key: string, called: string): Attempt<void, CheckpointRefusal> {
    if (!this.#knows(name)) return refusal("no-such-child");
    const { made, rtcr } = this.#options;
    return this.#tried(() => {
      const captured = rtcr().checkpoint(called, name === "" ? undefined : [name]);
      const { system, bytes } = captured;
      const kept = this.#kept.keep(key, captured);
      if (kept.ok) made(system, () => this.#hold(key));
      else this.#warn(`checkpoint ${shown(called)}: its ${bytes} bytes are more than can be kept: ${kept.reason}`);
      return kept;
    });
  }

  #hold(key: string): () => void {
    const kept = required(this.use(key), "a checkpoint that is kept");
    return () => kept.release();
  }

  /** The key that a name has for a client. Of what there is not it is the name, under which nothing is kept. */
  #found(client: string, name: string): string {
    if (isLabel(name)) return ALL + BETWEEN; // no key
    const key = keyOf(client, name);
    return this.#kept.get(key) ? key : name;
  }

  #restore(kept: Kept | undefined): Attempt<void, "rom-module-does-not-exist" | "failed"> {
    if (!kept) return refusal("rom-module-does-not-exist");
    kept.use();
    const asked = this.#tried((): Attempt<void, never> => {
      this.#options.rtcr().restore(kept.system, () => kept.release());
      return success(undefined);
    });
    if (!asked.ok) kept.release();
    return asked;
  }

  #tried<Refused extends string = never>(work: () => Attempt<void, Refused>): Attempt<void, Refused | "failed"> {
    try {
      return work();
    } catch (thrown) {
      if (thrown instanceof RtcrFault) return this.#failed(thrown.message);
      throw thrown;
    }
  }

  #failed(why: string): Attempt<never, "failed"> {
    this.#warn(why);
    return refusal("failed");
  }

  #warn(why: string): void {
    warn(this.#options.env, why);
  }
}

/** Labels have none of it, nor have names. */
const BETWEEN = "\0";

/** A key of a client's label; that of a name is the name. */
function keyOf(client: string, label: string): string {
  return client + BETWEEN + label;
}

function isLabel(key: string): boolean {
  return key.includes(BETWEEN);
}

function clientOf(key: string): string {
  return key.slice(0, key.lastIndexOf(BETWEEN));
}

function refusesLabel(label: string): string | undefined {
  if (label === ALL) return "that is what checkpoints of all children are called";
  return LABEL.test(label) ? undefined : `expected 1 to ${CHECKPOINT_NAME_LIMIT} of A-Z a-z 0-9 . _ -`;
}

/** Text of a client in a line of the log. */
function shown(text: string): string {
  return JSON.stringify(text.slice(0, CHECKPOINT_NAME_LIMIT));
}
