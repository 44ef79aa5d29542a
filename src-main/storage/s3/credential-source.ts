/** Where the SDK's chain found credentials, in words; never the credentials. */

/** What the SDK marks credentials with, the most telling first. */
const SOURCES: readonly (readonly [mark: string, name: (profile: string) => string])[] = [
  ["CREDENTIALS_PROFILE_SSO", (profile) => `single sign-on of profile ${profile}`],
  ["CREDENTIALS_PROFILE_SSO_LEGACY", (profile) => `single sign-on of profile ${profile}`],
  ["CREDENTIALS_PROFILE_LOGIN", (profile) => `login of profile ${profile}`],
  ["CREDENTIALS_PROFILE_PROCESS", (profile) => `credential_process of profile ${profile}`],
  ["CREDENTIALS_PROFILE_STS_WEB_ID_TOKEN", (profile) => `web identity of profile ${profile}`],
  ["CREDENTIALS_PROFILE_SOURCE_PROFILE", (profile) => `role assumed by profile ${profile}`],
  ["CREDENTIALS_PROFILE_NAMED_PROVIDER", (profile) => `credential_source of profile ${profile}`],
  ["CREDENTIALS_PROFILE", (profile) => `profile ${profile}`],
  ["CREDENTIALS_ENV_VARS_STS_WEB_ID_TOKEN", () => "web identity of the environment"],
  ["CREDENTIALS_STS_ASSUME_ROLE_WEB_ID", () => "web identity"],
  ["CREDENTIALS_ENV_VARS", () => "environment variables"],
  ["CREDENTIALS_SSO", () => "single sign-on"],
  ["CREDENTIALS_PROCESS", () => "credential_process"],
  ["CREDENTIALS_HTTP", () => "container credentials"],
  ["CREDENTIALS_IMDS", () => "instance metadata"],
];

/**
 * @param marks `$source` of the SDK's credentials
 * @param profile the one asked for; undefined for the environment's or the default one
 */
export function credentialSource(marks: Readonly<Record<string, unknown>> | undefined, profile?: string): string {
  const found = SOURCES.find(([mark]) => marks?.[mark] !== undefined);
  // An empty variable counts as absent for the SDK.
  return found ? found[1](profile ?? (process.env.AWS_PROFILE || "default")) : "the AWS credential chain";
}
