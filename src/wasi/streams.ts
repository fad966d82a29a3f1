// What stands behind a descriptor that is no node: terminals and connections as streams.

import type { ByteStream, ProgramSessions, Readiness } from "../session/index.ts";
import type { Target } from "./descriptors.ts";
import { fail } from "./fault.ts";
import { FILETYPE } from "./layout.ts";

/** The stream behind a descriptor; undefined for nodes and listening sockets. */
export function streamOf(sessions: ProgramSessions, target: Target): ByteStream | undefined {
  if (target.kind === "terminal") return sessions[target.name];
  if (target.kind !== "connection") return undefined;
  const sockets = sessions.sockets ?? fail("badf");
  return {
    read: (bytes) => sockets.receive(target.socket, bytes, { peek: false }),
    write: (bytes) => sockets.send(target.socket, bytes),
    readiness: () => sockets.readiness(target.socket),
  };
}

/** Readiness of anything that poll can watch except nodes, which are always ready. */
export function readinessOf(sessions: ProgramSessions, target: Target): Readiness | undefined {
  if (target.kind === "terminal") return sessions[target.name].readiness();
  if (target.kind === "file" || target.kind === "directory") return undefined;
  return (sessions.sockets ?? fail("badf")).readiness(target.socket);
}

/** The filetype number that programs see. Pipes are "unknown": they have no position, and they are no terminal. */
export function filetypeOf(sessions: ProgramSessions, target: Target): number {
  switch (target.kind) {
    case "directory":
      return FILETYPE.directory;
    case "file":
      return FILETYPE[target.nodeKind];
    case "terminal":
      return sessions[target.name].kind === "terminal" ? FILETYPE["character-device"] : FILETYPE.unknown;
    default:
      return FILETYPE.stream;
  }
}
