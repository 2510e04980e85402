import fc from 'fast-check'

const pieces = [
  ...['(', ')', '"', '-', '*', ' ', ' ', ' ', ':', '.', '\\', '<', '>=', '=', '!', '\ufeff', '\u3000', '\n'],
  ...[
    'AND',
    'OR',
    'NOT',
    'level',
    'host',
    'dir',
    'app',
    'fields',
    '.status',
    '.',
    'error',
    'warn',
    'timeout',
    'a',
    'b',
    '7',
  ],
  ...['连', '接', 'カ', '👍', '*️⃣', '\u200d😀', '\u0301', 'İ', 'Σ', 'µ', 'x'.repeat(256)],
  ...[
    'level>=warn',
    'level:error',
    'app:web*',
    '"a b"',
    '.x:1',
    'fields."a b":"c\\*"',
    'host:"a \\" b"',
    ' OR ',
    ' (',
    ') ',
  ],
]

/** Texts that look like queries, valid or not. */
export const queryText = fc.oneof(
  { weight: 4, arbitrary: fc.array(fc.constantFrom(...pieces), { maxLength: 14 }).map((parts) => parts.join('')) },
  { weight: 2, arbitrary: fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((parts) => parts.join(' ')) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
)
