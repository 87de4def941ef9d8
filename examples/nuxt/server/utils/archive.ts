import { createDatabase } from 'db0'
import sqlite from 'db0/connectors/node-sqlite'
import { sqlArchive } from 'vue-ai-transport/archive'

/** All conversations, in a file. Ably forgets them after days. */
export const archive = sqlArchive(createDatabase(sqlite({ path: '.data/sessions.sqlite' })))
