/** A random UUID; also on pages served over plain http, where `crypto.randomUUID` is missing. */
export const newId = (): string => crypto.randomUUID?.() ?? template.replace(/[xy]/g, digit)

const template = 'xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx'

function digit(place: string): string {
  const random = crypto.getRandomValues(new Uint8Array(1))[0]! & 15
  return (place === 'x' ? random : (random & 3) | 8).toString(16)
}
