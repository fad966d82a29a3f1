// What every file system does, whatever lies beneath: one table, run on host directories and on memory.
// Expectations are Linux's; where the WASI test suite (wasi-testsuite) asserts one, it is that.

import { test } from "node:test";
import type { FileSystemSession } from "../../session/index.ts";
import { Shell } from "./shell.test.ts";

/** A file system with one empty, writable root; `end` removes it. */
export interface SuiteSubject {
  readonly files: FileSystemSession;
  /** The same files in a new session, as after a restore: asked for before every command. */
  moved?(shell: Shell): Shell;
  end(): void;
}

/** What each case is about, and its script (notation: shell.test.ts). */
const CASES: readonly (readonly [name: string, script: string])[] = [
  ["creates, writes and reads", "write f hello; read f = hello; size f = 5; kind f = regular-file; links f = 1"],
  ["truncates on open", "write f hello; write f ab; read f = ab; open f rt; read f = "],
  [
    "creates only what is not there",
    "create f; create f = exist; open f rc; open g r = noent; mkdir d; create d = exist",
  ],
  ["patches, appends, leaves holes", "write f abc; patch f 1 X; append f de; patch f 7 z; read f = aXcde~~z"],
  ["resizes", "write f abcdef; resize f 3; read f = abc; resize f 5; read f = abc~~; resize f 0; size f = 0"],
  [
    "makes directories",
    "mkdir a; mkdir a/b; mkdir a = exist; mkdir x/y = noent; write f x; mkdir f = exist; mkdir f/g = notdir",
  ],
  ["lists sorted", "write b x; mkdir a; write c x; symlink b d; ls . = a,b,c,d; ls a = ; ls b = notdir"],
  [
    "removes directories",
    "mkdir a; write a/f x; rmdir a = notempty; unlink a/f; rmdir a; rmdir a = noent; write f x; rmdir f = notdir",
  ],
  [
    "unlinks files only",
    "mkdir d; unlink d = isdir; unlink d/ = isdir; write f x; unlink f/ = notdir; unlink f; unlink f = noent",
  ],
  [
    "trailing slashes of directories",
    "mkdir d/; rmdir d/; mkdir d; write f x; rmdir f/ = notdir; open d/// rd; kind d/ = directory",
  ],
  [
    "trailing slashes of files",
    "write f x; open f/ r = notdir; open f/// r = notdir; kind f/ = notdir; open n/ wc = isdir; lkind f/. = notdir",
  ],
  [
    "opens directories",
    "mkdir d; open d r; open d rd; open d rw = isdir; open d rt = isdir; open d rc = isdir; open . rdw = isdir; open . r",
  ],
  [
    "requires directories",
    "write f x; open f rd = notdir; open n rd = noent; open n rcd = inval; mkdir d; open d rcd = inval",
  ],
  [
    "dots",
    "mkdir a; mkdir a/b; write a/b/f x; read a/.//b/../../a/b/../b///./f = x; kind . = directory; kind a/.. = directory",
  ],
  [
    "ends in dots",
    "mkdir a; rmdir a/. = inval; unlink a/.. = isdir; mkdir . = exist; rename a/. b = busy; rename a . = busy; open f/. wc = noent",
  ],
  [
    "no way out by dots",
    "mkdir a; open .. r = perm; open a/../.. r = perm; open a/../../x r = perm; kind ../x = perm; mkdir ../x = perm",
  ],
  [
    "no absolute paths",
    "open / r = perm; open /f r = perm; mkdir /d = perm; kind /etc/passwd = perm; rename /a b = perm; symlink /f l = perm",
  ],
  ["empty paths", "open '' r = noent; mkdir '' = noent; kind '' = noent; symlink '' l = noent; unlink '' = noent"],
  [
    "missing directories",
    "open a/f wc = noent; write f x; open f/g wc = notdir; unlink a/b = noent; kind f/.. = notdir",
  ],
  [
    "follows links when asked",
    "write f x; symlink f l; read l = x; open l r = loop; kind l = regular-file; lkind l = symbolic-link; readlink l = f",
  ],
  [
    "goes through links on the way",
    "mkdir a; write a/f x; symlink a l; read l/f = x; write l/g y; read a/g = y; ls l = loop; open l rdf",
  ],
  [
    "opens links to directories",
    "mkdir d; symlink d l; open l rd = loop; open l r = loop; open l rdf; open l/ r; write f x; symlink f m; open m rdf = notdir",
  ],
  [
    "creates through dangling links",
    "symlink t l; open l wc = loop; read l = noent; write l x; read t = x; readlink l = t; create l = exist",
  ],
  [
    "dangling links",
    "symlink t l; open l rd = loop; open l r = loop; open l rf = noent; kind l = noent; lkind l = symbolic-link; unlink l",
  ],
  [
    "links in circles",
    "symlink l l; open l r = loop; open l rf = loop; symlink b a; symlink a b; kind a = loop; kind a/x = loop; unlink l",
  ],
  [
    "no way out by links",
    "mkdir d; symlink .. d/up; ls d/up/d = up; kind d/up/d = directory; symlink ../.. d/out; kind d/out = perm; kind d/out/x = perm",
  ],
  [
    "dots after links",
    "mkdir a; mkdir a/b; mkdir c; write a/f x; symlink ../a/b c/l; read c/l/../f = x; symlink .. up; kind up = perm",
  ],
  [
    "makes links",
    "symlink x l; symlink x l = exist; symlink x n/ = noent; mkdir d; symlink x d/ = exist; write f x; symlink x f/ = notdir",
  ],
  [
    "readlink of others",
    "write f x; readlink f = inval; mkdir d; readlink d = inval; readlink n = noent; readlink . = inval",
  ],
  ["hard links", "write f x; link f g; links f = 2; write g yy; read f = yy; unlink f; read g = yy; links g = 1"],
  [
    "hard links refused",
    "write f x; link f f = exist; mkdir d; link f d = exist; link d e = perm; link f e/ = noent; link n m = noent; link f n/m = noent",
  ],
  [
    "hard links to links",
    "symlink t l; link l m; readlink m = t; linkf l n = noent; write t x; linkf l n; lkind n = regular-file",
  ],
  [
    "renames files",
    "write a x; rename a b; read b = x; read a = noent; write c y; rename c b; read b = y; ls . = b; rename n m = noent",
  ],
  [
    "renames directories",
    "mkdir a; write a/f x; rename a b; read b/f = x; mkdir c; rename b c; read c/f = x; ls . = c",
  ],
  [
    "renames refused",
    "mkdir a; mkdir b; write b/f x; rename a b = notempty; rename a b/f = notdir; write f x; rename f a = isdir; rename a a/c = inval",
  ],
  [
    "renames with slashes",
    "mkdir a; rename a/ b; rename b a/; rename a/ b/; ls . = b; write f x; rename f g/ = notdir; rename f/ g = notdir",
  ],
  [
    "renames onto itself",
    "write f x; link f g; rename f f; rename f g; ls . = f,g; read f = x; mkdir d; rename d d; ls . = d,f,g",
  ],
  [
    "renames links, not their targets",
    "write f x; symlink f l; rename l m; readlink m = f; read f = x; write g y; rename g m; lkind m = regular-file",
  ],
  [
    "times",
    "write f x; touch f 1700000000123456789; mtime f = 1700000000123456789; read f = x; mtime f = 1700000000123456789",
  ],
  [
    "times of links and directories",
    "symlink t l; touch l 12345; mtime l = 12345; mkdir d; touch d 99; mtime d = 99; touch n 1 = noent",
  ],
  ["times change with the content", "write f x; touch f 1; append f y; size f = 2; touch f 2; mtime f = 2"],
  [
    "open files outlive their names",
    "write f abc; hold h f rw; unlink f; read f = noent; hread h = abc; hwrite h XY; hread h = XYc; hlinks h = 0; drop h",
  ],
  [
    "open files follow a rename",
    "write f abc; hold h f rw; rename f g; hwrite h X; read g = Xbc; write f new; hread h = Xbc; drop h",
  ],
  [
    "open files that are replaced",
    "write f abc; hold h f r; write g new; rename g f; hread h = abc; read f = new; hlinks h = 0; drop h",
  ],
  [
    "open files of several names",
    "write f abc; link f g; hold h f rw; unlink f; hlinks h = 1; happend h d; read g = abcd; drop h",
  ],
  ["open directories follow a rename", "mkdir a; hold h a r; rename a b; hcreate h f; ls b = f; hls h = f; drop h"],
  ["removed directories that are open", "mkdir a; hold h a r; rmdir a; hcreate h f = noent; mkdir a; ls a = ; drop h"],
  [
    "access by how it was opened",
    "write f x; hold r f r; hwrite r y = badf; hold w f w; hread w = badf; hwrite w y; read f = y; drop r; drop w; drop w = badf",
  ],
  [
    "open directories lead nowhere else, wherever they are moved",
    "mkdir a; mkdir a/b; mkdir c; hold h a/b r; rename a d; hcreate h f; read d/b/f = ; rename d/b c/b; hcreate h g; ls c/b = f,g; hcreate h ../x = perm; drop h",
  ],
  [
    "directories that are replaced",
    "mkdir a; mkdir b; hold h b r; rename a b; hcreate h f = noent; hls h = ; ls b = ; drop h",
  ],
  [
    "cuts through links only when asked",
    "write f abc; symlink f l; open l rt = loop; open l wct = loop; read f = abc; open l wtf; read f = ; symlink n m; open m wtf = noent; ls . = f,l,m",
  ],
  [
    "cuts no directories",
    "mkdir d; symlink d l; open d rdt = isdir; open l rdt = loop; open l rdtf = isdir; open l wtf = isdir; open l/ rt = isdir",
  ],
  [
    "creates nothing new through links",
    "symlink t l; open l wcxf = exist; read t = noent; symlink .. o; open o/x wcf = perm; symlink ../x p; open p wcf = perm; link p q; read q = perm",
  ],
  [
    "slashes behind links",
    "mkdir d; symlink d l; rmdir l/ = notdir; unlink l/ = notdir; rename l/ m = notdir; rename d l/ = notdir; mkdir l/ = exist; lkind l/ = directory; link l/ m = perm; readlink l/ = inval; symlink x l/ = notdir",
  ],
  [
    "names that mean something elsewhere",
    "mkdir __proto__; write __proto__/constructor x; read __proto__/constructor = x; ls . = __proto__; write toString y; link toString valueOf; ls . = __proto__,toString,valueOf; write C:\\x z; read C:\\x = z",
  ],
  [
    "names",
    "write a.b x; write ..x y; write ... z; write Ünïcødé u; ls . = ...,..x,a.b,Ünïcødé; read ..x = y; open a\0b r = inval",
  ],
];

/** Runs a script, with the session moved before every command where the subject can be. */
function run(subject: SuiteSubject, script: string): void {
  let shell = new Shell(subject.files);
  for (const line of script.split(";")) {
    shell = subject.moved?.(shell) ?? shell;
    shell.run(line);
  }
  shell.files.dispose();
}

/** Runs every case as a test on file systems that `make` gives. */
export function fileSystemSuite(name: string, make: () => SuiteSubject): void {
  for (const [what, script] of CASES) {
    test(`${name}: ${what}`, () => {
      const subject = make();
      try {
        run(subject, script);
      } finally {
        subject.end();
      }
    });
  }
  test(`${name}: long names and paths`, () => {
    const subject = make();
    const shell = new Shell(subject.files);
    shell.run(`write ${"n".repeat(255)} x; read ${"n".repeat(255)} = x; create ${"n".repeat(256)} = nametoolong`);
    shell.run(`kind ${"./".repeat(2047)}. = directory; kind ${"./".repeat(2048)}. = nametoolong`);
    shell.run(`mkdir a; kind ${"a/../".repeat(800)}a = directory; kind ${"a/".repeat(2000)}a = noent`);
    for (let i = 1; i <= 40; i++) shell.run(`symlink ${"a/../".repeat(100)}${i === 1 ? "a" : `l${i - 1}`} l${i}`);
    shell.run("kind l40 = directory; kind l40/.. = directory; kind l40/../.. = perm");
    subject.files.dispose();
    subject.end();
  });
  test(`${name}: 40 links in a path, not 41`, () => {
    const subject = make();
    const shell = new Shell(subject.files);
    shell.run("write l0 x");
    for (let i = 1; i <= 41; i++) shell.run(`symlink l${i - 1} l${i}`);
    shell.run("read l40 = x; read l41 = loop");
    subject.files.dispose();
    subject.end();
  });
}
