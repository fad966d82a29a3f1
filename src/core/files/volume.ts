// A volume: roots that belong together, and what is needed to find their open nodes again after a restore.

import type { PlainData } from "../../abi/index.ts";
import type { Access, OpenNode, VolumeRoot } from "./node.ts";

export interface Volume {
  readonly roots: readonly VolumeRoot[];
  /** What `reopen` needs to find an open node again. Called between `beginCapture` and `endCapture`. */
  place(node: OpenNode): PlainData;
  /** Begins a capture: whatever was written up to now is part of it. */
  beginCapture(): void;
  /** Ends the capture that has been begun; the volume's own state. */
  endCapture(): PlainData;
  /** @throws FilesFault "wrong-state" for what is no place of this volume */
  checkPlace(place: PlainData): void;
  /** Opens the node of a place again; undefined: it is not there any more. */
  reopen(place: PlainData, access: Access): OpenNode | undefined;
  /** All nodes that were open have been opened again. */
  endRestore(): void;
  /** A place as people read it, for messages. */
  describe(place: PlainData): string;
  dispose(): void;
}
