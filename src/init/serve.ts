// How a component in TypeScript offers services: what the root proxy of the standard library does for guests (spec 2.12).
// It announces them, watches `session_requests`, and passes what comes there to roots.
import {
  type Capability,
  DONATION,
  type Env,
  objectOf,
  type ParentSession,
  type RomSession,
  type ServiceRoot,
} from "../session/index.ts";
import { Fault, required } from "../util/index.ts";
import { readRom } from "./rom-text.ts";
import { REQUESTS_MODULE } from "./routing/route.ts";
import { writeQuota } from "./sessions/arguments.ts";
import { readRequests, type ServerRequest } from "./sessions/requests.ts";

/** The parent gives no `session_requests` module, so that nobody could ask for a session. */
export class ServeFault extends Fault<"no-session-requests"> {}

/** A component's services. */
export interface Served {
  /** Closes all sessions and listens no more. */
  dispose(): void;
}

/**
 * Offers services by name.
 *
 * @param id of the session for the requests module: any that the component does not use otherwise
 * @throws ServeFault when the parent takes no servers
 */
export function serve(env: Env, id: number, roots: ReadonlyMap<string, ServiceRoot>): Served {
  const { ram, caps } = DONATION.ROM;
  const made = env.session(id, "ROM", `label="${REQUESTS_MODULE}", ram_quota=${ram}, cap_quota=${caps}`);
  const rom = made.ok ? objectOf<RomSession>(made.value, "rom") : undefined;
  if (!rom) throw new ServeFault("no-session-requests", `the parent gives no ROM "${REQUESTS_MODULE}"`);
  const proxy = new RootProxy(required(objectOf<ParentSession>(env.parent, "parent"), "a parent"), roots);
  const handler = env.signalHandler(() => proxy.serve(readRequests(readRom(rom) ?? "")));
  for (const service of roots.keys()) env.parent.object?.announce(service);
  rom.sigh(handler.context);
  proxy.serve(readRequests(readRom(rom) ?? ""));
  return {
    dispose: () => {
      handler.dispose();
      proxy.closeAll();
    },
  };
}

class RootProxy {
  readonly #parent: ParentSession;
  readonly #roots: ReadonlyMap<string, ServiceRoot>;
  readonly #sessions = new Map<number, { readonly root: ServiceRoot; readonly session: Capability }>();

  constructor(parent: ParentSession, roots: ReadonlyMap<string, ServiceRoot>) {
    this.#parent = parent;
    this.#roots = roots;
  }

  serve(requests: readonly ServerRequest[]): void {
    for (const request of requests) this.#answer(request);
  }

  closeAll(): void {
    for (const { root, session } of this.#sessions.values()) root.close(session);
    this.#sessions.clear();
  }

  #answer(request: ServerRequest): void {
    const { kind, id } = request;
    if (kind === "create") return this.#create(request);
    const open = this.#sessions.get(id);
    if (kind === "upgrade") {
      open?.root.upgrade(open.session, writeQuota(request.quota));
      this.#parent.sessionResponse(id, "ok");
    } else {
      this.#sessions.delete(id);
      open?.root.close(open.session);
      this.#parent.sessionResponse(id, "closed");
    }
  }

  #create({ id, service, args, affinity }: Extract<ServerRequest, { kind: "create" }>): void {
    if (this.#sessions.has(id)) return;
    const root = this.#roots.get(service);
    const made = root?.session(args, affinity);
    if (!root || !made?.ok) return this.#parent.sessionResponse(id, made && !made.ok ? made.reason : "service-denied");
    this.#sessions.set(id, { root, session: made.value });
    this.#parent.deliverSessionCap(id, made.value);
  }
}
