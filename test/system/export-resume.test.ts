/** An export to a file over a bad network, of a server that is killed, by a client that is killed: the file is the same. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { runExport } from '../../pipeline/cli-export.ts'
import { recordTerminal } from '../pipeline/cli-terminal.ts'
import { type ShiplogProcess, startShiplog, temporaryFolder, waitFor } from './process.ts'

const exportModule = new URL('../../pipeline/cli-export.ts', import.meta.url).href
const lineCount = 20_000
const pageRecords = 2000
const text = Array.from({ length: lineCount }, (_, i) => `line ${i} ${'x'.repeat(i % 180)}\n`).join('')
const expected = text.replace(/^/gm, 'here : ').slice(0, -'here : '.length)

/** Hands every byte on to where `to` says, and cuts all connections when it is told to. */
async function startProxy(to: () => string) {
  const sockets = new Set<Socket>()
  let bytes = 0
  const server = createServer((client) => {
    const behind = connect(Number(new URL(to()).port), '127.0.0.1')
    for (const socket of [client, behind]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        behind.destroy()
      })
    }
    client.pipe(behind)
    behind.on('data', (chunk) => (bytes += chunk.length))
    behind.pipe(client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  onTestFinished(() => {
    cut()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, cut, bytes: () => bytes }
}

async function startFilled(folder: string): Promise<ShiplogProcess> {
  const root = join(folder, 'logs')
  if (!existsSync(root)) {
    mkdirSync(join(root, 'app/instance/dir'), { recursive: true })
    writeFileSync(join(root, 'app/instance/dir/a.log'), text)
  }
  const shiplog = await startShiplog([
    '--root',
    root,
    '--data',
    join(folder, 'data'),
    '--host',
    'here',
    '--log-level',
    'silent',
  ])
  onTestFinished(async () => void (await shiplog.stop()))
  return shiplog
}

async function allStored(url: string): Promise<void> {
  await waitFor(async () => {
    const answer = await fetch(`${url}/api/v1/values/file?cluster=default&from=0`)
    const { values } = (await answer.json()) as { values: { count: number }[] }
    return values[0]?.count === lineCount
  }, 30_000)
}

function expectWhole(out: string): void {
  const content = readFileSync(out)
  expect(content.toString() === expected).toBe(true)
  const { chunks, records } = JSON.parse(readFileSync(`${out}.manifest.json`, 'utf8')) as {
    chunks: { bytes: number; sha256: string }[]
    records: number
  }
  let at = 0
  for (const chunk of chunks) {
    const bytes = content.subarray(at, (at += chunk.bytes))
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(chunk.sha256)
  }
  expect([at, records]).toEqual([content.length, lineCount])
}

test('connections that are cut and a server that is killed and started again: one run, the whole file', {
  timeout: 60_000,
}, async () => {
  const { path, cleanUp } = temporaryFolder('resume')
  onTestFinished(cleanUp)
  let shiplog = await startFilled(path)
  await allStored(shiplog.url)
  const proxy = await startProxy(() => shiplog.url)
  const out = join(path, 'out.txt')
  const terminal = recordTerminal()
  const done = runExport(['--server', proxy.url, '--out', out, '--retry-seconds', '30'], terminal, pageRecords)
  for (const share of [0.2, 0.4]) {
    await waitFor(() => proxy.bytes() > expected.length * share, 20_000)
    proxy.cut()
  }
  await waitFor(() => proxy.bytes() > expected.length * 0.6, 20_000)
  await shiplog.kill()
  shiplog = await startFilled(path)
  expect([await done, terminal.errors().match(/asking again/g)?.length ?? 0]).toEqual([0, expect.any(Number)])
  expect(terminal.errors()).toContain('asking again')
  expectWhole(out)
})

test('a client that is killed goes on with --resume, and does not ask again for what it has', {
  timeout: 60_000,
}, async () => {
  const { path, cleanUp } = temporaryFolder('resume')
  onTestFinished(cleanUp)
  const shiplog = await startFilled(path)
  await allStored(shiplog.url)
  const out = join(path, 'out.txt')
  const args = ['--server', shiplog.url, '--out', out, '--from', '2000-01-01', '--resume']
  const client = spawn(process.execPath, [
    '--input-type=module',
    '--eval',
    `import { runExport } from ${JSON.stringify(exportModule)}
     process.exitCode = await runExport(${JSON.stringify(args)}, undefined, ${pageRecords / 20})`,
  ])
  await waitFor(() => existsSync(`${out}.part.json`), 20_000)
  client.kill('SIGKILL')
  await once(client, 'exit')
  expect(existsSync(out)).toBe(false)
  const { records } = JSON.parse(readFileSync(`${out}.part.json`, 'utf8')) as { records: number }
  expect(records).toBeGreaterThan(0)
  const handedOut = async (): Promise<number> => {
    const metrics = await (await fetch(`${shiplog.url}/metrics`)).text()
    return Number(/^shiplog_export_records_total\{format="txt"\} (\d+)/m.exec(metrics)?.[1] ?? 0)
  }
  const before = await handedOut()
  expect(await runExport(args, recordTerminal(), pageRecords)).toBe(0)
  expect((await handedOut()) - before).toBe(lineCount - records)
  expectWhole(out)
})
