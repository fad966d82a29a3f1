// Runs a bench by name: `npm run bench -- NAME [--json FILE] [options]`. A bench is a file here that exports `run`.

const BENCHES = {
  blocked: () => import("./blocked.ts"),
  cold: () => import("./cold.ts"),
  continuations: () => import("./continuations.ts"),
  criu: () => import("./criu.ts"),
  dataspaces: () => import("./dataspaces.ts"),
  freeze: () => import("./freeze.ts"),
  increments: () => import("./increments.ts"),
  marks: () => import("./marks.ts"),
  overhead: () => import("./overhead.ts"),
  redundant: () => import("./redundant.ts"),
  rewrite: () => import("./rewrite.ts"),
  rtcr: () => import("./rtcr.ts"),
  scopes: () => import("./scopes.ts"),
  soak: () => import("./soak/cost.ts"),
  sparse: () => import("./sparse.ts"),
  standby: () => import("./standby.ts"),
  windows: () => import("./windows.ts"),
  sessions: () => import("./sessions.ts"),
  threads: () => import("./threads.ts"),
} as const satisfies Record<string, () => Promise<{ readonly run: (args: readonly string[]) => Promise<number> }>>;

const [name = "", ...args] = process.argv.slice(2);
const load = BENCHES[name as keyof typeof BENCHES] as (typeof BENCHES)[keyof typeof BENCHES] | undefined;
if (load) {
  process.exitCode = await (await load()).run(args);
} else {
  console.error(`error: no bench "${name}"; there are ${Object.keys(BENCHES).join(", ")}`);
  process.exitCode = 2;
}
