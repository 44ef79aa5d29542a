// Sets up the two real S3 servers that the tests run against; a second call skips what is done.
//
//   node scripts/setup-s3-servers.mjs
import "./lib/node-version.mjs";
import { main } from "./lib/project.mjs";
import { ensureS3Servers } from "./lib/s3-servers.mjs";

await main(ensureS3Servers);
