/**
 * A direct-mapped shortcut over the first-level data TLB, for generated code: where a page lies in the machine's memory, by one load and one
 * comparison. It only ever holds pages whose entry is in the first level *now*: whatever evicts or invalidates an entry removes it here, too.
 *
 * Two tables, reads and writes, of SHORTCUT_ENTRIES entries of 16 bytes each:
 *
 *   byte 0   tag: linear page address | context number (1 … 4095); 0 = empty
 *   byte 8   where the page lies: byte offset in the machine's memory minus the linear address, modulo 2^32
 *
 * A context number stands for everything that decides what a first-level entry permits: tags, privilege, SMAP, write protection.
 * The write table holds no page with decoded code or a watcher: stores there take the long way. Generated code fills the tables
 * (engines/jit/translateEmitter); what must leave them is removed here and there.
 */
export const SHORTCUT_ENTRIES = 256;
/**
 * The number of a page's entry is its page number plus the bits above those that count the entries, modulo their number. So pages whose distance is a
 * power of two below 2^16 of them, as buffers often lie, have entries of their own (bench: `alias`); and so have a page and the next one,
 * which generated code relies on: an access over a page end must not find the second page where it looks for the first.
 */
export const SHORTCUT_FOLD = Math.log2(SHORTCUT_ENTRIES);
/** Number of a page's entry. @param page low 32 bits of its number. */
export const shortcutSlot = (page: number): number => (page + (page >>> SHORTCUT_FOLD)) & (SHORTCUT_ENTRIES - 1);
export const SHORTCUT_ENTRY_BYTES = 16;
export const SHORTCUT_TABLE_BYTES = SHORTCUT_ENTRIES * SHORTCUT_ENTRY_BYTES;
/** Bytes of both tables of one core: reads, then writes. */
export const SHORTCUT_BYTES = 2 * SHORTCUT_TABLE_BYTES;
/** Context numbers are page-offset bits of a tag. */
export const CONTEXT_LIMIT = 4096;

const WORDS = SHORTCUT_ENTRY_BYTES / 4;
const WRITES = SHORTCUT_TABLE_BYTES / 4;

export class DataShortcut {
  private readonly words: Int32Array;
  /** Byte offset of the tables in the machine's memory. */
  readonly byteOffset: number;

  constructor(buffer: ArrayBufferLike, byteOffset: number) {
    this.byteOffset = byteOffset;
    this.words = new Int32Array(buffer, byteOffset, SHORTCUT_BYTES / 4);
  }

  /** No page of the entry with this page number (low 32 bits) and size (log2 of pages) is left. */
  drop(page: number, size: number): void {
    if (size !== 0) {
      this.clear();
      return;
    }
    const { words } = this;
    const at = shortcutSlot(page) * WORDS;
    // Pages whose numbers agree in 32 bits but not above are dropped with it: too much, never too little.
    words[at] = 0;
    words[at + 1] = 0;
    words[at + WRITES] = 0;
    words[at + WRITES + 1] = 0;
  }

  /** Nothing may be written by way of the shortcut: a page has become code. */
  clearWrites(): void {
    this.words.fill(0, WRITES);
  }

  clear(): void {
    this.words.fill(0);
  }
}
