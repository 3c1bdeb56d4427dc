/** Wire types of the protocol-buffer encoding. */
const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_LENGTH = 2;

const encoder = new TextEncoder();

/**
 * Encodes protocol-buffer messages into one growing array. Nested messages are opened and closed; numbers are exact integers up to 2^53,
 * negative ones in two's complement.
 */
export class ProtobufEncoder {
  private bytes = new Uint8Array(1 << 12);
  private length = 0;
  /** Start of the content of each open message. */
  private readonly open: number[] = [];

  /** Everything encoded since the last `clear`: a view, valid until the next call. Precondition: no message is open. */
  get encoded(): Uint8Array {
    if (this.open.length > 0) throw new Error(`${this.open.length} protocol-buffer messages are still open`);
    return this.bytes.subarray(0, this.length);
  }

  /** Bytes encoded since the last `clear`. */
  get size(): number {
    return this.length;
  }

  clear(): void {
    this.length = 0;
  }

  /** What follows until `end` is the content of the nested message `field`. */
  begin(field: number): void {
    this.tag(field, WIRE_LENGTH);
    this.reserve(1);
    this.length++;
    this.open.push(this.length);
  }

  end(): void {
    const start = this.open.pop();
    if (start === undefined) throw new Error('no protocol-buffer message is open');
    const size = this.length - start;
    // One byte is there for the length; a longer one moves the content.
    let extra = 0;
    for (let rest = size; rest >= 0x80; rest = Math.floor(rest / 0x80)) extra++;
    if (extra > 0) {
      this.reserve(extra);
      this.bytes.copyWithin(start + extra, start, this.length);
      this.length += extra;
    }
    let at = start - 1;
    let rest = size;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.bytes[at++] = (rest & 0x7f) | 0x80;
    this.bytes[at] = rest;
  }

  /** An int64, uint64, bool or enumeration field. */
  integer(field: number, value: number): void {
    this.tag(field, WIRE_VARINT);
    this.varint(value);
  }

  /** A fixed64 field. */
  fixed64(field: number, value: number): void {
    this.tag(field, WIRE_FIXED64);
    this.reserve(8);
    const low = value >>> 0;
    const high = Math.floor(value / 0x1_0000_0000) >>> 0;
    for (let index = 0; index < 8; index++) this.bytes[this.length++] = (index < 4 ? low : high) >>> (8 * (index & 3));
  }

  text(field: number, value: string): void {
    this.tag(field, WIRE_LENGTH);
    const start = this.length;
    if (value.length < 0x80 && this.shortAscii(value)) return;
    this.length = start;
    const content = encoder.encode(value);
    this.varint(content.length);
    this.reserve(content.length);
    this.bytes.set(content, this.length);
    this.length += content.length;
  }

  /** Writes length and characters if all are ASCII, as nearly every name is: several times cheaper than the general way. */
  private shortAscii(value: string): boolean {
    this.reserve(1 + value.length);
    this.bytes[this.length++] = value.length;
    for (let index = 0; index < value.length; index++) {
      const code = value.charCodeAt(index);
      if (code >= 0x80) return false;
      this.bytes[this.length++] = code;
    }
    return true;
  }

  private tag(field: number, wireType: number): void {
    this.varint(field * 8 + wireType);
  }

  private varint(value: number): void {
    this.reserve(10);
    let low = value >>> 0;
    let high = Math.floor(value / 0x1_0000_0000) >>> 0;
    while (high !== 0 || low >= 0x80) {
      this.bytes[this.length++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.bytes[this.length++] = low;
  }

  private reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + count));
    larger.set(this.bytes);
    this.bytes = larger;
  }
}
