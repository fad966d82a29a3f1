// log_server: a LOG service for siblings. Lines go on to the server's own LOG session with the client's label in front, or
// are kept for whoever reads the ROM module "log", or both.
//
//   <config forward="yes" keep="100"/>
//
// `keep` is the number of lines; 0, the default, keeps none and offers no ROM service.
import {
  CoreLog,
  CoreRom,
  type NativeComponent,
  pdDataspace,
  pdDataspaces,
  RomModule,
  type SavedRom,
  writeLine,
} from "../core/index.ts";
import { type Env, lastElement, objectOf, type PdSession, readNumber, type SavedComponent } from "../session/index.ts";
import { refusal, required, success } from "../util/index.ts";
import { flagOf } from "./config.ts";
import type { Answer, CaptureSession, Service } from "./server.ts";
import { type SavedAs, type SavedServing, serving } from "./serving.ts";

/** Most lines that can be kept. */
const KEEP_LIMIT = 100_000;
const MODULE = "log";

interface LogServerState extends SavedServing {
  readonly kept: readonly string[];
}

export function logServer(env: Env, saved?: SavedComponent): NativeComponent {
  const pd = required(objectOf<PdSession>(env.pd, "pd"), "the component's PD");
  const again = saved as SavedAs<LogServerState> | undefined;
  const kept: string[] = [...(again?.state.kept ?? [])];
  const text = () => new TextEncoder().encode(kept.map((line) => `${line}\n`).join(""));
  const module = new RomModule(text());
  let forward = true;
  let keep = 0;

  const sink = (line: string) => {
    if (forward) writeLine(env.log, line);
    if (keep === 0) return;
    kept.push(line);
    kept.splice(0, kept.length - keep);
    module.change(text());
  };
  const log = (label: string, answer: Answer): CaptureSession => {
    answer(success({ object: new CoreLog(label, sink), close: () => {} }));
    return () => null;
  };
  const logs: Service = {
    serve: ({ label }, answer) => log(label, answer),
    again: ({ label }, _, answer) => log(label, answer),
  };
  const rom = (object: CoreRom, answer: Answer): CaptureSession => {
    answer(success({ object, close: () => object.dispose() }));
    return (slots) => ({ ...object.capture(slots) });
  };
  const roms: Service = {
    serve: ({ label }, answer) => {
      if (lastElement(label) === MODULE) return rom(new CoreRom(module, pdDataspaces(pd)), answer);
      return void answer(refusal("service-denied"));
    },
    again: (_, { state, slots }, answer) => {
      const object = new CoreRom(module, pdDataspaces(pd));
      object.restore(state as unknown as SavedRom, slots, (dataspace) => pdDataspace(pd, dataspace));
      return rom(object, answer);
    },
  };

  return serving(env, again, {
    configured: (config) => {
      forward = flagOf(config, "forward", true);
      keep = Math.min(readNumber(config.attributes.get("keep") ?? "0") ?? 0, KEEP_LIMIT);
      return keep > 0 ? ["LOG", "ROM"] : ["LOG"];
    },
    service: (name) => (name === "ROM" ? roms : logs),
    capture: () => ({ kept: [...kept] }),
  });
}
