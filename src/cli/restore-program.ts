// Continues a program's checkpoint: what `rtcr restore` does when a CPU is on its way.

import { short, systemLike } from "../checkpoint/index.ts";
import type { FillMemory } from "../machine/index-node.ts";
import type { SpareCpu } from "../machine/supervisor-node.ts";
import { type LoadedImage, nodePageHelpers, nodeSha256, openImage } from "../store/index-node.ts";
import { type Call, flag, text, texts } from "./command.ts";
import { CliFailure, EXIT, noModule, toFailure, usageError } from "./failure.ts";
import { runForeground } from "./foreground.ts";
import { readDirectory } from "./given.ts";
import { grantedRecord } from "./granted.ts";
import { readAddress } from "./listen.ts";
import { outputReleased } from "./marks.ts";
import { moduleOf } from "./modules.ts";
import { readRecord } from "./record.ts";
import { claimName } from "./runs.ts";

/** The exit code: the program's own. @throws whatever refuses the restore */
export async function restoreProgram(
  call: Call,
  reference: string,
  everyMs: number | undefined,
  spare: Promise<SpareCpu>,
): Promise<number> {
  const { values, home, io } = call;
  const store = await home.storeIfAny();
  const image = await openImage(store, reference, { sha256: nodeSha256 });
  const program = await image.reader.program();
  if (systemLike({ program })) {
    const message = `checkpoint ${short(image.root.id)} is of a system's children, expected SYSTEM.xml behind it`;
    throw usageError(message, "restore");
  }
  const listen = texts(values, "listen");
  listen.forEach(readAddress);
  const recorded = readRecord(program);
  const given = { directories: texts(values, "dir").map(readDirectory), listen };
  const granted = grantedRecord(home, image.root.id, recorded, given);
  if (granted.note) io.err(`note: ${granted.note}\n`);
  const claim = claimName(home, text(values, "as") ?? image.root.name, "--as gives the restored program another name");
  try {
    nodePageHelpers.expect(memoryBytes(image));
    const module = await moduleOf(image, recorded, home, text(values, "module"));
    const state = { group: await image.reader.outline(), wasi: await image.reader.session("wasi") };
    const moduleApart = !Object.hasOwn(image.reader.manifest.modules, module.hash);
    const resumption = {
      state,
      unfilled: true,
      acceptChangedFiles: flag(values, "accept-changed-files"),
      outputReleased: outputReleased(home, image.root.id),
    };
    const from = {
      id: image.root.id,
      resumption,
      fill: (...memory: Parameters<FillMemory>) => image.reader.memory(...memory),
      filled: () => store.close(),
    };
    const { spec } = granted.record;
    const holdOutput = spec.holdOutput || flag(values, "hold-output");
    const record = { ...granted.record, spec: { ...spec, holdOutput } };
    return await runForeground({ io, home, claim, record, module, moduleApart, everyMs, spare, from });
  } catch (thrown) {
    if (!noModule(thrown)) throw thrown;
    // Nothing was ever checkpointed of it.
    const message = `checkpoint ${short(image.root.id)}: ${toFailure(thrown).message}`;
    throw new CliFailure(EXIT.damaged, message, undefined, thrown);
  } finally {
    await store.close();
    claim.release();
  }
}

function memoryBytes({ reader }: LoadedImage): number {
  const memories = reader.manifest.instances.flatMap(({ memories }) => memories);
  return memories.reduce((sum, { content }) => sum + content.sizeBytes, 0);
}
