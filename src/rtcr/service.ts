// The `Rtcr` service (spec 2.14): components beside a supervisor ask it for checkpoints, and to go back to them.
//
//   checkpoint("sheep")   of the child of that name, kept under it; "" is all children
//   checkpoint_as("sheep", "v1")   the same, kept under a label
//   restore("v1")         those children become again what the checkpoint kept under that name has; from the event loop
//
// I1  One checkpoint a name or label is kept: a later one replaces it when it is complete, and its storage is given back.

import { type Checkpoint, fromCheckpoint, frozen, type SystemCheckpoint, toCheckpoint } from "../checkpoint/index.ts";
import { type Env, LOG_LIMIT, type RtcrSession, type SessionState } from "../session/index.ts";
import { type Attempt, refusal, success } from "../util/index.ts";
import type { Captured } from "./capture.ts";
import { RtcrFault } from "./faults.ts";
import { log } from "./logging.ts";
import type { Rtcr } from "./rtcr.ts";

export const RTCR_SERVICE = "Rtcr";
/** Characters of a name. */
export const CHECKPOINT_NAME_LIMIT = 64;
const LABEL = new RegExp(`^[A-Za-z0-9._-]{1,${CHECKPOINT_NAME_LIMIT}}$`);
/** Names and labels under which checkpoints are kept. */
export const CHECKPOINTS_KEPT = 16;

/** A checkpoint that is kept, as plain data. */
export interface SavedKept {
  readonly name: string;
  readonly checkpoint: SessionState;
}

export interface ControlOptions {
  readonly env: Env;
  readonly rtcr: () => Rtcr;
  /** A checkpoint has been made for a component: to store it. */
  readonly made: (system: SystemCheckpoint) => void;
}

export class RtcrControl {
  readonly #options: ControlOptions;
  readonly #kept = new Map<string, Pick<Captured, "system" | "lease">>();

  /** @param saved what `capture` gave */
  constructor(options: ControlOptions, saved: readonly SavedKept[] = []) {
    this.#options = options;
    for (const { name, checkpoint } of saved) {
      const system = fromCheckpoint(copied(checkpoint) as unknown as Checkpoint);
      this.#kept.set(name, { system: frozen(system), lease: { bytes: new Uint8Array(), release: () => {} } });
    }
  }

  /** Its checkpoints; their bytes are no copies. */
  capture(): readonly SavedKept[] {
    return Array.from(this.#kept, ([name, { system }]) => {
      return { name, checkpoint: toCheckpoint(system) as unknown as SessionState };
    });
  }

  /** The name under which a checkpoint is kept; undefined: it is none of them. */
  nameOf(system: SystemCheckpoint): string | undefined {
    return [...this.#kept].find(([, kept]) => kept.system === system)?.[0];
  }

  /** What is kept under a name. */
  kept(name: string): SystemCheckpoint | undefined {
    return this.#kept.get(name)?.system;
  }

  /** A session: all have the same checkpoints. */
  session(): RtcrSession {
    return {
      kind: "rtcr",
      checkpoint: (name) => this.#checkpoint(name, name),
      restore: (name) => this.#restore(name),
      checkpointAs: (name, label) => this.#labelled(name, label),
    };
  }

  dispose(): void {
    for (const { lease } of this.#kept.values()) lease.release();
    this.#kept.clear();
  }

  #labelled(name: string, label: string): Attempt<void, "no-such-child" | "failed"> {
    if (LABEL.test(label)) return this.#checkpoint(name, label);
    const shown = JSON.stringify(label.slice(0, CHECKPOINT_NAME_LIMIT));
    return this.#failed(
      `checkpoint "${name}": label ${shown}: expected 1 to ${CHECKPOINT_NAME_LIMIT} of A-Z a-z 0-9 . _ -`,
    );
  }

  /** @param key under which it is kept */
  #checkpoint(name: string, key: string): Attempt<void, "no-such-child" | "failed"> {
    const { made } = this.#options;
    const rtcr = this.#options.rtcr();
    if (name !== "" && (name.length > CHECKPOINT_NAME_LIMIT || !rtcr.children.includes(name))) {
      return refusal("no-such-child");
    }
    if (!this.#kept.has(key) && this.#kept.size >= CHECKPOINTS_KEPT) {
      return this.#failed(`checkpoint "${key}": ${CHECKPOINTS_KEPT} are kept, expected fewer`);
    }
    try {
      const captured = rtcr.checkpoint(key === "" ? "all" : key, name === "" ? undefined : [name]);
      this.#kept.get(key)?.lease.release();
      this.#kept.set(key, captured);
      made(captured.system);
      return success(undefined);
    } catch (thrown) {
      if (thrown instanceof RtcrFault) return this.#failed(thrown.message);
      throw thrown;
    }
  }

  #restore(name: string): Attempt<void, "rom-module-does-not-exist" | "failed"> {
    const captured = this.#kept.get(name);
    if (!captured) return refusal("rom-module-does-not-exist");
    try {
      this.#options.rtcr().restore(captured.system);
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
