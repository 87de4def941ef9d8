/** The signed-in user, as the layout has fetched it, and the way to become another one. */
export function useUser() {
  const { data } = useNuxtData<{ user: string | null; people: string[] }>('user')
  const { $aiTransport } = useNuxtApp()
  const started = useStartedChats()

  async function signIn(user?: string) {
    await navigateTo('/')
    await $fetch('/api/user', { method: 'POST', body: { user } })
    // The connection to Ably belongs to the user before: the next session makes a new one.
    await $aiTransport.reset()
    started.value = []
    await refreshNuxtData()
  }

  return {
    user: computed(() => data.value?.user ?? undefined),
    people: computed(() => data.value?.people ?? []),
    signIn,
  }
}
