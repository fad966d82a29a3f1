// log_server: a LOG service for siblings. Lines go on to the server's own LOG session with the client's label in front, or
// are kept for whoever reads the ROM module "log", or both.
//
//   <config forward="yes" keep="100"/>
//
// `keep` is the number of lines; 0, the default, keeps none and offers no ROM service.
import { CoreLog, CoreRom, type NativeComponent, pdDataspaces, RomModule, writeLine } from "../core/index.ts";
import { type Env, lastElement, objectOf, type PdSession, readNumber } from "../session/index.ts";
import { refusal, required, success } from "../util/index.ts";
import { flagOf, watchConfig } from "./config.ts";
import { Connections } from "./connections.ts";
import { type Serve, Server } from "./server.ts";

/** Most lines that can be kept. */
const KEEP_LIMIT = 100_000;
const MODULE = "log";

export function logServer(env: Env): NativeComponent {
  const connections = new Connections(env);
  const make = pdDataspaces(required(objectOf<PdSession>(env.pd, "pd"), "the component's PD"));
  const kept: string[] = [];
  const module = new RomModule(new Uint8Array());
  let forward = true;
  let keep = 0;

  const sink = (line: string) => {
    if (forward) writeLine(env.log, line);
    if (keep === 0) return;
    kept.push(line);
    kept.splice(0, kept.length - keep);
    module.change(new TextEncoder().encode(`${kept.join("\n")}\n`));
  };
  const serveLog: Serve = ({ label }, answer) => answer(success({ object: new CoreLog(label, sink), close: () => {} }));
  const serveRom: Serve = ({ label }, answer) => {
    if (lastElement(label) !== MODULE) return answer(refusal("service-denied"));
    const object = new CoreRom(module, make);
    answer(success({ object, close: () => object.dispose() }));
  };

  let server: Server | undefined;
  watchConfig(env, connections, (config) => {
    forward = flagOf(config, "forward", true);
    keep = Math.min(readNumber(config.attributes.get("keep") ?? "0") ?? 0, KEEP_LIMIT);
    const services = new Map([["LOG", serveLog]]);
    if (keep > 0) services.set("ROM", serveRom);
    server ??= new Server(env, connections, services);
  });
  return {
    dispose: () => {
      server?.dispose();
      connections.dispose();
    },
  };
}
