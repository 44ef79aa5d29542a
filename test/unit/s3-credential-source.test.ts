import { describe, expect, it } from "vitest";
import { credentialSource } from "../../src-main/storage/s3/credential-source.js";

describe("the source of credentials", () => {
  it.each([
    [{ CREDENTIALS_ENV_VARS: "g" }, "environment variables"],
    [{ CREDENTIALS_PROFILE: "n" }, "profile field"],
    // Marks add up along a profile's way to its credentials: the most telling one names it.
    [
      { CREDENTIALS_PROFILE: "n", CREDENTIALS_PROFILE_PROCESS: "v", CREDENTIALS_PROCESS: "w" },
      "credential_process of profile field",
    ],
    [{ CREDENTIALS_PROFILE_SSO: "r", CREDENTIALS_SSO: "s" }, "single sign-on of profile field"],
    [
      { CREDENTIALS_ENV_VARS_STS_WEB_ID_TOKEN: "h", CREDENTIALS_STS_ASSUME_ROLE_WEB_ID: "k" },
      "web identity of the environment",
    ],
    [{ CREDENTIALS_IMDS: "0" }, "instance metadata"],
    [{}, "the AWS credential chain"],
    [undefined, "the AWS credential chain"],
  ])("%j is %s", (marks, name) => {
    expect(credentialSource(marks, "field")).toBe(name);
  });
});
