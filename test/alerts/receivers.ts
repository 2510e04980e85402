/** Real receivers of notifications, on loopback, that fail as often as they are told to. Closed with their test. */
import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { framed, unframed } from '../../alerts/zabbix.ts'

/** Asked for each attempt. */
export type Fails = () => boolean

const never: Fails = () => false

async function listening(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}

export interface TakenHook {
  readonly key: string | undefined
  readonly path: string
  readonly at: number
  readonly body: Readonly<Record<string, unknown>>
}

/** An HTTP server. Failing is a connection that breaks, and an error in turn. `answer` is what it says to what it takes. */
export async function hookReceiver(fails: Fails = never, answer = '{"errcode":0}', port = 0) {
  const taken: TakenHook[] = []
  let asked = 0
  let failed = 0
  const server = createHttpServer(async (request: IncomingMessage, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    asked++
    if (fails()) {
      failed++
      if (failed % 2 === 0) request.socket.destroy()
      else response.writeHead(503).end('busy')
      return
    }
    const key = request.headers['idempotency-key'] as string | undefined
    const body = JSON.parse(Buffer.concat(chunks).toString())
    taken.push({ key, path: request.url ?? '', at: Date.now(), body })
    response.end(answer)
  })
  const url = `http://127.0.0.1:${await listening(server, port)}/robot/send?access_token=geheim`
  return { url, taken, asked: () => asked, failed: () => failed }
}

/** The trapper of a Zabbix server, by its protocol. Failing is an item that it does not know, and a connection that breaks. */
export async function zabbixListener(fails: Fails = never) {
  const taken: { readonly host: string; readonly key: string; readonly value: string; readonly clock: number }[] = []
  let asked = 0
  let failed = 0
  const server = createServer((socket) => {
    let received = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      const request = unframed(received)
      if (request === undefined) return
      const { request: kind, data } = JSON.parse(request) as { request: string; data: (typeof taken)[number][] }
      asked++
      const bad = kind !== 'sender data' || fails() ? 1 : 0
      failed += bad
      if (bad === 1 && failed % 2 === 0) return void socket.destroy()
      if (bad === 0) taken.push(...data)
      const info = `processed: ${1 - bad}; failed: ${bad}; total: 1; seconds spent: 0.000055`
      const answer = framed(JSON.stringify({ response: 'success', info }))
      // In two pieces: an answer need not come at once.
      socket.write(answer.subarray(0, 9))
      setImmediate(() => socket.end(answer.subarray(9)))
    })
  })
  return { server: `127.0.0.1:${await listening(server, 0)}`, taken, asked: () => asked, failed: () => failed }
}

/** An SMTP server, RFC 5321 as far as it goes; refuses `refused` recipients. Failing is a 451 to the message. */
export async function mailServer(fails: Fails = never, refused: readonly string[] = []) {
  const taken: { readonly from: string; readonly to: readonly string[]; readonly text: string }[] = []
  let asked = 0
  let failed = 0
  const server = createServer((socket) => {
    let rest = ''
    let from = ''
    let to: string[] = []
    let data: string[] | undefined
    const say = (line: string): void => void socket.write(`${line}\r\n`)
    socket.on('error', () => {})
    say('220 test ESMTP')
    socket.on('data', (chunk) => {
      const lines = `${rest}${chunk}`.split('\r\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (data !== undefined) {
          if (line !== '.') {
            data.push(line)
            continue
          }
          asked++
          const bad = fails()
          if (bad) failed++
          else taken.push({ from, to, text: data.join('\n') })
          say(bad ? '451 try again' : '250 taken')
          data = undefined
          to = []
          continue
        }
        const address = /<(.*)>/.exec(line)?.[1] ?? ''
        if (/^EHLO/i.test(line)) say('250 test')
        else if (/^MAIL FROM/i.test(line)) {
          from = address
          say('250 ok')
        } else if (/^RCPT TO/i.test(line)) {
          if (refused.includes(address)) say('550 nobody here')
          else {
            to.push(address)
            say('250 ok')
          }
        } else if (/^DATA/i.test(line)) {
          data = []
          say('354 go on')
        } else if (/^QUIT/i.test(line)) {
          say('221 bye')
          socket.end()
        } else say('500 what?')
      }
    })
  })
  return { url: `smtp://127.0.0.1:${await listening(server, 0)}`, taken, asked: () => asked, failed: () => failed }
}
