/** The address that a server prints when it is started: where it is, and the token that lets a page in. */

/** A token alone: 32 random bytes as base64url. */
const TOKEN = /^[\w-]{43}$/;

/**
 * Where to go to be let in by a server that was started again, with what is seen now.
 *
 * @param pasted the whole address, or its token alone
 * @param here this page
 * @returns undefined when it is neither
 */
export function addressToOpen(
  pasted: string,
  here: { readonly origin: string; readonly hash: string },
): string | undefined {
  const text = pasted.trim();
  if (TOKEN.test(text)) return `${here.origin}/?token=${text}${here.hash}`;
  if (!URL.canParse(text)) return undefined;
  const address = new URL(text);
  const token = address.searchParams.get("token") ?? "";
  if (!/^https?:$/.test(address.protocol) || !TOKEN.test(token)) return undefined;
  return `${address.origin}/?token=${token}${here.hash}`;
}
