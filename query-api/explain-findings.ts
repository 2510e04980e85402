/** What can be found out about an empty search: the closed list of codes, each with its English text. */

export const findingCodes = [
  'FOUND',
  'NOTHING_INDEXED',
  'NO_SUCH_CLUSTER',
  'NO_SUCH_VALUE',
  'FILTERS_NEVER_TOGETHER',
  'LEVEL_NEVER',
  'TERM_NEVER',
  'PHRASE_NEVER',
  'WORD_ONLY_LONGER',
  'TERMS_NEVER_TOGETHER',
  'RANGE_IN_FUTURE',
  'BEFORE_OLDEST',
  'NOTHING_IN_RANGE',
  'MATCHES_OUTSIDE_RANGE',
  'LEVEL_EXCLUDES',
  'TERM_NOT_IN_RANGE',
  'TERMS_NOT_TOGETHER_IN_RANGE',
  'LAST_LINE',
  'NO_FILES',
  'FILES_BEHIND',
  'FILES_UNREADABLE',
  'BYTES_LOST',
  'PART_IN_TROUBLE',
  'PARTITIONS_DAMAGED',
  'NOT_CHECKED',
] as const
export type FindingCode = (typeof findingCodes)[number]

/** Parameters of the search to set or to leave out. */
export interface Change {
  readonly set: Readonly<Record<string, string | readonly string[]>>
  readonly remove: readonly string[]
}

export type FindingValues = Readonly<Record<string, string | number | null | readonly string[]>>

export interface Finding {
  readonly code: FindingCode
  /** In English; who speaks another language goes by code and values. */
  readonly text: string
  readonly values: FindingValues
  /** With which the search is likely to find something; null = no parameter would help. */
  readonly change: Change | null
}

const texts: Readonly<Record<FindingCode, string>> = {
  FOUND: 'The search finds lines now.',
  NOTHING_INDEXED: 'Nothing has been indexed yet.',
  NO_SUCH_CLUSTER: 'There is no cluster {cluster}.',
  NO_SUCH_VALUE: 'No line has {field} {value}.',
  FILTERS_NEVER_TOGETHER: 'Lines have each of {fields} as asked, but no line has all of them.',
  LEVEL_NEVER: 'There is no line of level {level} here, at any time.',
  TERM_NEVER: 'No line here matches {term}, at any time.',
  PHRASE_NEVER: 'Lines here have all the words of {term}, but never next to each other.',
  WORD_ONLY_LONGER: 'No line here has the word {term}, but there are longer ones that begin so.',
  TERMS_NEVER_TOGETHER: 'Each of {terms} is found here, but no line matches all of them.',
  RANGE_IN_FUTURE: 'The range begins at {from}, after now.',
  BEFORE_OLDEST: 'The range ends at {to}; the oldest line that is kept is of {oldest}.',
  NOTHING_IN_RANGE: 'There is no line here in this range, whatever is looked for.',
  MATCHES_OUTSIDE_RANGE:
    'There are matches, but not in this range: the last before it at {before}, the first behind it at {after}.',
  LEVEL_EXCLUDES: 'There are matches in this range, but none of level {level}.',
  TERM_NOT_IN_RANGE: 'In this range no line matches {term}.',
  TERMS_NOT_TOGETHER_IN_RANGE: 'In this range each of {terms} is found, but no line matches all of them.',
  LAST_LINE: 'The last line here is of {time}.',
  NO_FILES: 'No shipper has reported a file of this kind.',
  FILES_BEHIND: 'The shipper is behind: {bytes} bytes in {files} files are not indexed yet.',
  FILES_UNREADABLE: '{files} files cannot be read, {path} among them: {reason}',
  BYTES_LOST: 'At least {bytes} bytes in {files} files were lost before they could be read.',
  PART_IN_TROUBLE: 'The {part} is in trouble: {detail}',
  PARTITIONS_DAMAGED: '{partitions} partitions of the store cannot be read.',
  NOT_CHECKED: 'Not everything could be checked in time.',
}

export function finding(code: FindingCode, values: FindingValues = {}, change: Partial<Change> | null = null): Finding {
  const text = texts[code].replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name]
    return value === null || value === undefined ? '–' : typeof value === 'object' ? value.join(', ') : String(value)
  })
  return { code, text, values, change: change === null ? null : { set: {}, remove: [], ...change } }
}
