import { Header as names } from '../core/wire'

/** Keys of a row's `transport`, for codecs: `row.transport[Header.messageId]`. */
export const Header = { ...names }
