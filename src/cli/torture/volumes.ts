// Files in memory of a tortured system: each client of File_system has a directory /data of its own.
import { createFileSystem, type DirectoryNode, volumeStates } from "../../core/files/index.ts";
import type { MemoryVolume, VirtualClock } from "../../core/index.ts";
import { createMemoryVolume } from "../../core/memory-file-system.ts";
import type { FileSystemSession, SessionState } from "../../session/index.ts";
import { describeContent, type Tree } from "./tree.ts";

export class MemoryVolumes {
  readonly #clock: VirtualClock;
  readonly #volumes = new Map<string, MemoryVolume>();

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  /** The files of a client. @param state what it had, if it is restored */
  provide(label: string, state?: SessionState): FileSystemSession {
    const { alarms } = this.#clock;
    const options = { guestPaths: ["/data"], nowNs: () => BigInt(Math.floor(alarms.nowUs())) * 1000n };
    const [captured] = state === undefined ? [] : volumeStates(state);
    const volume = createMemoryVolume(options, captured);
    this.#volumes.set(label, volume);
    return createFileSystem([volume], state);
  }

  /** What each client has, or had when it ended, by label. */
  get trees(): ReadonlyMap<string, Tree> {
    return new Map(
      [...this.#volumes].map(([label, { roots }]) => {
        const tree = new Map<string, string>();
        for (const { guestPath, directory } of roots) addEntries(tree, directory, `${label}: ${guestPath}`);
        return [label, tree];
      }),
    );
  }
}

function addEntries(tree: Map<string, string>, directory: DirectoryNode, path: string): void {
  const listed = directory.entries();
  for (const { name, kind } of listed.ok ? listed.value : []) {
    const shown = `${path}/${name}`;
    if (kind === "directory") {
      tree.set(shown, "a directory");
      const child = directory.child(name);
      if (child.ok) addEntries(tree, child.value, shown);
    } else if (kind === "symbolic-link") {
      const target = directory.readLink(name);
      tree.set(shown, `a link to ${target.ok ? target.value : target.reason}`);
    } else tree.set(shown, describeContent(contentOf(directory, name)));
  }
}

function contentOf(directory: DirectoryNode, name: string): Uint8Array {
  const status = directory.statusOf(name);
  const file = directory.openFile(name, { read: true, write: false });
  if (!status.ok || !file.ok) return new Uint8Array();
  const content = new Uint8Array(Number(status.value.sizeBytes));
  file.value.read(content, 0n);
  file.value.close();
  return content;
}
