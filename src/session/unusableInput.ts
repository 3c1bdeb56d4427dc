/** The user asked for something that cannot be run: a name, a number, a file. The message is one line and says what is wanted. */
export class UnusableInput extends Error {
  override readonly name = 'UnusableInput';
}
