#!/usr/bin/env bash
# Builds volume_view.js and LICENCES.txt from volume_view.src.js with the versions in package-lock.json.
# Needs Node 20 or later and the npm registry. The bundle's SHA-256 stands in design/soup.toml; a test compares it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here"/{package.json,package-lock.json,volume_view.src.js} "$work"
cd "$work"
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
# Without its install script esbuild's launcher runs the same platform binary, only a little slower to start.
node_modules/.bin/esbuild volume_view.src.js --bundle --minify --format=iife --target=es2021 --charset=ascii \
  --legal-comments=none --log-level=warning --metafile=meta.json --outfile=volume_view.js
node - >LICENCES.txt <<'NODE'
const fs = require("fs");
const inputs = Object.entries(Object.values(JSON.parse(fs.readFileSync("meta.json")).outputs)[0].inputs);
const names = new Set();
for (const [path, { bytesInOutput }] of inputs) {
  const match = path.match(/.*node_modules\/((?:@[^/]+\/)?[^/]+)/);
  if (match && bytesInOutput) names.add(match[1]);
}
console.log("volume_view.js holds parts of these packages, each under its own licence.\n");
for (const name of [...names].sort()) {
  const folder = `node_modules/${name}`, { version, license } = JSON.parse(fs.readFileSync(`${folder}/package.json`));
  const file = fs.readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const text = fs.readFileSync(file ? `${folder}/${file}` : `${folder}/README.md`, "utf8");
  const licence = file ? text : text.slice(text.search(/^LICENSE/im));
  console.log(`${"=".repeat(80)}\n${name} ${version} (${license})\n${"=".repeat(80)}\n\n${licence.trim()}\n`);
}
NODE
cp volume_view.js LICENCES.txt "$here"
sha256sum "$here/volume_view.js"
