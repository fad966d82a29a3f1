// Verification of whole images: everything reached is there (when a manifest is put), or is read (when asked for).
import { CheckpointFault, type Reached, reachImage, short } from "../checkpoint/index.ts";
import { StoreFault } from "./faults.ts";
import type { Store, VerifyReport } from "./types.ts";

/** How many pages are read at once. */
const READ_AHEAD = 32;

type AnyFault = StoreFault | CheckpointFault;

/** Reads what the manifests reach, and the pages of `more`. Rejects only with what is no fault of the data. */
export async function verifyImages(
  store: Pick<Store, "readManifest" | "readPage">,
  ids: Iterable<string>,
  more: Iterable<string> = [],
): Promise<VerifyReport> {
  const faults: AnyFault[] = [];
  const note = (thrown: unknown): void => {
    if (!(thrown instanceof StoreFault || thrown instanceof CheckpointFault)) throw thrown;
    if (!faults.some(({ message }) => message === thrown.message)) faults.push(thrown);
  };
  const reached = { pages: new Set<string>(), nodes: new Set<string>() };
  const readPage = (name: string): Promise<Uint8Array> => store.readPage(name);
  let manifests = 0;
  for (const id of new Set(ids)) {
    manifests++;
    await store
      .readManifest(id)
      .then((bytes) => reachImage(bytes, readPage, reached))
      .catch(note);
  }
  for (const name of more) reached.pages.add(name);
  let bytes = 0;
  const names = [...reached.pages];
  for (let i = 0; i < names.length; i += READ_AHEAD) {
    const batch = names.slice(i, i + READ_AHEAD);
    const sizes = await Promise.all(
      batch.map((name) =>
        store
          .readPage(name)
          .then((page) => page.length)
          .catch(note),
      ),
    );
    for (const size of sizes) bytes += size ?? 0;
  }
  return { manifests, pages: names.length, bytes, faults };
}

/** Refuses a manifest that reaches pages which are not there. */
export async function requireComplete(
  manifest: Uint8Array,
  readPage: (name: string) => Promise<Uint8Array>,
  has: (name: string) => boolean,
): Promise<void> {
  const reached: Reached = { pages: new Set(), nodes: new Set() };
  let lost: string | undefined;
  const read = (name: string): Promise<Uint8Array> => {
    if (!has(name)) lost ??= name;
    return readPage(name);
  };
  await reachImage(manifest, read, reached).catch((thrown) => {
    if (lost === undefined) throw thrown;
  });
  for (const name of reached.pages) if (!has(name)) lost ??= name;
  if (lost === undefined) return;
  const message = `store: the manifest reaches page ${short(lost)}, which is not there; expected all pages to be put first`;
  throw new StoreFault("incomplete", message, { page: lost });
}
