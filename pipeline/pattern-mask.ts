/**
 * What varies in a line made alike: `paid order 8812 in 3.5 ms` and `paid order 8813 in 12 ms` both become
 * `paid order <num> in <num> ms`. Pure.
 */

export const placeholders = ['time', 'num', 'ip', 'mac', 'hex', 'uuid', 'id', 'path', 'url', 'email', 'agent'] as const
export type Placeholder = (typeof placeholders)[number]

/** UTF-16 units of a line that are looked at; its shape shows in them. */
export const shapeUnitsMax = 1024

// The order decides where two fit: an address is no number, a date is no path.
const kinds: readonly (readonly [Placeholder, string])[] = [
  [
    'time',
    [
      // 2016-05-16T20:47:10.123+08:00, 2016/05/16 20:47:10,123, 2016-05-16
      String.raw`\d{4}(?:-\d{1,2}-|/\d{1,2}/|\.\d{1,2}\.)\d{1,2}(?:[T ]\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?(?:Z|[+-]\d\d:?\d\d))?)?`,
      // 16/May/2016:20:47:10 +0800, 16-May-2016 20:47:10.123
      String.raw`\d{1,2}[/-][A-Z][a-z]{2}[/-]\d{4}[: ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: [+-]\d{4})?`,
      // May 16 20:47:10
      String.raw`[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d`,
      String.raw`\d{1,2}:\d\d:\d\d(?:[.,]\d+)?`,
    ].join('|'),
  ],
  ['uuid', '[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}'],
  ['url', String.raw`[a-zA-Z][a-zA-Z+.-]{1,15}://[\w.@%+~:=&?#/!$*-]+`],
  ['email', String.raw`[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+`],
  ['mac', '[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}'],
  [
    'ip',
    String.raw`\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\w)|(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}|(?:[0-9a-fA-F]{1,4}:){2,6}(?::[0-9a-fA-F]{1,4}){1,5}|fe80::[0-9a-f:]+`,
  ],
  ['hex', String.raw`0x[0-9a-fA-F]+|(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}(?![0-9A-Za-z])`],
]
const word = String.raw`[A-Za-z]*\d[A-Za-z0-9]*(?:\.\d+)*`
const path = String.raw`(?:/[\w.@%+~:=-]+){2,}/?(?:\?[^\s"']*)?|/[\w.@%+~:=-]*\?[^\s"']*|[A-Za-z]:\\[\w.\\-]+`
const agent = String.raw`"[A-Za-z][\w.-]*/\d(?:[^"\\]|\\.)*"`

/** One capture for each kind, in the order of `kinds`, then `word`, `path`, `agent`. Captures with names would cost an object each. */
function variableOf(some: typeof kinds): RegExp {
  const captures = some.map(([, source]) => `(${source})`).join('|')
  // One pass. Letters and digits in front would make it the end of something else; Han characters and `_` do not.
  return new RegExp(`(?<![A-Za-z0-9])(?:${captures}|(${word}))|(?<![\\w<>])(${path})|(${agent})`, 'g')
}
const variable = variableOf(kinds)
// An address of mail is tried at each word; most lines have none.
const withoutEmail = kinds.filter(([name]) => name !== 'email')
const variableWithoutEmail = variableOf(withoutEmail)

/** The first line of a message as its shape: at most `shapeUnitsMax` units of it. */
export function maskLine(text: string): string {
  const [some, pattern] = text.includes('@') ? [kinds, variable] : [withoutEmail, variableWithoutEmail]
  const masked = text.replace(pattern, (...found: (string | undefined)[]) => {
    const most = some.length
    const run = found[most + 1]
    if (run !== undefined) return maskWord(run)
    if (found[most + 2] !== undefined) return '<path>'
    if (found[most + 3] !== undefined) return '"<agent>"'
    let kind = 0
    while (found[kind + 1] === undefined) kind++
    return `<${some[kind]?.[0]}>`
  })
  // Lists of any length are of one shape.
  return masked.includes('>,') || masked.includes('> <') ? masked.replace(/(<(\w+)>)(?:,? ?<\2>){2,}/g, '$1…') : masked
}

/** A run of letters and digits with at least one digit in it: `42`, `3.5`, `12ms`, `worker7`, `k8s`, `A1b2C3d4`. */
function maskWord(run: string): string {
  const parts = /^([A-Za-z]*)(\d[\d.]*)([A-Za-z]*)$/.exec(run)
  if (parts === null) {
    const digits = run.replace(/\D/g, '').length
    return run.length >= 6 && digits >= 2 ? '<id>' : run
  }
  const [, before = '', , behind = ''] = parts
  // `k8s` and `p2p` are names; `12ms` is a number with its unit, `worker7` a name with its number.
  if (before !== '' && behind !== '') return run.length >= 6 ? '<id>' : run
  return `${before}<num>${behind}`
}

const jsonText = /"(?:msg|message|event|text)"\s*:\s*"((?:[^"\\]|\\.)+)"/
const logfmtText = /(?:^|\s)(?:msg|message)="((?:[^"\\]|\\.)+)"/

/**
 * The part of a message in which its shape lies: of a JSON object or logfmt the text that someone wrote, as it stands there;
 * of all else the first line. `cut` = it goes on behind what is looked at.
 */
export function shapeText(message: string): { readonly text: string; readonly cut: boolean } {
  const first = message.charCodeAt(0)
  if (first === 0x7b || message.includes('="')) {
    const written = (first === 0x7b ? jsonText : logfmtText).exec(message)?.[1]
    if (written !== undefined) return bounded(written)
  }
  const end = message.indexOf('\n')
  return bounded(end === -1 ? message : message.slice(0, end))
}

/** Stands for any colour: a control sequence, which no word has a part in, without a number that would be masked. */
export const plainSequence = '\u001b[~'
// ECMA-48 §5.4, as in pipeline/words.ts; one that has no end is text, and must not get one by what is masked behind it.
// biome-ignore lint/suspicious/noControlCharactersInRegex: the colours that some loggers write are no part of the shape.
const sequence = /\u001b\[[ -?]*[@-~]|\u001b(?=\[)/g

function bounded(written: string): { text: string; cut: boolean } {
  const text = written.includes('\u001b')
    ? written.replace(sequence, (found) => (found.length > 1 ? plainSequence : ' '))
    : written
  return text.length <= shapeUnitsMax ? { text, cut: false } : { text: text.slice(0, shapeUnitsMax), cut: true }
}
