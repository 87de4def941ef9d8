/** Inserts by serial: at the end at once, where almost all rows go, else by bisection. */
export function insertBySerial<T extends { readonly serial: string }>(list: T[], item: T): void {
  const last = list.at(-1)
  if (!last || last.serial <= item.serial) {
    list.push(item)
    return
  }
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (list[middle]!.serial <= item.serial) low = middle + 1
    else high = middle
  }
  list.splice(low, 0, item)
}

/** Takes out the item of this serial. */
export function removeBySerial<T extends { readonly serial: string }>(list: T[], { serial }: T): void {
  const index = list.findLastIndex((item) => item.serial === serial)
  if (index >= 0) list.splice(index, 1)
}
