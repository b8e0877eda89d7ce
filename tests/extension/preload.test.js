/** The popup names every module that it will need, so that the browser fetches them at once and not file after file. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { test } from "node:test";

const ROOT = resolve(import.meta.dirname, "../../extension");
const IMPORTED = /^(?:import|export)\b[^;]*?from "(\.[^"]+)"/gms;

/**
 * Every module that `file` imports, and that those import.
 * @param {string} file
 * @param {Set<string>} found
 */
function modulesOf(file, found = new Set()) {
  for (const [, path] of readFileSync(file, "utf8").matchAll(IMPORTED)) {
    const module = resolve(dirname(file), path);
    if (found.has(module)) continue;
    found.add(module);
    modulesOf(module, found);
  }
  return found;
}

test("the popup preloads exactly the modules that it imports", () => {
  const html = readFileSync(resolve(ROOT, "popup/popup.html"), "utf8");
  const named = [...html.matchAll(/<link rel="modulepreload" href="\/([^"]+)">/g)].map(([, path]) => path);
  const needed = [...modulesOf(resolve(ROOT, "popup/popup.js"))].map((file) => relative(ROOT, file));
  assert.ok(needed.length > 5);
  assert.deepEqual(named.sort(), needed.sort());
});
