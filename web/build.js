// Makes what browsers load of client/: each file bundled and minified, with a mark of the sources that it is of.
// `npm ci && npm run build` here writes them; `node build.js --check` says whether they are what a build would write.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

// what is built -> what it loads apart, from beside it
export const BUILT = {
  "presence.js": ["./sse.js"],
  "sse.js": [],
  "shared.js": ["./presence.js"],
  "worker.js": ["./presence.js"],
};

const here = (path) => new URL(path, import.meta.url);
const read = (path) => readFileSync(here(path), "utf8");

/** Stands in what was built, so that a test without packages sees that the sources have changed since. */
export function mark() {
  const hash = createHash("sha256");
  for (const name of readdirSync(here("client")).sort()) hash.update(`${name}\n${read(`client/${name}`)}\n`);
  return hash.digest("hex").slice(0, 16);
}

async function build(name, external) {
  const esbuild = await import("esbuild");
  const { outputFiles } = await esbuild.build({
    entryPoints: [here(`client/${name}`).pathname],
    external,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    legalComments: "none",
    write: false,
    banner: { js: `// presence-bridge, Apache-2.0. Made of web/client ${mark()} by web/build.js; types are in presence.d.ts.` },
  });
  return outputFiles[0].text;
}

async function main(check) {
  for (const [name, external] of Object.entries(BUILT)) {
    const text = await build(name, external);
    if (!check) writeFileSync(here(`static/${name}`), text);
    else if (text !== read(`static/${name}`)) throw new Error(`static/${name} is not what client/ makes: npm run build`);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main(process.argv.includes("--check"));
