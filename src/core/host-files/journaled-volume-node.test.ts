import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFileSystem } from "../files/index.ts";
import { fileSystemSuite } from "../files/suite.test.ts";
import { JournaledVolume } from "./journaled-volume-node.ts";
import { LinuxHost } from "./linux-node.ts";
import { PortableHost } from "./portable-node.ts";
import { Subject } from "./subject-node.test.ts";

const WAYS = [
  [LinuxHost, false],
  [LinuxHost, true],
  [PortableHost, true],
] as const;

for (const [Host, marked] of WAYS) {
  fileSystemSuite(`journaled host directories, ${Host.name}, ${marked ? "after" : "before"} a mark`, () => {
    const base = mkdtempSync(join(tmpdir(), "rtcr-test-"));
    mkdirSync(join(base, "root"));
    const directories = [{ hostPath: join(base, "root"), guestPath: "/", writable: true }];
    const volume = new JournaledVolume({ directories, journal: join(base, "journal"), host: new Host() });
    const files = createFileSystem([volume]);
    if (marked) files.capture();
    return { files, end: () => rmSync(base, { recursive: true }) };
  });
}

fileSystemSuite("journaled host directories, restored before every command", () => {
  const subject = new Subject();
  return {
    files: subject.shell.files,
    moved: (shell) => {
      subject.shell = shell;
      subject.goBack(subject.snapshot());
      return subject.shell;
    },
    end: () => subject.end(),
  };
});
