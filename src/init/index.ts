// Init: starts a tree of components from a configuration (spec section 3).

export type { Child } from "./child/child.ts";
export { type CheckedConfig, checkConfig, checkSystem, describeFinding, INIT_PROGRAM } from "./config/check-config.ts";
export type { Finding } from "./config/schema.ts";
export type { InitConfig, StartConfig } from "./config/types.ts";
export { textOfModule, tryXml, XmlFault, type XmlNode } from "./config/xml.ts";
export { type InitHooks, NO_HOOKS } from "./hooks.ts";
export { Init, init } from "./init.ts";
export { clampQuota, effectiveQuota } from "./resources/amounts.ts";
export { readRequests, type ServerRequest } from "./sessions/requests.ts";
export type { Session } from "./sessions/session.ts";
