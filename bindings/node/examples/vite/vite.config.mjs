import { defineConfig } from "vite";

// Two builds: `vite build` for browsers, `vite build --ssr src/server.js` for the server, where packages stay outside of the bundle.
export default defineConfig(({ isSsrBuild }) => ({
  logLevel: "warn",
  build: { outDir: isSsrBuild ? "dist/server" : "dist/client", emptyOutDir: true },
}));
