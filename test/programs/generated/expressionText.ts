/** Expressions of generated C programs. */
import type { RandomSource } from '../../silicon/random.ts';
import { FLOATS, type FloatType, INTEGERS, type IntegerType, isFloat, literal, type ScalarType } from './scalarType.ts';

/** What an expression may name. Arrays have powers of two of elements. */
export interface Scope {
  readonly variables: readonly Variable[];
  readonly arrays: readonly ArrayVariable[];
  readonly functions: readonly CallableFunction[];
}

export interface Variable {
  /** Anything that can be assigned to, such as a field. */
  readonly name: string;
  readonly type: ScalarType;
}

export interface ArrayVariable extends Variable {
  readonly length: number;
}

export interface CallableFunction {
  readonly name: string;
  readonly result: ScalarType;
  readonly parameters: readonly ScalarType[];
}

const ARITHMETIC = ['+', '-', '*', '&', '|', '^'];
const COMPARISONS = ['<', '<=', '>', '>=', '==', '!='];
const FLOAT_ARITHMETIC = ['+', '-', '*', '/'];
/** Macros of runtime/generated.h. */
const INTEGER_FUNCTIONS = ['POPCOUNT', 'LEADING_ZEROS', 'TRAILING_ZEROS', 'FIND_FIRST', 'PARITY', 'SWAP16', 'SWAP32', 'SWAP64', 'ABSOLUTE'];
const INTEGER_PAIR_FUNCTIONS = [
  'ROTATE8',
  'ROTATE16',
  'ROTATE32',
  'ROTATE64',
  'ADD_OVERFLOWS',
  'SUB_OVERFLOWS',
  'MUL_OVERFLOWS',
  'HIGH_PRODUCT',
];
const FLOAT_FUNCTIONS = ['SQUARE_ROOT', 'MAGNITUDE', 'FLOOR', 'CEIL', 'TRUNC', 'RINT'];
const FLOAT_PAIR_FUNCTIONS = ['WITH_SIGN', 'LESSER', 'GREATER'];

/** An expression of any type, not deeper than this. */
export function expression(random: RandomSource, scope: Scope, depth: number): string {
  return random.chance(0.7) ? integerExpression(random, scope, depth) : floatExpression(random, scope, depth);
}

/** An expression of an integer type. */
export function integerExpression(random: RandomSource, scope: Scope, depth: number): string {
  const integer = (): string => integerExpression(random, scope, depth - 1);
  const float = (): string => floatExpression(random, scope, depth - 1);
  if (depth <= 0) return leaf(random, scope, false);
  const type: IntegerType = random.pick(INTEGERS);
  switch (random.below(14)) {
    case 0:
    case 1:
    case 2:
      return `(${integer()} ${random.pick(ARITHMETIC)} ${integer()})`;
    case 3:
      return `((${type})${integer()} ${random.pick(ARITHMETIC)} ${integer()})`;
    case 4: {
      const shifted = random.pick(['i32', 'u32', 'i64', 'u64', 'wide', 'uwide']);
      const mask = random.pick(['7', `(int)sizeof(${shifted}) * 8 - 1`]);
      return `((${shifted})${integer()} ${random.pick(['<<', '>>'])} ((int)${integer()} & (${mask})))`;
    }
    case 5: {
      const divisor = random.chance(0.4) ? literal(random, type) : integer();
      return `((${type})${integer()} ${random.pick(['/', '%'])} DIVISOR(${random.pick(INTEGERS)}, ${divisor}))`;
    }
    case 6:
      return `(${integer()} ${random.pick(COMPARISONS)} ${integer()})`;
    case 7:
      return `(${float()} ${random.pick(COMPARISONS)} ${float()})`;
    case 8:
      return `(${integer()} ${random.pick(['&&', '||'])} ${expression(random, scope, depth - 1)})`;
    case 9:
      return `(${expression(random, scope, depth - 1)} ? ${integer()} : ${integer()})`;
    case 10:
      return random.chance(0.5) ? `((${type})${random.pick(['-', '~', '!'])}${integer()})` : `((${type})${float()})`;
    case 11:
      return `${random.pick(INTEGER_FUNCTIONS)}(${integer()})`;
    case 12:
      return `${random.pick(INTEGER_PAIR_FUNCTIONS)}(${integer()}, ${integer()})`;
    default:
      return call(random, scope, depth, false) ?? leaf(random, scope, false);
  }
}

/** An expression of a floating-point type. */
export function floatExpression(random: RandomSource, scope: Scope, depth: number): string {
  const float = (): string => floatExpression(random, scope, depth - 1);
  if (depth <= 0) return leaf(random, scope, true);
  const type: FloatType = random.pick(FLOATS);
  switch (random.below(9)) {
    case 0:
    case 1:
    case 2:
      return `(${float()} ${random.pick(FLOAT_ARITHMETIC)} ${float()})`;
    case 3:
      return `((${type})${integerExpression(random, scope, depth - 1)})`;
    case 4:
      return `((${type})${float()})`;
    case 5:
      return `${random.pick(FLOAT_FUNCTIONS)}(${type}, ${float()})`;
    case 6:
      return `${random.pick(FLOAT_PAIR_FUNCTIONS)}(${type}, ${float()}, ${float()})`;
    case 7:
      return `(${integerExpression(random, scope, depth - 1)} ? ${float()} : -${float()})`;
    default:
      return call(random, scope, depth, true) ?? leaf(random, scope, true);
  }
}

/** Something that can be assigned to. */
export function place(random: RandomSource, scope: Scope): string {
  const variable = random.pick<Variable | ArrayVariable>(random.chance(0.6) ? scope.variables : scope.arrays);
  return 'length' in variable ? element(random, scope, variable, 1) : variable.name;
}

function element(random: RandomSource, scope: Scope, { name, length }: ArrayVariable, depth: number): string {
  return `${name}[(${integerExpression(random, scope, depth - 1)}) & ${length - 1}]`;
}

function leaf(random: RandomSource, scope: Scope, float: boolean): string {
  const fits = ({ type }: Variable): boolean => isFloat(type) === float;
  const kind = random.below(5);
  if (kind < 2) {
    const variables = scope.variables.filter(fits);
    if (variables.length > 0) return random.pick(variables).name;
  }
  if (kind < 4) {
    const arrays = scope.arrays.filter(fits);
    if (arrays.length > 0) {
      const array = random.pick(arrays);
      return random.chance(0.5) ? `${array.name}[${random.below(array.length)}]` : element(random, scope, array, 0);
    }
  }
  return literal(random, float ? random.pick(FLOATS) : random.pick(INTEGERS));
}

function call(random: RandomSource, scope: Scope, depth: number, float: boolean): string | undefined {
  const callable = scope.functions.filter(({ result }) => isFloat(result) === float);
  if (callable.length === 0) return undefined;
  const { name, parameters } = random.pick(callable);
  return `${name}(${parameters.map((type) => `(${type})${expression(random, scope, Math.min(depth - 1, 1))}`).join(', ')})`;
}
