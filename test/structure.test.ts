/**
 * The structure that the folders promise: a stage imports pipeline/ only, an adapter its port and pure modules, and
 * nobody but the composition root knows them all. A rule that is broken here is broken for every reader.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const top = fileURLToPath(new URL('..', import.meta.url))
const folders = ['pipeline', 'shipper', 'bus', 'indexer', 'store', 'alerts', 'query-api', 'demo', 'ui']
const stages = ['shipper', 'indexer', 'alerts', 'query-api']
const compositionRoot = ['pipeline/adapters.ts', 'pipeline/start.ts', 'pipeline/cli.ts']
/** What runs in a browser too: the UI may import these and nothing else of the server. */
const pure = /^pipeline\/(query[a-z-]*|words|word-classes|emoji|record|cursor)\.ts$/

interface Import {
  readonly from: string
  readonly to: string
}

function sources(folder: string): string[] {
  return readdirSync(join(top, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(top, join(entry.parentPath, entry.name)))
    .filter((path) => !path.includes('node_modules') && !path.startsWith('ui/dist'))
}

const files = folders.flatMap(sources)
const imports: Import[] = files.flatMap((from) =>
  [...readFileSync(join(top, from), 'utf8').matchAll(/(?:from|import|new URL\()\s*\(?'(\.[^']+\.tsx?)'/g)].map(
    (match) => ({
      from,
      to: relative(top, join(top, dirname(from), match[1] as string)),
    }),
  ),
)

function stageOf(path: string): string {
  return path.split('/')[0] as string
}

function broken(rule: (edge: Import) => boolean): string[] {
  return imports.filter((edge) => !rule(edge)).map(({ from, to }) => `${from} imports ${to}`)
}

test('there is something to check', () => {
  expect(imports.length).toBeGreaterThan(100)
})

test('a stage imports itself and pipeline/ only', () => {
  expect(
    broken(({ from, to }) => !stages.includes(stageOf(from)) || ['pipeline', stageOf(from)].includes(stageOf(to))),
  ).toEqual([])
})

test('an adapter imports itself and pipeline/ only', () => {
  // `bus/kafka.ts` and what lies in `bus/kafka/` are one.
  const adapter = (path: string): string => path.split('/').slice(0, 2).join('/').replace(/\.ts$/, '')
  expect(
    broken(
      ({ from, to }) =>
        !['bus', 'store'].includes(stageOf(from)) || stageOf(to) === 'pipeline' || adapter(from) === adapter(to),
    ),
  ).toEqual([])
})

test('pipeline/ imports nothing outside itself, but for the composition root', () => {
  expect(
    broken(
      ({ from, to }) => stageOf(from) !== 'pipeline' || stageOf(to) === 'pipeline' || compositionRoot.includes(from),
    ),
  ).toEqual([])
})

test('the UI imports itself and the pure modules', () => {
  expect(broken(({ from, to }) => stageOf(from) !== 'ui' || stageOf(to) === 'ui' || pure.test(to))).toEqual([])
})

test('the pure modules import only each other, and nothing of Node', () => {
  const impure = files.filter((path) => pure.test(path) && /from 'node:/.test(readFileSync(join(top, path), 'utf8')))
  expect(impure).toEqual([])
})

test('a path is never taken out of a URL as it stands there: a space or a Chinese folder is percent-encoded in it', () => {
  const taken = [...files, ...sources('test'), ...sources('bench')].filter((path) =>
    /import\.meta\.url\)\s*\.pathname/.test(readFileSync(join(top, path), 'utf8')),
  )
  expect(taken, 'use fileURLToPath').toEqual([])
})

test('no folder or file is named for leftovers', () => {
  expect(files.filter((path) => /(^|\/)(utils?|helpers?|common|misc|index)(\/|\.)/.test(path))).toEqual([])
})
