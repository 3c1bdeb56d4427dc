/** A whole number chosen when a guest is built: by the guest itself, or by a part that was chosen for it (a lock algorithm). */
export interface GuestParameter {
  readonly name: string;
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly doc: string;
}

/** One value for each of the parameters on offer. */
export type ParameterValues = Readonly<Record<string, number>>;

/**
 * Every parameter on offer has a value: the one given, or its default.
 *
 * @param owner whom a complaint names. Raises: Error for parameters that do not exist and values out of range.
 */
export function parameterValues(owner: string, offered: readonly GuestParameter[], given: ParameterValues): Record<string, number> {
  const values = Object.fromEntries(offered.map((parameter) => [parameter.name, parameter.default]));
  for (const [key, value] of Object.entries(given)) {
    const parameter = offered.find(({ name }) => name === key);
    if (parameter === undefined)
      throw new Error(`no parameter of ${owner} '${key}'; there is ${offered.map(({ name }) => name).join(', ')}`);
    const { min, max } = parameter;
    if (!Number.isInteger(value) || value < min || value > max)
      throw new Error(`${owner}: ${key} = ${value} is not a whole number from ${min} to ${max}`);
    values[key] = value;
  }
  return values;
}
