import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFileSystem } from "../files/index.ts";
import { fileSystemSuite } from "../files/suite.test.ts";
import { JournaledVolume } from "./journaled-volume-node.ts";

for (const marked of [false, true]) {
  fileSystemSuite(`journaled host directories, ${marked ? "after" : "before"} a mark`, () => {
    const base = mkdtempSync(join(tmpdir(), "rtcr-test-"));
    mkdirSync(join(base, "root"));
    const directories = [{ hostPath: join(base, "root"), guestPath: "/", writable: true }];
    const volume = new JournaledVolume({ directories, journal: join(base, "journal") });
    const files = createFileSystem([volume]);
    if (marked) files.capture();
    return { files, end: () => rmSync(base, { recursive: true }) };
  });
}
