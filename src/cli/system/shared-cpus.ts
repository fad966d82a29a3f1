// `rtcr check SYSTEM.xml`: places and threads that will share a CPU, in the words in which init and the kernel say it when
// the system runs.
import { KERNEL_MODULE } from "../../abi/index.ts";
import { onCpuOfAll, onOneCpu, SPAWN, threadsOnOneCpu } from "../../core/kernel/index.ts";
import { loadProgram } from "../../core/program.ts";
import { childLocation, type InitConfig, type Space, type StartConfig, sharedPlaces } from "../../init/index.ts";
import { type Location, prefixLabel } from "../../session/index.ts";
import { nodeSha256 } from "../../store/index-node.ts";
import { decodeModule } from "../../wasm/index.ts";
import { configInside } from "./describe.ts";

type Modules = ReadonlyMap<string, Uint8Array>;

/** A sentence for each init and each program of which there is something to say. @param cpus that the system has */
export function sharedCpus(config: InitConfig, modules: Modules, cpus: Space): readonly string[] {
  return within(config, "init", { x: 0, y: 0, ...cpus });

  /** @param area of an init, as CPUs of the system */
  function within({ affinitySpace, starts }: InitConfig, label: string, area: Location): readonly string[] {
    const shared = sharedPlaces(affinitySpace, area);
    const below = starts.flatMap((start) => {
      const { x, y, width, height } = childLocation(start.affinity, affinitySpace, area);
      return ofChild(start, prefixLabel(label, start.name), { x: area.x + x, y: area.y + y, width, height });
    });
    return shared === undefined ? below : [`${label}: ${shared}`, ...below];
  }

  function ofChild(start: StartConfig, label: string, area: Location): readonly string[] {
    const inside = configInside(start, area);
    if (inside) return within(inside, label, area);
    if (area.width * area.height === 1) return [];
    const said = ofProgram(modules.get(start.binary), area.y * cpus.width + area.x, start.affinity !== undefined);
    return said === undefined ? [] : [`${label}: ${said}`];
  }
}

/** @param cpu the first of several that its place has @param asked the configuration says that it shall have these */
function ofProgram(binary: Uint8Array | undefined, cpu: number, asked: boolean): string | undefined {
  const imports = binary ? importsOf(binary) : [];
  if (imports.some(({ module, name }) => module === SPAWN.module && name === SPAWN.name)) {
    const program = loadProgram(binary!, nodeSha256(binary!));
    const why = onOneCpu({ program, windows: undefined }, binary!);
    return why === undefined ? undefined : threadsOnOneCpu(cpu, why);
  }
  // Threads of other components are in its one instance, whoever makes them.
  return asked && imports.some(({ module }) => module === KERNEL_MODULE)
    ? `its threads are ${onCpuOfAll(cpu)}`
    : undefined;
}

function importsOf(binary: Uint8Array): readonly { readonly module: string; readonly name: string }[] {
  try {
    return decodeModule(binary).imports;
  } catch {
    return []; // a program in TypeScript, or none: said when it is loaded
  }
}
