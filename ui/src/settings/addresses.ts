// Which addresses make sense; Rust judges them again.

/** Only what cannot be read along on the way, except to this machine itself. */
export function isSafeAddress(text: string): boolean {
  const url = parse(text);
  const isHere =
    url !== null && ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  return url?.protocol === "https:" || (url?.protocol === "http:" && isHere);
}

export function isProxyAddress(text: string): boolean {
  const url = parse(text);
  return (
    url !== null &&
    ["http:", "https:", "socks5:", "socks5h:"].includes(url.protocol)
  );
}

function parse(text: string): URL | null {
  try {
    const url = new URL(text);
    return text.includes("://") && url.host !== "" ? url : null;
  } catch {
    return null;
  }
}
