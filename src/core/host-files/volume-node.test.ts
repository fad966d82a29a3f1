import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFileSystem } from "../files/index.ts";
import { fileSystemSuite } from "../files/suite.test.ts";
import { LinuxHost } from "./linux-node.ts";
import { PortableHost } from "./portable-node.ts";
import { HostVolume } from "./volume-node.ts";

for (const Host of [LinuxHost, PortableHost]) {
  fileSystemSuite(`host directories, ${Host.name}`, () => {
    const hostPath = mkdtempSync(join(tmpdir(), "rtcr-test-"));
    const volume = new HostVolume([{ hostPath, guestPath: "/", writable: true }], new Host());
    return { files: createFileSystem([volume]), end: () => rmSync(hostPath, { recursive: true }) };
  });
}
