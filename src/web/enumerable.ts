/** Makes members of a class enumerable, as Web IDL has them and JavaScript has not. */
export function makeEnumerable(prototype: object, names: readonly string[]): void {
  for (const name of names) Object.defineProperty(prototype, name, { enumerable: true })
}

/** Names an interface for `Object.prototype.toString`. */
export function tag(prototype: object, name: string): void {
  Object.defineProperty(prototype, Symbol.toStringTag, { value: name, configurable: true })
}
