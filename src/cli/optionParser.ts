import { InvalidArgumentError } from 'commander';

/** A parser for commander: what `parse` throws as RangeError becomes the option's error message. */
export function optionParser<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof RangeError) throw new InvalidArgumentError(error.message);
      throw error;
    }
  };
}
