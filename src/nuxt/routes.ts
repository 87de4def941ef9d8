/** A server route, as Nitro lists it. */
interface Handler {
  readonly route?: string
  readonly handler?: unknown
  readonly middleware?: boolean
}

/** The handler of a path among those of the app; `undefined` when nothing answers there. */
export function handlerOf(path: string, handlers: readonly Handler[]): Handler | undefined {
  return handlers.find(({ route, middleware }) => route && !middleware && matches(route, path))
}

/**
 * Whether a route such as `/api/:name` or `/api/**` answers a path. The catch-all route of the pages does not count.
 */
function matches(route: string, path: string): boolean {
  if (route === '/**') return false
  const parts = route.split('/').map((part) => {
    if (part.startsWith('**')) return '.*'
    return part.startsWith(':') ? '[^/]+' : part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  })
  return new RegExp(`^${parts.join('/')}$`).test(path)
}

/** Whether an option names a route of this app, rather than one of another server. */
export const isOwnRoute = (url: string | undefined): url is string => url?.startsWith('/') ?? false
