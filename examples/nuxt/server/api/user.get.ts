export default defineEventHandler(async (event) => ({ user: (await userOf(event)) ?? null, people }))
