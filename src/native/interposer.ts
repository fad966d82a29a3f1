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
  type Quota,
  withoutQuotaAndLabel,
} from "../session/index.ts";
import { refusal, success } from "../util/index.ts";
import { watchConfig } from "./config.ts";
import { Connections } from "./connections.ts";
import { type Serve, Server } from "./server.ts";

/** Calls by method. */
type Counts = Map<string, number>;

export function interposer(env: Env): NativeComponent {
  const connections = new Connections(env);
  const serve: Serve = ({ service, label, args, donation, affinity }, answer) => {
    const rest = withoutQuotaAndLabel(args);
    const counts: Counts = new Map();
    const id: number = connections.open(
      { service, label, args: rest, donation, affinity },
      {
        ready: (session) => {
          const close = () => {
            writeLine(env.log, `${service} session "${label}" closed after ${describe(counts)}`);
            connections.close(id);
          };
          const upgrade = (quota: Quota) => {
            connections.upgrade(id, quota);
          };
          answer(success({ object: forwarding(session, counts), upgrade, close }));
        },
        refused: (reason) =>
          answer(refusal(reason === "out-of-ram" || reason === "out-of-caps" ? "service-denied" : reason)),
      },
    );
  };

  let server: Server | undefined;
  watchConfig(env, connections, (config) => {
    const names = config.childrenNamed("service").map(({ attributes }) => attributes.get("name") ?? "");
    const services = new Map((names.length > 0 ? names : ["LOG"]).map((name) => [name, serve]));
    server ??= new Server(env, connections, services);
  });
  return {
    dispose: () => {
      server?.dispose();
      connections.dispose();
    },
  };
}

/** An object of the same kind whose methods count and pass on; the capability itself for objects of guests. */
function forwarding(session: Capability, counts: Counts): KernelObject | Capability {
  const kind = session.object?.kind;
  const functions = kind && RPC[kind];
  if (!kind || !functions) return session;
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
