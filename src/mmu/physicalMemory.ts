import type { CacheLines } from './cacheLines.ts';

/** Bits of `codePages`: somebody has decoded code from the page; somebody watches its contents (page tables); a core monitors a line of it. */
export const PAGE_CODE = 1 << 0;
export const PAGE_WATCHED = 1 << 1;
export const PAGE_MONITORED = 1 << 2;

/**
 * Physical memory: RAM from address 0 to `size`, a slice of the machine's one memory, plus what the machine must know about pages that
 * hold decoded code. Loads and stores here take host-physical addresses that lie in RAM; the caller has checked.
 */
export class PhysicalMemory {
  /** Bytes of RAM, a multiple of 4096. */
  readonly size: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** One byte per page: PAGE_ bits. A store to a page whose byte is not 0 must call `markedWritten`. Set bits with `|=`. */
  readonly codePages: Uint8Array;
  /** Version of each page, counted up by stores to code pages: decoded code is keyed by it. */
  readonly pageVersions: Uint32Array;
  /** What is known of cache lines; null: moving them costs nothing. */
  lines: CacheLines | null = null;
  /** Told when a code page was written: its decoded code is void. */
  onCodeWritten: (page: number) => void = () => {};
  /** Told when a watched page is written; the store may be about to happen, or just done. The page stays watched. */
  onWatchedWritten: (page: number) => void = () => {};
  /** Told when [hpa, hpa + bytes) of a monitored page is written. True iff somebody goes on monitoring the page. */
  onMonitoredWritten: (hpa: number, bytes: number) => boolean = () => false;
  /** Told when a page becomes a monitored one: stores to it must no longer take any shortcut. */
  onMonitored: () => void = () => {};

  /** @param codePages room for one byte per page; in the machine's memory when generated code is to see it. */
  constructor(buffer: ArrayBufferLike, byteOffset: number, size: number, codePages = new Uint8Array(size / 4096)) {
    this.size = size;
    this.bytes = new Uint8Array(buffer, byteOffset, size);
    this.view = new DataView(buffer, byteOffset, size);
    this.codePages = codePages;
    this.pageVersions = new Uint32Array(size / 4096);
  }

  /** [hpa, hpa + bytes), in a page whose `codePages` byte is not 0, is written: the page's decoded code is void, and who watches or monitors it is told. */
  markedWritten(hpa: number, bytes: number): void {
    const page = Math.floor(hpa / 4096);
    const marks = this.codePages[page]!;
    this.codePages[page] = marks & ~PAGE_CODE;
    if (marks & PAGE_CODE) {
      this.pageVersions[page]!++;
      this.onCodeWritten(page);
    }
    if (marks & PAGE_WATCHED) this.onWatchedWritten(page);
    if (marks & PAGE_MONITORED && !this.onMonitoredWritten(hpa, bytes)) this.codePages[page]! &= ~PAGE_MONITORED;
  }

  /** Stores to this page are told to `onMonitoredWritten` until it answers that nobody monitors it any more. */
  monitor(page: number): void {
    if (this.codePages[page]! & PAGE_MONITORED) return;
    this.codePages[page]! |= PAGE_MONITORED;
    this.onMonitored();
  }

  /** Stores to this page are told to `onWatchedWritten` from now on. */
  watch(page: number): void {
    this.codePages[page]! |= PAGE_WATCHED;
  }

  /** Stores to this page are told to nobody any more. */
  unwatch(page: number): void {
    this.codePages[page]! &= ~PAGE_WATCHED;
  }

  /** 32 bits at a host-physical address. */
  load32(hpa: number): number {
    return this.view.getUint32(hpa, true);
  }

  /** Stores 32 bits as a processor's page walk does: decoded code of the page becomes void. */
  store32(hpa: number, value: number): void {
    if (this.codePages[Math.floor(hpa / 4096)] !== 0) this.markedWritten(hpa, 4);
    this.view.setUint32(hpa, value, true);
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
    for (let page = Math.floor(hpa / 4096); page * 4096 < hpa + length; page++) {
      if (this.codePages[page] === 0) continue;
      const from = Math.max(hpa, page * 4096);
      this.markedWritten(from, Math.min(hpa + length, (page + 1) * 4096) - from);
    }
  }
}
