import { Fault } from "../../util/index.ts";

/** Captured state could not be taken up: files are missing, or the state is not one of this service. */
export class FilesFault extends Fault<
  "missing-files" | "changed-files" | "wrong-state" | "unlinked-file" | "deep-file" | "journal"
> {}
