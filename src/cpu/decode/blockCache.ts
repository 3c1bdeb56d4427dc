/** Decoded blocks of one machine's memory, found by physical address and code mode; a page's version tells when they are void. */
import { PAGE_CODE, type PhysicalMemory } from '../../mmu/physicalMemory.ts';
import { type Block, MAX_BLOCK_INSTRUCTIONS } from './block.ts';
import type { CodeMode } from './codeMode.ts';
import { type Decoder, MAX_INSTRUCTION_LENGTH } from './decoder.ts';
import type { Instruction } from './instruction.ts';

const SLOT_BITS = 14;
/** Decoded instructions kept at most; beyond that everything is forgotten and decoded again as needed. */
const INSTRUCTION_LIMIT = 400_000;
const PAGE_SIZE = 4096;

export class BlockCache {
  /** Told when a page that held no decoded code holds some: whoever stores to it by a quicker way must stop that. */
  onCodeDecoded: (page: number) => void = () => {};
  private readonly memory: PhysicalMemory;
  private readonly decoder: Decoder;
  /** Direct-mapped: a block whose slot is wanted by another one is decoded again later. */
  private readonly slots: (Block | undefined)[];
  /** Instructions in `slots`, counting overwritten blocks. */
  private instructions = 0;

  constructor(memory: PhysicalMemory, decoder: Decoder) {
    this.memory = memory;
    this.decoder = decoder;
    this.slots = new Array<Block | undefined>(1 << SLOT_BITS).fill(undefined);
  }

  /**
   * The valid block at `hpa`, decoded if need be; undefined when the first instruction crosses the page end (`findCrossing`).
   * @param hpa in RAM.
   */
  find(hpa: number, mode: CodeMode): Block | undefined {
    const block = this.slots[slotOf(hpa, mode)];
    if (block !== undefined && block.hpa === hpa && block.mode === mode && block.secondPage < 0) {
      if (this.memory.pageVersions[block.page] === block.version) return block;
    }
    return this.decodeBlock(hpa, mode);
  }

  /** The block of the one instruction at `hpa` whose bytes go on at `secondHpa`, the start of another page in RAM. */
  findCrossing(hpa: number, secondHpa: number, mode: CodeMode): Block {
    const { pageVersions } = this.memory;
    const block = this.slots[slotOf(hpa, mode)];
    if (block !== undefined && block.hpa === hpa && block.mode === mode && block.secondPage === secondHpa / PAGE_SIZE) {
      if (pageVersions[block.page] === block.version && pageVersions[block.secondPage] === block.secondVersion) return block;
    }
    const { bytes } = this.memory;
    const pageEnd = hpa - (hpa % PAGE_SIZE) + PAGE_SIZE;
    const joined = new Uint8Array(pageEnd - hpa + MAX_INSTRUCTION_LENGTH);
    joined.set(bytes.subarray(hpa, pageEnd));
    joined.set(bytes.subarray(secondHpa, secondHpa + MAX_INSTRUCTION_LENGTH), pageEnd - hpa);
    return this.keep(hpa, mode, secondHpa / PAGE_SIZE, [this.decoder.decode(joined, hpa % PAGE_SIZE, mode)!]);
  }

  /** A block for bytes that lie outside RAM; never kept. */
  decodeOutside(hpa: number, bytes: Uint8Array, mode: CodeMode): Block {
    const insn = this.decoder.decode(bytes, hpa % PAGE_SIZE, mode)!;
    return {
      hpa,
      mode,
      page: -1,
      version: 0,
      secondPage: -1,
      secondVersion: 0,
      length: insn.length,
      instructions: [insn],
      heat: 0,
      compiled: null,
    };
  }

  private decodeBlock(hpa: number, mode: CodeMode): Block | undefined {
    const pageEnd = hpa - (hpa % PAGE_SIZE) + PAGE_SIZE;
    const instructions: Instruction[] = [];
    this.decoder.decodeRun(this.memory.bytes.subarray(hpa, pageEnd), hpa % PAGE_SIZE, mode, (insn) => {
      instructions.push(insn);
      return insn.kind === 'plain' && instructions.length < MAX_BLOCK_INSTRUCTIONS;
    });
    return instructions.length === 0 ? undefined : this.keep(hpa, mode, -1, instructions);
  }

  /** Stores to the page must be told of from now on. */
  private markCode(page: number): void {
    const { codePages } = this.memory;
    if (codePages[page]! & PAGE_CODE) return;
    codePages[page]! |= PAGE_CODE;
    this.onCodeDecoded(page);
  }

  private keep(hpa: number, mode: CodeMode, secondPage: number, instructions: readonly Instruction[]): Block {
    const { pageVersions } = this.memory;
    const page = Math.floor(hpa / PAGE_SIZE);
    this.markCode(page);
    if (secondPage >= 0) this.markCode(secondPage);
    const last = instructions[instructions.length - 1]!;
    const block: Block = {
      hpa,
      mode,
      page,
      version: pageVersions[page]!,
      secondPage,
      secondVersion: secondPage >= 0 ? pageVersions[secondPage]! : 0,
      length: last.offset + last.length - instructions[0]!.offset,
      instructions,
      heat: 0,
      compiled: null,
    };
    this.instructions += instructions.length;
    if (this.instructions > INSTRUCTION_LIMIT) {
      this.slots.fill(undefined);
      this.instructions = instructions.length;
    }
    this.slots[slotOf(hpa, mode)] = block;
    return block;
  }
}

const slotOf = (hpa: number, mode: CodeMode): number => Math.imul((hpa | 0) ^ (mode << 28), 0x9e37_79b1) >>> (32 - SLOT_BITS);
