// Renders a small Markdown dialect to HTML, lays out a table, and solves the eight queens: what scripts in a host do.
function render(text) {
  return text.split(/\n\n+/).map((block) => {
    const head = /^(#+) (.*)$/.exec(block);
    if (head) return `<h${head[1].length}>${inline(head[2])}</h${head[1].length}>`;
    if (/^- /.test(block)) return "<ul>" + block.split("\n").map((l) => `<li>${inline(l.slice(2))}</li>`).join("") + "</ul>";
    return `<p>${inline(block)}</p>`;
  }).join("\n");
}

function inline(s) {
  return s.replace(/&/g, "&amp;").replace(/</g, "&lt;")
    .replace(/\*\*(.+?)\*\*/g, "<b>$1</b>").replace(/`(.+?)`/g, "<code>$1</code>")
    .replace(/\[(.+?)\]\((.+?)\)/g, (_, t, u) => `<a href="${encodeURI(u)}">${t}</a>`);
}

class Table {
  constructor(rows) { this.rows = rows; }
  widths() { return this.rows[0].map((_, i) => Math.max(...this.rows.map((r) => String(r[i]).length))); }
  toString() { const w = this.widths(); return this.rows.map((r) => r.map((c, i) => String(c).padStart(w[i])).join(" | ")).join("\n"); }
}

function queens(n, row = 0, cols = 0, left = 0, right = 0) {
  if (row === n) return 1;
  let found = 0;
  for (let free = ~(cols | left | right) & ((1 << n) - 1); free; free &= free - 1) {
    const bit = free & -free;
    found += queens(n, row + 1, cols | bit, (left | bit) << 1, (right | bit) >> 1);
  }
  return found;
}

const source = Array.from({ length: 60 }, (_, i) => `## Part ${i}\n\nSome **bold** text & \`code < ${i}\` with [a link](/a b/${i}).\n\n- one\n- two ${i * i}`).join("\n\n");
const html = render(source);
console.log(html.length, html.slice(0, 200));
console.log(new Table([["n", "queens"], ...[4, 5, 6, 7, 8].map((n) => [n, queens(n)])]).toString());
console.log(JSON.stringify([...new Map(Object.entries({ b: 1, a: [2, { c: null }] }))].sort()));
