import { onScopeDispose, readonly, ref } from 'vue'

const tempers = ['quiet', 'amber', 'early', 'plain', 'bright', 'slow', 'second', 'windy']
const places = ['harbour', 'orchard', 'ferry', 'garden', 'station', 'meadow', 'bridge', 'island']

const oneOf = (words: readonly string[]): string => words[Math.floor(Math.random() * words.length)]!
const newName = (): string => `${oneOf(tempers)}-${oneOf(places)}-${Math.random().toString(36).slice(2, 5)}`

const hrefOf = (folder: string, name: string): string => `${folder}${encodeURIComponent(name)}${location.search}`

/** The session name in the address: `/s/lisbon-trip`. */
const nameHere = (folder: string): string => {
  if (!location.pathname.startsWith(folder)) return ''
  try {
    return decodeURIComponent(location.pathname.slice(folder.length)).replace(/[:[\]/]/g, '')
  } catch {
    return ''
  }
}

/**
 * The name of the shown conversation. It follows the address, or is random if the address has none.
 *
 * @param folder - the part of the address before the name
 */
export function useSessionName(folder = '/s/') {
  const name = ref(nameHere(folder) || newName())
  history.replaceState(null, '', hrefOf(folder, name.value))

  const follow = () => (name.value = nameHere(folder) || name.value)
  window.addEventListener('popstate', follow)
  onScopeDispose(() => window.removeEventListener('popstate', follow))

  return {
    name: readonly(name),
    /** Starts a new conversation. */
    create() {
      name.value = newName()
      history.pushState(null, '', hrefOf(folder, name.value))
    },
  }
}

/** The display name of a session: `lisbon-trip` is "Lisbon trip". */
export function titleOf(name: string): string {
  const words = name.replace(/[-_]+/g, ' ').trim()
  return words.charAt(0).toUpperCase() + words.slice(1)
}
