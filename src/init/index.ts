// Init: starts a tree of components from a configuration (spec section 3).

export type { Child } from "./child/child.ts";
export {
  type CheckedConfig,
  type ConfigChecks,
  checkConfig,
  checkSystem,
  describeFinding,
  findingsOf,
  INIT_PROGRAM,
} from "./config/check-config.ts";
export { AFFINITY_LIMIT, CHILD_NAME_LIMIT, INIT_SCHEMA } from "./config/init-schema.ts";
export type { AttributeType, ElementSchema, Finding } from "./config/schema.ts";
export type { InitConfig, StartConfig } from "./config/types.ts";
export { readXml, textOfModule, tryXml, XmlFault, type XmlNode } from "./config/xml.ts";
export { escapeXml, writeXml, type XmlOut } from "./config/xml-writer.ts";
export { type InitHooks, NO_HOOKS } from "./hooks.ts";
export { Init, init } from "./init.ts";
export type { OwnEvents } from "./own-sessions.ts";
export {
  childLocation,
  clampQuota,
  effectiveQuota,
  type Space,
  START_COSTS,
  sharedPlaces,
} from "./resources/amounts.ts";
export { type Directory, type Route, resolveRoute } from "./routing/route.ts";
export { readRequests, type ServerRequest } from "./sessions/requests.ts";
export type { SessionReader, SessionWriter } from "./sessions/saved-sessions.ts";
export { isOver, PHASES, type Phase, type Session } from "./sessions/session.ts";
export { type Donations, Settlement } from "./sessions/settlement.ts";
export type { ServedSession, ServedSessions } from "./sessions/sibling.ts";
