/**
 * One transfer, to be killed: `download|upload <endpoint> <file> <folder of the state> <JSON of the object>`. Credentials
 * stand in the environment.
 */
import { openS3 } from "../../src-main/storage/s3/index.js";
import type { ObjectInfo } from "../../src-main/storage/types.js";

const [what, endpoint = "", file = "", stateFolder = "", json = "{}"] = process.argv.slice(2);
const object = JSON.parse(json) as ObjectInfo;
const PART = 5 * 1024 * 1024;
const store = openS3(
  "photos",
  { endpoint, region: "us-east-1", partBytes: PART, maxBandwidth: 80 * 1024 * 1024 },
  { partsInFlight: 3 },
);
if (what === "download") await store.download(object, file);
else await store.upload(file, object.key, { stateFolder });
await store.close();
