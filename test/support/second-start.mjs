// Makes plain Node look like a packaged Electron that is started a second time, to the script it runs: what it is asked is
// printed as JSON when the app quits.
import { register } from "node:module";

const stub = `
const log = {};
export const app = {
  setName: (name) => { log.name = name; },
  setPath: (name, place) => { log[name] = place; },
  commandLine: { hasSwitch: () => false },
  enableSandbox: () => { log.sandbox = true; },
  requestSingleInstanceLock: (data) => { log.handedOver = data; return false; },
  quit: () => console.log(JSON.stringify(log)),
};
export const protocol = { registerSchemesAsPrivileged: (list) => { log.schemes = list.map(({ scheme }) => scheme); } };
`;
const hook = `
export const resolve = (name, context, next) =>
  name === "electron" ? { url: "electron:stub", format: "module", shortCircuit: true } : next(name, context);
export const load = (url, context, next) =>
  url === "electron:stub" ? { format: "module", source: ${JSON.stringify(stub)}, shortCircuit: true } : next(url, context);
`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
Object.defineProperty(process.versions, "electron", { value: "45.4.1", enumerable: true });
// A packaged app has no script among its arguments.
process.argv.splice(1, 1);
