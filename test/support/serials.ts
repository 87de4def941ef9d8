const start = Date.UTC(2027, 0, 1)
let count = 0

/**
 * The next serial of a channel; as text, serials sort in the order in which they were given, for all
 * publishers.
 */
export const nextSerial = (): string => `0${start + ++count}-000@site1:000`
