export type { Archive, ArchivedSession, ArchiveRead } from './archive'
export { archiveRoute, type ArchiveRouteOptions } from './route'
export { sqlArchive, type SqlArchiveOptions, type SqlDatabase } from './sql'
export type { RowTuple } from '../core/rows'
