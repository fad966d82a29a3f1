// Who serves what a supervisor asks its parent for: the routes of all inits above it, up to core.
import { type Directory, type InitConfig, resolveRoute, type StartConfig } from "../../init/index.ts";
import { lastElement, prefixLabel } from "../../session/index.ts";
import type { ModuleNames } from "./check.ts";

/** A component on the way from core to a supervisor, or the supervisor itself, as the init that keeps it sees it. */
export interface Level {
  /** Of that init: `init -> inner`. */
  readonly label: string;
  readonly config: InitConfig;
  readonly start: StartConfig;
}

export interface Request {
  readonly service: string;
  /** As it leaves the lowest of the levels. */
  readonly label: string;
}

/** `by`: the label of a component, undefined: core. */
export type Served =
  | { readonly ok: true; readonly by: string | undefined }
  | { readonly ok: false; readonly why: string };

/** What core serves; File_system, Terminal and devices as far as there are any. */
const CORE_SERVICES: ReadonlySet<string> = new Set([
  ...["PD", "CPU", "ROM", "RM", "LOG", "Timer", "TRACE", "Report"],
  ...["IO_PORT", "IO_MEM", "IRQ", "File_system", "Terminal"],
]);

/** The module that every system has. */
const CONFIG = "config";

/** @param levels the lowest first */
export function servedAbove({ service, label }: Request, levels: readonly Level[], modules: ModuleNames): Served {
  let said = label;
  for (const { label: init, config, start } of levels) {
    const request = { service, label: prefixLabel(start.name, said) };
    const routed = resolveRoute(request, start, config, directoryOf(config));
    if (!routed.ok) return { ok: false, why: `${init} has no route: ${routed.why}` };
    const { value } = routed;
    if (value.to === "child") return { ok: true, by: prefixLabel(init, value.child) };
    if (value.to !== "parent") return { ok: true, by: init };
    said = value.label;
  }
  const module = lastElement(said);
  if (!CORE_SERVICES.has(service)) return { ok: false, why: `core has no service ${service}` };
  if (service !== "ROM" || module === CONFIG || modules.has(module)) return { ok: true, by: undefined };
  return { ok: false, why: `there is no ROM module "${module}"` };
}

export interface Missing {
  /** The component that cannot start. */
  readonly label: string;
  readonly service: string;
  readonly why: string;
}

/** Sessions that the components of the levels need to be started, and will not get. */
export function missingAbove(levels: readonly Level[], modules: ModuleNames): readonly Missing[] {
  return levels.flatMap(({ label, start }, i) => {
    const requests = ["PD", "CPU", "LOG"].map((service) => ({ service, label: "" }));
    return [...requests, { service: "ROM", label: start.binary }].flatMap((request) => {
      const served = servedAbove(request, levels.slice(i), modules);
      return served.ok ? [] : [{ label: prefixLabel(label, start.name), service: request.service, why: served.why }];
    });
  });
}

export function directoryOf({ starts, aliases }: InitConfig): Directory {
  return {
    providers: (service) => starts.filter(({ provides }) => provides.includes(service)).map(({ name }) => name),
    childNamed: (name) => starts.find((start) => start.name === (aliases.get(name) ?? name))?.name,
  };
}
