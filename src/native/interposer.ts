// interposer: stands between clients and a service of its parent. For each session of a client it opens one of its own, with
// the same arguments, and passes every call on; it counts them and says so when the session is closed.
//
//   <config> <service name="LOG"/> <service name="Timer"/> </config>
//
// Without any <service> it is LOG. Sessions that another guest serves are passed on as they are, uncounted: their interface
// is not known. A call after the server's death has the outcome that means least: the first declared error, 0, nothing.
import { RPC, type RpcFunction, type RpcType } from "../abi/index.ts";
import { type NativeComponent, writeLine } from "../core/index.ts";
import {
  type Capability,
  type Env,
  INVALID,
  type KernelObject,
  type ObjectKind,
  type Quota,
  type SavedComponent,
  withoutQuotaAndLabel,
} from "../session/index.ts";
import { refusal, success } from "../util/index.ts";
import type { ConnectionEvents, Connections } from "./connections.ts";
import type { Answer, CaptureSession, ServedRequest, Service } from "./server.ts";
import { type SavedAs, type SavedServing, serving } from "./serving.ts";

/** Calls by method. */
type Counts = Map<string, number>;

/** A client's session as plain data. */
interface SavedForwarding {
  readonly connection: number;
  /** Of the session behind it; empty: that is still pending. */
  readonly kind: ObjectKind | "";
  readonly counts: readonly (readonly [method: string, calls: number])[];
}

export function interposer(env: Env, saved?: SavedComponent): NativeComponent {
  return serving(env, saved as SavedAs<SavedServing> | undefined, {
    configured: (config) => {
      const names = config.childrenNamed("service").map(({ attributes }) => attributes.get("name") ?? "");
      return names.length > 0 ? names : ["LOG"];
    },
    service: (_, connections) => forwardingService(env, connections),
    capture: () => ({}),
  });
}

function forwardingService(env: Env, connections: Connections): Service {
  /** One session of a client; `begin` gives the number of the connection behind it, whose events it is given. */
  const forward = (
    { service, label }: ServedRequest,
    answer: Answer,
    { counts, kind: known }: { readonly counts: Counts; readonly kind: ObjectKind | "" },
    begin: (events: ConnectionEvents) => { readonly id: number; readonly session: Capability },
  ): CaptureSession => {
    let kind = known;
    let id = 0;
    const made = (session: Capability) => {
      const close = () => {
        writeLine(env.log, `${service} session "${label}" closed after ${describe(counts)}`);
        connections.close(id);
      };
      const upgrade = (quota: Quota) => {
        connections.upgrade(id, quota);
      };
      answer(success({ object: forwarding(kind, session, counts), upgrade, close }));
    };
    const begun = begin({
      ready: (session) => {
        kind = session.object?.kind ?? "";
        made(session);
      },
      refused: (reason) =>
        answer(refusal(reason === "out-of-ram" || reason === "out-of-caps" ? "service-denied" : reason)),
    });
    id = begun.id;
    if (known !== "") made(begun.session);
    return () => ({ connection: id, kind, counts: [...counts] });
  };

  return {
    serve: (request, answer) =>
      forward(request, answer, { counts: new Map(), kind: "" }, (events) => {
        const { service, label, args, donation, affinity } = request;
        const id = connections.open({ service, label, args: withoutQuotaAndLabel(args), donation, affinity }, events);
        return { id, session: INVALID };
      }),
    again: (request, { state }, answer) => {
      const { connection: id, kind, counts } = state as unknown as SavedForwarding;
      const resume = (events: ConnectionEvents) => ({ id, session: connections.resume(id, events) });
      return forward(request, answer, { counts: new Map(counts), kind }, resume);
    },
  };
}

/** An object of the same kind whose methods count and pass on; the capability itself for objects of guests. */
function forwarding(kind: ObjectKind | "", session: Capability, counts: Counts): KernelObject | Capability {
  const functions = kind === "" ? undefined : RPC[kind];
  if (kind === "" || !functions) return session;
  const methods = functions.map((fn) => {
    const name = fn.name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
    const pass = (...args: unknown[]): unknown => {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      const inner = session.object as unknown as Record<string, (...args: unknown[]) => unknown> | undefined;
      return inner ? inner[name]!(...args) : leastOf(fn);
    };
    return [name, pass] as const;
  });
  return { kind, ...Object.fromEntries(methods) };
}

// biome-ignore format: a table
const LEAST: Readonly<Record<RpcType, unknown>> = {
  u32: 0, i32: 0, u64: 0, bool: false, text: "", bytes: new Uint8Array(), cap: INVALID,
  location: { x: 0, y: 0, width: 0, height: 0 },
};

function leastOf({ out, errors }: RpcFunction): unknown {
  if (errors.length > 0) return refusal(errors[0]!);
  if (out.length === 1) return LEAST[out[0]![1]];
  return out.length === 0 ? undefined : Object.fromEntries(out.map(([name, type]) => [name, LEAST[type]]));
}

function describe(counts: Counts): string {
  const calls = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const parts = [...counts].map(([name, count]) => `${name} ${count}`).join(", ");
  return `${calls} calls${parts === "" ? "" : ` (${parts})`}`;
}
