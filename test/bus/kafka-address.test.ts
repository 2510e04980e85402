import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { kafkaAddress } from '../../bus/kafka/address.ts'
import { topicTemplate } from '../../bus/kafka/topics.ts'
import { temporaryFolder } from '../system/process.ts'

test('a URL names brokers, and how to come in', () => {
  expect(kafkaAddress('kafka://a:9092,b')).toEqual({
    brokers: [
      { host: 'a', port: 9092 },
      { host: 'b', port: 9092 },
    ],
  })
  expect(kafkaAddress('kafka://[::1]:19092/?tls=true')).toEqual({ brokers: [{ host: '::1', port: 19_092 }], tls: {} })
  expect(kafkaAddress('kafka://me:p%40ss%3Aword@a?sasl=scram-sha-512').sasl).toEqual({
    mechanism: 'SCRAM-SHA-512',
    username: 'me',
    password: 'p@ss:word',
  })
})

test('options say what the URL does not', () => {
  const folder = temporaryFolder('kafka')
  const caFile = join(folder.path, 'ca.pem')
  writeFileSync(caFile, 'pem')
  expect(kafkaAddress('kafka://a', { user: 'me', password: 'secret', caFile })).toMatchObject({
    tls: { ca: 'pem' },
    sasl: { mechanism: 'PLAIN', username: 'me', password: 'secret' },
  })
  expect(() => kafkaAddress('kafka://a', { caFile: join(folder.path, 'none') })).toThrow(/cannot read the certificate/)
  folder.cleanUp()
})

test.each([
  'kafka://',
  'http://a',
  'kafka://me:secret@a:x',
  'kafka://me:secret@a:99999',
  'kafka://me:secret@a?sasl=gssapi',
  'kafka://me:secret@a?acks=0',
])('%s is refused, and no password is told', (url) => {
  try {
    kafkaAddress(url)
    expect.unreachable()
  } catch (error) {
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' })
    expect(String((error as Error).message)).not.toContain('secret')
  }
})

test('topics by cluster and app', () => {
  const both = topicTemplate('logs-{cluster}.{app}')
  expect(both.only).toBeUndefined()
  expect(both.topicOf({ cluster: 'prod', app: '2048' })).toBe('logs-prod.2048')
  expect(both.topicOf({ cluster: 'prod', app: '订单 x' })).toBe('logs-prod.___x')
  expect(both.matches('logs-prod.2048')).toBe(true)
  for (const other of ['logs', 'logs-prod.2048.rejects', 'logs-prod.2048.files', 'x-logs-a.b'])
    expect(both.matches(other)).toBe(false)
  expect(topicTemplate('logs').only).toBe('logs')
})

test('no cluster writes among the rejects or the states of another', () => {
  const template = topicTemplate('{cluster}')
  for (const cluster of ['prod.rejects', 'prod.files']) {
    expect(template.topicOf({ cluster, app: 'a' })).toBe(`${cluster}_`)
    expect(template.matches(`${cluster}_`)).toBe(true)
  }
})

test.each(['a b', '{host}', 'logs.rejects', 'x'.repeat(250), 'a/b'])('--topic %s is refused', (template) => {
  expect(() => topicTemplate(template)).toThrow(/--topic/)
})
