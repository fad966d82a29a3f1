// What every Report session must do, by its contract alone (spec 2.14). Implementations call reportSessionSuite from their
// own tests; this file runs nothing by itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ReportSession } from "../../src/session/index.ts";
import { recorder } from "./recorder.ts";

export interface ReportUnderTest {
  /** With a buffer of two pages, opened with `buffer_size=5000`. */
  readonly session: ReportSession;
  /** The reports since the last call. */
  reports(): readonly Uint8Array[] | Promise<readonly Uint8Array[]>;
  close(): void;
}

export function reportSessionSuite(label: string, make: () => ReportUnderTest): void {
  const on = (title: string, body: (report: ReportUnderTest) => Promise<void>): void => {
    test(`${label}: S61: ${title}`, async () => {
      const report = make();
      try {
        await body(report);
      } finally {
        report.close();
      }
    });
  };
  const write = ({ session }: ReportUnderTest, text: string) =>
    session.dataspace().object?.write(0, new TextEncoder().encode(text));
  const texts = async (report: ReportUnderTest) =>
    (await report.reports()).map((bytes) => new TextDecoder().decode(bytes));

  on("the buffer has room for what was asked for, and is one dataspace", async ({ session }) => {
    assert.equal(session.dataspace().object?.size(), 8192);
    assert.equal(session.dataspace(), session.dataspace());
  });

  on("a report is what lies in the buffer when it is submitted", async (report) => {
    write(report, "first, and more");
    report.session.submit(5);
    write(report, "other");
    assert.deepEqual(await texts(report), ["first"]);
    report.session.submit(8);
    report.session.submit(0);
    assert.deepEqual(await texts(report), ["other, a", ""]);
  });

  on("a length beyond the buffer is cut to it", async (report) => {
    report.session.submit(8192);
    report.session.submit(8193);
    report.session.submit(2 ** 32 - 1);
    const lengths = (await report.reports()).map(({ length }) => length);
    assert.deepEqual(lengths, [8192, 8192, 8192]);
  });

  on("asking for a response does no harm", async ({ session }) => {
    session.responseSigh(recorder().context);
    assert.equal(session.obtainResponse(), 0);
  });
}
