/** Constant vectors and the byte numbers of shuffles. */

/** `count` numbers from `first` on. */
export const bytesFrom = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);

/** The bytes of one lane, by its number; lanes of the second operand follow those of the first. */
export const laneBytes = (width: number, lane: number): number[] => bytesFrom((lane * width) / 8, width / 8);

/** The bytes of a vector made of these lanes. */
export const lanesFrom = (width: number, lanes: readonly number[]): number[] => lanes.flatMap((lane) => laneBytes(width, lane));

/** The vector whose lanes are all `value`. */
export const splat = (width: number, value: bigint): bigint => {
  let vector = 0n;
  for (let at = 0; at < 128; at += width) vector |= BigInt.asUintN(width, value) << BigInt(at);
  return vector;
};
