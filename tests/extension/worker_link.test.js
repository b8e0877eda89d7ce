/** A face paints what is kept before anybody is told that it is open: what a refresh has to tell would put its first frame off. */

import assert from "node:assert/strict";
import { test } from "node:test";

/** @type {string[]} */
const happened = [];
/** @type {(() => void)[]} */
const frames = [];
const KEPT = { host: { state: "ready" }, snapshot: null };

const port = { onMessage: { addListener() {} }, onDisconnect: { addListener() {} }, postMessage: () => happened.push("message") };
Object.assign(globalThis, {
  chrome: {
    storage: { local: { get: async () => ({ face_state: KEPT }) } },
    runtime: { connect: () => happened.push("connected") && port },
  },
  fetch: async () => ({ json: async () => ({}) }),
  requestAnimationFrame: (/** @type {() => void} */ run) => frames.push(run),
});
const { WorkerLink } = await import("../../extension/faces/worker_link.js");

const soon = () => new Promise((go) => setTimeout(go, 5));

test("the worker hears of a face when its first frame is on the screen", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const link = new WorkerLink(
    (state) => {
      assert.equal(state, KEPT);
      happened.push("painted");
    },
    () => {},
  );
  const opened = link.open();
  await soon();
  assert.deepEqual(happened, ["painted"]);
  for (let frame = 0; frame < 2; frame += 1) {
    frames.splice(0).forEach((run) => run());
    await soon();
  }
  await opened;
  assert.deepEqual(happened, ["painted", "connected"]);
});

test("a face that nobody sees has no frames, and is not kept waiting for one", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  happened.length = 0;
  await new WorkerLink(
    () => {},
    () => {},
  ).open();
  assert.deepEqual(happened, ["connected"]);
});

test("what a person does before that goes out at once, over the one port", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  happened.length = 0;
  const link = new WorkerLink(
    () => {},
    () => {},
  );
  const opened = link.open();
  link.send({ type: "refresh" });
  await opened;
  assert.deepEqual(happened, ["connected", "message"]);
});
