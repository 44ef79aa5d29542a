/**
 * What may stand between this machine and a server: a company's proxy, and certificates that only it vouches for. Told by
 * the variables of the environment that curl, Python and the AWS CLI read too; Node by itself reads none of them.
 */
import { readFileSync } from "node:fs";
import type { EnvHttpProxyAgent } from "undici";
import { errorCode, VergerError } from "../core/errors.js";

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** True for this machine itself. @param hostname of a URL: an address of version 6 in brackets */
export function isLoopback(hostname: string): boolean {
  return LOOPBACK.test(hostname);
}

/** The proxy for a scheme; empty where there is none. The lower case comes first, as with curl. */
function proxyFor(scheme: "http" | "https"): string {
  const upper = `${scheme.toUpperCase()}_PROXY`;
  const value = process.env[`${scheme}_proxy`] || process.env[upper] || "";
  if (value === "") return "";
  // As curl takes it: the scheme may be left out.
  const url = value.includes("://") ? value : `http://${value}`;
  if (URL.canParse(url) && /^https?:/i.test(url)) return url;
  // The value may hold a password.
  throw new VergerError(
    "network/proxy",
    `Expected the address of a proxy in ${upper}, like http://proxy.example.org:8080, but it holds something else; correct or unset it.`,
  );
}

/**
 * True when the environment names a proxy and the server is not this machine, which no proxy reaches. Whether NO_PROXY
 * excepts the server, the agent decides.
 *
 * @param origin `https://host:port`
 * @throws VergerError `network/proxy`
 */
export function mayNeedProxy(origin: string): boolean {
  return !isLoopback(new URL(origin).hostname) && (proxyFor("https") !== "" || proxyFor("http") !== "");
}

type AgentOptions = NonNullable<ConstructorParameters<typeof EnvHttpProxyAgent>[0]>;

/**
 * Options for undici's `EnvHttpProxyAgent`, which reads NO_PROXY itself.
 *
 * @throws VergerError `network/proxy`, `network/certificates`
 */
export function proxyAgentOptions(): AgentOptions {
  const ca = trustedCertificates();
  const tls = ca === undefined ? {} : { connect: { ca }, requestTls: { ca }, proxyTls: { ca } };
  // Many proxies tunnel to the ports of TLS only; plain requests go to them whole.
  return { httpProxy: proxyFor("http"), httpsProxy: proxyFor("https"), proxyTunnel: false, ...tls };
}

/** The bundle that was read last: each connection asks. */
const bundle = { file: "", text: "" };

/**
 * The certificates of AWS_CA_BUNDLE: these and no others count, as for the AWS CLI.
 *
 * @returns undefined for those that Node trusts, NODE_EXTRA_CA_CERTS among them
 * @throws VergerError `network/certificates`
 */
export function trustedCertificates(): string | undefined {
  const file = process.env.AWS_CA_BUNDLE;
  if (!file) return undefined;
  if (file === bundle.file) return bundle.text;
  let text = "";
  let reason = "no certificate in it";
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    reason = errorCode(error);
  }
  if (text.includes("-----BEGIN CERTIFICATE-----")) return Object.assign(bundle, { file, text }).text;
  throw new VergerError(
    "network/certificates",
    `Expected the file of AWS_CA_BUNDLE, ${file}, to hold certificates in PEM, but received ${reason}; correct or unset it.`,
    { details: { path: file } },
  );
}
