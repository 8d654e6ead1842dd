// An address in parts, so that the host stands out. The parser writes it as it is asked for: letters that look like
// others, and what turns the direction of writing, come out as codes.
export type AddressParts = { before: string; host: string; after: string };

export function addressParts(address: string): AddressParts {
  const url = URL.parse(address);
  if (url === null) {
    return { before: "", host: "", after: address };
  }
  if (url.host === "") {
    return { before: url.protocol, host: "", after: url.pathname + url.search };
  }
  const before = `${url.protocol}//`;
  const after = url.href.slice(url.href.indexOf(url.host) + url.host.length);
  return { before, host: url.host, after: after === "/" ? "" : after };
}
