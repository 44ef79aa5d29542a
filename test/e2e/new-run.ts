/** A run as people start it in the window. */
import { expect, type Page } from "@playwright/test";

/** Starts a run with the slowest preset from the New run view that has its photos, and waits until it is under way. */
export async function startSlowRun(page: Page, photos: number): Promise<void> {
  await expect(page.getByText(`${photos.toLocaleString("en-GB")} photos`).first()).toBeVisible();
  await page.getByText("Exact", { exact: true }).click();
  await page.getByRole("button", { name: "Start run" }).click();
  await expect(page.locator('[data-job="running"]')).toBeVisible();
}

/** Resumes the job that Verger's end interrupted, and waits until it is done. */
export async function resumeRun(page: Page): Promise<void> {
  await page.getByRole("link", { name: "Jobs", exact: true }).click();
  await page.locator('[data-job="interrupted"]').getByRole("button", { name: "Resume" }).click();
  await expect(page.locator('[data-job="done"]')).toBeVisible();
}
