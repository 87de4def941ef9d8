import { ref } from 'vue'
import { paces, type PaceName } from '../shared/pace'

const query = new URLSearchParams(location.search)
const asked = query.get('speed') ?? 'normal'

/** Tokens per second of the next answer. `?speed=fast` or `?speed=200` chooses one from the start. */
export const speed = ref(paces[asked as PaceName] ?? (Number(asked) > 0 ? Number(asked) : paces.normal))

/** The speeds to choose from, with the one of the address if it is none of ours. */
export const speeds: readonly (readonly [string, number])[] = Object.values<number>(paces).includes(speed.value)
  ? Object.entries(paces)
  : [...Object.entries(paces), [`${speed.value} a second`, speed.value]]

/** How long the server waits before it wakes the agent, in ms. `?delay=3000` does it from the start. */
export const wakeDelay = ref(Number(query.get('delay')) || 0)
