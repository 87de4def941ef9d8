type Placed = { readonly serial: string }

/** What is sorted by serial and, as yet, empty. */
export const noItems: readonly never[] = []

/**
 * The list with one more item in its place by serial: at the end at once, where almost all rows go, else by bisection. It
 * is the same list unless that was empty.
 */
export function insertBySerial<T extends Placed>(list: readonly T[], item: T): readonly T[] {
  if (list.length === 0) return [item]
  // Not one of those that several share
  const items = list as T[]
  if (items.at(-1)!.serial <= item.serial) items.push(item)
  else items.splice(placeOf(items, item), 0, item)
  return items
}

function placeOf<T extends Placed>(list: readonly T[], { serial }: T): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (list[middle]!.serial <= serial) low = middle + 1
    else high = middle
  }
  return low
}

/** Takes out the item of this serial. */
export function removeBySerial<T extends Placed>(list: readonly T[], { serial }: T): void {
  const index = list.findLastIndex((item) => item.serial === serial)
  if (index >= 0) (list as T[]).splice(index, 1)
}
