// The `Rtcr` service (spec 2.14): components beside a supervisor ask it for checkpoints, and to go back to them.
//
//   checkpoint("sheep")   of the child of that name, kept under it; "" is all children
//   checkpoint_as("sheep", "v1")   the same, kept under a label of the client's own
//   restore("v1")         those children become again what the checkpoint of that label or name has; from the event loop
//
// I1  One checkpoint a name or label is kept: a later one replaces it when it is complete, and its storage is given back.
// I2  Storage is not given back while a restore reads it.
// I3  Names are the same for all clients, labels are each client's: no label hides or replaces what another client has.

import { type Checkpoint, fromCheckpoint, frozen, type SystemCheckpoint, toCheckpoint } from "../checkpoint/index.ts";
import { type Env, LOG_LIMIT, type RtcrSession, type SessionState } from "../session/index.ts";
import { type Attempt, refusal, success } from "../util/index.ts";
import type { Lease } from "./data-provider.ts";
import { RtcrFault } from "./faults.ts";
import { log } from "./logging.ts";
import type { Rtcr } from "./rtcr.ts";

export const RTCR_SERVICE = "Rtcr";
/** Characters of a name. */
export const CHECKPOINT_NAME_LIMIT = 64;
const LABEL = new RegExp(`^[A-Za-z0-9._-]{1,${CHECKPOINT_NAME_LIMIT}}$`);
/** What a checkpoint of all children is called. */
const ALL = "all";
/** Labels of one client under which checkpoints are kept, and of all clients. Names are as many as children. */
export const LABELS_KEPT = 16;
export const ALL_LABELS_KEPT = 64;

/** A checkpoint that is kept, as plain data. */
export interface SavedKept {
  /** A key as `keyOf` gives it. */
  readonly name: string;
  readonly checkpoint: SessionState;
}

export interface ControlOptions {
  readonly env: Env;
  readonly rtcr: () => Rtcr;
  /** A checkpoint has been made for a component: to store it. */
  readonly made: (system: SystemCheckpoint) => void;
}

/** It is given back when nobody has it any more: it may be replaced while it is restored. */
class Kept {
  readonly system: SystemCheckpoint;
  readonly #lease: Pick<Lease, "release">;
  #users = 1;

  constructor(system: SystemCheckpoint, lease: Pick<Lease, "release">) {
    this.system = system;
    this.#lease = lease;
  }

  use(): void {
    this.#users++;
  }

  release(): void {
    if (--this.#users === 0) this.#lease.release();
  }
}

export class RtcrControl {
  readonly #options: ControlOptions;
  readonly #kept = new Map<string, Kept>();

  /** @param saved what `capture` gave @throws TypeError if it is no such state */
  constructor(options: ControlOptions, saved: readonly SavedKept[] = []) {
    this.#options = options;
    for (const { name: key, checkpoint } of saved) {
      const why = typeof key === "string" ? this.#refusesSaved(key) : "it is no text";
      if (why) throw new TypeError(`name ${shown(String(key))} of a kept checkpoint: ${why}`);
      const system = fromCheckpoint(copied(checkpoint) as unknown as Checkpoint);
      this.#kept.set(key, new Kept(frozen(system), { release: () => {} }));
    }
  }

  /** Its checkpoints; their bytes are no copies. */
  capture(): readonly SavedKept[] {
    return Array.from(this.#kept, ([name, { system }]) => {
      return { name, checkpoint: toCheckpoint(system) as unknown as SessionState };
    });
  }

  /** The key under which a checkpoint is kept; undefined: it is none of them. */
  nameOf(system: SystemCheckpoint): string | undefined {
    return [...this.#kept].find(([, kept]) => kept.system === system)?.[0];
  }

  /** What is kept under a key that `nameOf` gave. */
  kept(key: string): SystemCheckpoint | undefined {
    return this.#kept.get(key)?.system;
  }

  /** A session. @param client whose labels are its own */
  session(client: string): RtcrSession {
    return {
      kind: "rtcr",
      checkpoint: (name) => this.#checkpoint(name, name, name === "" ? ALL : name),
      restore: (name) => this.#restore(isLabel(name) ? undefined : this.#found(client, name)),
      checkpointAs: (name, label) => this.#labelled(name, label, client),
    };
  }

  dispose(): void {
    for (const kept of this.#kept.values()) kept.release();
    this.#kept.clear();
  }

  #labelled(name: string, label: string, client: string): Attempt<void, "no-such-child" | "failed"> {
    if (!this.#knows(name)) return refusal("no-such-child");
    const key = keyOf(client, label);
    const why = refusesLabel(label) ?? (this.#kept.has(key) ? undefined : this.#full(client));
    if (why) return this.#failed(`checkpoint ${shown(name)}: label ${shown(label)}: ${why}`);
    return this.#checkpoint(name, key, label);
  }

  #knows(name: string): boolean {
    return name === "" || (name.length <= CHECKPOINT_NAME_LIMIT && this.#options.rtcr().children.includes(name));
  }

  /** Why a client cannot have another label. */
  #full(client: string): string | undefined {
    const labels = [...this.#kept.keys()].filter(isLabel);
    const own = labels.filter((key) => clientOf(key) === client);
    if (own.length >= LABELS_KEPT) return `${own.length} labels of this client are kept, expected fewer`;
    if (labels.length >= ALL_LABELS_KEPT) return `${labels.length} labels of all clients are kept, expected fewer`;
    return undefined;
  }

  /** Why a key of a saved supervisor can be none. */
  #refusesSaved(key: string): string | undefined {
    if (this.#kept.has(key)) return "it is there twice";
    if (isLabel(key)) return refusesLabel(key.slice(clientOf(key).length + 1)) ?? this.#full(clientOf(key));
    return key.length <= CHECKPOINT_NAME_LIMIT ? undefined : `expected at most ${CHECKPOINT_NAME_LIMIT} characters`;
  }

  /** @param key under which it is kept @param called its own name */
  #checkpoint(name: string, key: string, called: string): Attempt<void, "no-such-child" | "failed"> {
    if (!this.#knows(name)) return refusal("no-such-child");
    const { made, rtcr } = this.#options;
    return this.#tried(() => {
      const { system, lease } = rtcr().checkpoint(called, name === "" ? undefined : [name]);
      this.#kept.get(key)?.release();
      this.#kept.set(key, new Kept(system, lease));
      made(system);
    });
  }

  #found(client: string, name: string): Kept | undefined {
    return this.#kept.get(keyOf(client, name)) ?? this.#kept.get(name);
  }

  #restore(kept: Kept | undefined): Attempt<void, "rom-module-does-not-exist" | "failed"> {
    if (!kept) return refusal("rom-module-does-not-exist");
    kept.use();
    const asked = this.#tried(() => this.#options.rtcr().restore(kept.system, () => kept.release()));
    if (!asked.ok) kept.release();
    return asked;
  }

  #tried(work: () => void): Attempt<void, "failed"> {
    try {
      work();
      return success(undefined);
    } catch (thrown) {
      if (thrown instanceof RtcrFault) return this.#failed(thrown.message);
      throw thrown;
    }
  }

  #failed(why: string): Attempt<never, "failed"> {
    log.warning?.(why);
    this.#options.env.log.write(`warning: ${why}`.slice(0, LOG_LIMIT - 2).concat("\n"));
    return refusal("failed");
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

/** Bytes of a state that is taken up may be anybody's. */
function copied(state: SessionState): SessionState {
  if (state instanceof Uint8Array) return state.slice();
  if (Array.isArray(state)) return (state as readonly SessionState[]).map(copied);
  if (typeof state !== "object" || state === null) return state;
  const fields = Object.entries(state).map(
    ([key, field]) => [key, field === undefined ? field : copied(field)] as const,
  );
  return Object.fromEntries(fields);
}
