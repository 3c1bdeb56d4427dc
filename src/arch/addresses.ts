/**
 * Addresses and page numbers, branded by the space they live in.
 *
 * A linear address is kept as a *signed* JavaScript number: a canonical 48-bit address, sign-extended, is exact
 * in a double (|la| < 2^47), so no bigint is needed on the way from an instruction to the TLB. Physical
 * addresses (at most 52 bits) are exact as unsigned numbers.
 */

declare const space: unique symbol;

/** A canonical linear address as a signed number in [-2^47, 2^47). */
export type LinearAddress = number & { readonly [space]: 'linear' };
/** A guest-physical address, 0 <= gpa < 2^52. Outside VMX non-root operation it equals the host-physical one. */
export type GuestPhysicalAddress = number & { readonly [space]: 'guest-physical' };
/** A host-physical address, 0 <= hpa < 2^52. */
export type HostPhysicalAddress = number & { readonly [space]: 'host-physical' };

export const la = (value: number): LinearAddress => value as LinearAddress;
export const gpa = (value: number): GuestPhysicalAddress => value as GuestPhysicalAddress;
export const hpa = (value: number): HostPhysicalAddress => value as HostPhysicalAddress;

export const PAGE_SIZE = 4096;
export const PAGE_SHIFT = 12;
export const PAGE_OFFSET_MASK = 0xfff;

/** 2^47: linear addresses in [-2^47, 2^47) are canonical with 4-level paging. SDM: Vol. 1, "Canonical Addressing". */
export const CANONICAL_LIMIT = 2 ** 47;

export const isCanonical = (address: number): boolean => address >= -CANONICAL_LIMIT && address < CANONICAL_LIMIT;

/** The 64-bit pattern of a linear address, as a bigint. */
export const linearToBits = (address: number): bigint => BigInt.asUintN(64, BigInt(address));

/** Hexadecimal text of a linear address, always 16 digits. */
export const formatLinear = (address: number): string => linearToBits(address).toString(16).padStart(16, '0');
