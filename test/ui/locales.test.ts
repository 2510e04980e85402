import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

type Tree = { readonly [key: string]: string | Tree }

function read(name: string): Map<string, string> {
  const texts = new Map<string, string>()
  const walk = (tree: Tree, path: string) => {
    for (const [key, value] of Object.entries(tree)) {
      if (typeof value === 'string') texts.set(`${path}${key}`, value)
      else walk(value, `${path}${key}.`)
    }
  }
  walk(JSON.parse(readFileSync(join(import.meta.dirname, '../../ui/locales', name), 'utf8')) as Tree, '')
  return texts
}

const english = read('en.json')
const chinese = read('zh-CN.json')

it('says everything in both languages', () => {
  // English has one and many; Chinese has one form for both.
  const once = (keys: Iterable<string>) => [...new Set([...keys].filter((key) => !key.endsWith('_one')))].sort()
  expect(once(chinese.keys())).toEqual(once(english.keys()))
})

it('uses the same values in both', () => {
  for (const [key, text] of chinese) {
    const names = (value = '') => [...value.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name).sort()
    expect(names(text), key).toEqual(names(english.get(key)))
  }
})

it('has no text that the page does not show', () => {
  const ui = join(import.meta.dirname, '../../ui')
  const sources = readdirSync(ui, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path) && !/^(dist|node_modules)/.test(path))
    .map((path) => readFileSync(join(ui, path), 'utf8'))
    .join('\n')
  // `export.${format}Hint` stands for every key of that beginning and end.
  const made = [...sources.matchAll(/`([\w.]+)\$\{[^}]*\}(\w*)`/g)].map(
    ([, begin = '', end = '']) => [begin, end] as const,
  )
  const shown = (key: string): boolean =>
    sources.includes(`'${key}'`) || made.some(([begin, end]) => key.startsWith(begin) && key.endsWith(end))
  const keys = [...english.keys()].map((key) => key.replace(/_(one|other)$/, ''))
  expect(keys.filter((key) => !shown(key))).toEqual([])
})

it('has no text that was left untranslated', () => {
  const same = [...chinese].filter(([key, text]) => text === english.get(key) && /\p{L}{4}/u.test(text))
  expect(same.map(([key]) => key)).toEqual(['export.ndjson'])
})
