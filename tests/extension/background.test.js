import assert from "node:assert/strict";
import { test } from "node:test";
import { badgeOf } from "../../extension/background/badge.js";
import { changedSettings, Faces, wantedToo } from "../../extension/background/faces.js";
import { withEntry } from "../../extension/view/reading.js";
import { providerOfSite } from "../../extension/background/tabs.js";
import { Upgrade } from "../../extension/background/upgrade.js";
import { ZaiJwt } from "../../extension/background/zai_jwt.js";
import { DAY, entryOf, HOUR, iso, NOW, port, settled, storage, windowOf } from "./stand_ins.js";

const used = (used_pct, fields = {}) =>
  entryOf({ headroom_pct: Math.max(0, 100 - used_pct), windows: [windowOf({ used_pct })], ...fields });
const readLongAgo = (used_pct) => windowOf({ used_pct, observed_at: iso(NOW - DAY) });
const BADGES = [
  ["nothing was read", [], ""],
  ["there is room", [used(79.9)], ""],
  ["a window is getting tight", [used(80), used(12)], "80"],
  ["the tightest one counts", [used(81), used(93.9)], "93"],
  ["a full one is no news while another has room", [used(100), used(85)], "85"],
  ["one is full, one has room", [used(100), used(10)], ""],
  ["all are full", [used(100), used(130)], "!"],
  ["one is full, the other unknown", [used(100), used(0, { headroom_pct: null, windows: [windowOf({ used_pct: null })] })], ""],
  ["the reading is old", [used(95, { observed_at: iso(NOW - HOUR - 1000) })], ""],
  ["a clock was ahead", [used(95, { observed_at: iso(NOW + HOUR) })], ""],
  ["a tight window is older than its entry", [used(95, { windows: [readLongAgo(95)] })], ""],
  ["a full window is older than its entry", [used(100, { windows: [readLongAgo(100)] })], ""],
  ["all are full, as of long ago", [used(100, { observed_at: iso(NOW - DAY) })], ""],
  ["the window has ended", [used(0, { windows: [windowOf({ used_pct: 95, resets_at: iso(NOW - 1) })] })], ""],
  ["only a side window is tight", [used(0, { windows: [windowOf({ used_pct: 95, binding: false, scope: "Opus" })] })], ""],
  ["refused work", [used(10, { headroom_pct: 0, blocked: { code: "x", message: "" } })], "!"],
];
for (const [what, entries, text] of BADGES)
  test(`badge "${text}": ${what}`, () => assert.equal(badgeOf(entries, NOW).text, text));
test("a badge is looked at again when its window ends or its reading gets old", () => {
  assert.equal(
    badgeOf([used(95, { windows: [windowOf({ used_pct: 95, resets_at: iso(NOW + 60_000) })] })], NOW).until,
    NOW + 60_000,
  );
  assert.equal(badgeOf([used(95, { observed_at: iso(NOW) })], NOW).until, NOW + HOUR + 1);
  const windows = [windowOf({ used_pct: 95, observed_at: iso(NOW - HOUR / 2) })];
  assert.equal(badgeOf([used(95, { observed_at: iso(NOW), windows })], NOW).until, NOW + HOUR / 2 + 1);
});

const list = (...names) =>
  names.map((name) =>
    entryOf({
      provider: name.split(":")[0],
      account: name.split(":")[1] ?? null,
      observed_at: name.includes(":") ? iso(NOW) : null,
    }),
  );
const keys = (entries) => entries.map(({ provider, account }) => (account ? `${provider}:${account}` : provider));
const MERGES = [
  [["claude:a", "codex:b"], "codex:b", ["claude:a", "codex:b"]],
  [["claude", "codex:b"], "claude:a", ["claude:a", "codex:b"]],
  [["claude:a", "codex:b"], "claude:z", ["claude:a", "claude:z", "codex:b"]],
  [["claude:a", "ollama:o"], "zai:q", ["claude:a", "zai:q", "ollama:o"]],
  [[], "zai:q", ["zai:q"]],
  [["claude:a"], "bing:x", ["bing:x", "claude:a"]],
];
for (const [before, entry, after] of MERGES) {
  test(`an entry takes its place: ${before} + ${entry}`, () =>
    assert.deepEqual(keys(withEntry(list(...before), list(entry)[0])), after));
}

test("mappings of the settings are merged, a null name is forgotten, waking is not stored", () => {
  const settings = {
    providers: { claude: "auto", zai: "on" },
    order: [],
    names: { a: "work", b: "home" },
    claude_organization: null,
    badge: true,
    language: "auto",
  };
  const changed = changedSettings(settings, {
    providers: { claude: "off" },
    names: { a: null, c: "x" },
    badge: false,
    wake: ["zai"],
  });
  assert.deepEqual(changed, { ...settings, providers: { claude: "off", zai: "on" }, names: { b: "home", c: "x" }, badge: false });
});

test("a face is given what an earlier worker had stored", async () => {
  const snapshot = { schema: 1, updated_at: null, entries: [entryOf({})] };
  const faces = new Faces(
    storage({ face_state: { snapshot, settings: null, host: { state: "ready" }, refreshing: ["claude"] } }),
  );
  const face = { kind: "popup", port: port(), wanted: "all" };
  await faces.open(face);
  const { state } = face.port.posted[0];
  assert.deepEqual([state.snapshot, state.host.state, state.refreshing], [snapshot, "connecting", []]);
});
test("what is stored never overtakes what the host has told since", async () => {
  const kept = storage({ face_state: { snapshot: { entries: ["old"] }, settings: null } });
  const faces = new Faces(kept);
  await faces.change(() => ({ snapshot: { schema: 1, updated_at: null, entries: [] } }));
  await settled();
  assert.deepEqual(faces.state.snapshot.entries, []);
  assert.deepEqual(kept.kept.face_state.snapshot.entries, []);
});
test("a face that waits for the host is asked for once", async () => {
  const faces = new Faces(storage());
  await faces.open({ kind: "popup", port: port(), wanted: "all" });
  assert.deepEqual([faces.takeWaiting().length, faces.takeWaiting().length], [1, 0]);
});
const WISHES = [
  [null, ["codex"], ["codex"]],
  [null, undefined, undefined],
  [new Set(["codex"]), ["zai", "codex"], ["codex", "zai"]],
  [new Set(["codex"]), undefined, undefined],
  ["all", ["codex"], undefined],
];
for (const [before, more, after] of WISHES) {
  const said = before instanceof Set ? [...before] : before;
  test(`a face that wants ${said} and then ${more ?? "all"} waits for ${after ?? "all"}`, async () => {
    const faces = new Faces(storage());
    await faces.open({ kind: "options", port: port(), wanted: wantedToo(before, more) });
    assert.deepEqual(faces.takeWaiting(), [{ kind: "options", providers: after }]);
  });
}
test("a face that closed is forgotten", async () => {
  const faces = new Faces(storage());
  const face = { kind: "popup", port: port(), wanted: null };
  await faces.open(face);
  face.port.lose();
  assert.equal(faces.size, 0);
});

test("a token is kept until the site it came from has none", async () => {
  const jwt = new ZaiJwt(storage());
  assert.equal(await jwt.capture("https://z.ai", "a.b.c", 1), true);
  assert.equal(await jwt.capture("https://z.ai", "a.b.c", 2), false);
  assert.equal(await jwt.capture("https://chat.z.ai", null, 3), false);
  assert.deepEqual(await jwt.read(), { token: "a.b.c", origin: "https://z.ai", at: 1 });
  assert.equal(await jwt.capture("https://z.ai", null, 4), true);
  assert.equal(await jwt.read(), null);
});

const SITES = [
  ["https://claude.ai/settings", "claude"],
  ["https://chatgpt.com/", "codex"],
  ["https://z.ai/x", "zai"],
  ["https://chat.z.ai/", "zai"],
  ["https://ollama.com/signin", "ollama"],
  ["http://ollama.com/", null],
  ["https://ollama.com.evil.test/", null],
  ["https://evil.test/?https://claude.ai/", null],
  ["https://claude.ai:8443/", null],
  ["about:blank", null],
  [undefined, null],
  ["not a url", null],
];
for (const [url, provider] of SITES) test(`${url} is the site of ${provider}`, () => assert.equal(providerOfSite(url), provider));

function upgradeWith(kept, idle, onDisk = async () => "1.0") {
  let reloads = 0;
  const world = { running: "1.0", onDisk, storage: storage(kept), isIdle: () => idle.now, reload: () => void reloads++ };
  return { upgrade: new Upgrade(world), count: () => reloads };
}
test("another version on disk starts the extension anew, once", async () => {
  const kept = {};
  const first = upgradeWith(kept, { now: true });
  await first.upgrade.announced("1.1");
  const second = upgradeWith(kept, { now: true });
  await second.upgrade.announced("1.1");
  assert.deepEqual([first.count(), second.count()], [1, 0]);
});
test("a new start waits until nobody looks", async () => {
  const idle = { now: false };
  const { upgrade, count } = upgradeWith({}, idle);
  await upgrade.announced("1.1");
  assert.equal(count(), 0);
  idle.now = true;
  await upgrade.ifIdle();
  assert.equal(count(), 1);
});
const ON_DISK = [
  ["another version", async () => "1.1", 1],
  ["the version that runs", async () => "1.0", 0],
  ["nothing that can be read", () => Promise.reject(new TypeError("Failed to fetch")), 0],
];
for (const [what, onDisk, count] of ON_DISK) {
  test(`refused by a host of another protocol, with ${what} in its folder: ${count} new starts`, async () => {
    const { upgrade, count: reloads } = upgradeWith({}, { now: true }, onDisk);
    await upgrade.refused();
    assert.equal(reloads(), count);
  });
}
for (const version of ["1.0", null, undefined, 7]) {
  test(`no new start for ${version}`, async () => {
    const { upgrade, count } = upgradeWith({}, { now: true });
    await upgrade.announced(version);
    assert.equal(count(), 0);
  });
}
