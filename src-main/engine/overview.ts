/** What is said of a run before its points are drawn. */
import { existsSync } from "node:fs";
import path from "node:path";
import type { Overview, Problem, RunCard } from "../api/channels.js";
import type { ColumnName, RunData } from "../core/explore/index.js";
import { machineOf, stagesOf } from "../core/inspect/index.js";

/** From run.json and what is in memory alone: people wait for it, and for the points behind it. */
export function overviewOf(card: RunCard, data: RunData): Overview {
  const { pca, file } = data;
  const { identity } = file;
  return {
    card,
    rows: data.rows,
    root: data.root,
    sources: [...(identity?.sources ?? [])],
    labelFrom: file.labelFrom,
    labels: data.labelCounts(),
    revision: data.revision,
    edits: data.edits(),
    model: identity && {
      name: identity.model,
      sha256: identity.modelSha256,
      dimension: identity.dimension,
      width: identity.width,
      height: identity.height,
    },
    machine: machineOf(file.runtime),
    provider: file.runtime?.provider ?? null,
    pca: pca
      ? {
          components: pca.components,
          dimension: pca.dimension,
          standardized: pca.standardized,
          solver: pca.solver,
          variance: file.pca?.parameters.variance ?? (file.pca?.parameters.components === undefined ? 0.8 : null),
          explainedVariance: pca.explainedVariance,
          explainedVarianceRatio: pca.explainedVarianceRatio,
          totalVariance: pca.totalVariance,
        }
      : null,
    stages: [...stagesOf(file)],
    columns: [...offeredColumns(data), ...(pca ? (["outlier"] as const) : [])],
    problems: problemsOf(data),
  };
}

/** The date of a file, which copying may have changed, is offered only for photos that say nothing better. */
function offeredColumns(data: RunData): readonly ColumnName[] {
  const dated = data.capturedAt?.every((time) => !Number.isNaN(time)) === true;
  return dated ? data.columns.filter((name) => name !== "modified") : data.columns;
}

function problemsOf(data: RunData): Problem[] {
  const problems: Problem[] = [];
  const { file, rows, root } = data;
  if (file.state !== "done") {
    problems.push({
      code: "run/incomplete",
      message:
        `Expected a finished run, but this one is ${file.state}: ${rows} of ${file.counts.images} images have a feature ` +
        "vector; start it again to finish it.",
      details: { rows, images: file.counts.images },
    });
  }
  if (file.failure) problems.push(file.failure);
  if (data.pcaProblem) problems.push({ code: data.pcaProblem.code, message: data.pcaProblem.message });
  if (root !== null && rows > 0) {
    // A look at three tells a folder that was moved from one photo that was deleted.
    const looked = [0, Math.floor(rows / 2), rows - 1].map((row) => path.resolve(root, data.pathOf(row)));
    if (looked.every((photo) => !existsSync(photo))) {
      problems.push({
        code: "photo/missing",
        message: `Expected the photos of this run in ${root}, but they are not there; bring the folder back, or connect its disk.`,
      });
    }
  }
  return problems;
}
