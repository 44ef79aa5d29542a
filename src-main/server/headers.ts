/** Headers of every answer. */
/**
 * The page runs its own scripts and reaches its own server, nothing else. `connect-src 'self'` covers the WebSocket of the
 * same host in browsers of today; the address is named for those that take it literally.
 *
 * @param host the request's Host, checked before; undefined in the desktop app, whose events need no socket
 */
export function contentSecurityPolicy(host?: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self'",
    // React sets style attributes; style sheets come from this server alone.
    "style-src 'self'",
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    host === undefined ? "connect-src 'self'" : `connect-src 'self' ws://${host}`,
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** @param host see `contentSecurityPolicy` */
export function securityHeaders(host?: string): Readonly<Record<string, string>> {
  return {
    "content-security-policy": contentSecurityPolicy(host),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "x-robots-tag": "noindex",
  };
}
