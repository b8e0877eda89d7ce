import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ago,
  amountOf,
  balanceText,
  duration,
  isWorthShowing,
  moment,
  percent,
  rowEnd,
  rowTitle,
  windowAge,
  windowName,
} from "../../extension/view/format.js";
import { headline } from "../../extension/view/headline.js";
import { age, arrange, asOf, isDormant, isOld, level } from "../../extension/view/reading.js";
import { nextStep, problemSentence } from "../../extension/view/sentences.js";
import { chooseLanguage } from "../../extension/view/words.js";
import { DAY, entryOf, HOUR, iso, NOW, problemOf, windowOf, wordsOf } from "./stand_ins.js";

const en = wordsOf("en");
const ja = wordsOf("ja");
process.env.TZ = "UTC";

for (const [value, said] of [
  [0, "0 %"],
  [0.3, "<1 %"],
  [1, "1 %"],
  [46.6, "47 %"],
  [99.2, "99 %"],
  [99.96, "99 %"],
  [100, "100 %"],
  [103.4, "103 %"],
]) {
  test(`${value} percent is said as ${said}`, () => assert.equal(percent(value, en), said));
}

const LENGTHS = [
  [30_000, "<1 m", "1分未満"],
  [600_000, "10 m", "10分"],
  [2 * HOUR + 600_000, "2 h 10 m", "2時間10分"],
  [2 * HOUR, "2 h", "2時間"],
  [3 * DAY + 4 * HOUR, "3 d 4 h", "3日4時間"],
];
for (const [ms, english, japanese] of LENGTHS) {
  test(`a length of ${ms} ms`, () => assert.deepEqual([duration(ms, en), duration(ms, ja)], [english, japanese]));
}

const MOMENTS = [
  [NOW + 2 * HOUR, "12:00"],
  [NOW + 3 * DAY, "Wed\u00a010:00"],
  [NOW - DAY, "Sat\u00a010:00"],
  [NOW + 20 * DAY, "Dec\u00a012"],
];
for (const [at, said] of MOMENTS) test(`a moment is told as ${said}`, () => assert.equal(moment(at, NOW, en), said));

const NAMES = [
  [{ kind: "session", window_seconds: 18000 }, "5 h", "5時間"],
  [{ kind: "session", window_seconds: null }, "Session", "セッション"],
  [{ kind: "hours", window_seconds: 32400 }, "9 h", "9時間"],
  [{ kind: "weekly" }, "Week", "週"],
  [{ kind: "weekly", scope: "Fable" }, "Week Fable", "週 Fable"],
  [{ kind: "weekly", scope: "GPT-5.3-Codex-Spark" }, "Week Spark", "週 Spark"],
  [{ kind: "other", window_seconds: 259200 }, "3 d", "3日"],
  [{ kind: "other", window_seconds: 18000, scope: "code review" }, "5 h Code review", "5時間 コードレビュー"],
  [
    { kind: "other", window_seconds: null, label: "other limit (unit 9 x 2)" },
    "other limit (unit 9 x 2)",
    "other limit (unit 9 x 2)",
  ],
  [{ kind: "spend", window_seconds: null }, "Extra", "追加利用"],
  [{ kind: "spend", window_seconds: null, unit: "credits" }, "Budget", "予算"],
  [{ kind: "weekly", label: "weekly (7d) #2" }, "Week #2", "週 #2"],
  [{ kind: "a kind of tomorrow", window_seconds: null, label: "lunar" }, "lunar", "lunar"],
];
for (const [fields, english, japanese] of NAMES) {
  test(`a window's short name: ${english}`, () =>
    assert.deepEqual(
      [en, ja].map((words) => windowName(windowOf(fields), words)),
      [english, japanese],
    ));
}

const ENDS = [
  [{ resets_at: iso(NOW + 2 * HOUR + 600_000) }, "in 2 h 10 m"],
  [{ resets_at: iso(NOW + 3 * DAY) }, "Wed\u00a010:00"],
  [{ resets_at: null, state: "not_started", used_pct: 0 }, "not started"],
  [{ resets_at: null, used_pct: null, state: "unknown" }, ""],
  [{ resets_at: null, resets_in: "2 hours" }, "in 1 h 59 m"],
  [{ resets_at: iso(NOW - HOUR), used_pct: null, state: "reset_due" }, "reset 09:00"],
  [{ pace: { state: "ahead", expected_pct: 40, runs_out_at: iso(NOW + DAY) } }, "out ~Mon\u00a010:00"],
  [{ used_pct: 100, pace: { state: "ahead", expected_pct: 40, runs_out_at: iso(NOW + DAY) } }, "Wed\u00a010:00"],
  [{ pace: { state: "ahead", expected_pct: 40, runs_out_at: iso(NOW - HOUR) } }, "Wed\u00a010:00"],
  [{ kind: "spend", usage: 12.34, limit: 50, unit: "USD" }, "$12.34 / $50"],
  [{ kind: "spend", usage: 36.797, limit: 1000, unit: "credits" }, "36.8 / 1,000"],
  [{ kind: "spend", usage: 3, limit: null, unit: "EUR" }, "€3"],
];
for (const [fields, said] of ENDS) {
  test(`at the end of a row: ${said || "nothing"} ${JSON.stringify(fields)}`, () =>
    assert.equal(rowEnd(windowOf(fields), entryOf({}), NOW, en), said));
}

test("credits are not money", () =>
  assert.deepEqual([amountOf(250, "credits", en), amountOf(250, "credits", ja)], ["250 credits", "250クレジット"]));
test("a unit that is no currency stays a number", () => assert.equal(amountOf(963, "calls", en), "963"));

const balance = (fields) => ({
  kind: "purchased",
  label: "purchased credits",
  amount: 10,
  used: null,
  limit: null,
  unit: "USD",
  unlimited: false,
  enabled: true,
  reason: null,
  ...fields,
});
const BALANCES = [
  [{}, "Purchased credits", "$10"],
  [{ kind: "of tomorrow", label: "moon credit" }, "moon credit", "$10"],
  [{ amount: null, unit: "credits", kind: "credits", reason: "amount_not_shown" }, "Credits", "unknown"],
  [{ unlimited: true, amount: null }, "Purchased credits", "unlimited"],
  [{ unlimited: true, amount: null, used: 5 }, "Purchased credits", "$5 / unlimited"],
  [{ enabled: false }, "Purchased credits", "$10 (off)"],
  [{ kind: "saved_resets", unit: "resets", amount: 2, enabled: false, reason: "by_hand_only" }, "Saved resets", "2"],
];
for (const [fields, name, value] of BALANCES) {
  test(`a balance: ${name} ${value}`, () => assert.deepEqual(balanceText(balance(fields), en), { name, value }));
}

test("an unknown amount is not shown as nothing", () =>
  assert.equal(isWorthShowing(balance({ amount: null, reason: "amount_not_shown" }), entryOf({})), true));
test("an empty balance has no row", () => assert.equal(isWorthShowing(balance({ amount: 0 }), entryOf({})), false));
test("money that a window's row counts has no second row", () => {
  const entry = entryOf({ windows: [windowOf({ kind: "spend" })] });
  assert.equal(isWorthShowing(balance({ kind: "extra_usage" }), entry), false);
});

test("a window whose reset has passed loses its number, pace and counts", () => {
  const pace = { state: "on", expected_pct: 50, runs_out_at: null };
  const [window] = asOf(entryOf({ windows: [windowOf({ resets_at: iso(NOW), pace, usage: 5, remaining: 5 })] }), NOW).windows;
  assert.deepEqual(
    [window.used_pct, window.state, window.pace, window.usage, window.remaining],
    [null, "reset_due", null, null, null],
  );
});
test("a window described in words ends when the words have passed", () => {
  const entry = entryOf({
    observed_at: iso(NOW - 3 * HOUR),
    windows: [windowOf({ resets_at: null, resets_in: "2 hours and 30 minutes" })],
  });
  assert.equal(asOf(entry, NOW).windows[0].state, "reset_due");
  assert.equal(asOf(entry, NOW - HOUR).windows[0].state, "active");
});
test("a finished binding window makes the headroom unknown, a side window does not", () => {
  const past = { resets_at: iso(NOW - 1) };
  assert.equal(asOf(entryOf({ windows: [windowOf(past)] }), NOW).headroom_pct, null);
  assert.equal(asOf(entryOf({ windows: [windowOf({ ...past, binding: false, scope: "Opus" })] }), NOW).headroom_pct, 50);
});
const AGES = [
  [HOUR, false, "read 1 h ago", "1時間前に取得"],
  [HOUR + 1000, true, "read 1 h ago", "1時間前に取得"],
  [-120_000, false, "read just now", "たった今取得"],
  [-121_000, true, "read at an unknown time", "取得時刻は不明"],
  [-DAY, true, "read at an unknown time", "取得時刻は不明"],
];
for (const [ms, old, english, japanese] of AGES) {
  const entry = entryOf({ observed_at: iso(NOW - ms) });
  test(`old ${old}: read ${ms / 1000} s ago`, () => assert.equal(isOld(entry, NOW), old));
  test(`its age is told as ${english}: read ${ms / 1000} s ago`, () =>
    assert.deepEqual(
      [en, ja].map((words) => ago(age(entry, NOW), words)),
      [english, japanese],
    ));
}
const readAgo = (ms, fields = {}) => windowOf({ observed_at: iso(NOW - ms), ...fields });
test("an old window in a new entry tells its age in both languages", () =>
  assert.deepEqual(
    [en, ja].map((words) => windowAge(readAgo(3 * HOUR), NOW, words)),
    ["read 3 h ago", "3時間前に取得"],
  ));
test("at the end of a row there is room for the short age only", () =>
  assert.deepEqual(
    [en, ja].map((words) => windowAge(readAgo(3 * HOUR), NOW, words, "short_ago")),
    ["3 h ago", "3時間前"],
  ));
test("a window that is not old has no age of its own", () =>
  assert.deepEqual(
    [readAgo(HOUR), windowOf({})].map((window) => windowAge(window, NOW, en)),
    ["", ""],
  ));
test("who points at the row of an old window is told its age", () =>
  assert.match(rowTitle(readAgo(3 * HOUR), entryOf({}), NOW, en), / · read 3 h ago$/));
test("a window's words count from when that window was read", () => {
  const entry = entryOf({ windows: [readAgo(3 * HOUR, { resets_at: null, resets_in: "2 hours" })] });
  assert.equal(asOf(entry, NOW).windows[0].state, "reset_due");
});
test("no headroom rests on an old binding window", () =>
  assert.equal(asOf(entryOf({ windows: [windowOf({}), readAgo(3 * HOUR)] }), NOW).headroom_pct, null));
test("an old side window takes no headroom away", () =>
  assert.equal(asOf(entryOf({ windows: [windowOf({}), readAgo(3 * HOUR, { binding: false })] }), NOW).headroom_pct, 50));
test("the levels are below 80, 80 to 99, full and unknown", () => {
  assert.deepEqual([0, 79.9, 80, 99.9, 100, 120, null].map(level), ["low", "low", "high", "high", "full", "full", "unknown"]);
});

const unread = (provider, code, fields = {}) =>
  entryOf({
    provider,
    observed_at: null,
    windows: [],
    ok: false,
    account: null,
    headroom_pct: null,
    problem: problemOf(code),
    ...fields,
  });
const DORMANT = [
  [true, unread("ollama", "not_signed_in"), "auto"],
  [true, unread("zai", "no_credential"), "auto"],
  [false, unread("zai", "no_credential"), "on"],
  [false, unread("claude", "no_browser"), "auto"],
  [false, unread("ollama", "not_signed_in", { observed_at: iso(NOW) }), "auto"],
  [false, unread("zai", "browser_check"), "auto"],
];
for (const [expected, entry, mode] of DORMANT) {
  test(`dormant ${expected}: ${entry.provider} ${entry.problem.code} ${mode}`, () => {
    assert.equal(isDormant(entry, { providers: { [entry.provider]: mode } }), expected);
  });
}
test("entries stand in the person's order, dormant ones aside", () => {
  const entries = [entryOf({}), entryOf({ provider: "codex" }), unread("zai", "no_credential"), entryOf({ provider: "ollama" })];
  const { visible, dormant } = arrange(entries, { providers: {}, order: ["ollama", "zai", "codex", "claude"] });
  assert.deepEqual([visible.map(({ provider }) => provider), dormant], [["ollama", "codex", "claude"], ["zai"]]);
});

test("the finer sentence of a problem wins", () => {
  const problem = problemOf("no_credential", { params: { variant: "cli", program: "Codex", command: "codex login" } });
  assert.equal(
    problemSentence(entryOf({ provider: "codex", problem }), NOW, en),
    "Codex is not signed in here. Run `codex login`, or sign in to chatgpt.com in the browser.",
  );
});
test("a variant of tomorrow falls back to its code", () => {
  const problem = problemOf("unreachable", { params: { variant: "moon" } });
  assert.equal(problemSentence(entryOf({ problem }), NOW, ja), "claude.aiに接続できませんでした。");
});
test("a code of tomorrow falls back to the sentence that came with it", () => {
  assert.equal(
    problemSentence(entryOf({ problem: problemOf("eclipse"), error: "The moon is in the way." }), NOW, ja),
    "The moon is in the way.",
  );
});
test("when to try again is told while it lies ahead", () => {
  const said = [HOUR, -HOUR].map((ms) =>
    problemSentence(entryOf({ problem: problemOf("rate_limited", { retry_at: iso(NOW + ms) }) }), NOW, en),
  );
  assert.deepEqual(said, ["Anthropic is limiting usage checks. Next try 11:00.", "Anthropic is limiting usage checks."]);
});

const STEPS = [
  ["sign_in", "https://claude.ai/login", "link", "https://claude.ai/login"],
  ["open_site", "https://claude.ai/", "link", "https://claude.ai/"],
  ["sign_in", null, undefined, undefined],
  ["sign_in", "javascript:alert(1)", undefined, undefined],
  ["open_site", "http://claude.ai/", undefined, undefined],
  ["open_site", "file:///etc/passwd", undefined, undefined],
  ["retry", null, "retry", "claude"],
  ["switch_on", null, "switch_on", "claude"],
  ["add_key", "https://z.ai/keys", "add_key", "https://z.ai/keys"],
  ["wait", null, undefined, undefined],
  ["check_settings", null, undefined, undefined],
  [null, null, undefined, undefined],
  ["toString", "https://x.test/", undefined, undefined],
];
for (const [action, url, kind, value] of STEPS) {
  test(`the next step of ${action} ${url}`, () => {
    const step = nextStep(entryOf({ problem: problemOf("unexpected_answer", { action, url }) }), en);
    assert.deepEqual([step?.kind, step?.value], [kind, value]);
  });
}
test("a command to run is offered for copying", () => {
  const problem = problemOf("sign_in_expired", {
    action: "run_command",
    params: { variant: "cli", program: "Codex", command: "codex" },
  });
  assert.deepEqual(nextStep(entryOf({ problem }), en), { kind: "copy", text: "Copy", value: "codex" });
});

test("a browser that is not open is no page to open", () => {
  const problem = problemOf("no_browser", { action: "open_browser", url: "https://claude.ai/settings/usage" });
  assert.equal(nextStep(entryOf({ problem }), en), null);
});
test("where no browser ever read it, the command that says what is missing can be copied", () => {
  const problem = problemOf("no_browser", { action: "run_command", params: { variant: "never", command: "aimo doctor" } });
  const entry = entryOf({ problem });
  assert.match(problemSentence(entry, NOW, en), /no browser with aimo is open\. `aimo doctor` says what is missing\.$/);
  assert.equal(nextStep(entry, en).value, "aimo doctor");
});

const nobody = { provider: null, account: null, account_name: null, headroom_pct: null, until: null };
const saidOf = (use, ...notes) => ({
  use: { ...nobody, ...use },
  notes: notes.map((note) => ({ account_name: null, scope: null, pct: null, until: null, ...note })),
});
const inDays = (days) => iso(NOW + days * DAY);
const USE = { code: "use", provider: "codex", account: "a1", headroom_pct: 84.9, until: inDays(3) };
const codex = (fields) => entryOf({ provider: "codex", account: "a1", ...fields });

const SENTENCES = [
  [USE, "Use Codex: 84 % left until Wed\u00a010:00", "Codexが使えます: 水\u00a010:00まで残り84%"],
  [{ ...USE, code: "use_open", until: null }, "Use Codex: 84 % left", "Codexが使えます: 残り84%"],
  [{ code: "none_left", until: inDays(2) }, "Nothing left until Tue\u00a010:00", "火\u00a010:00まで使えるものがありません"],
  [{ code: "none_left_open" }, "Nothing left", "使えるものがありません"],
  [{ code: "unknown" }, "Not known whether anything is left", "使えるものがあるか不明です"],
  [{ code: "a code of tomorrow" }, "", ""],
];
for (const [use, english, japanese] of SENTENCES) {
  test(`the answer first: ${english || "nothing"}`, () => {
    const said = [en, ja].map((words) => headline(saidOf(use), [codex({})], NOW, words).answer);
    assert.deepEqual(said, [english, japanese]);
  });
}
test("where nothing was ever read, the answer says that", () => {
  const entries = [unread("claude", "no_browser"), unread("codex", "not_signed_in")];
  const said = [en, ja].map((words) => headline(saidOf({ code: "unknown" }), entries, NOW, words).answer);
  assert.deepEqual(said, ["Nothing could be read yet", "まだ何も読み取れていません"]);
});
const VOID = [
  ["its moment has passed", { ...USE, until: iso(NOW - 1) }, [codex({})]],
  ["nothing is left until a moment that has passed", { code: "none_left", until: iso(NOW) }, [codex({})]],
  ["the reading behind it has become old", USE, [codex({ observed_at: iso(NOW - 2 * HOUR) })]],
  ["a window behind it is old", USE, [codex({ windows: [windowOf({ observed_at: iso(NOW - 2 * HOUR) })] })]],
  ["a window behind it has ended", USE, [codex({ windows: [windowOf({ resets_at: iso(NOW - 1) })] })]],
  ["its account has no row any more", USE, []],
  ["there is no row at all", { code: "unknown" }, []],
];
for (const [why, use, entries] of VOID) {
  test(`the answer is left out when ${why}`, () => assert.equal(headline(saidOf(use), entries, NOW, en).answer, ""));
}
test("a host that has not said anything yet is not made up for", () =>
  assert.deepEqual(headline(null, [codex({})], NOW, en), { answer: "", facts: [] }));
test("two accounts of one provider are told apart by their names", () => {
  const said = saidOf({ ...USE, account_name: "work" }, { code: "unknown", provider: "codex", account_name: "home" });
  const { answer, facts } = headline(said, [codex({}), codex({ account: "a2" })], NOW, en);
  assert.deepEqual([answer, facts], ["Use Codex (work): 84 % left until Wed\u00a010:00", ["Codex (home) unknown"]]);
});

const NOTES = [
  [{ code: "full", scope: "Fable", until: inDays(3) }, "Claude Fable full until Wed\u00a010:00"],
  [{ code: "full", until: null }, "Claude full"],
  [{ code: "full", until: iso(NOW - 1) }, ""],
  [{ code: "blocked" }, "Claude refuses work"],
  [{ code: "unknown" }, "Claude unknown"],
  [{ code: "lose", pct: 60.4, until: iso(NOW + 3 * HOUR) }, "Claude would lose 60 % in 3 h"],
  [{ code: "lose", pct: 60.4, until: iso(NOW - 1) }, ""],
];
for (const [note, said] of NOTES) {
  test(`what else is to say: ${said || "nothing"} ${JSON.stringify(note)}`, () =>
    assert.equal(headline(saidOf({ code: "unknown" }, { provider: "claude", ...note }), [codex({})], NOW, en).facts.join(), said));
}
const LANGUAGES = [
  ["ja", ["en"], "ja"],
  ["auto", ["ja-JP", "en"], "ja"],
  ["auto", ["de", "ja"], "ja"],
  ["auto", ["en-GB", "ja"], "en"],
  ["auto", ["de"], "en"],
  ["xx", [], "en"],
];
for (const [setting, preferred, chosen] of LANGUAGES) {
  test(`${setting} with ${preferred} is ${chosen}`, () => assert.equal(chooseLanguage(setting, preferred), chosen));
}
test("a value never becomes a placeholder", () =>
  assert.equal(en.say("fact_unknown", { name: "{percent}" }), "{percent} unknown"));
