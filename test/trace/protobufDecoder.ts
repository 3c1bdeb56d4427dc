/** A field of a decoded message: a varint or fixed64 as a bigint, anything with a length as bytes. */
export type Field = readonly [number: number, value: bigint | Uint8Array];

/** Decodes one level of a protocol-buffer message, independently of the encoder under test. Throws on anything malformed. */
export function decodeMessage(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const byte = (): number => {
    const value = bytes[at++];
    if (value === undefined) throw new Error('the message ends in the middle of a field');
    return value;
  };
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      if (shift > 63n) throw new Error('a varint of more than ten bytes');
      const next = byte();
      value |= BigInt(next & 0x7f) << shift;
      if (next < 0x80) return BigInt.asUintN(64, value);
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const number = Number(key >> 3n);
    switch (Number(key & 7n)) {
      case 0:
        fields.push([number, varint()]);
        break;
      case 1: {
        let value = 0n;
        for (let shift = 0n; shift < 64n; shift += 8n) value |= BigInt(byte()) << shift;
        fields.push([number, value]);
        break;
      }
      case 2: {
        const length = Number(varint());
        if (at + length > bytes.length) throw new Error('a field is longer than its message');
        fields.push([number, bytes.subarray(at, at + length)]);
        at += length;
        break;
      }
      default:
        throw new Error(`wire type ${key & 7n}`);
    }
  }
  return fields;
}

export const all = (fields: readonly Field[], number: number): (bigint | Uint8Array)[] =>
  fields.filter(([field]) => field === number).map(([, value]) => value);
export const messages = (fields: readonly Field[], number: number): Field[][] =>
  all(fields, number).map((value) => decodeMessage(value as Uint8Array));
export const integer = (fields: readonly Field[], number: number): number | undefined => {
  const [value] = all(fields, number);
  return value === undefined ? undefined : Number(BigInt.asIntN(64, value as bigint));
};
export const text = (fields: readonly Field[], number: number): string | undefined => {
  const [value] = all(fields, number);
  return value === undefined ? undefined : Buffer.from(value as Uint8Array).toString('utf8');
};
