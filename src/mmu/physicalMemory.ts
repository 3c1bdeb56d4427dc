/**
 * Physical memory: RAM from address 0 to `size`, a slice of the machine's one memory, plus what the machine must know about pages that
 * hold decoded code. Loads and stores here take host-physical addresses that lie in RAM; the caller has checked.
 */
export class PhysicalMemory {
  /** Bytes of RAM, a multiple of 4096. */
  readonly size: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** One byte per page: 1 while somebody has decoded code from it. A store to such a page must call `codeWritten`. */
  readonly codePages: Uint8Array;
  /** Version of each page, counted up by stores to code pages: decoded code is keyed by it. */
  readonly pageVersions: Uint32Array;
  /** Told when a code page was written: its decoded code is void. */
  onCodeWritten: (page: number) => void = () => {};

  constructor(buffer: ArrayBufferLike, byteOffset: number, size: number) {
    this.size = size;
    this.bytes = new Uint8Array(buffer, byteOffset, size);
    this.view = new DataView(buffer, byteOffset, size);
    this.codePages = new Uint8Array(size / 4096);
    this.pageVersions = new Uint32Array(size / 4096);
  }

  /** Makes decoded code of this page void. `page` is a host page number. */
  codeWritten(page: number): void {
    this.codePages[page] = 0;
    this.pageVersions[page]!++;
    this.onCodeWritten(page);
  }

  /** True iff [hpa, hpa + bytes) lies in RAM. */
  contains(hpa: number, bytes: number): boolean {
    return hpa >= 0 && hpa + bytes <= this.size;
  }

  /** Copies bytes into RAM, as a loader or DMA does: decoded code of the touched pages becomes void. */
  write(hpa: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, hpa);
    this.touch(hpa, bytes.length);
  }

  /** Fills [hpa, hpa + length) with zeros. */
  clear(hpa: number, length: number): void {
    this.bytes.fill(0, hpa, hpa + length);
    this.touch(hpa, length);
  }

  private touch(hpa: number, length: number): void {
    for (let page = hpa >>> 12; page * 4096 < hpa + length; page++) {
      if (this.codePages[page] === 1) this.codeWritten(page);
    }
  }
}
