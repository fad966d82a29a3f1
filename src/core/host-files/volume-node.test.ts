import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFileSystem } from "../files/index.ts";
import { fileSystemSuite } from "../files/suite.test.ts";
import { HostVolume } from "./volume-node.ts";

fileSystemSuite("host directories", () => {
  const hostPath = mkdtempSync(join(tmpdir(), "rtcr-test-"));
  const files = createFileSystem([new HostVolume([{ hostPath, guestPath: "/", writable: true }])]);
  return { files, end: () => rmSync(hostPath, { recursive: true }) };
});
