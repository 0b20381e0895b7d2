/**
 * Files for a message: what the gateway takes of them, and how they are read and named. The app looks at the
 * same limits once more before it hands a message on.
 */
import type { AttachmentLimitsView, AttachmentView, FileView, ImageView } from "../ipc";

/** The most files of one message: gateways leave out pictures beyond the tenth. */
export const MOST_ATTACHMENTS = 10;

/** Pictures that models and gateways read. */
const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/** What is taken where the gateway has not said anything yet; it says the same by default. */
export const USUAL_LIMITS: AttachmentLimitsView = {
  file: 19_464_192,
  picture: 6 * 1024 * 1024,
  together: 19_464_192,
};

/** Media types by the endings that browsers know nothing about. */
const BY_ENDING: Readonly<Record<string, string>> = {
  csv: "text/csv",
  json: "application/json",
  log: "text/plain",
  md: "text/markdown",
  toml: "text/plain",
  ts: "text/plain",
  txt: "text/plain",
  yaml: "text/plain",
  yml: "text/plain",
};

/** A file as browsers hand it over. */
export type PickedFile = Pick<File, "name" | "type" | "size">;

/** Why a file cannot go along; the same words as the app's own errors have. */
export interface NotAttachable {
  readonly code:
    | "attachmentsTooMany"
    | "attachmentEmpty"
    | "attachmentUnsupported"
    | "pictureTooLarge"
    | "attachmentTooLarge"
    | "attachmentsTooLarge"
    | "attachmentUnreadable";
  readonly name: string;
  /** How much there may be: bytes, or files where there are too many. */
  readonly most: number;
}

/** Returns why a file cannot go along with those that are there; `null` when it can. */
export function refusal(
  file: PickedFile,
  there: readonly AttachmentView[],
  limits: AttachmentLimitsView,
): NotAttachable | null {
  const { name, size } = file;
  const type = mediaTypeOf(file);
  const [most, picture, together] = [limits.file, limits.picture, limits.together].map(
    (limit) => limit ?? 0,
  ) as [number, number, number];
  if (there.length >= MOST_ATTACHMENTS) {
    return { code: "attachmentsTooMany", name, most: MOST_ATTACHMENTS };
  }
  if (size === 0) return { code: "attachmentEmpty", name, most: 0 };
  if (isPicture(type) && !PICTURES.includes(type)) {
    return { code: "attachmentUnsupported", name, most: 0 };
  }
  if (isPicture(type) && size > picture) return { code: "pictureTooLarge", name, most: picture };
  if (size > most) return { code: "attachmentTooLarge", name, most };
  const sum = there.reduce((before, { data }) => before + bytesIn(data), size);
  return sum > together ? { code: "attachmentsTooLarge", name, most: together } : null;
}

/** Reads a file whole. Its name goes along without the folder it was in. */
export function read(file: File): Promise<AttachmentView> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onerror = () => reject(reader.error ?? new Error("the file could not be read"));
    reader.onload = () => {
      const address = typeof reader.result === "string" ? reader.result : "";
      const data = address.slice(address.indexOf(",") + 1);
      resolve({ name: file.name, mediaType: mediaTypeOf(file), data });
    };
    reader.readAsDataURL(file);
  });
}

function mediaTypeOf({ name, type }: PickedFile): string {
  const told = type.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (told !== "") return told;
  const ending = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  return BY_ENDING[ending] ?? "application/octet-stream";
}

/** Whether something is shown as a picture. */
export function isPicture(mediaType: string): boolean {
  return mediaType.startsWith("image/");
}

/** The pictures among files, as they are drawn. */
export function picturesOf(attachments: readonly AttachmentView[]): ImageView[] {
  return attachments
    .filter(({ mediaType }) => isPicture(mediaType))
    .map(({ mediaType, data }) => ({ mediaType, data }));
}

/** The others, as they are named. */
export function filesOf(attachments: readonly AttachmentView[]): FileView[] {
  return attachments
    .filter(({ mediaType }) => !isPicture(mediaType))
    .map(({ name, mediaType, data }) => ({ name, mediaType, size: bytesIn(data) }));
}

/** How many bytes a base64 text stands for. */
export function bytesIn(data: string): number {
  const padding = data.endsWith("==") ? 2 : data.endsWith("=") ? 1 : 0;
  return Math.max(0, (data.length / 4) * 3 - padding);
}

/** A size as people read it. */
export function sizeWords(bytes: number, language: string): string {
  if (bytes < 1_000) return `${bytes} B`;
  const isKilo = bytes < 1_000_000;
  const format = new Intl.NumberFormat(language, {
    style: "unit",
    unit: isKilo ? "kilobyte" : "megabyte",
    maximumFractionDigits: isKilo ? 0 : 1,
  });
  return format.format(bytes / (isKilo ? 1_000 : 1_000_000));
}
