/**
 * What a message holds beside its text, read as the desktop app reads it: thoughts, tools and
 * pictures. A member in a form that is not known is left out, and the rest stands. Pure.
 */
import type { AnsweredView, ChatMessageView, ImageView, ToolStateView, ToolView } from "..";
import { at, isObject, listAt, numberAt, textAt } from "./json";

const MOST_TOOL_TEXT = 64 * 1024;
const MOST_REASONING = 256 * 1024;
/** `policy.attachments` lets pictures of 6 MiB in; this is base64. */
const LARGEST_PICTURE = 8 * 1024 * 1024 + 512;
/** What the pictures of one history may hold together. */
const MOST_PICTURES = 24 * 1024 * 1024;

/** What a run is told to be doing, beside its text. */
export type Detail =
  | { kind: "tool"; tool: ToolView }
  | { kind: "reasoning"; text: string }
  | { kind: "retrying"; attempt: number; most: number; delayMs: number };

/** Returns what a message holds beside its text. */
export function heldBy(
  message: unknown,
): Pick<ChatMessageView, "reasoning" | "tools" | "answers" | "images" | "files" | "truncated"> {
  const parts = listAt(message, "content");
  const thoughts = parts
    .filter((part) => ["thinking", "reasoning"].includes(kindOf(part)))
    .map((part) => textAt(part, "thinking") ?? textAt(part, "text") ?? "")
    .filter((thought) => thought.trim() !== "");
  const tools = parts
    .filter((part) => ["toolCall", "tool_use", "toolUse", "tool_call"].includes(kindOf(part)))
    .map((part): ToolView => ({
      id: textAt(part, "id") ?? "",
      name: textAt(part, "name") ?? "",
      arguments: argumentsOf(at(part, "arguments") ?? at(part, "input") ?? at(part, "args")),
      state: "called",
      result: null,
      images: [],
    }));
  return {
    reasoning: thoughts.length === 0 ? null : cut(thoughts.join("\n\n"), MOST_REASONING),
    tools,
    answers: answeredBy(message),
    images: picturesIn(parts),
    files: listAt(message, "__openclaw", "media").map((file) => ({
      name: textAt(file, "fileName"),
      mediaType: textAt(file, "contentType") ?? "",
      size: numberAt(file, "sizeBytes"),
    })),
    truncated: at(message, "__openclaw", "truncated") === true,
  };
}

/** Returns what an `agent` event says about its run, if anything a person is shown. */
export function detailOf(payload: unknown): Detail | null {
  const data = isObject(payload) ? payload["data"] : undefined;
  switch (textAt(payload, "stream")) {
    case "tool":
      return toolIn(data);
    case "item":
      return textAt(data, "kind") === "tool" ? itemIn(data) : null;
    case "thinking":
    case "reasoning": {
      const text = textAt(data, "text") ?? "";
      return text.trim() === "" ? null : { kind: "reasoning", text: cut(text, MOST_REASONING) };
    }
    case "run_status":
      if (textAt(data, "phase") !== "retrying") return null;
      return {
        kind: "retrying",
        attempt: numberAt(data, "retryAttempt") ?? 0,
        most: numberAt(data, "maxRetries") ?? 0,
        delayMs: numberAt(data, "delayMs") ?? 0,
      };
    default:
      return null;
  }
}

/** Takes over what is newer about a tool, and keeps what that does not say. */
export function updatedTool(known: ToolView, newer: ToolView): ToolView {
  // An item may say "running" once more after the tool's own answer.
  const isOver = known.state === "done" || known.state === "failed";
  return {
    id: known.id,
    name: newer.name === "" ? known.name : newer.name,
    arguments: newer.arguments === "" ? known.arguments : newer.arguments,
    state: isOver && newer.state !== "failed" ? known.state : newer.state,
    result: newer.result ?? known.result,
    images: newer.images.length === 0 ? known.images : newer.images,
  };
}

/** Leaves out the oldest pictures where all of them together would be too much for the page. */
export function boundPictures(messages: ChatMessageView[]): ChatMessageView[] {
  let left = MOST_PICTURES;
  return messages
    .map((message) => message)
    .reverse()
    .map((message) => {
      const images = message.images.map((image) => {
        left -= image.data?.length ?? 0;
        return left < 0 ? { ...image, data: null } : image;
      });
      return { ...message, images };
    })
    .reverse();
}

function toolIn(data: unknown): Detail | null {
  const id = textAt(data, "toolCallId");
  const state = stateIn(data);
  if (id === null || state === null) return null;
  const answer = at(data, "result") ?? at(data, "partialResult");
  const result = cut(answerText(answer), MOST_TOOL_TEXT);
  const tool: ToolView = {
    id,
    name: textAt(data, "name") ?? "",
    arguments: argumentsOf(at(data, "args")),
    state,
    result: result === "" ? null : result,
    images: picturesIn(listAt(answer, "content")),
  };
  return { kind: "tool", tool };
}

function stateIn(data: unknown): ToolStateView | null {
  switch (textAt(data, "phase")) {
    case "start":
    case "update":
      return "running";
    case "result":
      return at(data, "isError") === true ? "failed" : "done";
    case "end":
      return "done";
    default:
      return null;
  }
}

/** The card of a tool, for clients that hear no more of it. */
function itemIn(data: unknown): Detail | null {
  const [id, status] = [textAt(data, "toolCallId"), textAt(data, "status")];
  if (id === null || status === null) return null;
  const isFailed = status === "failed" || status === "error";
  const state = status === "running" ? "running" : isFailed ? "failed" : "done";
  const name = textAt(data, "name") ?? "";
  return { kind: "tool", tool: { id, name, arguments: "", state, result: null, images: [] } };
}

function answeredBy(message: unknown): AnsweredView | null {
  const callId = textAt(message, "toolCallId");
  if (callId === null) return null;
  const failed = at(message, "isError") === true;
  return { callId, name: textAt(message, "toolName") ?? "", failed };
}

function answerText(answer: unknown): string {
  if (typeof answer === "string") return answer;
  const content = at(answer, "content");
  if (typeof content === "string") return content;
  if (Array.isArray(content)) {
    return content.flatMap((part) => textAt(part, "text") ?? []).join("\n");
  }
  return argumentsOf(answer);
}

function argumentsOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return cut(value, MOST_TOOL_TEXT);
  if (isObject(value) && Object.keys(value).length === 0) return "";
  return cut(JSON.stringify(value, null, 2), MOST_TOOL_TEXT);
}

function picturesIn(parts: readonly unknown[]): ImageView[] {
  return parts
    .filter((part) => ["image", "image_url", "input_image"].includes(kindOf(part)))
    .map(pictureOf);
}

/** Reads a picture in the forms that gateways and providers use. */
function pictureOf(part: unknown): ImageView {
  const url =
    textAt(part, "url") ??
    textAt(part, "source", "url") ??
    textAt(part, "image_url", "url") ??
    textAt(part, "image_url");
  const [, urlType, urlData] = /^data:([^;,]*);base64,(.*)$/s.exec(url ?? "") ?? [];
  const mediaType =
    textAt(part, "mimeType") ?? textAt(part, "source", "media_type") ?? urlType ?? "";
  const data = textAt(part, "data") ?? textAt(part, "source", "data") ?? urlData ?? "";
  return { mediaType, data: data === "" || data.length > LARGEST_PICTURE ? null : data };
}

function kindOf(part: unknown): string {
  return textAt(part, "type") ?? "";
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}\n…`;
}
