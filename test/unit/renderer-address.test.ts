import { describe, expect, it } from "vitest";
import { addressToOpen } from "../../src-renderer/app/new-address.js";

const TOKEN = "kJ3mX0c9-_AbCdEfGhIjKlMnOpQrStUvWxYz0123456";
const here = { origin: "http://127.0.0.1:8080", hash: "#/runs/0123456789abcdef/explore?photo=3" };

describe("the address of a server that was started again", () => {
  it("is opened with what is seen now, on whatever port it is", () => {
    for (const origin of [here.origin, "http://127.0.0.1:41234", "http://farm.local:8080"]) {
      expect(addressToOpen(`  ${origin}/?token=${TOKEN}\n`, here)).toBe(`${origin}/?token=${TOKEN}${here.hash}`);
    }
    expect(addressToOpen(TOKEN, here)).toBe(`${here.origin}/?token=${TOKEN}${here.hash}`);
  });

  it.each([
    ["nothing", ""],
    ["words", "the address"],
    ["an address without a token", "http://127.0.0.1:8080/"],
    ["a token that is cut short", `http://127.0.0.1:8080/?token=${TOKEN.slice(1)}`],
    ["no address of the web", `javascript:alert(1)//?token=${TOKEN}`],
    ["a file", `file:///etc/passwd?token=${TOKEN}`],
  ])("is not %s", (_, text) => {
    expect(addressToOpen(text, here)).toBeUndefined();
  });
});
