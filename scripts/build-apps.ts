// Builds the guest programs of apps/ into build/apps/, only those that are out of date.
//
// What decides about a program: its source, everything the source includes, the compiler's options and its version
// (build-cached.ts). Components are built by build-guests.ts.
//
//   node scripts/build-apps.ts [--json] [name...]
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { APPS, type App } from "../apps/apps.ts";
import { compileCached, inParallel } from "./build-cached.ts";
import { compilerOf } from "./guest-compilers.ts";

/** A guest program with its compiled file. */
export interface BuiltApp {
  readonly app: App;
  /** Absolute path of the .wasm file. */
  readonly file: string;
  readonly sizeBytes: number;
  /** False when the file was up to date. */
  readonly compiled: boolean;
}

const ROOT = join(import.meta.dirname, "..");
const OUTPUT = join(ROOT, "build/apps");

/**
 * Compiles what is out of date among `apps`.
 *
 * @returns the programs in the order given
 * @throws Error with the compiler's messages, or naming the Debian package that is missing; programs already compiled
 *   stay
 */
export function buildApps(apps: readonly App[] = APPS): Promise<BuiltApp[]> {
  return inParallel(apps, buildApp);
}

/**
 * Finds a program of the manifest.
 *
 * @throws Error listing all names when there is none called `name`
 */
export function appNamed(name: string): App {
  const app = APPS.find((candidate) => candidate.name === name);
  if (!app) throw new Error(`no guest program "${name}"; there are ${APPS.map((a) => a.name).join(", ")}`);
  return app;
}

async function buildApp(app: App): Promise<BuiltApp> {
  const compiler = compilerOf(app.language);
  const source = join(ROOT, app.source);
  const file = join(OUTPUT, `${app.name}.wasm`);
  const keyFile = join(OUTPUT, `${app.name}.key`);
  const inputs = [readFileSync(source, "utf8"), compiler.fingerprint(source)];
  try {
    const compiled = await compileCached({
      output: file,
      keyFile,
      inputs,
      compile: (to) => compiler.compile(source, to),
    });
    return { app, file, sizeBytes: statSync(file).size, compiled };
  } catch (cause) {
    throw new Error(`${app.source}: ${(cause as Error).message}`, { cause });
  }
}

function printTable(list: readonly BuiltApp[]): void {
  const width = Math.max(...list.map(({ app }) => app.name.length));
  for (const { app, sizeBytes, compiled } of list) {
    const cells = [
      app.name.padEnd(width),
      app.language.padEnd(14),
      `${sizeBytes}`.padStart(9),
      compiled ? "built" : "",
    ];
    console.log(cells.join("  ").trimEnd());
  }
  const total = list.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  console.log(`${list.length} programs, ${total} bytes, ${list.filter((b) => b.compiled).length} built`);
}

async function main(args: readonly string[]): Promise<number> {
  try {
    const names = args.filter((arg) => !arg.startsWith("--"));
    const list = await buildApps(names.length ? names.map(appNamed) : APPS);
    if (args.includes("--json")) {
      console.log(
        JSON.stringify(
          list.map(({ app, ...rest }) => ({ ...app, ...rest })),
          null,
          2,
        ),
      );
    } else printTable(list);
    return 0;
  } catch (error) {
    console.error(`error: ${(error as Error).message}`);
    return 1;
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
