/**
 * C programs from seeds, every construct of which has a fixed meaning for a compiled binary: the same machine code, here and there, must print the same.
 * What the C standard leaves undefined is no harm, unless it depends on addresses or on what was in memory before.
 */
import { RandomSource } from '../../silicon/random.ts';
import {
  type ArrayVariable,
  type CallableFunction,
  expression,
  floatExpression,
  integerExpression,
  type Scope,
  type Variable,
} from './expressionText.ts';
import { anyType, INTEGERS, isFloat, literal, type ScalarType } from './scalarType.ts';
import { statements } from './statementText.ts';

/** Times that a unit runs: often enough for code to become hot. */
const ROUNDS = 12;

/** A program of independent units; each prints a line with its checksum. */
export function programText(seed: number, units: number): string {
  const parts = Array.from({ length: units }, (_, unit) => unitText(new RandomSource(Math.imul(seed, 1009) + unit), unit));
  const calls = Array.from(
    { length: units },
    (_, unit) => `  checksum = ${unit};\n  for (int i = 0; i < ${ROUNDS}; i++) unit${unit}(i);\n  print("${unit}: %lx\\n", checksum);`,
  );
  return `#include "generated.h"\nu64 checksum;\n${parts.join('\n')}\nint main(void) {\n${calls.join('\n')}\n  return 0;\n}\n`;
}

/** Names of one unit, which the preprocessor makes its own. */
const OWN = ['shared8', 'shared16', 'shared32', 'shared64', 'bytes_a', 'bytes_b', 'vary', 'record', 'fields', 'exchange'];

function unitText(random: RandomSource, unit: number): string {
  const lines: string[] = OWN.map((name) => `#define ${name} u${unit}_${name}`);
  lines.push('static u8 shared8; static u16 shared16; static u32 shared32; static u64 shared64; static u8 bytes_a[128], bytes_b[128];');
  lines.push(VARY);
  const globals: Variable[] = [];
  const arrays: ArrayVariable[] = [];
  for (let i = 0; i < 4; i++) {
    const [name, type] = [`u${unit}_g${i}`, anyType(random)];
    globals.push({ name, type });
    lines.push(`static ${random.chance(0.2) ? 'volatile ' : ''}${type} ${name} = ${constant(random, type)};`);
  }
  for (let i = 0; i < 5; i++) {
    const [name, type, length] = [`u${unit}_a${i}`, anyType(random), random.pick([4, 8, 16, 32, 64])];
    arrays.push({ name, type, length });
    lines.push(
      `static ${type} ${name}[${length}] = {${Array.from({ length: Math.min(length, 9) }, () => constant(random, type)).join(', ')}};`,
    );
  }
  lines.push(recordText(random));
  globals.push(...['a', 'b', 'c', 'd', 'e'].map((field): Variable => ({ name: `fields.${field}`, type: 'i32' })), {
    name: 'fields.f',
    type: 'double',
  });
  const functions: CallableFunction[] = [];
  for (let i = 0; i < 4; i++) {
    const scope: Scope = { variables: globals, arrays, functions };
    const made = functionText(random, scope, `u${unit}_f${i}`);
    lines.push(made.text);
    functions.push(made.function);
  }
  const locals = Array.from({ length: 6 }, (_, i): Variable => ({ name: `v${i}`, type: anyType(random) }));
  const scope: Scope = { variables: [...globals, ...locals, ...locals], arrays, functions };
  lines.push(`OPAQUE static void unit${unit}(int round) {`);
  for (const { name, type } of locals) lines.push(`  ${type} ${name} = ${literal(random, type)} + (${type})round;`);
  lines.push(`  bytes_a[round] = (u8)(round * 37); bytes_b[round * 5 & 127] ^= bytes_a[round * 3 & 127];`);
  lines.push(statements(random, scope, 3, 6));
  lines.push(`  fields = exchange(fields, ${integerExpression(random, scope, 1)});`);
  for (const { name } of [...locals, ...globals]) lines.push(`  NOTE(${name.startsWith('fields') ? `+${name}` : name});`);
  for (const { name, length } of arrays) lines.push(`  for (int i = 0; i < ${length}; i++) NOTE(${name}[i]);`);
  lines.push(
    '  for (int i = 0; i < 128; i++) note(bytes_a[i] * 257 + bytes_b[i]);\n  note(shared8), note(shared16), note(shared32), note(shared64);\n}',
  );
  lines.push(...OWN.map((name) => `#undef ${name}`));
  return lines.join('\n');
}

/** Sums what it is given, as many pairs as it is told. */
const VARY = `OPAQUE static double vary(int pairs, ...) {
  va_list list;
  double sum = 0;
  va_start(list, pairs);
  for (int i = 0; i < pairs; i++) sum += va_arg(list, double), sum -= (double)va_arg(list, i64);
  va_end(list);
  return sum;
}`;

/** A structure with bit fields that is passed and returned by value. */
function recordText(random: RandomSource): string {
  const field = (name: string, type: string, most: number): string => `${type} ${name} : ${1 + random.below(most)};`;
  const head = random.chance(0.5) ? `${random.pick(INTEGERS)} head;` : '';
  return `struct record { ${head} ${field('a', 'int', 31)} ${field('b', 'unsigned', 31)} ${field('c', 'i64', 60)} ${field('d', 'unsigned char', 8)} i16 e; double f; };
static struct record fields = {.e = 5, .f = 1.25};
OPAQUE static struct record exchange(struct record r, u64 by) { r.a ^= r.c, r.b += by, r.c -= r.b, r.d = r.a, r.e = (i16)(r.e * 3 + r.d); return r; }`;
}

/** What may initialise a static variable. */
function constant(random: RandomSource, type: ScalarType): string {
  return isFloat(type) ? literal(random, type) : literal(random, random.chance(0.5) ? type : 'u64');
}

function functionText(random: RandomSource, scope: Scope, name: string): { text: string; function: CallableFunction } {
  const result = anyType(random);
  const parameters = Array.from({ length: random.below(9) }, () => anyType(random));
  const own = parameters.map((type, i): Variable => ({ name: `p${i}`, type }));
  const inner: Scope = { ...scope, variables: [...scope.variables, ...own, ...own], functions: [] };
  // Deep calls multiply; the first function alone may be called by the others.
  const callable: Scope = { ...inner, functions: scope.functions.slice(0, 1) };
  const value = isFloat(result) ? floatExpression(random, callable, 3) : integerExpression(random, callable, 3);
  const text = `${random.chance(0.7) ? 'OPAQUE ' : ''}static ${result} ${name}(${own.map(({ name: parameter, type }) => `${type} ${parameter}`).join(', ') || 'void'}) {
${statements(random, inner, 1, 1 + random.below(2))}
if (${expression(random, inner, 1)}) return ${literal(random, result)};
return ${value};
}`;
  return { text, function: { name, result, parameters } };
}
