/** What goes over the wire to each kind of target, and targets that answer what they should not. */

import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo, Server, Socket } from 'node:net'
import { createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { attempt } from '../../alerts/outbox.ts'
import { sendTo } from '../../alerts/targets.ts'
import { bodyOf, targetOf } from '../../alerts/webhook.ts'
import { framed } from '../../alerts/zabbix.ts'
import type { Notice } from '../../pipeline/alert.ts'
import { type AlertAction, policyOf } from '../../pipeline/alert-policy.ts'
import { withoutSecret, withoutSecrets } from '../../pipeline/alert-target.ts'
import { waitFor } from '../system/process.ts'
import { base } from './evaluator.ts'

const policy = policyOf({ ...base, name: 'a <b> & c', query: 'level>=error', language: 'en' })
const notice: Notice = {
  key: 'k',
  kind: 'firing',
  action: 'a1',
  at: 1_700_000_000_000,
  value: 11,
  attempts: 0,
  nextAt: 0,
}
const hook = (body: 'json' | 'dingtalk' | 'wecom' | 'slack', url = 'https://h.example/x') =>
  ({ id: 'a1', kind: 'webhook', url, body }) as const

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

async function outcomeOf(action: AlertAction) {
  const send = sendTo({ mail: { url: '', from: 'a@b' }, publicUrl: '' })
  return attempt(send, action, policy, notice, new AbortController().signal)
}

describe('a webhook', () => {
  test('has the body that its receiver takes', () => {
    const text =
      '[FIRING] a <b> & c · prod/shop\nCondition: more than 10 lines\nValue: 11 in the last 60 s\nQuery: level>=error\nTime: 2023-11-14T22:13:20.000Z\nhttps://l/'
    expect(bodyOf(hook('wecom'), policy, notice, 'https://l/')).toEqual({ msgtype: 'text', text: { content: text } })
    expect(bodyOf(hook('dingtalk'), policy, notice, 'https://l/')).toEqual({ msgtype: 'text', text: { content: text } })
    expect(bodyOf(hook('slack'), policy, notice, 'https://l/')).toEqual({
      text: text.replace('<b> &', '&lt;b&gt; &amp;').replace('level>=', 'level&gt;='),
    })
    expect(bodyOf(hook('json'), policy, { ...notice, detail: 'd' }, undefined)).toMatchObject({
      ...{ key: 'k', event: 'firing', cluster: 'prod', app: 'shop', value: 11, detail: 'd', link: null },
    })
  })

  test('a text is never longer than the least of the receivers takes, nor cut inside a character', () => {
    const long = policyOf({ ...base, name: 'n', query: `a${'连'.repeat(1500)}` })
    const { text } = bodyOf(hook('wecom'), long, notice, undefined) as { text: { content: string } }
    expect(Buffer.byteLength(text.content)).toBeLessThanOrEqual(2048)
    expect(text.content).toMatch(/连…$/)
  })

  test('is signed as DingTalk asks for it', () => {
    const signed = targetOf(
      { ...hook('dingtalk', 'https://h.example/x?access_token=t'), secret: 'SECabc' },
      1_700_000_000_000,
    )
    // printf '1700000000000\nSECabc' | openssl dgst -sha256 -hmac SECabc -binary | base64
    expect(signed.searchParams.get('sign')).toBe('jcUpW0QmtKduN03n4JqQ0PBosVjqnM8gU7fIIvsDmCM=')
    expect(signed.searchParams.get('timestamp')).toBe('1700000000000')
    expect(signed.searchParams.get('access_token')).toBe('t')
  })

  test('follows nobody elsewhere, and reads no more than a little of an answer without end', {
    timeout: 15_000,
  }, async () => {
    const redirecting = createHttpServer((_request, response) =>
      response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    )
    const port = await listening(redirecting)
    expect(await outcomeOf(hook('json', `http://127.0.0.1:${port}/`))).toMatchObject({ taken: false })
    let sent = 0
    const endless = createHttpServer((_request, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(10_000))) sent += 10_000
      }
      response.on('drain', more)
      more()
    })
    const endlessPort = await listening(endless)
    const { taken, answer } = await outcomeOf(hook('json', `http://127.0.0.1:${endlessPort}/`))
    expect([taken, answer.length]).toEqual([true, 300])
    expect(sent).toBeLessThan(50_000_000)
    endless.closeAllConnections()
  })
})

describe('a Zabbix server that lies', () => {
  const answering = async (bytes: Buffer | string) => {
    const port = await listening(
      createServer((socket) => void socket.on('error', () => {}).once('data', () => socket.end(bytes))),
    )
    return outcomeOf({ id: 'a1', kind: 'zabbix', server: `127.0.0.1:${port}`, host: 'h', key: 'k' })
  }
  const huge = framed('{}')
  huge.writeBigUInt64LE(1n << 40n, 5)
  test.each([
    ['another protocol', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'no answer of Zabbix'],
    ['a length beyond all bounds', huge, 'an answer of 1099511627776 bytes'],
    ['half of an answer', framed('{"response":"success","info":"failed: 0"}').subarray(0, 20), 'closed the connection'],
    ['nothing', '', 'closed the connection'],
    ['no JSON', framed('hello'), 'no JSON'],
    ['no object', framed('null'), 'no object'],
    ['a refusal', framed('{"response":"failed","info":"no permission"}'), 'no permission'],
    [
      'an item that it does not know',
      framed('{"response":"success","info":"processed: 0; failed: 1; total: 1"}'),
      'failed: 1',
    ],
  ])('%s: not taken, and said so', async (_, bytes, said) => {
    expect(await answering(bytes)).toEqual({ taken: false, answer: expect.stringContaining(said) })
  })
})

test('a mail without a mail server says what to set', async () => {
  const { taken, answer } = await outcomeOf({ id: 'a1', kind: 'email', to: ['a@b.c'] })
  expect([taken, answer]).toEqual([false, 'no mail server is configured: say --smtp-url and --mail-from'])
})

test('a target that never answers is given up after the time of an attempt, and at the end of the process at once', async () => {
  const port = await listening(createServer(() => {}))
  const stop = new AbortController()
  const send = sendTo({ mail: { url: '', from: 'a@b' }, publicUrl: '' })
  const outcome = attempt(send, hook('json', `http://127.0.0.1:${port}/`), policy, notice, stop.signal)
  stop.abort()
  expect(await outcome).toEqual({ taken: false, answer: 'broken off' })
})

test('a mail server that hangs is let go when the process ends', async () => {
  const open = new Set<Socket>()
  const hangs = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => {}).on('close', () => open.delete(socket))
  })
  const mail = { url: `smtp://127.0.0.1:${await listening(hangs)}`, from: 'a@b' }
  const stop = new AbortController()
  const action: AlertAction = { id: 'a1', kind: 'email', to: ['a@b.c'] }
  const outcome = attempt(sendTo({ mail, publicUrl: '' }), action, policy, notice, stop.signal)
  await waitFor(() => open.size === 1)
  stop.abort()
  expect(await outcome).toEqual({ taken: false, answer: 'broken off' })
  await waitFor(() => open.size === 0, 2000)
})

test('what lets one write to a webhook is hidden wherever it stands', () => {
  const action = { ...hook('dingtalk', 'https://h.example/robot/send?access_token=geheim1'), secret: 'SECgeheim2' }
  expect(JSON.stringify(withoutSecret(action))).not.toMatch(/geheim/)
  for (const text of [action.url, 'POST /robot/send?access_token=geheim1 404', 'token geheim1 unknown', 'SECgeheim2'])
    expect(withoutSecrets(text, action)).not.toMatch(/geheim/)
})
