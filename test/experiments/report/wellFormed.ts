/** Throws when `xml` is not well-formed: tags that do not match, attributes without quotes, bare ampersands. Enough for SVG as it is written here. */
export function assertWellFormed(xml: string): void {
  const open: string[] = [];
  const rest = xml.replaceAll(/<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<[?!][^>]*>/g, '');
  const tag = /<(\/?)([A-Za-z][\w:-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/y;
  let at = 0;
  while (at < rest.length) {
    if (rest[at] !== '<') {
      const next = rest.indexOf('<', at);
      const text = rest.slice(at, next < 0 ? rest.length : next);
      if (/&(?!(amp|lt|gt|quot|apos|#\d+|#x[\da-f]+);)/i.test(text)) throw new Error(`a bare ampersand in '${text}'`);
      at = next < 0 ? rest.length : next;
      continue;
    }
    tag.lastIndex = at;
    const match = tag.exec(rest);
    if (match === null) throw new Error(`no tag at '${rest.slice(at, at + 60)}'`);
    const [whole, closes, name, , empty] = match;
    if (closes === '/') {
      const expected = open.pop();
      if (expected !== name) throw new Error(`</${name}> closes <${expected}>`);
    } else if (empty !== '/') open.push(name!);
    at += whole!.length;
  }
  if (open.length > 0) throw new Error(`<${open.at(-1)}> is not closed`);
}
