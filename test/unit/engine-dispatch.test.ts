import { describe, expect, it } from "vitest";
import { channels, imagePath, MAX_ROWS_PER_CALL } from "../../src-main/api/channels.js";
import { VergerError } from "../../src-main/core/errors.js";
import { createDispatch, type Handlers, toFailure } from "../../src-main/engine/dispatch.js";

const RUN = "0123456789abcdef";
const context = { signal: new AbortController().signal };

/** Handlers that answer with the request they were given. */
function echo(): { handlers: Handlers; seen: unknown[] } {
  const seen: unknown[] = [];
  const handlers = Object.fromEntries(
    Object.keys(channels).map((name) => [
      name,
      async (request: unknown) => {
        seen.push(request);
        return request;
      },
    ]),
  ) as unknown as Handlers;
  return { handlers, seen };
}

describe("calls", () => {
  it.each([
    ["run.rows", { run: RUN, rows: [1, 2] }, "rows"],
    ["run.rows", { run: RUN, rows: new Uint32Array(MAX_ROWS_PER_CALL + 1) }, "rows"],
    ["run.overview", { run: "../../etc" }, "run"],
    ["run.overview", {}, "run"],
    ["run.coordinates", { run: RUN, components: [] }, "components"],
    ["run.coordinates", { run: RUN, components: [0, 1, 2, 3] }, "components"],
    ["run.neighbours", { run: RUN, row: -1, k: 5 }, "row"],
    ["run.neighbours", { run: RUN, row: 1.5, k: 5 }, "row"],
    ["labels.edit", { run: RUN, rows: new Uint32Array(1), label: "" }, "label"],
    ["jobs.start", { kind: "knit", request: {} }, "kind"],
    ["jobs.start", { kind: "run", request: { sources: [], out: "x" } }, "request.sources"],
    ["settings.set", { theme: "pink" }, "theme"],
    ["app.info", null, "(whole)"],
  ])("of %s with a wrong request reach no handler", async (channel, request, field) => {
    const { handlers, seen } = echo();
    await expect(createDispatch(handlers)(channel, request, context)).rejects.toMatchObject({
      code: "request/invalid",
      message: expect.stringContaining(`field ${field} `),
    });
    expect(seen).toEqual([]);
  });

  it.each(["nothing.here", "__proto__", "constructor", "toString", ""])(
    "of an unknown name (%s) are refused",
    async (name) => {
      await expect(createDispatch(echo().handlers)(name, {}, context)).rejects.toMatchObject({
        code: "request/unknown-channel",
      });
    },
  );

  it("reach their handler with defaults filled in and strange fields dropped", async () => {
    const { handlers, seen } = echo();
    await createDispatch(handlers)("jobs.probe", { probe: "p", sources: ["photos"], strange: 1 }, context);
    expect(seen).toEqual([{ probe: "p", sources: ["photos"], labelFrom: "parent", provider: "auto", measure: true }]);
  });

  it("are checked on their way back when asked", async () => {
    const { handlers } = echo();
    await expect(createDispatch(handlers, true)("run.search", { run: RUN, text: "x" }, context)).rejects.toThrow(
      /answer of run.search does not fit/,
    );
    await expect(createDispatch(handlers, true)("runs.close", { run: RUN }, context)).resolves.toEqual({ run: RUN });
  });
});

it("failures carry code and sentence, and nothing of our insides", () => {
  expect(toFailure(new VergerError("run/unknown", "Expected a run."))).toEqual({
    error: { code: "run/unknown", message: "Expected a run." },
  });
  const { error } = toFailure(Object.assign(new Error("boom"), { code: "ENOENT" }));
  expect(error.code).toBe("internal");
  expect(error.message).toContain("boom");
  expect(Object.keys(error)).toEqual(["code", "message"]);
});

it("addresses of pictures change with the run", () => {
  expect(imagePath(RUN, "abc", 7, 256)).toBe(`images/${RUN}/abc/7/256`);
});
