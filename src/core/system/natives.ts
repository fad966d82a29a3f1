// Native programs in components of the kernel: what stands for a loaded module and its threads.
import type { Badges, Capability, Dataspace, ParentSession } from "../../session/index.ts";
import { Bug, messageOf } from "../../util/index.ts";
import type { NativeRun } from "../kernel/index.ts";
import {
  createEnv,
  type NativeComponent,
  type NativePrograms,
  nativeProgramName,
  type OwnedEnv,
  type TaskQueue,
} from "../native/index.ts";

export interface NativesOptions {
  readonly programs: NativePrograms;
  readonly badges: Badges;
  readonly tasks: TaskQueue;
  readonly warn: (message: string) => void;
}

/**
 * Takes up a binary that names a native program.
 *
 * @param parent of the component, asked when the program starts
 * @returns undefined if it is another kind of binary; text: why the program cannot be run, one line
 */
export function nativeRun(
  { programs, badges, tasks, warn }: NativesOptions,
  label: string,
  binary: Dataspace,
  parent: () => Capability<ParentSession>,
): NativeRun | string | undefined {
  const name = nativeProgramName(binary);
  if (name === undefined) return undefined;
  const program = programs.get(name);
  if (!program) return `there is no native program "${name}", expected one of ${[...programs.keys()].join(", ")}`;
  let state: "new" | "started" | "ended" = "new";
  let env: OwnedEnv | undefined;
  let component: NativeComponent | undefined;
  /** What a program throws is its own affair, unless it is a bug of ours. */
  const guarded = (what: string, body: () => void) => {
    try {
      body();
    } catch (thrown) {
      if (thrown instanceof Bug) throw thrown;
      warn(`${label}: ${name} could not be ${what}: ${messageOf(thrown)}`);
    }
  };
  const run = () => {
    if (state !== "started") return;
    guarded("started", () => {
      env = createEnv({ parent: parent(), badges, tasks });
      component = program(env.env);
    });
  };
  return {
    start: () => {
      if (state !== "new") return;
      state = "started";
      tasks.post(run);
    },
    dispose: () => {
      state = "ended";
      guarded("ended", () => component?.dispose());
      env?.dispose();
    },
  };
}
