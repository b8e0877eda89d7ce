import assert from "node:assert/strict";
import { test } from "node:test";
import {
  answerFrame,
  backOff,
  classify,
  HostPort,
  MAX_FRAME_BYTES,
  RECONNECT_ALARM,
} from "../../extension/background/host_port.js";
import { Clock, NOW, port, settled, storage } from "./stand_ins.js";

const NOT_FOUND = "Specified native messaging host not found.";
const WELCOME = { type: "welcome", protocol: 1, host: "0.1.0" };

function stage(session = storage()) {
  const clock = new Clock();
  const [ports, states, messages, alarms] = [[], [], [], new Map()];
  let error = NOT_FOUND;
  const host = new HostPort({
    connect: () => ports[ports.push(port()) - 1],
    lastError: () => error,
    hello: async () => ({ type: "hello", protocol: 1 }),
    session,
    alarms: { create: (name, { when }) => alarms.set(name, when - clock.now), clear: (name) => alarms.delete(name) },
    now: () => clock.now,
    setTimeout: clock.setTimeout,
    clearTimeout: clock.clearTimeout,
    onMessage: (message) => messages.push(message),
    onState: (state) => states.push(state),
  });
  const lose = async (detail = NOT_FOUND) => {
    error = detail;
    ports.at(-1).lose();
    await settled();
  };
  const welcome = () => ports.at(-1).onMessage.fire(WELCOME);
  return { host, clock, ports, states, messages, alarms, session, lose, welcome };
}

test("the schedule is 1, 2, 4 s by timer, then 1, 2, 4, 8, 16, 30 min by alarm, and 30 min for ever", () => {
  const waits = Array.from({ length: 11 }, (_, index) => backOff(index + 1));
  assert.deepEqual(
    waits.map(({ ms }) => ms / 1000),
    [1, 2, 4, 60, 120, 240, 480, 960, 1800, 1800, 1800],
  );
  assert.deepEqual(
    waits.map(({ by }) => by),
    [...Array(3).fill("timer"), ...Array(8).fill("alarm")],
  );
});

test("a missing host is tried by that schedule and no more often", async () => {
  const { host, clock, ports, alarms, lose } = stage();
  await host.start();
  for (const seconds of [1, 2, 4]) {
    await lose();
    const before = ports.length;
    await clock.pass(seconds * 1000 - 1);
    assert.equal(ports.length, before);
    await clock.pass(1);
    assert.equal(ports.length, before + 1);
  }
  for (const minutes of [1, 2, 4, 8, 16, 30, 30]) {
    await lose();
    assert.equal(alarms.get(RECONNECT_ALARM), minutes * 60_000);
    const before = ports.length;
    await clock.pass(minutes * 60_000);
    assert.equal(ports.length, before, "only the alarm opens the port");
    await host.connect();
  }
});

test("a worker that wakes up before the time is over leaves the host alone", async () => {
  const session = storage();
  const first = stage(session);
  await first.host.start();
  for (let failures = 0; failures < 5; failures += 1) {
    await first.lose();
    await first.clock.pass(4_000);
    await first.host.connect();
  }
  await first.lose();
  const second = stage(session);
  second.clock.now = first.clock.now + 1_000;
  await second.host.start();
  assert.equal(second.ports.length, 0);
  assert.equal(second.host.state, "missing");
  assert.ok(second.alarms.has(RECONNECT_ALARM), "alarms may have been lost with the browser");
});

const MOMENTS = [
  ["is over", -1, 1],
  ["is not over", 1, 0],
  ["is as long as any", 1_800_000, 0],
  ["was written by a clock that was ahead", 86_400_000, 1],
];
for (const [what, left, ports] of MOMENTS) {
  test(`a worker comes to life and the wait ${what}`, async () => {
    const trouble = { failures: 9, retryAt: NOW + left, state: "missing", detail: "" };
    const away = stage(storage({ host_trouble: trouble }));
    await away.host.start();
    assert.equal(away.ports.length, ports);
  });
}

test("a worker whose timer died with it connects when it wakes up", async () => {
  const session = storage({ host_trouble: { failures: 2, retryAt: NOW - 1, state: "crashed", detail: "" } });
  const { host, ports, alarms, lose } = stage(session);
  await host.start();
  assert.equal(ports.length, 1);
  await lose();
  await lose();
  assert.equal(session.kept.host_trouble.failures, 3);
  assert.equal(alarms.size, 0);
});

test("a worker that an alarm wakes goes on counting where the last one stopped", async () => {
  const session = storage({ host_trouble: { failures: 4, retryAt: NOW, state: "crashed", detail: "" } });
  const { host, alarms, lose } = stage(session);
  await Promise.all([host.connect(), host.start()]); // the alarm's listener runs before anything was read
  await lose();
  assert.equal(session.kept.host_trouble.failures, 5);
  assert.equal(alarms.get(RECONNECT_ALARM), 120_000);
});

test("a face that opens connects at once, however long the wait", async () => {
  const { host, ports } = stage(
    storage({ host_trouble: { failures: 9, retryAt: NOW + 1_800_000, state: "missing", detail: "" } }),
  );
  await host.start();
  await host.recheck();
  assert.equal(ports.length, 1);
});

test("a face that keeps knocking does not push the schedule away", async () => {
  const session = storage();
  const { host, lose } = stage(session);
  await host.start();
  await lose();
  for (let knock = 0; knock < 20; knock += 1) {
    await host.recheck();
    await lose();
  }
  assert.equal(session.kept.host_trouble.failures, 1);
});

test("the count is forgotten after a minute of health, not before", async () => {
  const { host, clock, session, lose, welcome } = stage();
  await host.start();
  await lose();
  await clock.pass(1_000);
  welcome();
  await clock.pass(59_999);
  assert.equal(session.kept.host_trouble.failures, 1);
  await clock.pass(1);
  assert.equal(session.kept.host_trouble, undefined);
});

test("a host that crashes after every welcome is slowed down all the same", async () => {
  const { host, clock, alarms, lose, welcome } = stage();
  await host.start();
  for (const wait of [1_000, 2_000, 4_000]) {
    welcome();
    await lose("Native host has exited.");
    await clock.pass(wait);
  }
  welcome();
  await lose("Native host has exited.");
  assert.equal(alarms.get(RECONNECT_ALARM), 60_000);
});

test("hello is the first frame, and messages pass once there is a welcome", async () => {
  const { host, ports, messages, welcome } = stage();
  await host.start();
  ports[0].onMessage.fire({ type: "ask", id: 1 });
  assert.equal(host.send({ type: "refresh" }), false);
  welcome();
  assert.equal(host.send({ type: "refresh" }), true);
  assert.deepEqual(
    ports[0].posted.map(({ type }) => type),
    ["hello", "refresh"],
  );
  assert.deepEqual(
    messages.map(({ type }) => type),
    ["welcome"],
  );
});

test("two wake-ups at once open one port", async () => {
  const { host, ports } = stage();
  await Promise.all([host.start(), host.connect(), host.recheck()]);
  assert.equal(ports.length, 1);
});

test("a host that says nothing is given up after ten seconds", async () => {
  const { host, clock, ports, states } = stage();
  await host.start();
  await clock.pass(10_000);
  assert.equal(ports[0].open, false);
  assert.equal(states.at(-1), "crashed");
});

test("a host that ends in order to be replaced is no news; one that stays away is", async () => {
  const { host, clock, states, lose, welcome } = stage();
  await host.start();
  welcome();
  await lose("Native host has exited.");
  assert.equal(states.at(-1), "connecting");
  await clock.pass(1_000);
  await lose("Native host has exited.");
  assert.equal(states.at(-1), "crashed");
});

const OTHER_VERSIONS = [
  { type: "error", code: "unsupported_protocol", message: "" },
  { ...WELCOME, protocol: 2 },
];
for (const message of OTHER_VERSIONS) {
  test(`a host of another version is left and told apart: ${message.type}`, async () => {
    const { host, ports, states, messages } = stage();
    await host.start();
    ports[0].onMessage.fire(message);
    assert.deepEqual([states.at(-1), ports[0].open, messages.length], ["too_old", false, 0]);
  });
}

const DETAILS = [
  [NOT_FOUND, "missing"],
  ["Access to the specified native messaging host is forbidden.", "missing"],
  ["Native messaging host com.aimo.host is not registered.", "missing"],
  ["Access to the native messaging host was disabled by the system administrator.", "missing"],
  ["Native host has exited.", "crashed"],
  ["Failed to start native messaging host.", "crashed"],
  ["Error when communicating with the native messaging host.", "crashed"],
];
for (const [detail, state] of DETAILS) test(`"${detail}" is ${state}`, () => assert.equal(classify(detail), state));

const bytes = (frame) => Buffer.byteLength(JSON.stringify(frame));
const BODIES = [
  ["plain letters", "a".repeat(900_000), true],
  ["control characters, which grow sixfold", "\u0001".repeat(200_000), false],
  ["quotation marks, which double", '"'.repeat(600_000), false],
  ["Japanese", "週".repeat(300_000), true],
  ["broken bytes, replaced by three each", "\ufffd".repeat(600_000), false],
];
for (const [what, body, fits] of BODIES) {
  test(`a frame is measured as it goes over the wire: ${what}`, () => {
    const frame = answerFrame(7, { status: 200, headers: {}, body, redirected: false });
    assert.ok(bytes(frame) <= MAX_FRAME_BYTES);
    assert.equal(frame.failed, fits ? undefined : "too_large");
    assert.equal(frame.id, 7);
  });
}
