/** What can be asked of /export, and which of it goes together. */
import { Type } from 'typebox'
import { ShiplogError } from '../pipeline/errors.ts'
import { contextLinesMax } from './context-groups.ts'
import { exportFormats } from './export-formats.ts'
import * as schema from './schema.ts'

export const exportParameters = schema.parameters({
  ...schema.Common,
  order: schema.oneOf(['asc', 'desc'], { default: 'asc', description: 'asc = oldest first' }),
  format: schema.oneOf([...exportFormats, 'zip'], {
    default: 'txt',
    description: 'txt is host : message, raw the bytes of one file, zip the files of one instance',
  }),
  csvSafe: Type.Optional(
    Type.Boolean({ default: true, description: 'cells that a spreadsheet would run get a leading apostrophe' }),
  ),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'at most so many records (default: all)',
    }),
  ),
  cursor: schema.cursor,
  series: schema.series,
  fold: schema.fold,
  ...schema.aroundProperties(contextLinesMax),
})

interface Asked {
  readonly [name: string]: unknown
  readonly format: string
  readonly order: string
  readonly cursor?: string
  readonly limit?: number
  readonly contextBefore: number
  readonly contextAfter: number
}

/** Throws QUERY_INVALID for parameters of which each is right by itself. */
export function refuseWhatDoesNotFit(query: Asked): void {
  const { format } = query
  if (query.contextBefore > 0 || query.contextAfter > 0) refuseContext(query)
  if (format === 'raw') refuseUnlessOne(query, format, ['app', 'instance', 'dir', 'file'])
  if (format !== 'zip') return
  refuseUnlessOne(query, format, ['app', 'instance'])
  refuseOfArchive(query)
}

function refuseUnlessOne(query: Asked, format: 'raw' | 'zip', needed: readonly string[]): void {
  const what = format === 'raw' ? 'one file' : 'the files of one instance'
  for (const field of [...needed, 'host']) {
    const values = field === 'file' ? [query.file ?? [], query.series ?? []].flat() : query[field]
    const given = Array.isArray(values) ? values.length : 0
    if (given === 1 || (field === 'host' && given === 0)) continue
    throw new ShiplogError('QUERY_INVALID', `format=${format} is ${what}: it takes one ${field}, not ${given}`, {
      hint: `Give one ${needed.join(', ').replace(/, (?=\w+$)/, ' and ')}${format === 'raw' ? ' (or series)' : ''}; or take format=txt.`,
    })
  }
  if (query.q !== undefined || query.level !== undefined || query.order !== 'asc') {
    throw new ShiplogError(
      'QUERY_INVALID',
      `format=${format} is ${what} as it is: it takes no q, level or order=desc`,
      {
        hint: 'Leave them out; or take format=txt.',
      },
    )
  }
}

/** Where a group ends cannot be said in a cursor, and a file is read forwards. */
function refuseContext({ format, order, cursor }: Asked): void {
  if (format !== 'raw' && format !== 'zip' && order === 'asc' && cursor === undefined) return
  throw new ShiplogError(
    'QUERY_INVALID',
    'with contextBefore or contextAfter there is no raw, zip, order=desc or cursor',
    {
      hint: 'Leave them out; a file as it is, with all lines, is format=raw without context.',
    },
  )
}

/** An archive is whole or it is none. */
function refuseOfArchive({ cursor, limit }: Asked): void {
  if (cursor === undefined && limit === undefined) return
  throw new ShiplogError('QUERY_INVALID', 'format=zip takes no limit and no cursor', {
    hint: 'Leave them out; from and to say which part of the files is wanted.',
  })
}
