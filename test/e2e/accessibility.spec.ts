import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "@playwright/test";
import { expect, explore, selectAll, test } from "./fixtures.js";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds against WCAG 2.2 A and AA: rule, gravity, and the elements. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { axe: api } = window as unknown as {
      axe: {
        run(options: object): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }>;
      };
    };
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
    const { violations: found } = await api.run({ runOnly: tags });
    return found.map(
      ({ id, impact, nodes }) =>
        `${id} (${impact}): ${nodes
          .slice(0, 3)
          .map(({ html }) => html)
          .join("\n")}`,
    );
  });
}

for (const theme of ["light", "dark"] as const) {
  test(`axe finds nothing on any view, ${theme}`, async ({ page, orchard }) => {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    // Scripts are refused by the page's policy: axe comes in over the debugger, which the policy does not bind.
    await page.goto(orchard.server.url);
    await expect(page.getByRole("link", { name: "orchard" })).toBeVisible();
    const found: Record<string, string[]> = {};
    found.runs = await violations(page);
    await explore(page);
    await selectAll(page);
    await page.getByTestId("photos").getByRole("option").first().click();
    await expect(page.getByText(/^compared with/)).toBeVisible();
    found.explore = await violations(page);
    await page.keyboard.press("e");
    await expect(page.getByRole("dialog")).toBeVisible();
    found.relabel = await violations(page);
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "Variance" }).click();
    await expect(page.getByRole("listitem").locator("img").first()).toBeVisible();
    found.variance = await violations(page);
    await page.getByRole("link", { name: "New run" }).click();
    await expect(page.getByRole("heading", { name: "New run" })).toBeVisible();
    found.newRun = await violations(page);
    await page.getByRole("button", { name: "Choose …" }).click();
    await expect(page.getByRole("dialog")).toBeVisible();
    found.folder = await violations(page);
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "Jobs" }).click();
    await expect(page.getByRole("heading", { name: "Jobs" })).toBeVisible();
    found.jobs = await violations(page);
    await page.getByRole("button", { name: "Settings" }).click();
    await expect(page.getByText("Appearance")).toBeVisible();
    found.settings = await violations(page);
    expect(Object.fromEntries(Object.entries(found).filter(([, list]) => list.length > 0))).toEqual({});
  });
}
