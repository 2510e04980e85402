/**
 * A value for a trapper item of Zabbix, by its sender protocol: `ZBXD`, a flag byte, the length (8 bytes, little endian), JSON;
 * the answer has the same form. https://www.zabbix.com/documentation/current/en/manual/appendix/protocols/zabbix_sender
 */
import { connect } from 'node:net'
import type { Notice } from '../pipeline/alert.ts'
import type { AlertAction } from '../pipeline/alert-policy.ts'
import { messageOf } from '../pipeline/errors.ts'
import { addressOf } from '../pipeline/listen.ts'

export type ZabbixAction = Extract<AlertAction, { kind: 'zabbix' }>

const magic = Buffer.from('ZBXD\x01')
const headBytes = magic.length + 8
const answerBytesMax = 64 * 1024
const silenceMsMax = 10_000

/** Resolves with what the server answered; rejects when it does not, answers something else, or knows no such host or item. */
export async function sendZabbix(
  { server, host, key }: ZabbixAction,
  notice: Notice,
  signal: AbortSignal,
): Promise<string> {
  // A test must not leave a problem behind in Zabbix.
  const value = notice.kind === 'firing' || notice.kind === 'still-firing' ? '1' : '0'
  const data = [{ host, key, value, clock: Math.floor(notice.at / 1000) }]
  const answer = await exchange(server, framed(JSON.stringify({ request: 'sender data', data })), signal)
  const { response, info } = answerOf(answer)
  // The server says “success” also to what it has no item for.
  const failed = /failed: (\d+)/.exec(String(info))?.[1]
  if (response !== 'success' || failed !== '0') throw new Error(`Zabbix answers: ${answer}`)
  return String(info)
}

function answerOf(text: string): { response?: unknown; info?: unknown } {
  try {
    const answer: unknown = JSON.parse(text)
    if (typeof answer === 'object' && answer !== null) return answer
  } catch (error) {
    throw new Error(`no JSON in the answer of Zabbix: ${messageOf(error)}`)
  }
  throw new Error('no object in the answer of Zabbix')
}

export function framed(json: string): Buffer {
  const body = Buffer.from(json)
  const head = Buffer.alloc(headBytes)
  magic.copy(head)
  head.writeBigUInt64LE(BigInt(body.length), magic.length)
  return Buffer.concat([head, body])
}

/** The JSON of a whole frame, undefined while more has to come; throws for what is no frame. */
export function unframed(bytes: Buffer): string | undefined {
  if (!magic.subarray(0, bytes.length).equals(bytes.subarray(0, magic.length))) throw new Error('no answer of Zabbix')
  if (bytes.length < headBytes) return undefined
  const length = bytes.readBigUInt64LE(magic.length)
  if (length > answerBytesMax) throw new Error(`an answer of ${length} bytes`)
  const end = headBytes + Number(length)
  return bytes.length < end ? undefined : bytes.subarray(headBytes, end).toString('utf8')
}

function exchange(server: string, request: Buffer, signal: AbortSignal): Promise<string> {
  const { host, port } = addressOf(server)
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal })
    let received = Buffer.alloc(0)
    socket.setTimeout(silenceMsMax, () => socket.destroy(new Error(`${server} says nothing for ${silenceMsMax} ms`)))
    socket.once('connect', () => socket.write(request))
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      try {
        const answer = unframed(received)
        if (answer === undefined) return
        resolve(answer)
        socket.destroy()
      } catch (error) {
        socket.destroy(error as Error)
      }
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error(`${server} closed the connection without an answer`)))
  })
}
