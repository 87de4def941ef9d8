export type { Archive, ArchivedSession } from './archive'
export { archiveRoute, type ArchiveRouteOptions } from './route'
export { sqlArchive, type SqlArchiveOptions, type SqlDatabase } from './sql'
export type { RowReader, RowTuple } from '../core/rows'
