// `rtcr gc`: deletes what no checkpoint needs.

import { readdirSync, rmSync, statSync } from "node:fs";
import { nodeSha256, openImage, type Store } from "../../store/index-node.ts";
import { madeByRun } from "../check-image.ts";
import { type Command, flag } from "../command.ts";
import { EXIT } from "../failure.ts";
import type { Home } from "../home.ts";
import { journalInUse } from "../journals.ts";
import { listMarks } from "../marks.ts";
import { type KeptModule, listModules, removeModule, returnModules, untouched } from "../modules.ts";
import { printJson, toSize } from "../print.ts";
import { readRecord } from "../record.ts";
import { listRuns } from "../runs.ts";
import { removeKeyLeavings } from "../seal.ts";

export const gc: Command = {
  name: "gc",
  summary: "delete what no checkpoint needs",
  usage: "[--dry-run] [--json]",
  help: `
Deletes pages and manifests that no checkpoint reaches, journals of files that no checkpoint and no running program
needs, modules that no checkpoint refers to, and the cache: rewritten modules, and rtcr's own code as Node has compiled
it. Waits for checkpoints under way. When a checkpoint cannot be read nothing is deleted.

  --dry-run   only print what would be deleted`,
  options: { "dry-run": { type: "boolean" }, json: { type: "boolean" } },
  operands: [0, 0],
  run: async ({ values, io, home }) => {
    const dryRun = flag(values, "dry-run");
    const store = await home.storeIfAny();
    try {
      if (!dryRun) returnModules(home);
      const candidates = await listCandidates(home, dryRun);
      await neededBy(store); // one that cannot be read is named before anything is deleted
      const files = { journals: 0, modules: 0, cached: 0, marks: 0 };
      const remove = (kind: keyof typeof files, path: string, count = 1) => {
        files[kind] += count;
        if (!dryRun) rmSync(path, { recursive: true, force: true });
      };
      // First: the store's gc needs a little room, which a full disk has not.
      for (const path of home.list("cache").map((name) => home.find("cache", name)))
        remove("cached", path, filesIn(path));
      const collected = await store.gc({ dryRun });
      const needed = await neededBy(store);
      for (const [kind, path] of unneeded(home, candidates, needed)) remove(kind, path);
      for (const module of candidates.modules) {
        if (needed.modules.has(module.hash)) continue;
        if (dryRun ? untouched(module) : removeModule(module)) files.modules++;
      }
      if (!dryRun) removeKeyLeavings(home.path);
      if (flag(values, "json")) printJson(io, { dryRun, ...collected, ...files });
      else {
        const { deletedManifests, deletedPages, freedBytes, keptPages } = collected;
        io.out(
          `${dryRun ? "would delete" : "deleted"} ${deletedManifests} manifests, ${deletedPages} pages (${toSize(freedBytes)}), `,
        );
        io.out(
          `${files.journals} journals, ${files.modules} modules, ${files.cached} cached files; ${keptPages} pages are kept\n`,
        );
      }
      return EXIT.done;
    } finally {
      await store.close();
    }
  },
};

/** How many files there are, at any depth; of what another process takes away meanwhile any number. */
function filesIn(path: string): number {
  try {
    if (!statSync(path).isDirectory()) return 1;
    return readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory()).length;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw thrown;
  }
}

/** What may be deleted if no checkpoint needs it. */
interface Candidates {
  readonly marks: ReturnType<typeof listMarks>;
  /** Those that no program had. */
  readonly journals: readonly string[];
  readonly modules: readonly KeptModule[];
}

/**
 * Candidates are listed first and the checkpoints last, with the store's gc between them, which waits for writers: so what
 * belongs to a checkpoint that is only being made is no candidate, or its checkpoint is found.
 */
async function listCandidates(home: Home, dryRun: boolean): Promise<Candidates> {
  const marks = listMarks(home);
  const journals = home.list("journals").filter((name) => !journalInUse(home, name));
  const modules = listModules(home, dryRun); // else those that another gc had away have been put back
  // A program that runs may need its module for its next checkpoint; one that comes later touches it.
  const idle = (await listRuns(home)).length === 0;
  return { marks, journals, modules: idle ? modules : [] };
}

interface Needed {
  readonly ids: ReadonlySet<string>;
  readonly journals: ReadonlySet<string>;
  readonly modules: ReadonlySet<string>;
}

/** What checkpoints refer to outside the store. */
async function neededBy(store: Store): Promise<Needed> {
  const needed = { ids: new Set<string>(), journals: new Set<string>(), modules: new Set<string>() };
  const { roots, damaged } = await store.list();
  for (const fault of damaged) throw fault;
  for (const { id } of roots) {
    needed.ids.add(id);
    const { reader } = await openImage(store, id, { sha256: nodeSha256 });
    for (const { module } of reader.manifest.instances) needed.modules.add(module);
    const program = await reader.program();
    // Others may keep their checkpoints in the same store; they have no journals here.
    const journal = madeByRun(program) ? readRecord(program).journal : undefined;
    if (journal !== undefined) needed.journals.add(journal);
  }
  return needed;
}

function* unneeded(
  home: Home,
  candidates: Candidates,
  { ids, journals }: Needed,
): Generator<readonly ["journals" | "marks", string], void> {
  for (const name of candidates.journals) {
    if (!journals.has(name) && !journalInUse(home, name)) yield ["journals", home.find("journals", name)];
  }
  for (const { id, path } of candidates.marks) if (!ids.has(id)) yield ["marks", path];
}
