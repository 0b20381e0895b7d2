/**
 * The files of messages that this page has not sent yet, so that they outlive a reload. IndexedDB, because the
 * page's other storage holds texts of a few megabytes only. What a closed tab left is deleted after a day.
 */
import type { AttachmentView } from "..";

const DATABASE = "openclaw-files";
const STORE = "files";
const DAY_MS = 24 * 3600_000;

interface Record {
  readonly atMs: number;
  readonly attachments: readonly AttachmentView[];
}

/** Where files are kept, by the key of their message. */
export interface FileKeep {
  put(key: string, attachments: readonly AttachmentView[]): Promise<void>;
  /** Returns the files of a message; `null` where they are not there any more. */
  get(key: string): Promise<readonly AttachmentView[] | null>;
  remove(key: string): Promise<void>;
}

/** Keeps files in this browser. Where it refuses to, a reload loses them, which is said then. */
export function fileKeep(): FileKeep {
  const opened = open();
  // Whoever uses it meets the failure.
  opened.catch(() => undefined);
  const store = async (mode: IDBTransactionMode) =>
    (await opened).transaction(STORE, mode).objectStore(STORE);
  return {
    put: async (key, attachments) => {
      const record: Record = { atMs: Date.now(), attachments };
      await done((await store("readwrite")).put(record, key));
    },
    get: async (key) => {
      const found = (await done((await store("readonly")).get(key))) as Record | undefined;
      return found?.attachments ?? null;
    },
    remove: async (key) => void (await done((await store("readwrite")).delete(key))),
  };
}

async function open(): Promise<IDBDatabase> {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  const database = await done(opening);
  const store = database.transaction(STORE, "readwrite").objectStore(STORE);
  for (const key of await done(store.getAllKeys())) {
    const record = (await done(store.get(key))) as Record | undefined;
    if ((record?.atMs ?? 0) < Date.now() - DAY_MS) await done(store.delete(key));
  }
  return database;
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("nothing can be kept here"));
  });
}
