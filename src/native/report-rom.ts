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
  type OwnedDataspace,
  pdDataspace,
  pdDataspaces,
  RomModule,
  type SavedRom,
  writeLine,
} from "../core/index.ts";
import type { XmlNode } from "../init/index.ts";
import {
  type Dataspace,
  type Env,
  numberArg,
  objectOf,
  type PdSession,
  type SavedComponent,
  toPages,
} from "../session/index.ts";
import { refusal, required, success } from "../util/index.ts";
import { flagOf, labelMatches } from "./config.ts";
import type { Answer, CaptureSession, ServerRefusal, Service } from "./server.ts";
import { type SavedAs, type SavedServing, serving } from "./serving.ts";

interface ReportRomState extends SavedServing {
  /** Last reports by name; null: none. */
  readonly modules: readonly (readonly [report: string, content: Uint8Array | null])[];
}

export function reportRom(env: Env, saved?: SavedComponent): NativeComponent {
  const pd = required(objectOf<PdSession>(env.pd, "pd"), "the component's PD");
  const make = pdDataspaces(pd);
  const again = saved as SavedAs<ReportRomState> | undefined;
  const modules = new Map(again?.state.modules.map(([name, content]) => [name, new RomModule(content ?? undefined)]));
  let config: XmlNode | undefined;
  const moduleOf = (report: string): RomModule => {
    const module = modules.get(report) ?? new RomModule();
    modules.set(report, module);
    return module;
  };

  const report = (label: string, buffer: OwnedDataspace, answer: Answer): CaptureSession => {
    const module = moduleOf(label);
    const object = new CoreReport(buffer, (content) => {
      if (config && flagOf(config, "verbose")) logReport(env, label, content);
      module.change(content);
    });
    const close = () => {
      object.dispose();
      module.change(undefined);
    };
    answer(success({ object, close }));
    return (slots) => slots.held(buffer.capability);
  };
  const reports: Service = {
    serve: ({ label, args, donation }, answer) => {
      const refuse = (reason: ServerRefusal) => answer(refusal(reason));
      const size = toPages(Math.max(1, numberArg(args, "buffer_size")));
      if (donation.ram < size) return void refuse("insufficient-ram-quota");
      if (donation.caps < 1) return void refuse("insufficient-cap-quota");
      const buffer = make(size);
      if (buffer.ok) return report(label, buffer.value, answer);
      return void refuse(buffer.reason === "out-of-ram" ? "insufficient-ram-quota" : "insufficient-cap-quota");
    },
    again: ({ label }, { state, slots }, answer) =>
      report(label, pdDataspace(pd, slots.held<Dataspace>(state as number, "dataspace")), answer),
  };

  const rom = (name: string, object: CoreRom, answer: Answer): CaptureSession => {
    answer(success({ object, close: () => object.dispose() }));
    return (slots) => ({ report: name, rom: { ...object.capture(slots) } });
  };
  const roms: Service = {
    serve: ({ label }, answer) => {
      const policy = config?.childrenNamed("policy").find((node) => labelMatches(node, label));
      const name = policy?.attributes.get("report");
      if (name !== undefined) return rom(name, new CoreRom(moduleOf(name), make), answer);
      writeLine(env.log, `warning: ROM session "${label}" denied: no policy names a report for it`);
      return void answer(refusal("service-denied"));
    },
    again: (_, { state, slots }, answer) => {
      const { report: name, rom: shown } = state as unknown as { readonly report: string; readonly rom: SavedRom };
      const object = new CoreRom(moduleOf(name), make);
      object.restore(shown, slots, (dataspace) => pdDataspace(pd, dataspace));
      return rom(name, object, answer);
    },
  };

  return serving(env, again, {
    configured: (root) => {
      config = root;
      return ["Report", "ROM"];
    },
    service: (name) => (name === "ROM" ? roms : reports),
    capture: () => ({ modules: Array.from(modules, ([name, module]) => [name, module.content() ?? null]) }),
  });
}

function logReport(env: Env, label: string, report: Uint8Array): void {
  writeLine(env.log, `report '${label}'`);
  for (const line of logLines(new TextDecoder().decode(report))) writeLine(env.log, `  ${line}`);
}
