/** A number that is known once labels have addresses: the address of a label, or the distance between two. */
export interface SymbolValue {
  readonly kind: 'symbol';
  readonly symbol: string;
  /** Subtracted when given. */
  readonly minus: string | undefined;
  readonly addend: number;
}

/** The address of `symbol` plus `addend`. */
export const addr = (symbol: string, addend = 0): SymbolValue => ({ kind: 'symbol', symbol, minus: undefined, addend });

/** The distance in bytes from `from` to `to`. */
export const distance = (from: string, to: string): SymbolValue => ({ kind: 'symbol', symbol: to, minus: from, addend: 0 });

export const formatSymbolValue = (value: SymbolValue): string =>
  value.symbol + (value.minus === undefined ? '' : ` - ${value.minus}`) + (value.addend === 0 ? '' : ` + ${value.addend}`);
