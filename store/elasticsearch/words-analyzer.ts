/**
 * The analyzer `words` of the index, and the check that this Elasticsearch splits text as `pipeline/words.ts` does. If they
 * differed, a search would find other lines than the page marks, and other ones than the embedded store.
 */
import { ShiplogError } from '../../pipeline/errors.ts'
import { splitWords, wordJoiners } from '../../pipeline/words.ts'
import type { Connection } from './connection.ts'

const charFilter = {
  type: 'mapping',
  mappings: Array.from(wordJoiners, (joiner) => `${escaped(joiner)} => \\u0020`),
}

/** ANSI control sequences (pipeline/words.ts): colours are no words. */
const escapesFilter = { type: 'pattern_replace', pattern: String.raw`\x1b\[[ -?]*[@-~]`, replacement: ' ' }

/** `settings.analysis` of the index. */
export const analysis = {
  char_filter: { escapes: escapesFilter, joiners: charFilter },
  analyzer: {
    words: { type: 'custom', char_filter: ['escapes', 'joiners'], tokenizer: 'standard', filter: ['lowercase'] },
  },
}

/** Everything that tokenizers do not agree about. */
const probe = [
  'java.lang.NullPointerException user_id=7 1,234.5 10.3.11.18:80 it’s l’été don\'t "a":b;c',
  '数据库连接失败，重试：3；ひらがな カタカナ サーバー 한국어 ﾊﾝｶｸ 々〆',
  'café cafe\u0301 Straße İstanbul ΣΊΣΥΦΟΣ ς K µ ½ ² ① Ⅷ ＡＢＣ＿１２',
  '👍 👍🏽 👨‍👩‍👧 🇩🇪🇫🇷 *️⃣ #️⃣ ❤️ 1️⃣ a👍b',
  'ภาษาไทย ລາວ မြန်မာ ខ្មែរ עברית ״א׳ب العربية हिन्दी ქართული',
  `a\u00adb a\u200bb a\u200db a\u00a0b a\u0000b ${'x'.repeat(300)} \ufeffbom 𝒳𝟙 𠀀𠀁`,
  '\x1b[31merror\x1b[0m:\x1b[1;38;5;196mred\x1b[m a\x1b[Kb \x1b[12é \x1b]0;t\x07 \x1b[ x\x1b[3:2m7\x1b',
  `${Array.from(wordJoiners, (joiner) => `a${joiner}b`).join(' ')}`,
].join('\n')

/** Rejects when the analyzer gives other words, naming the first one. */
export async function checkWords(connection: Connection): Promise<void> {
  const { body } = await connection.json<{ tokens: { token: string }[] }>({
    method: 'POST',
    path: '/_analyze',
    body: { char_filter: [escapesFilter, charFilter], tokenizer: 'standard', filter: ['lowercase'], text: probe },
  })
  const theirs = body.tokens.map(({ token }) => token)
  const ours = splitWords(probe).map(({ word }) => word)
  const at = ours.findIndex((word, i) => word !== theirs[i])
  if (at === -1 && theirs.length === ours.length) return
  const place = at === -1 ? ours.length : at
  throw new ShiplogError(
    'STORE_UNAVAILABLE',
    `Elasticsearch at ${connection.name} splits text into other words than Shiplog: word ${place} of the probe is ${shown(theirs[place])}, expected ${shown(ours[place])}`,
    {
      hint: 'This Elasticsearch is of a version or has plugins that Shiplog was not tested with. Use Elasticsearch 9, or tell us its version.',
    },
  )
}

function shown(word: string | undefined): string {
  return word === undefined ? 'missing' : JSON.stringify(word)
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
