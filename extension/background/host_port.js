/**
 * The native host: the only caller of connectNative. Opens the port, keeps it, and opens it again when it is lost.
 *
 * A missing or crashing host must cost next to nothing: after three quick tries only alarms, up to half an hour apart, open it again,
 * or a person who opens a face. Nothing in here asks a provider. The count of failures lives in session storage, because a timer
 * dies with the worker; it is forgotten after a minute of health.
 */

/** @typedef {"connecting" | "ready" | "missing" | "crashed" | "too_old"} HostState */
/** @typedef {{type: string, [key: string]: any}} Message */
/** @typedef {{failures: number, retryAt: number, state: HostState, detail: string}} Trouble */

export const HOST_NAME = "com.aimo.host";
export const PROTOCOL = 1;
export const MAX_FRAME_BYTES = 1024 * 1024;
export const RECONNECT_ALARM = "reconnect";

const HEALTHY_MS = 60_000;
const WELCOME_MS = 10_000;
const TIMERS_MS = [1_000, 2_000, 4_000];
const ALARMS_MINUTES = [1, 2, 4, 8, 16, 30];
const LONGEST_MS = 30 * 60_000;
const TROUBLE = "host_trouble";

/**
 * How long to wait after so many failures in a row (1 = the first).
 * @param {number} failures
 * @returns {{by: "timer" | "alarm", ms: number}}
 */
export function backOff(failures) {
  if (failures <= TIMERS_MS.length) return { by: "timer", ms: TIMERS_MS[Math.max(0, failures - 1)] };
  const step = Math.min(failures - TIMERS_MS.length, ALARMS_MINUTES.length) - 1;
  return { by: "alarm", ms: ALARMS_MINUTES[step] * 60_000 };
}

/**
 * What the browser's sentence about a lost port means for a person.
 * @param {string} detail
 * @returns {HostState}
 */
export function classify(detail) {
  return /not found|not registered|forbidden|disabled by the system administrator/i.test(detail) ? "missing" : "crashed";
}

/**
 * The frame for an answer. One that would be too long on the wire (control characters grow sixfold) says so instead.
 * @param {unknown} id
 * @param {import("./exchange.js").Answer} answer
 * @returns {Message}
 */
export function answerFrame(id, answer) {
  const frame = { type: "answer", id, ...answer };
  const bytes = new TextEncoder().encode(JSON.stringify(frame)).byteLength;
  return bytes <= MAX_FRAME_BYTES ? frame : { type: "answer", id, failed: "too_large" };
}

/**
 * What the port needs of the outside world; `chrome` in the worker, stand-ins in tests.
 * @typedef {object} World
 * @property {() => chrome.runtime.Port} connect
 * @property {() => string} lastError
 * @property {() => Promise<Message>} hello
 * @property {Pick<chrome.storage.StorageArea, "get" | "set" | "remove">} session
 * @property {{create(name: string, when: {when: number}): unknown, clear(name: string): unknown}} alarms
 * @property {() => number} now
 * @property {(run: () => void, ms: number) => any} setTimeout
 * @property {(timer: any) => void} clearTimeout
 * @property {(message: Message, post: (message: Message) => boolean) => void} onMessage `post` answers on the very port it came from
 * @property {(state: HostState, detail: string) => void} onState
 */

export class HostPort {
  /** @type {HostState} */
  state = "connecting";
  #world;
  /** @type {chrome.runtime.Port | null} */
  #port = null;
  #opening = false;
  #counted = true;
  #failures = 0;
  /** @type {Promise<Trouble | undefined> | null} */
  #remembered = null;
  /** @type {any} */
  #retry = null;
  /** @type {any} */
  #watch = null;

  /** @param {World} world */
  constructor(world) {
    this.#world = world;
  }

  /** A worker came to life: connect, unless an earlier life of it was told to wait. */
  async start() {
    const trouble = await this.#remember();
    if (this.#port || this.#opening) return;
    const left = trouble ? trouble.retryAt - this.#world.now() : 0;
    // A longer wait than there is was written by a clock that was ahead.
    if (!trouble || left <= 0 || left > LONGEST_MS) return this.#open();
    this.#tell(trouble.state, trouble.detail);
    this.#retryAt(trouble.retryAt, "alarm");
  }

  /** The time to wait is over, or the browser was just started. */
  async connect() {
    this.#counted = true;
    await this.#open();
  }

  /** A person is looking: try now, and do not hold a further failure against the schedule. */
  async recheck() {
    if (this.#port || this.#opening) return;
    this.#counted = false;
    await this.#open();
  }

  /**
   * @param {Message} message
   * @returns {boolean} false: there is no host to tell it to
   */
  send(message) {
    return this.state === "ready" && this.#post(this.#port, message);
  }

  /** What an earlier life of the worker went through: read once, before anything counts on it. */
  #remember() {
    this.#remembered ??= this.#world.session.get(TROUBLE).then((kept) => {
      const trouble = /** @type {Trouble | undefined} */ (kept[TROUBLE]);
      this.#failures = trouble?.failures ?? 0;
      this.state = trouble?.state ?? "connecting";
      return trouble;
    });
    return this.#remembered;
  }

  async #open() {
    if (this.#port || this.#opening) return;
    this.#opening = true;
    this.#world.clearTimeout(this.#retry);
    this.#world.alarms.clear(RECONNECT_ALARM);
    const [hello] = await Promise.all([this.#world.hello(), this.#remember()]).finally(() => {
      this.#opening = false;
    });
    if (this.#failures === 0) this.#tell("connecting", "");
    const port = this.#world.connect();
    this.#port = port;
    port.onMessage.addListener((message) => this.#received(port, message));
    port.onDisconnect.addListener(() => this.#lost(port, this.#world.lastError()));
    this.#watch = this.#world.setTimeout(() => this.#giveUp(port), WELCOME_MS);
    this.#post(port, hello);
  }

  /**
   * @param {chrome.runtime.Port} port
   * @param {unknown} message
   */
  #received(port, message) {
    if (port !== this.#port || typeof message !== "object" || message === null) return;
    const known = /** @type {Message} */ (message);
    const refused = known.type === "error" && known.code === "unsupported_protocol";
    if (refused || (known.type === "welcome" && known.protocol !== PROTOCOL)) return this.#refuse(port);
    if (known.type === "welcome" && this.state !== "ready") this.#welcomed();
    if (this.state === "ready") this.#world.onMessage(known, (answer) => this.#post(port, answer));
  }

  #welcomed() {
    this.#world.clearTimeout(this.#watch);
    this.#tell("ready", "");
    this.#watch = this.#world.setTimeout(() => {
      this.#failures = 0;
      this.#world.session.remove(TROUBLE);
    }, HEALTHY_MS);
  }

  /** @param {chrome.runtime.Port} port a host that was started and says nothing */
  #giveUp(port) {
    port.disconnect();
    this.#lost(port, "The host does not answer.", "crashed");
  }

  /** @param {chrome.runtime.Port} port a host that speaks another version of the protocol */
  #refuse(port) {
    port.disconnect();
    this.#lost(port, "The host speaks another version.", "too_old");
  }

  /**
   * @param {chrome.runtime.Port} port
   * @param {string} detail
   * @param {HostState} [state]
   */
  #lost(port, detail, state = classify(detail)) {
    if (port !== this.#port) return;
    this.#port = null;
    this.#world.clearTimeout(this.#watch);
    const wasReady = this.state === "ready";
    if (this.#counted || this.#failures === 0) this.#failures += 1;
    // A host that was replaced by a newer version ends by itself: the first loss of a good port is no news yet.
    const first = wasReady && this.#failures === 1;
    this.#tell(first ? "connecting" : state, detail);
    this.#counted = true;
    const wait = backOff(this.#failures);
    this.#retryAt(this.#world.now() + wait.ms, wait.by);
    /** @type {Trouble} */
    const trouble = { failures: this.#failures, retryAt: this.#world.now() + wait.ms, state: this.state, detail };
    this.#world.session.set({ [TROUBLE]: trouble });
  }

  /**
   * @param {number} at
   * @param {"timer" | "alarm"} by
   */
  #retryAt(at, by) {
    if (by === "alarm") this.#world.alarms.create(RECONNECT_ALARM, { when: at });
    else this.#retry = this.#world.setTimeout(() => this.#open(), at - this.#world.now());
  }

  /**
   * @param {HostState} state
   * @param {string} detail
   */
  #tell(state, detail) {
    this.state = state;
    this.#world.onState(state, detail);
  }

  /**
   * @param {chrome.runtime.Port | null} port
   * @param {Message} message
   */
  #post(port, message) {
    try {
      if (!port || port !== this.#port) return false;
      port.postMessage(message);
      return true;
    } catch {
      return false; // the port closed a moment ago; onDisconnect tells the rest
    }
  }
}
