import { describe, expect, it } from "vitest";
import { type Policy, permissionsOf, policyAllows } from "../support/iam.js";

const ask = (method: string, key: string, search = "", headers: Record<string, string> = {}, deletes?: string[]) =>
  permissionsOf({ method, bucket: "b", key, query: new URLSearchParams(search), headers, ...(deletes && { deletes }) });

describe("the actions that a request needs", () => {
  it.each([
    ["GET", "", "list-type=2&prefix=p%2F", ["s3:ListBucket"]],
    ["GET", "", "uploads=&prefix=p%2F", ["s3:ListBucketMultipartUploads"]],
    ["HEAD", "", "", ["s3:ListBucket"]],
    ["HEAD", "k", "", ["s3:GetObject"]],
    ["GET", "k", "uploadId=1", ["s3:ListMultipartUploadParts"]],
    ["GET", "k", "attributes=", ["s3:GetObject", "s3:GetObjectAttributes"]],
    ["PUT", "k", "partNumber=1&uploadId=1", ["s3:PutObject"]],
    ["POST", "k", "uploads=", ["s3:PutObject"]],
    ["DELETE", "k", "", ["s3:DeleteObject"]],
    ["DELETE", "k", "uploadId=1", ["s3:AbortMultipartUpload"]],
  ])("%s /b/%s?%s", (method, key, search, actions) => {
    expect(ask(method, key, search).map(({ action }) => action)).toEqual(actions);
  });

  it("names the source of a copy and each key of a batch", () => {
    expect(ask("PUT", "k", "", { "x-amz-copy-source": "other/a%20b" })).toEqual([
      { action: "s3:PutObject", resource: "arn:aws:s3:::b/k" },
      { action: "s3:GetObject", resource: "arn:aws:s3:::other/a b" },
    ]);
    expect(ask("POST", "", "delete=", {}, ["x", "y"]).map(({ resource }) => resource)).toEqual([
      "arn:aws:s3:::b/x",
      "arn:aws:s3:::b/y",
    ]);
  });

  it("refuses to guess", () => {
    expect(() => ask("PUT", "", "acl=")).toThrow("No IAM action is known");
    expect(() => ask("POST", "k", "restore=")).toThrow("No IAM action is known");
  });
});

describe("a policy", () => {
  const policy: Policy = {
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Action: ["s3:GetObject"], Resource: ["arn:aws:s3:::b/p.q/*"] },
      {
        Effect: "Allow",
        Action: ["s3:ListBucket"],
        Resource: ["arn:aws:s3:::b"],
        Condition: { StringLike: { "s3:prefix": ["p.q/*"] } },
      },
    ],
  };

  it("allows what a statement names, and nothing else", () => {
    const get = (key: string) => policyAllows(policy, { action: "s3:GetObject", resource: `arn:aws:s3:::b/${key}` });
    expect(get("p.q/a/b\n")).toBe(true);
    expect(get("pxq/a")).toBe(false);
    expect(policyAllows(policy, { action: "s3:PutObject", resource: "arn:aws:s3:::b/p.q/a" })).toBe(false);
  });

  it("holds a condition only for a request that has the prefix", () => {
    const list = { action: "s3:ListBucket", resource: "arn:aws:s3:::b" };
    expect(policyAllows(policy, { ...list, prefix: "p.q/a" })).toBe(true);
    expect(policyAllows(policy, { ...list, prefix: "" })).toBe(false);
    expect(policyAllows(policy, list)).toBe(false);
  });
});
