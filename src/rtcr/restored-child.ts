// A child as a restore works on it: what was recorded, and the ways into init's bookkeeping.
import type { ChildInfo } from "../checkpoint/index.ts";
import { type Child, PHASES, type Session } from "../init/index.ts";
import { readQuota } from "../session/index.ts";
import { environmentPd } from "./components.ts";
import { addQuotas, argsOf } from "./creation-args.ts";
import { RtcrFault } from "./faults.ts";
import type { RestoredChild } from "./restore.ts";
import type { TrackedChild } from "./tracked-child.ts";

/** @param together the names of all children of the restore */
export function restoredChild({
  child,
  info,
  tracked,
  together,
}: {
  readonly child: Child;
  readonly info: ChildInfo;
  readonly tracked: TrackedChild;
  readonly together: readonly string[];
}): RestoredChild {
  const { parent } = child;
  return {
    ...{ info, together, tracked, parent },
    sessions: () =>
      child.sessions.map((session) => ({ id: session.request.id, service: session.service, args: argsOf(session) })),
    account: { client: child.client, server: child.server },
    continueNumbers: () => {
      const { next, sessions } = info.serves ?? { next: 1, sessions: [] };
      child.server.continueAt(
        next,
        sessions.map(({ id }) => id),
      );
    },
    setMainThread: (thread) => {
      child.mainThread = thread;
    },
    setRequest: (args) => parent.requested(args),
    adopt: (session, capability, settlement, behind) => {
      const { id, service, creationArgs, upgradeArgs, server, serverId, addedArgs } = session;
      const { closing = false, handedOut = false } = session;
      const added = readQuota(addedArgs);
      const adopted = { server, serverId, phase: phaseOf(session), capability, added, closing, handedOut, settlement };
      const adopt = () => parent.adopt(id, service, addQuotas(creationArgs, upgradeArgs), adopted);
      return tracked.takeIn({ recorded: session, behind }, adopt);
    },
    adoptServed: (but, settlement) => {
      const left = info.serves?.sessions.filter(({ id }) => !but.has(id)) ?? [];
      parent.adoptServed(
        left.map((each) => ({ ...each, phase: phaseOf(each) })),
        settlement,
      );
    },
  };
}

function phaseOf({ phase }: { readonly phase: string }): Session["phase"] {
  return PHASES.find((known) => known === phase) ?? "cap-handed-out";
}

/** Whether what was loaded is the recorded program. @throws RtcrFault "mismatch" */
export function requireProgram({ name, program }: ChildInfo, tracked: TrackedChild): void {
  const pd = environmentPd(tracked);
  const found = pd.native.program()?.module;
  if (found === program) return;
  const message = `restore of "${name}": expected the program ${program}, found ${found ?? "none"}`;
  throw new RtcrFault("mismatch", message, { child: name, expected: program, found });
}
