/** As much of IAM as S3 policies need: which action a request asks for, on what, and whether a policy allows it. */

/** One permission that a request needs. */
export interface Permission {
  /** `s3:GetObject` */
  readonly action: string;
  /** `arn:aws:s3:::bucket` or `arn:aws:s3:::bucket/key` */
  readonly resource: string;
  /** The `s3:prefix` of a listing; undefined where a request has none, so that a condition on it does not hold. */
  readonly prefix?: string;
}

/** A request as far as permissions go. */
export interface S3Request {
  readonly method: string;
  readonly bucket: string;
  /** Decoded; empty for a request about the bucket. */
  readonly key: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Keys named by the body of a DeleteObjects. */
  readonly deletes?: readonly string[];
}

/** A policy document, as docs/s3.md shows them. */
export interface Policy {
  readonly Version: "2012-10-17";
  readonly Statement: readonly {
    readonly Sid?: string;
    readonly Effect: "Allow";
    readonly Action: readonly string[];
    readonly Resource: readonly string[];
    readonly Condition?: { readonly StringLike: { readonly "s3:prefix": readonly string[] } };
  }[];
}

const arn = (bucket: string, key = ""): string => `arn:aws:s3:::${bucket}${key === "" ? "" : `/${key}`}`;

/**
 * What Amazon asks of whoever sends this request (its Service Authorization Reference, and each operation's page).
 *
 * @throws Error for a request that this table does not know: a new kind of call must be looked up, not let through
 */
export function permissionsOf(request: S3Request): readonly Permission[] {
  const { bucket, key } = request;
  if (bucket === "") return [{ action: "s3:ListAllMyBuckets", resource: "*" }];
  return key === "" ? bucketPermissions(request) : objectPermissions(request, arn(bucket, key));
}

function bucketPermissions({ method, bucket, query, deletes }: S3Request): readonly Permission[] {
  const resource = arn(bucket);
  if (method === "POST" && query.has("delete")) {
    return (deletes ?? []).map((key) => ({ action: "s3:DeleteObject", resource: arn(bucket, key) }));
  }
  if (method === "HEAD") return [{ action: "s3:ListBucket", resource }];
  if (method === "GET" && query.has("location")) return [{ action: "s3:GetBucketLocation", resource }];
  // IAM knows s3:prefix for listings of objects only.
  if (method === "GET" && query.has("uploads")) return [{ action: "s3:ListBucketMultipartUploads", resource }];
  if (method === "GET" && query.has("list-type")) {
    return [{ action: "s3:ListBucket", resource, prefix: query.get("prefix") ?? "" }];
  }
  throw new Error(`No IAM action is known for ${method} on a bucket with ?${query}.`);
}

function objectPermissions({ method, query, headers }: S3Request, resource: string): readonly Permission[] {
  const upload = query.has("uploadId");
  switch (method) {
    case "HEAD":
      return [{ action: "s3:GetObject", resource }];
    case "GET":
      if (upload) return [{ action: "s3:ListMultipartUploadParts", resource }];
      return [
        { action: "s3:GetObject", resource },
        ...(query.has("attributes") ? [{ action: "s3:GetObjectAttributes", resource }] : []),
      ];
    case "PUT": {
      const source = headers["x-amz-copy-source"];
      const needed = [{ action: "s3:PutObject", resource }];
      if (typeof source === "string") {
        const name = decodeURIComponent(source).replace(/^\//, "");
        needed.push({ action: "s3:GetObject", resource: `arn:aws:s3:::${name}` });
      }
      if (headers["x-amz-tagging"] !== undefined) needed.push({ action: "s3:PutObjectTagging", resource });
      if (headers["x-amz-acl"] !== undefined) needed.push({ action: "s3:PutObjectAcl", resource });
      // A write on the condition of an ETag tells the ETag.
      if (headers["if-match"] !== undefined) needed.push({ action: "s3:GetObject", resource });
      return needed;
    }
    case "POST":
      if (query.has("uploads") || upload) return [{ action: "s3:PutObject", resource }];
      break;
    case "DELETE":
      return [{ action: upload ? "s3:AbortMultipartUpload" : "s3:DeleteObject", resource }];
  }
  throw new Error(`No IAM action is known for ${method} on an object with ?${query}.`);
}

/** Whether some statement of the policy allows it; what no statement allows is denied. */
export function policyAllows(policy: Policy, { action, resource, prefix }: Permission): boolean {
  return policy.Statement.some(
    (statement) =>
      statement.Action.some((pattern) => matches(pattern, action)) &&
      statement.Resource.some((pattern) => matches(pattern, resource)) &&
      (statement.Condition === undefined ||
        (prefix !== undefined &&
          statement.Condition.StringLike["s3:prefix"].some((pattern) => matches(pattern, prefix)))),
  );
}

/** IAM's wildcards: `*` for any characters, `?` for one. */
function matches(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "su").test(text);
}
