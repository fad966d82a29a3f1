// Which server a session request goes to (spec 3.2). Pure: what is known of children comes in as a Directory.

import { lastElement, prefixLabel } from "../../session/index.ts";
import { type Attempt, success } from "../../util/index.ts";
import type { InitConfig, RouteEntry, RouteTarget, StartConfig, UpwardService } from "../config/types.ts";
import { conditionScore, labelMatches, scopedLabel } from "./labels.ts";

/** The module that stands for a child's own program among ROMs that are not found by name. */
export const LINKER_MODULE = "ld.lib.so";
export const CONFIG_MODULE = "config";
export const REQUESTS_MODULE = "session_requests";

/** Where a request goes. `label` is what the server sees. */
export type Route =
  | { readonly to: "config"; readonly label: string; readonly diag: boolean }
  | { readonly to: "session-requests"; readonly label: string; readonly diag: boolean }
  | { readonly to: "parent"; readonly label: string; readonly diag: boolean }
  | { readonly to: "child"; readonly child: string; readonly label: string; readonly diag: boolean };

/** What routing must know of the children. */
export interface Directory {
  /** Children that have a service in their `provides`, in order of start. */
  providers(service: string): readonly string[];
  /** The child of that name or alias. */
  childNamed(name: string): string | undefined;
}

export interface RouteRequest {
  readonly service: string;
  /** The child's name in front. */
  readonly label: string;
}

/** A refusal says why, for a warning. */
export type Routed = { readonly ok: true; readonly value: Route } | { readonly ok: false; readonly why: string };

type RoutingConfig = Pick<InitConfig, "parentProvides" | "defaultRoute">;

/** Routes a request of the child `start`. */
export function resolveRoute(
  request: RouteRequest,
  start: StartConfig,
  config: RoutingConfig,
  directory: Directory,
): Routed {
  const special = request.service === "ROM" ? specialRom(request, start) : { label: request.label };
  if ("to" in special) return success({ ...special, diag: false });
  const route = start.route ?? config.defaultRoute;
  return walk({ ...request, label: special.label }, start.name, route, config, directory);
}

type SpecialRom = { readonly to: "config" | "session-requests"; readonly label: string } | { readonly label: string };

/** Step 1: requests that are answered by init itself or look for another module. */
function specialRom({ label }: RouteRequest, start: StartConfig): SpecialRom {
  const module = lastElement(label);
  const binary = { label: prefixLabel(start.name, start.binary) };
  if (module === REQUESTS_MODULE) return { to: "session-requests", label };
  if (module === CONFIG_MODULE && start.config !== undefined) return { to: "config", label };
  if (module === CONFIG_MODULE && start.configFile !== undefined && start.configFile !== CONFIG_MODULE) {
    return { label: prefixLabel(start.name, start.configFile) };
  }
  const own = label === start.name || scopedLabel(start.name, label) === start.name;
  return own || (module === LINKER_MODULE && !start.ld) ? binary : { label };
}

/** Steps 2 to 4. */
function walk(
  request: RouteRequest,
  client: string,
  route: readonly RouteEntry[],
  config: RoutingConfig,
  directory: Directory,
): Routed {
  const scoped = scopedLabel(client, request.label);
  let why = "no entry of its route matches";
  for (const entry of route) {
    if (entry.service !== undefined && entry.service !== request.service) continue;
    if (!labelMatches(entry.conditions, request.label, scoped)) continue;
    for (const target of entry.targets) {
      const found = tryTarget(target, request, config, directory);
      if (found.ok) return found;
      why = found.why;
      if (found.final) return found;
    }
    if (entry.service !== undefined) return { ok: false, why: entry.targets.length ? why : "its entry has no target" };
  }
  return { ok: false, why };
}

type Tried = { readonly ok: true; readonly value: Route } | { readonly ok: false; why: string; final: boolean };

function tryTarget(
  { to, name, label = undefined, diag = false }: RouteTarget,
  request: RouteRequest,
  config: RoutingConfig,
  directory: Directory,
): Tried {
  const shown = { label: label ?? request.label, diag };
  const { service } = request;
  if (to === "parent") {
    if (config.parentProvides.has(service)) return success({ to, ...shown });
    return { ok: false, why: `${service} is not in <parent-provides>`, final: false };
  }
  const providers = directory.providers(service);
  if (to === "child") {
    const child = directory.childNamed(name);
    if (child !== undefined && providers.includes(child)) return success({ to, child, ...shown });
    return { ok: false, why: `child ${name} does not provide ${service}`, final: false };
  }
  if (providers.length === 1) return success({ to: "child", child: providers[0]!, ...shown });
  if (providers.length === 0) return { ok: false, why: `no child provides ${service}`, final: false };
  return { ok: false, why: `ambiguous, ${service} is provided by ${providers.join(" and ")}`, final: true };
}

/** Where a request from above goes: the policy with the most special conditions that hold; the first of equals. */
export function resolveUpward(
  service: UpwardService | undefined,
  label: string,
): Attempt<{ readonly child: string; readonly label: string }, "service-denied"> {
  let best: { score: number; child: string; label: string } | undefined;
  for (const policy of service?.policies ?? []) {
    const score = policy.conditions ? conditionScore(policy.conditions) + 1 : 0;
    if (policy.conditions && !labelMatches(policy.conditions, label, label)) continue;
    if (!best || score > best.score) best = { score, child: policy.child, label: policy.label ?? label };
  }
  return best ? success({ child: best.child, label: best.label }) : { ok: false, reason: "service-denied" };
}
