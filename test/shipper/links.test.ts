/** Symbolic links: one file under its real name, what leaves the root, circles, and a link that is given another target. */
import { appendFileSync, mkdirSync, renameSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Shipper } from '../../shipper/shipper.ts'
import { temporaryFolder, waitFor } from '../system/process.ts'
import { type RememberingBus, rememberingBus, startTestShipper } from './harness.ts'

let folder: ReturnType<typeof temporaryFolder>
let bus: RememberingBus
let shipper: Shipper | undefined
let told: string[]

beforeEach(() => {
  folder = temporaryFolder('links')
  bus = rememberingBus()
  told = []
})

afterEach(async () => {
  await shipper?.close(100)
  folder.cleanUp()
})

async function start(...args: string[]) {
  const sink = new Writable({
    write(chunk, _encoding, done) {
      told.push(String(chunk))
      done()
    },
  })
  const started = await startTestShipper(folder.path, bus, args, pino({ level: 'warn' }, sink))
  shipper = started.shipper
  const unreadable = async () =>
    (await started.registry.getSingleMetric('shiplog_files_unreadable')?.get())?.values[0]?.value
  return { unreadable }
}

const inside = (name: string): string => join(folder.path, 'logs', name)
const outside = (name: string): string => join(folder.path, 'elsewhere', name)

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  appendFileSync(path, text)
}

/** Links as a program does that swaps them: in one step. */
function link(target: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true })
  symlinkSync(target, `${path}.new`)
  renameSync(`${path}.new`, path)
}

const seen = (): string[] => bus.records.map(({ dir, file, message }) => `${dir}/${file} ${message}`).sort()
const arrived = (...expected: string[]) => waitFor(() => expect(seen()).toEqual([...expected].sort()), 5000)

test('a link and its target under the root are one file, named by the target; nothing is told', async () => {
  write(inside('a/0/logs/app.log'), 'one\n')
  link('app.log', inside('a/0/logs/current.log'))
  link(inside('a/0/logs'), inside('a/0/also'))
  link('nowhere.log', inside('a/0/logs/dangling.log'))
  const { unreadable } = await start()
  await arrived('/logs/app.log one')
  write(inside('a/0/logs/current.log'), 'two\n')
  write(inside('a/0/logs/z.log'), 'z\n')
  await arrived('/logs/app.log one', '/logs/app.log two', '/logs/z.log z')
  expect(await unreadable()).toBe(0)
  expect(told).toEqual([])
})

test('a link that is swapped from one file to the next: no line is lost or read twice', async () => {
  await start()
  const expected: string[] = []
  for (let n = 0; n < 20; n++) {
    const name = `app-${n}.log`
    write(inside(`a/0/logs/${name}`), '')
    link(name, inside('a/0/logs/current.log'))
    for (let i = 0; i < 50; i++) {
      appendFileSync(inside('a/0/logs/current.log'), `line ${n} ${i}\n`)
      expected.push(`/logs/${name} line ${n} ${i}`)
    }
  }
  await arrived(...expected)
})

test('a link that leaves the root is refused, told once and counted', async () => {
  write(outside('x.log'), 'x\n')
  write(inside('a/0/logs/app.log'), 'one\n')
  link(outside('x.log'), inside('a/0/logs/x.log'))
  link(outside('.'), inside('a/0/out'))
  const { unreadable } = await start()
  await arrived('/logs/app.log one')
  await waitFor(async () => (await unreadable()) === 2)
  write(inside('a/0/logs/b.log'), 'b\n')
  await arrived('/logs/app.log one', '/logs/b.log b')
  expect(told.filter((line) => line.includes('--follow-symlinks'))).toHaveLength(2)
})

test('followed, files have the names of the links; circles and a way back into the root end', async () => {
  write(outside('x.log'), 'x\n')
  write(outside('deep/y.log'), 'y\n')
  link('..', outside('deep/up'))
  link(folder.path, outside('deep/all'))
  write(inside('a/0/logs/app.log'), 'one\n')
  link(outside('x.log'), inside('a/0/logs/linked.log'))
  link(outside('.'), inside('a/0/out'))
  link(outside('deep'), inside('a/0/deep'))
  // Links are taken in the order of their names: what two of them lead to has the name of the first.
  const { unreadable } = await start('--follow-symlinks', '--exclude', '**/data/**')
  await arrived('/logs/app.log one', '/out/x.log x', '/deep/y.log y')
  write(outside('x.log'), 'x2\n')
  write(outside('deep/more/z.log'), 'z\n')
  await arrived('/logs/app.log one', '/out/x.log x', '/out/x.log x2', '/deep/y.log y', '/deep/more/z.log z')
  expect(await unreadable()).toBe(0)
})

test('followed, a link to a file outside that is swapped: the old target is read to its end, the new from its start', async () => {
  await start('--follow-symlinks')
  const expected: string[] = []
  for (let n = 0; n < 6; n++) {
    write(outside(`app-${n}.log`), `first of ${n}\n`)
    link(outside(`app-${n}.log`), inside('a/0/logs/current.log'))
    expected.push(`/logs/current.log first of ${n}`)
    // A writer that still has the old file open.
    if (n > 0) {
      write(outside(`app-${n - 1}.log`), `late in ${n - 1}\n`)
      expected.push(`/logs/current.log late in ${n - 1}`)
    }
    await arrived(...expected)
  }
  const generations = new Set(bus.records.map((record) => record.generation))
  expect(generations.size).toBe(6)
})
