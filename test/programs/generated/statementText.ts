/** Statements of generated C programs. */
import type { RandomSource } from '../../silicon/random.ts';
import { expression, floatExpression, integerExpression, place, type Scope } from './expressionText.ts';
import { INTEGERS, isFloat } from './scalarType.ts';

const COMPOUND = ['+=', '-=', '*=', '&=', '|=', '^='];
const FLOAT_COMPOUND = ['+=', '-=', '*=', '/='];
const ATOMIC = [
  'add_fetch',
  'sub_fetch',
  'and_fetch',
  'or_fetch',
  'xor_fetch',
  'fetch_add',
  'fetch_sub',
  'fetch_and',
  'fetch_or',
  'fetch_xor',
];

/** A few statements. Loops end: each counts a variable of its own. */
export function statements(random: RandomSource, scope: Scope, depth: number, count: number): string {
  return Array.from({ length: count }, () => statement(random, scope, depth)).join('\n');
}

function statement(random: RandomSource, scope: Scope, depth: number): string {
  const body = (count = 2): string => statements(random, scope, depth - 1, 1 + random.below(count));
  const integer = (level = 2): string => integerExpression(random, scope, level);
  switch (random.below(depth > 0 ? 18 : 6)) {
    case 0:
    case 1:
      return `${place(random, scope)} = ${expression(random, scope, 3)};`;
    case 2:
    case 3:
      return compound(random, scope);
    case 4:
      return `NOTE(${expression(random, scope, 2)});`;
    case 5:
      return random.chance(0.5) ? atomic(random, scope) : block(random, scope);
    case 6:
    case 7:
      return `if (${expression(random, scope, 2)}) {\n${body()}\n}${random.chance(0.5) ? ` else {\n${body()}\n}` : ''}`;
    case 8:
      return loop(random, (i) => `for (int ${i} = 0; ${i} < ${1 + random.below(12)}; ${i}++) {\n${body()}\nNOTE(${i});\n}`);
    case 9:
      return loop(random, (i) => `for (u64 ${i} = ${integer(1)}; ${i} != 0; ${i} >>= ${1 + random.below(8)}) {\n${body()}\n}`);
    case 10:
      return loop(
        random,
        (i) =>
          `{ int ${i} = 0; do {\n${body()}\nif (${integer()}) ${random.pick(['break', 'continue'])};\n} while (++${i} < ${2 + random.below(9)}); }`,
      );
    case 11:
      return switchOf(random, integer(), body);
    case 12:
      return labels(random, integer(), body);
    case 13:
      return `NOTE(vary(${random.below(5)}, ${Array.from({ length: 5 }, () => `(double)${floatExpression(random, scope, 1)}, (i64)${integer(1)}`).join(', ')}));`;
    case 14:
      return vectors(random, scope);
    default:
      return sweep(random, scope);
  }
}

function loop(random: RandomSource, text: (counter: string) => string): string {
  return text(`i${random.below(1_000_000)}`);
}

function compound(random: RandomSource, scope: Scope): string {
  const variable = random.pick(scope.variables);
  const float = isFloat(variable.type);
  const value = float ? floatExpression(random, scope, 2) : integerExpression(random, scope, 2);
  if (!float && random.chance(0.2)) return `${variable.name}${random.pick(['++', '--'])};`;
  return `${variable.name} ${random.pick(float ? FLOAT_COMPOUND : COMPOUND)} ${value};`;
}

function atomic(random: RandomSource, scope: Scope): string {
  const [width, value] = [random.pick([8, 16, 32, 64]), integerExpression(random, scope, 1)];
  const target = `&shared${width}`;
  switch (random.below(4)) {
    case 0:
      return `NOTE(__atomic_exchange_n(${target}, (u${width})${value}, 5));`;
    case 1:
      return `{ u${width} e_ = (u${width})${value}; NOTE(__atomic_compare_exchange_n(${target}, &e_, (u${width})(e_ * 3), 0, 5, 5)); NOTE(e_); }`;
    case 2:
      return `__atomic_${random.pick(ATOMIC)}(${target}, (u${width})${value}, 5);`;
    default:
      return `NOTE(__atomic_${random.pick(ATOMIC)}(${target}, (u${width})${value}, 5));`;
  }
}

/** Copies, fills and comparisons of so many bytes that the compiler writes them out. */
function block(random: RandomSource, scope: Scope): string {
  const size = random.chance(0.5) ? `${1 + random.below(64)}` : `((u32)${integerExpression(random, scope, 1)} & 63) + 1`;
  const [to, from] = [random.below(64), random.below(64)];
  switch (random.below(5)) {
    case 0:
      return `__builtin_memcpy(bytes_a + ${to}, bytes_b + ${from}, ${size});`;
    case 1:
      return `__builtin_memmove(bytes_a + ${to}, bytes_a + ${from}, ${size});`;
    case 2:
      return `__builtin_memset(bytes_b + ${to}, (int)${integerExpression(random, scope, 1)}, ${size});`;
    case 3:
      return `NOTE(__builtin_memcmp(bytes_a + ${to}, bytes_b + ${to}, ${size}) > 0);`;
    default:
      return `bytes_a[127] = 0; NOTE(__builtin_strlen((char *)bytes_a + ${to}));`;
  }
}

function switchOf(random: RandomSource, value: string, body: () => string): string {
  const dense = random.chance(0.6);
  const cases = Array.from(
    { length: 3 + random.below(7) },
    (_, i) => `case ${dense ? i : i * i * 977 + 5}:\n${body()}\n${random.chance(0.7) ? 'break;' : '__attribute__((fallthrough));'}`,
  );
  return `switch ((int)${value} & ${dense ? 7 : 0xffff}) {\n${cases.join('\n')}\ndefault: checksum++;\n}`;
}

/** Jumps by a table of labels, a few times. */
function labels(random: RandomSource, value: string, body: () => string): string {
  const id = random.below(1_000_000);
  const [a, b, c, end] = ['a', 'b', 'c', 'd'].map((name) => `l${id}${name}`);
  return `{ static void *const t_[] = {&&${a}, &&${b}, &&${c}, &&${end}}; u32 s_ = (u32)${value}; int n_ = 0;
goto *t_[s_ & 3];
${a}: {${body()}} if (++n_ > 9) goto ${end}; s_ = s_ * 5 + 1; goto *t_[s_ >> 30];
${b}: {${body()}} if (++n_ > 9) goto ${end}; s_ ^= s_ >> 7; goto *t_[s_ & 3];
${c}: {${body()}} if (++n_ > 9) goto ${end}; s_ += 0x10001; goto *t_[s_ >> 16 & 3];
${end}: NOTE(n_); }`;
}

function vectors(random: RandomSource, scope: Scope): string {
  const type = random.pick(['v4i', 'v8h', 'v16b', 'v2l', 'v4f', 'v2d']);
  const float = type === 'v4f' || type === 'v2d';
  const operation = float ? random.pick(['+', '-', '*', '/']) : random.pick(['+', '-', '*', '&', '|', '^']);
  const compare = random.pick(['<', '>', '==', '!=']);
  const scalar = `(${({ v4i: 'i32', v8h: 'u16', v16b: 'u8', v2l: 'i64', v4f: 'float', v2d: 'double' } as Record<string, string>)[type]})${expression(random, scope, 1)}`;
  const shift = float ? '' : `x_ = x_ ${random.pick(['<<', '>>'])} ${1 + random.below(7)};`;
  return `{ ${type} x_, y_; __builtin_memcpy(&x_, bytes_a + ${random.below(100)}, 16); __builtin_memcpy(&y_, bytes_b + ${random.below(100)}, 16);
x_ = x_ ${operation} (y_ - ${scalar}); ${shift} y_ = (${type})(x_ ${compare} y_);
__builtin_memcpy(bytes_a + 16, &x_, 16); __builtin_memcpy(bytes_b + 32, &y_, 16); x_ = ${random.chance(0.5) ? 'x_ + y_' : '-x_'}; NOTE(x_[${random.below(2)}]); }`;
}

/** Loops over arrays, as compilers make vectors of. */
function sweep(random: RandomSource, scope: Scope): string {
  const [a, b, c] = [random.pick(scope.arrays), random.pick(scope.arrays), random.pick(scope.arrays)];
  const length = Math.min(a.length, b.length, c.length);
  const index = random.pick(['i_', 'i_', 'i_', `${length - 1} - i_`, `i_ ^ 1`, `(i_ * 3) & ${length - 1}`]);
  const simple = isFloat(a.type) || isFloat(b.type) || isFloat(c.type) ? ['+', '-', '*'] : ['+', '-', '*', '&', '|', '^'];
  const operation = random.pick(simple);
  const type = random.pick(INTEGERS.slice(0, 8));
  switch (random.below(6)) {
    case 0:
      return `for (int i_ = 0; i_ < ${length}; i_++) ${a.name}[i_] = ${b.name}[${index}] ${operation} ${c.name}[i_];`;
    case 1:
      return `{ ${type} s_ = 0; for (int i_ = 0; i_ < ${length}; i_++) s_ += (${type})${b.name}[i_] * (${type})${c.name}[${index}]; NOTE(s_); }`;
    case 2:
      return `for (int i_ = 0; i_ < ${length}; i_++) if (${b.name}[i_] ${random.pick(['<', '>='])} ${c.name}[${index}]) ${a.name}[i_] = ${c.name}[i_];`;
    case 3:
      return `{ __typeof__(+${b.name}[0]) m_ = ${b.name}[0]; for (int i_ = 1; i_ < ${length}; i_++) if (${b.name}[i_] ${random.pick(['<', '>'])} m_) m_ = ${b.name}[i_]; NOTE(m_); }`;
    case 4:
      return `for (int i_ = 0; i_ < ${length}; i_++) ${a.name}[i_] = ${b.name}[${index}] ${random.pick(['<', '>'])} 0 ? -${c.name}[i_] : ${b.name}[i_];`;
    default:
      return `for (int i_ = 0; i_ < ${length}; i_++) ${a.name}[i_] = (${type})${b.name}[${index}] >> ${random.below(7)};`;
  }
}
