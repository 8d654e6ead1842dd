// Markdown to HTML that is safe to show: no raw HTML, nothing fetched, only web and mail links.
import DOMPurify from "dompurify";
import { Marked, type Token, type TokensList } from "marked";
import { t } from "../i18n";
import { highlight } from "./highlight";

const marked = new Marked({
  gfm: true,
  breaks: false,
  async: false,
  renderer: {
    // What looks like HTML is shown as it was written.
    html({ text }) {
      return escapeHtml(text);
    },
    code({ text, lang }) {
      const language = (lang ?? "").trim().split(/\s+/)[0]?.toLowerCase() ?? "";
      const inner = highlight(text, language) ?? escapeHtml(text);
      const label = escapeHtml(language || t.chat.codePlain);
      return (
        `<figure class="code"><figcaption><span>${label}</span>` +
        `<button type="button" data-copy>${t.chat.copy}</button></figcaption>` +
        `<pre tabindex="0"><code>${inner}</code></pre></figure>`
      );
    },
    link({ href, tokens }) {
      const text = this.parser.parseInline(tokens);
      return link(href, text);
    },
    // An image is never fetched: its words and its address are shown instead.
    image({ href, text }) {
      return link(href, escapeHtml(text || href));
    },
    listitem({ task, tokens }) {
      const kind = task ? ' class="task"' : "";
      return `<li${kind}>${this.parser.parse(tokens)}</li>`;
    },
    checkbox({ checked }) {
      return checked ? "☑ " : "☐ ";
    },
    table(token) {
      const cells = (row: typeof token.header, tag: "th" | "td") =>
        row
          .map((cell) => {
            const align = cell.align ? ` align="${cell.align}"` : "";
            return `<${tag}${align}>${this.parser.parseInline(cell.tokens)}</${tag}>`;
          })
          .join("");
      const head = `<thead><tr>${cells(token.header, "th")}</tr></thead>`;
      const body = token.rows
        .map((row) => `<tr>${cells(row, "td")}</tr>`)
        .join("");
      return `<div class="table" tabindex="0"><table>${head}<tbody>${body}</tbody></table></div>`;
    },
  },
});

const OPENABLE = /^(https?:\/\/|mailto:)/i;

/** Only what Rust would open becomes a link; the rest stays text. */
function link(href: string, innerHtml: string): string {
  if (!OPENABLE.test(href)) {
    return innerHtml;
  }
  const address = escapeHtml(href);
  return `<a href="${address}" rel="noreferrer">${innerHtml}</a>`;
}

const purifier = {
  ALLOWED_TAGS: [
    ..."a b blockquote br button code del div em figcaption figure".split(" "),
    ..."h1 h2 h3 h4 h5 h6 hr i li ol p pre s span strong".split(" "),
    ..."sub sup table tbody td th thead tr ul".split(" "),
  ],
  ALLOWED_ATTR: [
    "align",
    "class",
    "href",
    "rel",
    "start",
    "tabindex",
    "type",
    "data-copy",
  ],
  // The only address is in href; without this the rule for addresses would be put to these too.
  ADD_URI_SAFE_ATTR: ["align", "rel", "start", "tabindex", "type"],
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  ALLOWED_URI_REGEXP: OPENABLE,
};

/** Splits a text into its top-level blocks. */
export function lex(text: string): TokensList {
  return marked.lexer(text);
}

/** Safe HTML of one block. */
export function renderBlock(token: Token): string {
  return DOMPurify.sanitize(marked.parser([token]), purifier);
}

export function escapeHtml(text: string): string {
  const names: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (character) => names[character] ?? "");
}
