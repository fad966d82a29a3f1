import assert from "node:assert/strict";
import { constants } from "node:os";
import { test } from "node:test";
import { ERRNO, type Errno } from "../../session/index.ts";
import { attempt, toErrno } from "./errors.ts";

/** System errors that WASI has no name for, or another one. */
const OTHERS: Readonly<Record<string, Errno>> = {
  EWOULDBLOCK: "again",
  EOPNOTSUPP: "notsup",
  ENODATA: "io",
  ENOSR: "io",
  ENOSTR: "io",
  ETIME: "io",
};

test("every system error has an errno name", () => {
  for (const code of Object.keys(constants.errno)) {
    const expected = OTHERS[code] ?? code.slice(1).toLowerCase();
    assert.equal(toErrno({ code }), expected, code);
    assert((ERRNO as readonly string[]).includes(expected), code);
  }
  for (const code of ["EREMOTEIO", "ESTRANGE", "UNKNOWN"]) assert.equal(toErrno({ code }), "io");
});

test("what is not a system error is thrown on", () => {
  for (const thrown of [new TypeError("x"), { code: "ERR_INVALID_ARG_TYPE" }, null, "text", { code: 5 }]) {
    assert.throws(() => attempt(() => raise(thrown)));
  }
  assert.deepEqual(
    attempt(() => raise({ code: "ENOENT" })),
    { ok: false, reason: "noent" },
  );
});

function raise(thrown: unknown): never {
  throw thrown;
}
