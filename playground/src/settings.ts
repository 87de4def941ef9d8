import { ref, watch } from 'vue'
import type { BusyVerb } from 'vue-ai-transport'
import { paces, type PaceName } from '../shared/pace'
import { isPolicy } from './conversation/ways'
import { deviceStorage } from './device'

const query = new URLSearchParams(location.search)
const asked = query.get('speed') ?? 'normal'

/** Tokens per second of the next answer. `?speed=fast` or `?speed=200` sets the initial speed. */
export const speed = ref(paces[asked as PaceName] ?? (Number(asked) > 0 ? Number(asked) : paces.normal))

/** The available speeds, including a custom speed from the address. */
export const speeds: readonly (readonly [string, number])[] = Object.values<number>(paces).includes(speed.value)
  ? Object.entries(paces)
  : [...Object.entries(paces), [`${speed.value} a second`, speed.value]]

/** The gate that answers wait at, if a test holds one. */
export const gate = query.get('gate') ?? undefined

/** The delay before the server wakes the agent, in ms. `?delay=3000` sets the initial delay. */
export const wakeDelay = ref(Number(query.get('delay')) || 0)

const stored = deviceStorage().getItem('when-busy')

/** The effect of Enter while an answer streams. This device remembers it. */
export const whenBusy = ref<BusyVerb>(isPolicy(stored) ? stored : 'alongside')
watch(whenBusy, (verb) => deviceStorage().setItem('when-busy', verb))
