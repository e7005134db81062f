// Tells of the tests as cargo does, so that whoever counts cargo's tests counts these too.

import path from "node:path";

const shown = (event) => `${path.basename(event.file ?? "", ".test.mjs")}::${event.name}`;

/** What the fixture tells of a failed test; the runner's own diagnostics are counts, which stand below. */
const TRACE = /^(picture|the server's log): /;

/** What the runner says of a test that `--test-name-pattern` leaves out. */
const NOT_CHOSEN = "test name does not match pattern";

/** What went wrong: the test's own error, without the runner's wrapping. */
function cause(error) {
  const own = error?.cause ?? error;
  return own?.stack ?? String(own);
}

/** A reporter for `node --test --test-reporter`. */
export default async function* report(events) {
  const failures = [];
  const count = { passed: 0, failed: 0, ignored: 0, filtered: 0 };
  const begun = Date.now();
  for await (const { type, data } of events) {
    const isSuite = data.details?.type === "suite";
    if (type === "test:pass" && data.skip === NOT_CHOSEN) {
      count.filtered += 1;
    } else if (type === "test:pass" && !isSuite) {
      const skipped = data.skip !== undefined || data.todo !== undefined;
      count[skipped ? "ignored" : "passed"] += 1;
      yield `test ${shown(data)} ... ${skipped ? "ignored" : "ok"} (${Math.round(data.details.duration_ms)} ms)\n`;
    } else if (type === "test:fail" && !isSuite) {
      count.failed += 1;
      failures.push(`---- ${shown(data)} ----\n${cause(data.details.error)}\n`);
      yield `test ${shown(data)} ... FAILED\n`;
    } else if (type === "test:diagnostic" && TRACE.test(data.message)) {
      failures.push(`     ${data.message}\n`);
    } else if (type === "test:stdout" || type === "test:stderr") {
      yield data.message;
    }
  }
  if (failures.length > 0) yield `\nfailures:\n\n${failures.join("\n")}\n`;
  const { passed, failed, ignored, filtered } = count;
  const seconds = ((Date.now() - begun) / 1000).toFixed(2);
  yield `\ntest result: ${failed ? "FAILED" : "ok"}. ${passed} passed; ${failed} failed; ${ignored} ignored; ` +
    `0 measured; ${filtered} filtered out; finished in ${seconds}s\n\n`;
}
