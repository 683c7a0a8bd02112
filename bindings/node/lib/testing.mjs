import testing from "./testing.js";

export const { MemoryRelay, member, override } = testing;
