/** Whether two lists hold the same things in the same order. */
export const sameItems = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((item, index) => item === b[index])

/** A new list, or the one that is known if that holds the same. */
export const reuseIfEqual = <T>(known: readonly T[] | undefined, next: readonly T[]): readonly T[] =>
  known && sameItems(known, next) ? known : next
