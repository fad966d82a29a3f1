// The memory store under the common suite.
import { openMemoryStore } from "./memory.ts";
import { nodeHash, storeSuite } from "./suite.test.ts";

storeSuite("memory", async () => ({ store: openMemoryStore({ sha256: nodeHash }), done: async () => {} }));
storeSuite("memory, SHA-256 in JavaScript", async () => ({ store: openMemoryStore(), done: async () => {} }));
