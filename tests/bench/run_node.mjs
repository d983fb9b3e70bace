// Runs a module on node:wasi: run_node.mjs DIR[:DIR...] MODULE ARGS...
import { readFileSync } from "node:fs";
import { WASI } from "node:wasi";

const [dirs, module, ...args] = process.argv.slice(2);
const preopens = Object.fromEntries(dirs.split(":").filter(Boolean).map((d) => [d, d]));
const env = { PWD: process.env.BENCH_PWD ?? "/" };
const wasi = new WASI({ version: "preview1", args: [module, ...args], env, preopens });
const { instance } = await WebAssembly.instantiate(readFileSync(module), wasi.getImportObject());
process.exitCode = wasi.start(instance);
