import io from "./io.js";

export const { Machine, fetchTransport, operation, run } = io;
