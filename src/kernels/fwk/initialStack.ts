/** The stack of a program's first thread as the program finds it. "System V Application Binary Interface, AMD64": "Process Initialization". */
import { USER_END } from './layout.ts';

const PAGE = 4096;
const AT_NULL = 0;
const AT_PAGESZ = 6;
const AT_RANDOM = 25;
/** Most pages of arguments. */
const MAX_PAGES = 16;

/** Whole pages that end at USER_END, and where RSP points in them. Raises: Error when the arguments are too long. */
export function initialStack(args: readonly string[]): { readonly bytes: Uint8Array; readonly pointer: number } {
  const texts = args.map((arg) => new TextEncoder().encode(`${arg}\0`));
  const random = 16;
  const textLength = texts.reduce((sum, { length }) => sum + length, random);
  const vector = [args.length, ...args.map(() => 0), 0, 0, AT_PAGESZ, PAGE, AT_RANDOM, 0, AT_NULL, 0];
  const textAt = USER_END - textLength;
  const pointer = Math.floor((textAt - vector.length * 8) / 16) * 16;
  const pages = Math.ceil((USER_END - pointer) / PAGE);
  if (pages > MAX_PAGES) throw new Error(`the arguments of ${args[0]} take more than ${MAX_PAGES} pages`);
  const bytes = new Uint8Array(pages * PAGE);
  const offset = (address: number): number => address - (USER_END - bytes.length);
  let next = textAt;
  texts.forEach((text, index) => {
    bytes.set(text, offset(next));
    vector[1 + index] = next;
    next += text.length;
  });
  vector[vector.length - 3] = next;
  const view = new DataView(bytes.buffer);
  for (const [index, value] of vector.entries()) view.setBigUint64(offset(pointer) + index * 8, BigInt(value), true);
  return { bytes, pointer };
}
