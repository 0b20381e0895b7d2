/**
 * What this browser keeps for this page: its key, which no script can read out, and the token that
 * the gateway issued to it. IndexedDB, because only there can a key be kept without its bytes.
 */
const DATABASE = "openclaw";
const STORE = "device";
const KEY = "key";
const TOKEN = "token";

/** A token issued to this browser, and what it may ask for with it. */
export interface KeptToken {
  readonly token: string;
  readonly scopes: readonly string[];
}

export interface Keep {
  key(): Promise<CryptoKeyPair | null>;
  keepKey(pair: CryptoKeyPair): Promise<void>;
  token(): Promise<KeptToken | null>;
  keepToken(token: KeptToken | null): Promise<void>;
}

/** Opens what is kept for this origin. */
export async function openKeep(): Promise<Keep> {
  const database = await done<IDBDatabase>(() => {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    return opening;
  });
  const read = <T>(name: string) =>
    done<T | undefined>(() => database.transaction(STORE).objectStore(STORE).get(name));
  const write = (name: string, value: unknown) =>
    done(() => {
      const store = database.transaction(STORE, "readwrite").objectStore(STORE);
      return value === null ? store.delete(name) : store.put(value, name);
    });
  return {
    key: async () => (await read<CryptoKeyPair>(KEY)) ?? null,
    keepKey: async (pair) => void (await write(KEY, pair)),
    token: async () => (await read<KeptToken>(TOKEN)) ?? null,
    keepToken: async (token) => void (await write(TOKEN, token)),
  };
}

/** Keeps nothing beyond this page: for browsers that refuse to, as some do in private windows. */
export function memoryKeep(): Keep {
  let key: CryptoKeyPair | null = null;
  let token: KeptToken | null = null;
  return {
    key: async () => key,
    keepKey: async (pair) => void (key = pair),
    token: async () => token,
    keepToken: async (kept) => void (token = kept),
  };
}

function done<T>(ask: () => IDBRequest): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = ask();
    request.onsuccess = () => resolve(request.result as T);
    request.onerror = () => reject(request.error ?? new Error("nothing can be kept here"));
  });
}
