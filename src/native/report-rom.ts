// report_rom (spec 2.14): turns reports into ROM modules.
//
//   <config verbose="yes">
//     <policy label="client -> pointer" report="gui -> pointer"/>
//   </config>
//
// A ROM session sees the last report of the session that its policy names, and nothing before there is one or when that
// session is closed. `verbose` writes each report to the log. Reports keep their modules over changes of the policies.
import {
  CoreReport,
  CoreRom,
  logLines,
  type NativeComponent,
  pdDataspaces,
  RomModule,
  writeLine,
} from "../core/index.ts";
import type { XmlNode } from "../init/index.ts";
import { type Env, numberArg, objectOf, type PdSession, toPages } from "../session/index.ts";
import { refusal, required, success } from "../util/index.ts";
import { flagOf, labelMatches, watchConfig } from "./config.ts";
import { Connections } from "./connections.ts";
import { type Serve, Server } from "./server.ts";

export function reportRom(env: Env): NativeComponent {
  const connections = new Connections(env);
  const make = pdDataspaces(required(objectOf<PdSession>(env.pd, "pd"), "the component's PD"));
  const modules = new Map<string, RomModule>();
  let config: XmlNode | undefined;
  const moduleOf = (report: string): RomModule => {
    const module = modules.get(report) ?? new RomModule();
    modules.set(report, module);
    return module;
  };

  const serveReport: Serve = ({ label, args, donation }, answer) => {
    const size = toPages(Math.max(1, numberArg(args, "buffer_size")));
    if (donation.ram < size) return answer(refusal("insufficient-ram-quota"));
    if (donation.caps < 1) return answer(refusal("insufficient-cap-quota"));
    const buffer = make(size);
    if (!buffer.ok) {
      return answer(refusal(buffer.reason === "out-of-ram" ? "insufficient-ram-quota" : "insufficient-cap-quota"));
    }
    const module = moduleOf(label);
    const object = new CoreReport(buffer.value, (report) => {
      if (config && flagOf(config, "verbose")) logReport(env, label, report);
      module.change(report);
    });
    const close = () => {
      object.dispose();
      module.change(undefined);
    };
    answer(success({ object, close }));
  };

  const serveRom: Serve = ({ label }, answer) => {
    const policy = config?.childrenNamed("policy").find((node) => labelMatches(node, label));
    const report = policy?.attributes.get("report");
    if (report === undefined) {
      writeLine(env.log, `warning: ROM session "${label}" denied: no policy names a report for it`);
      return answer(refusal("service-denied"));
    }
    const object = new CoreRom(moduleOf(report), make);
    answer(success({ object, close: () => object.dispose() }));
  };

  let server: Server | undefined;
  watchConfig(env, connections, (root) => {
    config = root;
    server ??= new Server(
      env,
      connections,
      new Map([
        ["Report", serveReport],
        ["ROM", serveRom],
      ]),
    );
  });
  return {
    dispose: () => {
      server?.dispose();
      connections.dispose();
    },
  };
}

function logReport(env: Env, label: string, report: Uint8Array): void {
  writeLine(env.log, `report '${label}'`);
  for (const line of logLines(new TextDecoder().decode(report))) writeLine(env.log, `  ${line}`);
}
