// PD sessions of environments that other children of a restore pass on. No child can be launched without its PD, so it is given
// that as soon as who passes it on has arrived: that one's session is opened in its name, before anything else of it is there.
import type { ForeignSessionInfo, PdInfo } from "../checkpoint/index.ts";
import { type Child, Settlement } from "../init/index.ts";
import { type Capability, ENV_SESSION, NO_QUOTA } from "../session/index.ts";
import type { Attempt } from "../util/index.ts";
import { mapsOf } from "./passed-on.ts";
import type { Restoration } from "./restoration.ts";
import { RestoreFaults } from "./restore-faults.ts";

/** To those whose PD is there, or can be opened now. @throws RtcrFault "refused", "mismatch" */
export function givePds(restoration: Restoration, children: readonly Child[]): void {
  for (const { name, foreign, pd } of restoration.system.children) {
    const child = children.find((each) => each.name === name);
    const session = foreign.find(({ id }) => id === ENV_SESSION.pd);
    if (!session || !child?.lives || child.sessions.some(({ request }) => request.id === ENV_SESSION.pd)) continue;
    const capability = new Behind(restoration, new RestoreFaults(name)).of(session, pd);
    if (capability) give(child, session, capability);
  }
}

function give(child: Child, { id, service, creationArgs, server, serverId }: ForeignSessionInfo, pd: Capability): void {
  const phase = "cap-handed-out";
  const progress = { phase, added: NO_QUOTA, closing: false, handedOut: true } as const;
  const adopted = { server, serverId, capability: pd, settlement: new Settlement(), ...progress };
  const made = child.parent.adopt(id, service, creationArgs, adopted);
  if (!made.ok) throw new RestoreFaults(child.name).refused(`PD session ${id} at "${server}"`, made.reason);
}

/** What the PD session of one child stands before. */
class Behind {
  readonly #restoration: Restoration;
  readonly #faults: RestoreFaults;
  readonly #by = new Set<string>();

  constructor(restoration: Restoration, faults: RestoreFaults) {
    this.#restoration = restoration;
    this.#faults = faults;
  }

  /** Undefined: somebody by way of whom it comes has not arrived, or has no part in the restore. */
  of({ server: name }: ForeignSessionInfo, { nativeBehindBadge }: PdInfo): Capability | undefined {
    const server = this.#restoration.arrived(name);
    if (!server) return undefined;
    const { components = [], foreign } = server.info;
    const pd = components.find((each) => each.pd.nativeBadge === nativeBehindBadge)?.pd;
    if (!pd || this.#by.has(name)) throw this.#faults.mismatch(`what its PD session at "${name}" stands before`);
    this.#by.add(name);
    server.continueNumbers();
    const there = server.parent.sessionCap(pd.id);
    if (there.ok && there.value.valid) return there.value;
    const further = foreign.find(({ id }) => id === pd.id);
    const behind = further && this.of(further, pd);
    if (further && !behind) return undefined;
    const what = `PD session ${pd.id} of "${name}"`;
    server.tracked.context.as([pd, ...mapsOf(pd)], () => {
      const made: Attempt<unknown, string> =
        further && behind
          ? server.adopt(further, behind, new Settlement())
          : server.parent.session(pd.id, "PD", pd.creationArgs);
      if (!made.ok) throw this.#faults.refused(what, made.reason);
    });
    const made = server.parent.sessionCap(pd.id);
    if (made.ok && made.value.valid) return made.value;
    throw this.#faults.refused(what, "it is served by a component that takes its time");
  }
}
