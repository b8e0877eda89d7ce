/**
 * What the faces are shown, and the faces that are open. Keeps the newest state in storage, so that a popup paints it before the
 * worker has even woken up.
 *
 * Nothing secret is ever in here: a face can show all that it gets.
 */

/** @typedef {import("../view/reading.js").Entry} Entry */
/** @typedef {import("../view/reading.js").Settings} Settings */
/** @typedef {import("../view/reading.js").FaceState} FaceState */
/** What a face waits for while there is no host: these providers, all, or nothing.
 * @typedef {Set<string> | "all" | null} Wanted */
/** @typedef {{kind: "popup" | "options", port: chrome.runtime.Port, wanted: Wanted}} Face */

/** Where the state lies in storage.local; popup and options read it before they connect. */
export const STATE_KEY = "face_state";

/**
 * The settings as the host will have them: mappings are merged key by key, a null name is forgotten, `wake` is an act.
 * @param {Settings} settings
 * @param {Record<string, any>} changed
 * @returns {Settings}
 */
export function changedSettings(settings, changed) {
  const { wake: _act, providers, names, ...rest } = changed;
  const merged = Object.entries({ ...settings.names, ...names }).filter(([, name]) => name !== null);
  return { ...settings, ...rest, providers: { ...settings.providers, ...providers }, names: Object.fromEntries(merged) };
}

/**
 * What is wanted after one more refresh was: wishes add up, and a refresh that names no provider means all.
 * @param {Wanted} wanted
 * @param {string[] | undefined} providers
 * @returns {Wanted}
 */
export function wantedToo(wanted, providers) {
  return wanted === "all" || !providers ? "all" : new Set([...(wanted ?? []), ...providers]);
}

export class Faces {
  /** @type {FaceState} */
  state = {
    host: { state: "connecting", detail: "", version: null },
    snapshot: null,
    settings: null,
    refreshing: [],
    shim: null,
    zai_captured_at: null,
  };
  #storage;
  /** @type {Set<Face>} */
  #open = new Set();
  #loaded;

  /** @param {Pick<chrome.storage.StorageArea, "get" | "set">} storage */
  constructor(storage) {
    this.#storage = storage;
    this.#loaded = this.#load();
  }

  async #load() {
    const kept = /** @type {FaceState | undefined} */ ((await this.#storage.get(STATE_KEY))[STATE_KEY]);
    if (kept) this.state = { ...this.state, snapshot: kept.snapshot, settings: kept.settings };
  }

  /** How many faces are open. */
  get size() {
    return this.#open.size;
  }

  /** @param {Face} face */
  async open(face) {
    this.#open.add(face);
    face.port.onDisconnect.addListener(() => this.#open.delete(face));
    await this.#loaded;
    this.#post(face, { type: "state", state: this.state });
  }

  /**
   * Changes the state and shows it, once what an earlier worker had stored is there.
   * @param {(state: FaceState) => Partial<FaceState>} change
   * @returns {Promise<FaceState>}
   */
  async change(change) {
    await this.#loaded;
    this.state = { ...this.state, ...change(this.state) };
    this.tell({ type: "state", state: this.state });
    await this.#storage.set({ [STATE_KEY]: this.state });
    return this.state;
  }

  /**
   * The refreshes that were wanted while there was no host to ask. Each is given once.
   * @returns {{kind: Face["kind"], providers: string[] | undefined}[]}
   */
  takeWaiting() {
    const waiting = [...this.#open].flatMap(({ kind, wanted }) =>
      wanted ? [{ kind, providers: wanted === "all" ? undefined : [...wanted] }] : [],
    );
    for (const face of this.#open) face.wanted = null;
    return waiting;
  }

  /** @param {Record<string, unknown>} message */
  tell(message) {
    for (const face of this.#open) this.#post(face, message);
  }

  /**
   * @param {Face} face
   * @param {Record<string, unknown>} message
   */
  #post(face, message) {
    try {
      face.port.postMessage(message);
    } catch {
      this.#open.delete(face); // it closed a moment ago
    }
  }
}
