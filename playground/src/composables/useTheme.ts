import { ref, watch } from 'vue'

export type Theme = 'system' | 'light' | 'dark'

const key = 'playground:theme'
const isTheme = (value: string | null): value is Theme => value === 'system' || value === 'light' || value === 'dark'

/** The theme, stored in this browser. */
export function useTheme() {
  const stored = localStorage.getItem(key)
  const theme = ref<Theme>(isTheme(stored) ? stored : 'system')
  watch(
    theme,
    (now) => {
      localStorage.setItem(key, now)
      document.documentElement.dataset.theme = now
    },
    { immediate: true },
  )
  return theme
}
