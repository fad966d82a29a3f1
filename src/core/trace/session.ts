// TRACE session (spec 2.14): threads below the tracer's label as subjects, policies, buffers.
//
// I1  Ids of subjects and policies are the session's own, begin at 1 and are not used twice.
// I2  A subject outlives its thread: it is "dead", its buffer can be read, until it is freed.
// I3  A thread is traced by one session at a time; what this session holds of it is let go by `free` and by its end.
// Memory comes from the session's donation: the argument buffer when it is opened, policies and buffers as they are made.
import {
  type Capability,
  type Dataspace,
  INVALID,
  type OutOf,
  PAGE_BYTES,
  type SubjectInfo,
  type SubjectState,
  type TraceRefusal,
  type TraceSession,
  toPages,
} from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";
import type { MakeDataspace, OwnedDataspace } from "../service/dataspaces.ts";
import type { TraceSource, TraceSources } from "./source.ts";

interface Subject {
  readonly source: TraceSource;
  policy: number;
  buffer: OwnedDataspace | undefined;
}

export interface TraceOptions {
  /** Threads whose label is this one or lies below it are subjects; empty: all. */
  readonly scope: string;
  readonly sources: TraceSources;
  readonly make: MakeDataspace;
  /** Of the session's donation. */
  readonly argumentBuffer: OwnedDataspace;
}

export class CoreTrace implements TraceSession {
  readonly kind = "trace";
  readonly #options: TraceOptions;
  readonly #subjects = new Map<number, Subject>();
  readonly #policies = new Map<number, OwnedDataspace>();
  #nextSubject = 1;
  #nextPolicy = 1;

  constructor(options: TraceOptions) {
    this.#options = options;
  }

  dataspace(): Capability<Dataspace> {
    return this.#options.argumentBuffer.capability;
  }

  /** As many ids as fit into the argument buffer, oldest subject first. */
  subjects(): number {
    this.#importSources();
    const { argumentBuffer } = this.#options;
    const ids = [...this.#subjects.keys()].slice(0, argumentBuffer.size / 4);
    const bytes = new Uint8Array(ids.length * 4);
    const view = new DataView(bytes.buffer);
    for (const [i, id] of ids.entries()) view.setUint32(i * 4, id, true);
    argumentBuffer.fill(bytes);
    return ids.length;
  }

  subjectInfo(id: number): Attempt<SubjectInfo, "nonexistent-subject"> {
    const subject = this.#subjects.get(id);
    if (!subject) return refusal("nonexistent-subject");
    const { source, policy } = subject;
    const { label, thread } = source;
    const [state, executionUs, affinity] = [this.#state(subject), Math.floor(source.executionUs()), source.affinity()];
    return success({ label, thread, state, policy: state === "traced" ? policy : 0, executionUs, affinity });
  }

  /** The policy's first content is what lies in the argument buffer; larger ones than that are "out-of-ram". */
  allocPolicy(size: number): Attempt<number, OutOf> {
    const { argumentBuffer, make } = this.#options;
    if (size > argumentBuffer.size) return refusal("out-of-ram");
    const made = make(size);
    if (!made.ok) return made;
    const content = new Uint8Array(size);
    argumentBuffer.capability.object?.read(0, content);
    made.value.fill(content);
    const id = this.#nextPolicy++;
    this.#policies.set(id, made.value);
    return success(id);
  }

  policy(id: number): Attempt<Capability<Dataspace>, "nonexistent-policy"> {
    const policy = this.#policies.get(id);
    return policy ? success(policy.capability) : refusal("nonexistent-policy");
  }

  /** Subjects traced by it go on without a policy: nothing of them is recorded any more. */
  unloadPolicy(id: number): Attempt<void, "nonexistent-policy"> {
    const policy = this.#policies.get(id);
    if (!policy) return refusal("nonexistent-policy");
    for (const subject of this.#subjects.values()) {
      if (subject.policy === id && this.#state(subject) === "traced") subject.source.control.disable();
    }
    this.#policies.delete(id);
    policy.dispose();
    return success(undefined);
  }

  trace(id: number, policyId: number, bufferSize: number): Attempt<void, TraceRefusal> {
    const subject = this.#subjects.get(id);
    if (!subject) return refusal("nonexistent-subject");
    const policy = this.#policies.get(policyId);
    if (!policy) return refusal("nonexistent-policy");
    const state = this.#state(subject);
    if (state === "dead") return refusal("source-is-dead");
    if (state === "foreign") return refusal("traced-by-other-session");
    if (state === "traced") return refusal("already-traced");
    const made = this.#options.make(Math.max(PAGE_BYTES, toPages(bufferSize)));
    if (!made.ok) return made;
    subject.policy = policyId;
    subject.buffer = made.value;
    subject.source.control.acquire(this, made.value.capability);
    subject.source.control.enable(policy.capability);
    return success(undefined);
  }

  pause(id: number): Attempt<void, "nonexistent-subject"> {
    const subject = this.#subjects.get(id);
    if (!subject) return refusal("nonexistent-subject");
    if (this.#state(subject) === "traced") subject.source.control.disable();
    return success(undefined);
  }

  resume(id: number): Attempt<void, "nonexistent-subject"> {
    const subject = this.#subjects.get(id);
    if (!subject) return refusal("nonexistent-subject");
    if (this.#state(subject) === "traced") {
      subject.source.control.enable(this.#policies.get(subject.policy)?.capability ?? INVALID);
    }
    return success(undefined);
  }

  buffer(id: number): Attempt<Capability<Dataspace>, "nonexistent-subject" | "subject-not-traced"> {
    const subject = this.#subjects.get(id);
    if (!subject) return refusal("nonexistent-subject");
    return subject.buffer ? success(subject.buffer.capability) : refusal("subject-not-traced");
  }

  /** The subject is gone; if its thread lives it is a new one at the next `subjects`. */
  free(id: number): Attempt<void, "nonexistent-subject"> {
    const subject = this.#subjects.get(id);
    if (!subject) return refusal("nonexistent-subject");
    this.#subjects.delete(id);
    if (subject.source.control.owner === this) subject.source.control.release();
    subject.buffer?.dispose();
    return success(undefined);
  }

  dispose(): void {
    for (const id of [...this.#subjects.keys()]) this.free(id);
    for (const policy of this.#policies.values()) policy.dispose();
    this.#policies.clear();
    this.#options.argumentBuffer.dispose();
  }

  #importSources(): void {
    const { scope, sources } = this.#options;
    const known = new Set([...this.#subjects.values()].map(({ source }) => source));
    for (const source of sources()) {
      const inScope = scope === "" || source.label === scope || source.label.startsWith(`${scope} -> `);
      if (!inScope || known.has(source)) continue;
      this.#subjects.set(this.#nextSubject++, { source, policy: 0, buffer: undefined });
    }
  }

  #state({ source }: Subject): SubjectState {
    if (!source.alive()) return "dead";
    const { owner } = source.control;
    if (owner === undefined) return "untraced";
    return owner === this ? "traced" : "foreign";
  }
}
