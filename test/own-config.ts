// Imported for what it does: this process and those that it starts keep what they write into the user's configuration, the
// identity of the machine, in a folder of their own, which goes with the process. macOS and Windows have it elsewhere.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "rtcr-config-"));
process.env["XDG_CONFIG_HOME"] = folder;
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
