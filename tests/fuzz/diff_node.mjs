// V8's side of the differential fuzzer: reads diff_run.c's lines from a file, does the same calls, prints the lines
// that differ, with what V8 says.   node diff_node.mjs LINES   Ends with
// `compared MODULES modules, CALLS calls, N differ`.
import { readFileSync } from "node:fs";

const scratch = new DataView(new ArrayBuffer(8));
const traps = [
  [/unreachable/, "unreachable"],
  [/memory access out of bounds|data segment/, "memory"],
  [/table index is out of bounds|table access|element segment|table.*out of bounds/, "table"],
  [/null function or function signature/, "signature"],
  [/divide by zero|remainder by zero/, "zero"],
  [/divide result unrepresentable/, "overflow"],
  [/float unrepresentable/, "conversion"],
  [/call stack size exceeded/, "stack"],
];

const trapName = (error) => (traps.find(([text]) => text.test(error.message)) ?? [0, `? ${error.message}`])[1];

function parse(text) {
  const [type, hex] = text.split(":");
  if (type === "ref") return null;
  if (hex === "nan") return NaN;
  const bits = BigInt("0x" + hex);
  if (type === "i32") return Number(BigInt.asIntN(32, bits));
  if (type === "i64") return BigInt.asIntN(64, bits);
  scratch.setBigUint64(0, bits);
  return type === "f32" ? scratch.getFloat32(4) : scratch.getFloat64(0);
}

// A value as diff_run.c writes it, of the type that it wrote there.
function format(value, like) {
  const type = like.split(":")[0];
  if (type === "i32") return "i32:" + (value >>> 0).toString(16);
  if (type === "i64") return "i64:" + BigInt.asUintN(64, value).toString(16);
  if (type === "ref") return "ref:" + (value === null ? 0 : 1);
  if (Number.isNaN(value)) return type + ":nan";
  if (type === "f32") {
    scratch.setFloat32(0, value);
    return "f32:" + scratch.getUint32(0).toString(16);
  }
  scratch.setFloat64(0, value);
  return "f64:" + scratch.getBigUint64(0).toString(16);
}

function memoryHash(memory) {
  const words = new Int32Array(memory.buffer);
  let hash = 0;
  for (let i = 0; i < words.length; i++) {
    hash = Math.imul(hash ^ words[i], 0x01000193);
    hash ^= hash >>> 15;
  }
  return (hash >>> 0).toString(16);
}

// The line as V8 would have it.
function replay(line, exports) {
  const words = line.split(" ");
  if (words[0] === "memory") {
    const memory = exports[words[1]];
    return `memory ${words[1]} ${memory.buffer.byteLength} ${memoryHash(memory)}`;
  }
  if (words[0] === "global") return `global ${words[1]} ${format(exports[words[1]].value, words[2])}`;
  const arrow = words.indexOf("->"), ours = words.slice(arrow + 1), head = words.slice(0, arrow + 1).join(" ");
  let result;
  try {
    result = exports[words[1]](...words.slice(2, arrow).map(parse));
  } catch (error) {
    return `${head} trap ${trapName(error)}`;
  }
  if (ours[0] === "trap") return `${head} returned`;
  const values = result === undefined ? [] : Array.isArray(result) ? result : [result];
  return [head, ...values.map((value, i) => format(value, ours[i] ?? "i32:0"))].join(" ");
}

const zeros = (module) => {
  const imports = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) (imports[from] ??= {})[name] = () => 0;
  return imports;
};

let exports, modules = 0, calls = 0, differ = 0, file, quiet = false;
const tell = (ours, theirs) => {
  if (quiet) return; // one difference a module: what follows it is its consequence
  quiet = true;
  differ++;
  console.log(`${file}\n  ours: ${ours}\n  V8:   ${theirs}`);
};

for (const line of readFileSync(process.argv[2], "latin1").split("\n")) {
  if (line === "") continue;
  if (line.startsWith("module ")) {
    file = line.slice(7);
    quiet = false;
    modules++;
    exports = undefined;
    let outcome = "";
    try {
      const module = new WebAssembly.Module(readFileSync(file));
      exports = new WebAssembly.Instance(module, zeros(module)).exports;
    } catch (error) {
      const trapped = error instanceof WebAssembly.RuntimeError || error instanceof RangeError;
      outcome = trapped ? `trap ${trapName(error)}` : `error ${error.message}`;
    }
    exports = exports ?? outcome;
  } else if (typeof exports === "string") {
    if (line !== exports && !(line.startsWith("error ") && exports.startsWith("error "))) tell(line, exports);
  } else if (/^(error|trap|died) /.test(line)) {
    tell(line, "an instance");
  } else {
    const theirs = replay(line, exports);
    calls++;
    // Not comparable, nor what follows: the two have stacks of different sizes; no v128 passes to JavaScript.
    if (/ trap stack$/.test(line) || / trap (stack|\? type incompat.*)$/.test(theirs)) quiet = true;
    // V8 has one message for NaN and for what is too large.
    else if (line !== theirs && line.replace(/trap overflow$/, "trap conversion") !== theirs) tell(line, theirs);
  }
}
console.log(`compared ${modules} modules, ${calls} calls, ${differ} differ`);
process.exit(differ ? 1 : 0);
