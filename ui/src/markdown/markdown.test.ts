// @vitest-environment jsdom
// DOMPurify vouches for jsdom, and not for the quicker environment of the other tests.
import { describe, expect, it } from "vitest";
import { BlockRenderer } from "./blocks";

const html = (text: string) =>
  new BlockRenderer()
    .render(text)
    .map((block) => block.html)
    .join("\n");

function parsed(text: string): HTMLElement {
  const element = document.createElement("div");
  element.innerHTML = html(text);
  return element;
}

describe("safety", () => {
  it("shows a script tag as text", () => {
    const element = parsed("Hi <script>alert(1)</script> there");
    expect(element.querySelector("script")).toBeNull();
    expect(element.textContent).toContain("<script>alert(1)</script>");
  });

  it("shows a block of HTML as text", () => {
    const element = parsed('<div onclick="alert(1)">\n<b>x</b>\n</div>');
    expect(element.querySelector("[onclick], b")).toBeNull();
    expect(element.textContent).toContain("onclick");
  });

  it("takes no event handler from an image tag", () => {
    const element = parsed("<img src=x onerror=alert(1)>");
    expect(element.querySelector("img")).toBeNull();
  });

  it.each([
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html,hi)",
    "[x](file:///etc/passwd)",
    "[x](vbscript:x)",
    "[x](/relative)",
    "<javascript:alert(1)>",
    "![x](javascript:alert(1))",
  ])("makes no link of %s", (text) => {
    expect(parsed(text).querySelector("a, img")).toBeNull();
  });

  it("links web and mail addresses", () => {
    const link = parsed("[Wick](https://example.org/a?b=1&c=2)").querySelector(
      "a",
    );
    expect(link?.getAttribute("href")).toBe("https://example.org/a?b=1&c=2");
    expect(
      parsed("<mailto:ada@example.org>").querySelector("a"),
    ).not.toBeNull();
  });

  it("cannot break out of an attribute through an address", () => {
    const link = parsed(
      '[x](<https://example.org/" onmouseover="alert(1)>)',
    ).querySelector("a");
    expect(link?.hasAttribute("onmouseover")).toBe(false);
  });

  it("shows an image as a link with its words", () => {
    const element = parsed("![A candle](https://example.org/c.png)");
    expect(element.querySelector("img")).toBeNull();
    const link = element.querySelector("a");
    expect(link?.textContent).toBe("A candle");
    expect(link?.getAttribute("href")).toBe("https://example.org/c.png");
  });

  it("escapes code, its language and its attributes", () => {
    const element = parsed('```"><img/src=x>\n<script>alert(1)</script>\n```');
    expect(element.querySelector("img, script")).toBeNull();
    expect(element.querySelector("code")?.textContent).toBe(
      "<script>alert(1)</script>",
    );
  });

  it("leaves no style or class of the model's own", () => {
    const element = parsed('<p style="position:fixed" class="toast">x</p>');
    expect(element.querySelector("[style], .toast")).toBeNull();
  });
});

describe("code", () => {
  it("names the language and colours it", () => {
    const element = parsed("```rust\nfn main() {}\n```");
    expect(element.querySelector("figcaption span")?.textContent).toBe("rust");
    expect(element.querySelector(".hljs-keyword")?.textContent).toBe("fn");
    expect(element.querySelector("button[data-copy]")).not.toBeNull();
  });

  it("shows an unknown language plainly", () => {
    const element = parsed("```brainfuck\n+[<>]\n```");
    expect(element.querySelector("code")?.innerHTML).toBe("+[&lt;&gt;]");
  });

  it("shows a fence that is not closed yet as code", () => {
    const element = parsed("Look:\n\n```python\nprint('half");
    expect(element.querySelector("figure code")?.textContent).toBe(
      "print('half",
    );
  });
});

describe("blocks", () => {
  const text = `# Title

First paragraph with **bold**.

- one
- two

  still two

\`\`\`js
const a = 1;

const b = 2;
\`\`\`

| a | b |
| --- | ---: |
| 1 | 2 |

Last.`;

  it("come out the same whether they stream or not", () => {
    const streaming = new BlockRenderer();
    let streamed = "";
    for (let length = 1; length <= text.length; length += 1) {
      streamed = streaming
        .render(text.slice(0, length))
        .map((block) => block.html)
        .join("\n");
    }
    expect(streamed).toBe(html(text));
  });

  it("are kept while only the last one grows", () => {
    const renderer = new BlockRenderer();
    const before = renderer.render("One.\n\nTwo.\n\nThr");
    const after = renderer.render("One.\n\nTwo.\n\nThree.");
    expect(after[0]).toBe(before[0]);
    expect(after[1]).toBe(before[1]);
    expect(after[2]).not.toBe(before[2]);
  });

  it("start anew when the text is another one", () => {
    const renderer = new BlockRenderer();
    renderer.render("One.\n\nTwo.");
    expect(renderer.render("Other.")).toHaveLength(1);
  });

  it("draw tasks and alignment without forms or styles", () => {
    const element = parsed(`- [x] done\n\n${text}`);
    expect(element.querySelector("input, [style]")).toBeNull();
    expect(element.textContent).toContain("☑ done");
    expect(element.querySelector('td[align="right"]')?.textContent).toBe("2");
  });
});
