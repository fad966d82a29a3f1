// All verbs, in the order in which the help lists them. A verb's code is read when it is called for: reading all of it took
// longer than most commands do.

import type { Command } from "../command.ts";

export interface Verb {
  readonly name: string;
  load(): Promise<Command>;
}

export const VERBS: readonly Verb[] = [
  { name: "run", load: async () => (await import("./run.ts")).run },
  { name: "ps", load: async () => (await import("./ps.ts")).ps },
  { name: "checkpoint", load: async () => (await import("./checkpoint.ts")).checkpoint },
  { name: "restore", load: async () => (await import("./restore.ts")).restore },
  { name: "kill", load: async () => (await import("./kill.ts")).kill },
  { name: "list", load: async () => (await import("./list.ts")).list },
  { name: "inspect", load: async () => (await import("./inspect.ts")).inspect },
  { name: "diff", load: async () => (await import("./diff.ts")).diff },
  { name: "verify", load: async () => (await import("./verify.ts")).verify },
  { name: "rm", load: async () => (await import("./rm.ts")).rm },
  { name: "gc", load: async () => (await import("./gc.ts")).gc },
  { name: "check", load: async () => (await import("./check.ts")).check },
  { name: "rewrite", load: async () => (await import("./rewrite.ts")).rewrite },
  { name: "torture", load: async () => (await import("./torture.ts")).torture },
  { name: "profile", load: async () => (await import("./profile.ts")).profile },
];
