// Runs one script all three ways.

import type { Check, FileReport } from "../report.ts";
import { GroupWorld } from "./group-world.ts";
import { Interpreter, type Messages } from "./interpreter.ts";
import { Modules } from "./modules.ts";
import { PlainWorld } from "./plain-world.ts";
import { readScript, type Script } from "./script.ts";
import type { ThreadJob } from "./thread.ts";

/** Whole captures for one script. */
const CAPTURES = 60;

export async function runScript(file: string): Promise<FileReport> {
  const script = readScript(file);
  const modules = new Modules(script);
  const messages: Messages = new Map();
  // A restored group has memories of its own: threads that share them with others would part.
  const threads = script.commands.some((command) => command.type === "thread");
  const tortured = new GroupWorld({ captures: threads ? 0 : CAPTURES });
  const checks: Check[] = [
    ...(await new Interpreter(script, new PlainWorld(), modules, messages).run()),
    ...(await new Interpreter(script, new GroupWorld(), modules, messages).run()),
    ...(await new Interpreter(script, tortured, modules, messages).run()),
  ];
  return { file, checks, points: tortured.points, captures: tortured.captures };
}

/** Runs the commands of one thread of a script, the way its parent goes. */
export function runThread({ file, way, commands, module }: ThreadJob): Promise<Check[]> {
  const script: Script = { file, commands };
  const modules = new Modules(script);
  const run = <Instance>(interpreter: Interpreter<Instance>) => {
    if (module) interpreter.adopt(module);
    return interpreter.run();
  };
  if (way === "plain") return run(new Interpreter(script, new PlainWorld(), modules, new Map()));
  return run(
    new Interpreter(script, new GroupWorld(way === "tortured" ? { captures: 0 } : undefined), modules, new Map()),
  );
}
