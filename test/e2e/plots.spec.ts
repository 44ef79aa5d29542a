/** What only a browser draws: both layers of points, pixel by pixel, on a page of nothing else. */
import path from "node:path";
import { expect, type Page, test } from "@playwright/test";
import { build } from "esbuild";
import type { canvasLayer } from "../../src-renderer/plots/canvas-layer.js";
import type { GridLine } from "../../src-renderer/plots/grid-lines.js";
import type { webglLayer } from "../../src-renderer/plots/webgl-layer.js";

/** What the bundle puts on the page. */
interface Plots {
  readonly plots: { readonly canvasLayer: typeof canvasLayer; readonly webglLayer: typeof webglLayer };
}

async function loadPlots(page: Page): Promise<void> {
  const contents = ["canvas", "webgl"].map((kind) => `export * from "./${kind}-layer.js";`).join("\n");
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: path.resolve(import.meta.dirname, "../../src-renderer/plots") },
    bundle: true,
    write: false,
    format: "iife",
    globalName: "plots",
  });
  await page.addScriptTag({ content: outputFiles[0]?.text ?? "" });
}

/** Draws a red point in the middle of 40 x 30 pixels, black lines on white. @returns colours at some places */
function draw(page: Page, kind: "canvas" | "webgl", lines: GridLine[], ratio: number): Promise<string[]> {
  return page.evaluate(
    ([layerKind, gridLines, pixelRatio]) => {
      const { canvasLayer, webglLayer } = (window as unknown as Plots).plots;
      const canvas = document.createElement("canvas");
      const layer = layerKind === "canvas" ? canvasLayer(canvas) : webglLayer(canvas, () => {});
      if (!layer) throw new Error(`no ${layerKind}`);
      layer.resize(40, 30, pixelRatio);
      layer.setPositions(Float32Array.of(0, 0));
      layer.setColours(Uint16Array.of(0));
      layer.setPalette(Uint8Array.of(255, 0, 0, 1));
      layer.setFlags(Uint8Array.of(1));
      const style = { size: 9, dimmed: 0.2, selecting: false, ground: "#ffffff", lines: gridLines, line: "#000000" };
      layer.draw({ x: 0, y: 0, zoom: 1 }, style);
      // As on the page: over the ground's own colour.
      const seen = document.createElement("canvas");
      [seen.width, seen.height] = [canvas.width, canvas.height];
      const context = seen.getContext("2d");
      if (!context) throw new Error("no context");
      context.fillStyle = style.ground;
      context.fillRect(0, 0, seen.width, seen.height);
      context.drawImage(canvas, 0, 0);
      const at = (x: number, y: number) =>
        [...context.getImageData(x * pixelRatio, y * pixelRatio, 1, 1).data.slice(0, 3)].join(" ");
      return [at(20, 3), at(18, 3), at(3, 5), at(3, 25), at(20, 15), at(18, 14)];
    },
    [kind, lines, ratio] as const,
  );
}

for (const kind of ["canvas", "webgl"] as const) {
  test(`lines lie beneath the points (${kind})`, async ({ page }) => {
    await loadPlots(page);
    const lines = [
      { upright: true, value: 0, at: 20 },
      { upright: false, value: 5, at: 5 },
    ];
    const white = "255 255 255";
    const red = "255 0 0";
    for (const ratio of [1, 2]) {
      const [zero, beside, other, below, ...point] = await draw(page, kind, lines, ratio);
      expect([zero, beside, below, ...point]).toEqual(["0 0 0", white, white, red, red]);
      // A line that is not that of zero is fainter: 45 % of black, rounded as each layer does.
      expect(Number.parseInt(other ?? "", 10)).toBeGreaterThanOrEqual(139);
      expect(Number.parseInt(other ?? "", 10)).toBeLessThanOrEqual(142);
    }
    expect(await draw(page, kind, [], 1)).toEqual([white, white, white, white, red, red]);
  });
}
