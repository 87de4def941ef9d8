import { openGate } from '~~/server/utils/model'

export default defineEventHandler(async (event) => {
  const { name, allowed } = await readBody<{ name: string; allowed: number }>(event)
  openGate(name, allowed)
  return {}
})
