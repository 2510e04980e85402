import { createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { runCli, temporaryFolder } from '../system/process.ts'

test.each([
  [['help'], 'shiplog version'],
  [['up', '-h'], '--retention-days'],
  [['up', '--help'], '--retention-days'],
  [['search', '-h'], '--server URL'],
  [['export', '-h'], '--out FILE'],
  [['patterns', '--help'], '--compare'],
  [['values', '--help'], '--prefix TEXT'],
])('shiplog %j prints help', async (args, text) => {
  const { code, stdout } = await runCli(args)
  expect([code, stdout]).toEqual([0, expect.stringContaining(text)])
})

test('a forgotten value is not the next flag', async () => {
  const { code, stderr } = await runCli(['up', '--root', '--insecure'])
  expect([code, stderr]).toEqual([2, expect.stringContaining('--root needs a value')])
})

test('an address that is taken says what to do', async () => {
  const { path, cleanUp } = temporaryFolder('taken')
  onTestFinished(cleanUp)
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void other.close())
  const { port } = other.address() as { port: number }
  const listen = `127.0.0.1:${port}`
  const args = ['--data', `${path}/data`, '--root', path, '--log-level', 'silent', '--listen', listen]
  const { code, stderr } = await runCli(['up', ...args])
  expect(code).toBe(2)
  expect(stderr).toContain(`--listen ${listen} is taken by another process`)
  expect(stderr).toContain('port 0 is any free one')
})
