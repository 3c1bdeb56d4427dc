import { VMCS_ENCODING_LIMIT } from '../../arch/vmcs.ts';

/** Revision identifier in the first word of a VMCS region. SDM: Vol. 3, "Format of the VMCS Region". */
export const VMCS_REVISION = 0x5041_5201;

/**
 * A VMCS region: one 4 KB page of machine memory, one 64-bit slot a field.
 *
 * The slot follows from the encoding: width (2 bits), kind (2 bits) and index (5 bits) make 9 bits, 512 slots, exactly a page. Slot 0 is the
 * header (revision, abort indicator); VPID, whose encoding is 0, lives in the last slot of its class, which no field uses.
 */
export class Vmcs {
  /** Host-physical address of the region. */
  readonly address: number;
  /** The fields by slot (`slotOf`); and their low (2 × slot) and high halves. Entry and exit use these: no bigint is made. */
  readonly slots: BigUint64Array;
  readonly words: Int32Array;

  /** @param ram the machine's RAM (its buffer and offset); @param address page-aligned. */
  constructor(ram: Uint8Array, address: number) {
    this.address = address;
    this.slots = new BigUint64Array(ram.buffer, ram.byteOffset + address, 512);
    this.words = new Int32Array(ram.buffer, ram.byteOffset + address, 1024);
  }

  /** VMCLEAR and the software's first initialisation: every field is 0, the revision is in place. */
  clear(): void {
    this.slots.fill(0n);
    this.slots[0] = BigInt(VMCS_REVISION);
  }

  /** VMREAD. */
  read(field: number): bigint {
    return this.slots[slotOf(field)]!;
  }

  /** VMREAD of a field whose value is exact as a number: 16- and 32-bit fields, physical addresses. */
  readNumber(field: number): number {
    const slot = slotOf(field);
    return (this.words[2 * slot]! >>> 0) + (this.words[2 * slot + 1]! >>> 0) * 0x1_0000_0000;
  }

  /** The address in the field is canonical for 48 bits. */
  isCanonical(field: number): boolean {
    const top = this.words[2 * slotOf(field) + 1]! >> 15;
    return top === 0 || top === -1;
  }

  /** The field's upper 32 bits are not all 0. */
  isWide(field: number): boolean {
    return this.words[2 * slotOf(field) + 1] !== 0;
  }

  /** VMWRITE; the value is truncated to the width of the field. */
  write(field: number, value: bigint): void {
    this.slots[slotOf(field)] = field < 0x2000 ? value & 0xffffn : (field & 0x6000) === 0x4000 ? value & 0xffff_ffffn : value;
  }

  /** VMWRITE of a number from 0 up to 2^53. */
  writeNumber(field: number, value: number): void {
    const slot = slotOf(field);
    const narrow = field < 0x2000;
    this.words[2 * slot] = narrow ? value & 0xffff : value | 0;
    this.words[2 * slot + 1] = narrow || (field & 0x6000) === 0x4000 ? 0 : Math.floor(value / 0x1_0000_0000);
  }
}

/** Slot of a field. @throws RangeError for an encoding that names no field. */
export function slotOf(field: number): number {
  if (field < 0 || field >= VMCS_ENCODING_LIMIT || field & 1) throw new RangeError(`no VMCS field 0x${field.toString(16)}`);
  if (field === 0) return 31;
  return ((field >> 13) << 7) | (((field >> 10) & 3) << 5) | ((field >> 1) & 31);
}
