import type { ComposerStorage } from 'vue-ai-transport'
import { sentence } from './conversation/words'
import type { Device } from './devices/messages'

const key = 'playground:device'
const birds = ['heron', 'swift', 'wren', 'plover', 'kestrel', 'finch', 'avocet', 'curlew', 'lapwing', 'siskin']

const newName = (): string => {
  const bird = birds[Math.floor(Math.random() * birds.length)]!
  return `${bird}-${Math.random().toString(16).slice(2, 5)}`
}

function storedName(): string {
  const name = localStorage.getItem(key) ?? newName()
  localStorage.setItem(key, name)
  return name
}

/** The client id of a device on the page with two devices: `phone-4f2`. */
export const clientIdOf = (kind: Device['kind']): string => `${kind}-${storedName().split('-').at(-1)}`

/** The device that this page plays, if it is part of the page with two devices. */
export function deviceKind(): Device['kind'] | undefined {
  const kind = new URLSearchParams(location.search).get('device')
  return kind === 'laptop' || kind === 'phone' ? kind : undefined
}

/** The client id of this page. It is stored, so a renewed token is for the same client. */
export function deviceName(): string {
  const kind = deviceKind()
  return kind ? clientIdOf(kind) : storedName()
}

/** The label of this device, which others see on its prompts and Stops. */
export function deviceLabel(): string {
  const kind = deviceKind() ?? (matchMedia('(pointer: coarse)').matches ? 'phone' : 'computer')
  return sentence(kind)
}

/** A name for a landmark of this page: "Composer", and "Composer on Phone" beside another device. */
export const onDevice = (name: string): string => (deviceKind() ? `${name} on ${deviceLabel()}` : name)

/** The part of `localStorage` of this device, so that the two devices of one page keep their drafts and queues apart. */
export function deviceStorage(): ComposerStorage {
  const prefix = `playground:${deviceName()}:`
  return {
    getItem: (name) => localStorage.getItem(prefix + name),
    setItem: (name, value) => localStorage.setItem(prefix + name, value),
    removeItem: (name) => localStorage.removeItem(prefix + name),
  }
}
