// Builds the components of apps/components/ into build/components/, only those that are out of date.
//
//   node scripts/build-guests.ts [--json] [name...]
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { COMPONENTS, type ComponentApp } from "../apps/components/components.ts";
import { compileCached, inParallel } from "./build-cached.ts";
import { componentCompilerOf, textBelow } from "./component-compilers.ts";
import { generateGuestAbi } from "./generate-guest-abi.ts";

/** A component with its compiled file. */
export interface BuiltComponent {
  readonly component: ComponentApp;
  /** Absolute path of the .wasm file. */
  readonly file: string;
  readonly sizeBytes: number;
  /** False when the file was up to date. */
  readonly compiled: boolean;
}

const ROOT = join(import.meta.dirname, "..");
const OUTPUT = join(ROOT, "build/components");
const NEIGHBOUR = /^#include "([^"]+)"|\bfrom "(\.\/[^"]+)"/gm;

/**
 * Compiles what is out of date among `components`.
 *
 * @returns the components in the order given
 * @throws Error with the compiler's messages; components already compiled stay
 */
export function buildComponents(components: readonly ComponentApp[] = COMPONENTS): Promise<BuiltComponent[]> {
  generateGuestAbi();
  return inParallel(components, buildComponent);
}

/**
 * Finds a component.
 *
 * @throws Error listing all names when there is none called `name`
 */
export function componentNamed(name: string): ComponentApp {
  const found = COMPONENTS.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`no component "${name}"; there are ${COMPONENTS.map((c) => c.name).join(", ")}`);
  return found;
}

async function buildComponent(component: ComponentApp): Promise<BuiltComponent> {
  const compiler = componentCompilerOf(component.language);
  const file = join(OUTPUT, `${component.name}.wasm`);
  try {
    const compiled = await compileCached({
      output: file,
      keyFile: join(OUTPUT, `${component.name}.key`),
      inputs: [...compiler.command, ...compiler.inputs.map(textBelow), ...withNeighbours(join(ROOT, component.source))],
      compile: (to) => compiler.compile(component.source, to),
    });
    return { component, file, sizeBytes: statSync(file).size, compiled };
  } catch (cause) {
    throw new Error(`${component.source}: ${(cause as Error).message}`, { cause });
  }
}

/** Texts of a source and of the files beside it that it includes or imports, theirs included. */
function withNeighbours(source: string, seen = new Set<string>()): string[] {
  if (seen.has(source) || !existsSync(source)) return [];
  seen.add(source);
  const text = readFileSync(source, "utf8");
  const named = [...text.matchAll(NEIGHBOUR)].map(([, header, module]) => header ?? `${module}.ts`);
  return [text, ...named.flatMap((name) => withNeighbours(join(dirname(source), name), seen))];
}

async function main(args: readonly string[]): Promise<number> {
  try {
    const names = args.filter((arg) => !arg.startsWith("--"));
    const list = await buildComponents(names.length ? names.map(componentNamed) : COMPONENTS);
    const rows = list.map(({ component, ...rest }) => ({ ...component, ...rest }));
    if (args.includes("--json")) console.log(JSON.stringify(rows, null, 2));
    else printTable(rows);
    return 0;
  } catch (error) {
    console.error(`error: ${(error as Error).message}`);
    return 1;
  }
}

function printTable(rows: readonly (ComponentApp & Omit<BuiltComponent, "component">)[]): void {
  const width = Math.max(...rows.map(({ name }) => name.length));
  for (const { name, language, sizeBytes, compiled } of rows) {
    const cells = [name.padEnd(width), language.padEnd(14), `${sizeBytes}`.padStart(8), compiled ? "built" : ""];
    console.log(cells.join("  ").trimEnd());
  }
  console.log(`${rows.length} components, ${rows.filter((row) => row.compiled).length} built`);
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
