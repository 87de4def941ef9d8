/** What the process holds on to: bytes of heap, and open handles by kind. */
export default defineEventHandler(async () => {
  const gc = (globalThis as { gc?: () => void }).gc
  for (let index = 0; index < 3; index++) {
    gc?.()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const open: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) open[kind] = (open[kind] ?? 0) + 1
  return { heap: process.memoryUsage().heapUsed, open }
})
