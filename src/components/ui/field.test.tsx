import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it } from "vitest";
import { Field } from "./field.tsx";

describe("Field", () => {
  it("ties its label, hint and error to the input", () => {
    const html = renderToStaticMarkup(<Field label="Key" hint="Where it is." error="Wrong." type="password" />);
    const id = /<label for="(?<id>[^"]+)">Key<\/label>/.exec(html)?.groups?.["id"] ?? "none";
    expect(html).toContain(` id="${id}"`);
    expect(html).toContain(`aria-describedby="${id}-hint ${id}-error"`);
    expect(html).toMatch(new RegExp(`<p id="${id}-error"[^>]*role="alert">Wrong.</p>`));
    expect(html).toContain('aria-invalid="true"');
  });

  it("keeps an empty alert ready, so that a later error is announced, and does not point to it", () => {
    const html = renderToStaticMarkup(<Field label="Key" />);
    expect(html).toMatch(/role="alert"><\/p>/);
    expect(html).toContain('aria-invalid="false"');
    expect(html).not.toContain("aria-describedby");
  });
});
