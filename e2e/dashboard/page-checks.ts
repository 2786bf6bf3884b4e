/** Checks that run inside the page. Each answers the list of its findings, empty when all is well. */

/** Names, labels, headings, landmarks, tables and ids, after the rules of the same names in WCAG 2.2 techniques. */
export function findStructureFaults(): string[] {
  const faults: string[] = [];
  const all = (selector: string): HTMLElement[] => [...document.querySelectorAll<HTMLElement>(selector)];
  const isShown = (element: HTMLElement): boolean => element.checkVisibility({ visibilityProperty: true });
  const describe = (element: Element): string => element.outerHTML.slice(0, 120);
  const nameOf = (element: HTMLElement): string =>
    (element.getAttribute("aria-label") ?? "") +
    (element.getAttribute("aria-labelledby") ?? "")
      .split(" ")
      .map((id) => document.getElementById(id)?.textContent ?? "")
      .join(" ")
      .trim() +
    (element.textContent ?? "").trim();

  if (document.documentElement.lang !== "en") faults.push("The document has no language.");
  if (document.title.trim() === "") faults.push("The document has no title.");
  for (const tag of ["h1", "main"]) {
    const count = all(tag).filter(isShown).length;
    if (count !== 1) faults.push(`There are ${count} ${tag} elements.`);
  }
  let level = 0;
  for (const heading of all("h1, h2, h3, h4").filter(isShown)) {
    const next = Number(heading.tagName.slice(1));
    if (next > level + 1) faults.push(`A heading skips a level: ${describe(heading)}`);
    level = next;
  }
  for (const input of all("input:not([hidden])")) {
    if ((input as HTMLInputElement).labels?.length !== 1) faults.push(`An input has no label: ${describe(input)}`);
  }
  for (const element of all("a, button, section, [tabindex='0'], [role=tabpanel], summary").filter(isShown)) {
    if (nameOf(element) === "") faults.push(`An element has no name: ${describe(element)}`);
  }
  for (const table of all("table")) {
    if ((table.querySelector("caption")?.textContent ?? "") === "") faults.push("A table has no caption.");
    if (table.querySelector("th:not([scope])") !== null) faults.push("A table has a header cell without scope.");
    if (table.querySelector("tbody tr:not(:has(th[scope=row]))") !== null) faults.push("A row has no header cell.");
  }
  for (const element of all("*")) {
    const scrolls = ["auto", "scroll"].includes(getComputedStyle(element).overflowX);
    if (scrolls && element.scrollWidth > element.clientWidth + 1 && element.tabIndex !== 0 && isShown(element)) {
      faults.push(`The keyboard cannot scroll: ${describe(element)}`);
    }
  }
  const ids = all("[id]").map((element) => element.id);
  const repeated = ids.filter((id, index) => ids.indexOf(id) !== index);
  if (repeated.length > 0) faults.push(`Repeated ids: ${repeated.join(", ")}`);
  for (const element of all("[aria-labelledby], [aria-describedby], [aria-controls]")) {
    for (const attribute of ["aria-labelledby", "aria-describedby", "aria-controls"]) {
      for (const id of (element.getAttribute(attribute) ?? "").split(" ").filter(Boolean)) {
        if (!ids.includes(id)) faults.push(`${attribute} points nowhere: ${describe(element)}`);
      }
    }
  }
  return faults;
}

/** Text whose contrast with what lies behind it is under WCAG AA (1.4.3): 4.5, or 3 for large text. */
export function findContrastFaults(): string[] {
  const canvas = document.createElement("canvas");
  canvas.width = 1;
  canvas.height = 1;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) return ["no canvas"];
  const behind = (element: Element): Element[] => {
    const chain: Element[] = [];
    for (let at: Element | null = element; at !== null; at = at.parentElement) chain.unshift(at);
    return chain;
  };
  // Painting the grounds over each other leaves mixing and colour syntax to the browser.
  const paint = (colours: readonly string[]): number[] => {
    context.fillStyle = "Canvas";
    context.fillRect(0, 0, 1, 1);
    for (const colour of colours) {
      context.fillStyle = colour;
      context.fillRect(0, 0, 1, 1);
    }
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (colour: readonly number[]): number => {
    const [red = 0, green = 0, blue = 0] = colour.map((value) => {
      const channel = value / 255;
      return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };

  const faults = new Set<string>();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement;
    const text = (node.textContent ?? "").trim();
    if (element === null || text === "" || !element.checkVisibility({ visibilityProperty: true })) continue;
    if (element.closest(".visually-hidden, .skip-link, script") !== null) continue;
    const style = getComputedStyle(element);
    const grounds = behind(element).map((at) => getComputedStyle(at).backgroundColor);
    const [light = 0, dark = 0] = [luminance(paint(grounds)), luminance(paint([...grounds, style.color]))].sort(
      (a, b) => b - a,
    );
    const ratio = (light + 0.05) / (dark + 0.05);
    const size = Number.parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) faults.add(`${ratio.toFixed(2)} for "${text.slice(0, 40)}"`);
  }
  return [...faults];
}

/** Number of different colours in an image, and the share of the most frequent one. */
export async function measureImage(base64: string): Promise<{ colours: number; commonest: number }> {
  const image = new Image();
  image.src = `data:image/png;base64,${base64}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.width;
  canvas.height = image.height;
  const context = canvas.getContext("2d");
  if (context === null) return { colours: 0, commonest: 1 };
  context.drawImage(image, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer);
  const counts = new Map<number, number>();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  return { colours: counts.size, commonest: Math.max(...counts.values()) / pixels.length };
}
