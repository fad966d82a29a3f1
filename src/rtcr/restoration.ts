// One restore that is under way: whose turn it is, and who has arrived where all of them go on together.
//
//   PD is there -> begun -> arrived \
//   PD is there -> begun -> arrived -- all: restored (restore.ts), or standing by (standby.ts) until it is told to be; another
//        |           |           |          checkpoint of the same children may take the place of the first one meanwhile
//        \___________\_________\______ it ends: by a configuration that starts it anew, or that is the end of all of it
import type { ChildInfo, SystemCheckpoint } from "../checkpoint/index.ts";
import { required } from "../util/index.ts";
import type { Deadline } from "./deadline.ts";
import type { RestoredChild } from "./restore.ts";
import type { Standby } from "./standby.ts";
import type { TrackedChild } from "./tracked-child.ts";

interface Ending {
  readonly work: () => void;
  /** Undefined: it is of all of them. */
  readonly of: TrackedChild | undefined;
}

/** Where a child stands that has arrived: what it shall become is said when all are restored. */
export type Arrived = (info: ChildInfo) => RestoredChild;

export class Restoration {
  #system: SystemCheckpoint;
  /** Of the environments and bootstraps that it waits for; absent: there was none yet. */
  deadline: Deadline | undefined;
  /** All have arrived, and wait to be told to go on. */
  standby: Standby | undefined;
  /** They were told to. */
  told = false;
  /** What was made for it, by name, and how it arrived. */
  readonly #begun = new Map<string, { readonly child: TrackedChild; arrived?: Arrived }>();
  /** What has happened once; a child that is started again and again gains no time by it. */
  readonly #steps = new Set<string>();
  #endings: readonly Ending[] = [];

  constructor(system: SystemCheckpoint) {
    this.#system = system;
  }

  get system(): SystemCheckpoint {
    return this.#system;
  }

  /** Another checkpoint of the same children, which stand as they are. What was done at the end of the one before is done. */
  renew(system: SystemCheckpoint): void {
    this.#system = system;
    this.#do(({ of }) => !of);
  }

  /** For messages. */
  get names(): string {
    return this.system.children.map(({ name }) => name).join(", ");
  }

  /** What a child shall become; undefined: it has no part in it. */
  recorded(name: string): ChildInfo | undefined {
    return this.system.children.find((child) => child.name === name);
  }

  /** A child of that name has its PD. */
  begin(child: TrackedChild): void {
    if (this.recorded(child.name)) this.#begun.set(child.name, { child });
  }

  /** The child was made for this restore. */
  has(child: TrackedChild): boolean {
    return this.#begun.get(child.name)?.child === child;
  }

  /** It is ready to be restored. @returns whether all are */
  arrive(child: TrackedChild, ready: Arrived): boolean {
    this.#begun.set(child.name, { child, arrived: ready });
    this.putOff(`arrived ${child.name}`);
    return this.system.children.every(({ name }) => this.#begun.get(name)?.arrived);
  }

  /** The deadline begins anew, once for each step. */
  putOff(step: string): void {
    if (this.#steps.has(step)) return;
    this.#steps.add(step);
    this.deadline?.putOff();
  }

  /** It is no more. */
  leave(child: TrackedChild): void {
    if (!this.has(child)) return;
    this.#begun.delete(child.name);
    this.#wake();
    this.#do(({ of }) => of === child);
  }

  /** What was made for it, in no order. */
  get tracked(): readonly TrackedChild[] {
    return Array.from(this.#begun.values(), ({ child }) => child);
  }

  /** Who has begun and is awaited. */
  get awaited(): readonly TrackedChild[] {
    return [...this.#begun.values()].filter(({ arrived }) => !arrived).map(({ child }) => child);
  }

  /** A child that has arrived; undefined: it has not, or has no part in it. */
  arrived(name: string): RestoredChild | undefined {
    const info = this.recorded(name);
    return info && this.#begun.get(name)?.arrived?.(info);
  }

  /** When all have arrived, in the order of the checkpoint. */
  children(): readonly RestoredChild[] {
    return this.system.children.map((info) =>
      required(this.#begun.get(info.name)?.arrived, `child ${info.name}`)(info),
    );
  }

  /** `work` is done when the restore has ended, however it does. @param of a child; then also when that has left */
  atEnd(work: () => void, of?: TrackedChild): void {
    this.#endings = [...this.#endings, { work, of }];
  }

  /** The same once more; nobody has begun. What is done at its end is the other's now, but for children of this one. */
  again(): Restoration {
    const next = new Restoration(this.system);
    next.told = this.told;
    next.#endings = this.#endings.filter(({ of }) => !of);
    this.#endings = this.#endings.filter(({ of }) => of);
    return next;
  }

  end(): void {
    this.deadline?.end();
    this.#wake();
    this.#do(() => true);
  }

  #do(which: (ending: Ending) => boolean): void {
    const due = this.#endings.filter(which);
    this.#endings = this.#endings.filter((ending) => !due.includes(ending));
    for (const { work } of due) work();
  }

  #wake(): void {
    this.standby?.end();
    this.standby = undefined;
  }
}
