import { useRuntimeConfig } from 'nuxt/app'

/** The URL of a route of this app, which may be served below a path; URLs of other servers stay. */
export function withBase(): (url: string) => string {
  const base = useRuntimeConfig().app.baseURL.replace(/\/$/, '')
  return (url) => (url.startsWith('/') ? base + url : url)
}
