// The sessions that a WASI program has of its component's parent: asked for when it is loaded, by numbers of their own.
//
//   service       label                      for                    without it
//   File_system   ""                         directories            none are given
//   ROM           config                     arguments, variables   only the program's name
//   Timer         ""                         monotonic clock        the host's
//   Terminal      stdin, stdout, stderr      standard streams       no input; output goes to LOG, a line at a time
//
// A sibling that serves one takes its time: the program waits in its first call until all have come or were refused.
import { KERNEL_MODULE, type PlainData } from "../abi/index.ts";
import type { Component } from "../core/index.ts";
import {
  type Badges,
  type Capability,
  DONATION,
  ENV_SESSION,
  type Identity,
  INVALID,
  type LogSession,
  type ObjectKind,
  objectOf,
  type ParentSession,
  type SignalContext,
  writeQuota,
} from "../session/index.ts";

interface Wanted {
  readonly service: keyof typeof DONATION;
  /** "rpc-object": a guest may serve it. */
  readonly kinds: readonly ObjectKind[];
  readonly label: string;
}

const TERMINAL = { service: "Terminal", kinds: ["terminal", "rpc-object"] } as const;
/** In the order of their numbers. */
const WANTED = {
  files: { service: "File_system", kinds: ["file-system", "rpc-object"], label: "" },
  config: { service: "ROM", kinds: ["rom"], label: "config" },
  timer: { service: "Timer", kinds: ["timer"], label: "" },
  stdin: { ...TERMINAL, label: "stdin" },
  stdout: { ...TERMINAL, label: "stdout" },
  stderr: { ...TERMINAL, label: "stderr" },
} as const satisfies Readonly<Record<string, Wanted>>;
export type ParentSessionName = keyof typeof WANTED;
const NAMES = Object.keys(WANTED) as ParentSessionName[];

/** Far from numbers that a program with an SDK besides would choose. */
const FIRST_ID = 0x7a51_0000;

export class ParentSessions {
  readonly #component: Component;
  /** Asked for, and not there yet. */
  readonly #awaited: Set<ParentSessionName>;
  #watching: Identity<SignalContext> | undefined;
  readonly #found = new Map<ParentSessionName, Capability>();

  /** @param awaited of a life before: all others that were given are there, or will be when the program runs */
  constructor(component: Component, awaited: readonly ParentSessionName[] = []) {
    this.#component = component;
    this.#awaited = new Set(awaited);
  }

  /** Asks for all. What is refused, or is of another kind, is done without; then nothing is left of it. */
  ask(): void {
    for (const name of NAMES) {
      const { service, label } = WANTED[name];
      const made = this.#parent?.session(idOf(name), service, `${writeQuota(DONATION[service])}, label="${label}"`);
      if (!made?.ok) continue;
      if (made.value.valid) this.#check(name, made.value);
      else this.#awaited.add(name);
    }
  }

  /** Closes all that are there or awaited. */
  close(): void {
    for (const name of NAMES) this.#parent?.close(idOf(name));
    this.#awaited.clear();
    this.#found.clear();
  }

  /** @returns whether none is awaited any more */
  look(): boolean {
    for (const name of this.#awaited) {
      const found = this.#parent?.sessionCap(idOf(name));
      if (!found || (found.ok && !found.value.valid)) continue;
      this.#awaited.delete(name);
      if (found.ok) this.#check(name, found.value);
    }
    if (this.#awaited.size > 0) return false;
    this.#unwatch();
    return true;
  }

  /** Those that are awaited wake the component when they come; not if its program has a handler for sessions itself. */
  watch(badges: Badges): void {
    const { program } = this.#component;
    if (this.#watching || program.info.imports.some(({ module }) => module === KERNEL_MODULE)) return;
    const context: SignalContext = { kind: "signal-context", pending: 0, submit: () => this.#component.wake() };
    this.#watching = badges.identify<SignalContext>(context);
    this.#parent?.sessionSigh(this.#watching.capability);
  }

  #unwatch(): void {
    if (!this.#watching) return;
    this.#parent?.sessionSigh(INVALID);
    this.#watching.dispose();
    this.#watching = undefined;
  }

  #check(name: ParentSessionName, { object }: Capability): void {
    if (!object || !(WANTED[name].kinds as readonly ObjectKind[]).includes(object.kind)) {
      this.#parent?.close(idOf(name));
    }
  }

  /** What it has now, looked up again only when what was there has ended; INVALID: it has none, or not yet. */
  find(name: ParentSessionName): Capability {
    let known = this.#found.get(name);
    if (!known?.valid) {
      known = this.#cap(idOf(name));
      this.#found.set(name, known);
    }
    return known;
  }

  /** Whether what was found has ended: who waits for it waits in vain. */
  get lost(): boolean {
    for (const known of this.#found.values()) if (known !== INVALID && !known.valid) return true;
    return false;
  }

  get log(): LogSession | undefined {
    return objectOf<LogSession>(this.#cap(ENV_SESSION.log), "log");
  }

  #cap(id: number): Capability {
    const found = this.#parent?.sessionCap(id);
    return found?.ok ? found.value : INVALID;
  }

  get #parent(): ParentSession | undefined {
    return objectOf<ParentSession>(this.#component.parent, "parent");
  }

  /** The state of a program that waits for them. */
  capture(): PlainData {
    return { awaited: [...this.#awaited] };
  }

  /** Names in such a state; undefined: it is the state of a program that has them. */
  static awaitedIn(state: PlainData): readonly ParentSessionName[] | undefined {
    const { awaited } = (state ?? {}) as { readonly awaited?: readonly ParentSessionName[] };
    return awaited && NAMES.filter((name) => awaited.includes(name));
  }
}

function idOf(name: ParentSessionName): number {
  return FIRST_ID + NAMES.indexOf(name);
}
