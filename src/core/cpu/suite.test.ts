// Core's CPU sessions under the common suite.
import { cpuSessionSuite } from "../../../test/contracts/cpu-session.ts";
import { cpuFixture } from "../../../test/support/cpu-fixture.ts";

cpuSessionSuite("core", () => cpuFixture());
