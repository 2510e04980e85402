import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { runToken } from '../../pipeline/cli-token.ts'
import { isExpired, isSecretOf, makeToken, tokenPattern } from '../../pipeline/token.ts'
import { changeTokenFile, openTokens, readTokenFile } from '../../pipeline/token-file.ts'
import { recordTerminal } from './cli-terminal.ts'

function file(): string {
  const folder = mkdtempSync(join(tmpdir(), 'shiplog-tokens-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'tokens.json')
}

async function run(path: string, ...args: string[]) {
  const terminal = recordTerminal()
  const code = await runToken([...args, '--tokens', path], terminal)
  return { code, out: terminal.out(), errors: terminal.errors() }
}

describe('shiplog token', () => {
  test('adds, lists and removes; the secret is shown once and kept nowhere', async () => {
    const path = file()
    const first = await run(
      path,
      'add',
      '--name',
      'alice',
      '--role',
      'reader',
      '--cluster',
      'prod',
      '--app',
      '2048',
      '--app=order-*',
    )
    expect([first.code, first.out]).toEqual([0, expect.stringMatching(tokenPattern.source.replace('$', '\\n$'))])
    const text = first.out.trim()
    const [, id, secret = ''] = text.split('_')
    const second = await run(path, 'add', '--name', 'scraper', '--role', 'operator', '--days', '0')
    expect(second.code).toBe(0)
    const kept = readFileSync(path, 'utf8')
    for (const shown of [kept, first.errors, (await run(path, 'list')).out])
      expect(shown).not.toContain(secret.slice(0, 20))
    expect(statSync(path).mode & 0o077).toBe(0)
    const [token, other] = readTokenFile(path)
    expect(token).toMatchObject({ id, name: 'alice', role: 'reader', grants: ['prod/2048', 'prod/order-*'] })
    expect(isSecretOf(token?.hash ?? '', text)).toBe(true)
    expect(other).toMatchObject({ grants: [] })
    expect(other).not.toHaveProperty('expiresAt')
    const listed = (await run(path, 'list')).out.split('\n')
    expect(listed[0]).toMatch(/^[0-9a-f]{12} {2}alice {2}reader {2}prod\/2048 prod\/order-\* {2}ends \d{4}-\d\d-\d\d$/)
    expect(listed[1]).toMatch(/scraper {2}operator {2}\(no logs\) {2}never ends$/)
    expect((await run(path, 'remove', 'alice')).code).toBe(0)
    expect((await run(path, 'remove', other?.id ?? '')).code).toBe(0)
    expect((await run(path, 'list')).out).toBe('')
  })

  test.each<[args: string[], what: string]>([
    [['add', '--role', 'reader', '--app', '*'], '--name'],
    [['add', '--name', 'a b', '--role', 'reader', '--app', '*'], '--name'],
    [['add', '--name', 'a', '--role', 'admin', '--app', '*'], 'reader, operator'],
    [['add', '--name', 'a', '--role', 'reader'], 'could read nothing'],
    [['add', '--name', 'a', '--role', 'reader', '--app', 'a/b/c'], 'no cluster/app'],
    [['add', '--name', 'a', '--role', 'reader', '--app', ''], 'no cluster/app'],
    [['add', '--name', 'a', '--role', 'reader', '--app', '*', '--days', '1e9'], '--days'],
    [['add', '--name', 'a', '--rle', 'reader', '--app', '*'], 'Did you mean role'],
    [['remove'], 'one id or name'],
    [['revoke', 'a'], 'no “revoke”'],
    [[], 'add, list, remove'],
  ])('%j is refused with what is right', async (args, what) => {
    const path = file()
    const { code, errors } = await run(path, ...args)
    expect([code, errors]).toEqual([2, expect.stringContaining(what)])
    expect(readdirSync(join(path, '..'))).toEqual([])
  })

  test('says which file is missing, and which token', async () => {
    const terminal = recordTerminal()
    expect(await runToken(['list'], terminal)).toBe(2)
    expect(terminal.errors()).toContain('--tokens FILE')
    const path = file()
    expect(await run(path, 'list')).toMatchObject({ code: 1, errors: expect.stringContaining(path) })
    await run(path, 'add', '--name', 'a', '--role', 'reader', '--app', '*')
    expect(await run(path, 'remove', 'b')).toMatchObject({ code: 1, errors: expect.stringContaining('no token “b”') })
    expect(readTokenFile(path)).toHaveLength(1)
  })
})

describe('the file', () => {
  test('can be read by whom it could be read before', () => {
    const path = file()
    changeTokenFile(path, () => [token('a')])
    chmodSync(path, 0o640)
    changeTokenFile(path, (tokens) => [...tokens, token('b')])
    expect(statSync(path).mode & 0o777).toBe(0o640)
  })

  const token = (name: string) => makeToken({ name, role: 'reader', grants: ['*/*'], days: 1 }, 0).token

  test('is changed as a whole: one change at a time, and what was begun and left says so', () => {
    const path = file()
    changeTokenFile(path, () => {
      // Another process at the same moment.
      expect(() => changeTokenFile(path, (tokens) => [...tokens, token('b')])).toThrow('cannot make')
      return [token('a')]
    })
    expect(readTokenFile(path).map(({ name }) => name)).toEqual(['a'])
    expect(readdirSync(join(path, '..'))).toEqual(['tokens.json'])
    writeFileSync(`${path}.new`, '')
    expect(() => changeTokenFile(path, (tokens) => tokens)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining(`remove ${path}.new`) }),
    )
  })

  test.each([
    ['nothing', ''],
    ['another version', '{"version":2,"tokens":[]}'],
    ['no list', '{"version":1}'],
    ['a token that is none', '{"version":1,"tokens":[null]}'],
    [
      'a role that is none',
      JSON.stringify({
        version: 1,
        tokens: [{ ...makeToken({ name: 'a', role: 'reader', grants: [], days: 1 }, 0).token, role: 'root' }],
      }),
    ],
    [
      'a grant that is none',
      JSON.stringify({
        version: 1,
        tokens: [{ ...makeToken({ name: 'a', role: 'reader', grants: [], days: 1 }, 0).token, grants: ['prod'] }],
      }),
    ],
  ])('%s in it is an error, never no tokens', (_, text) => {
    const path = file()
    writeFileSync(path, text)
    expect(() => openTokens(path, () => {})).toThrow(expect.objectContaining({ code: 'STATE_UNREADABLE' }))
    expect(() => changeTokenFile(path, (tokens) => tokens)).toThrow(
      expect.objectContaining({ code: 'STATE_UNREADABLE' }),
    )
    expect(readFileSync(path, 'utf8')).toBe(text)
  })

  test('is followed: what is added holds, what is removed does not, and a damaged one lets nobody new in', () => {
    let clock = 0
    const path = file()
    const [a, b] = [token('a'), token('b')]
    changeTokenFile(path, () => [a])
    const told: string[] = []
    const tokens = openTokens(
      path,
      (trouble) => told.push(trouble),
      () => clock,
    )
    const later = (): void => void (clock += 1000)
    changeTokenFile(path, () => [a, b])
    later()
    expect([tokens.find(a.id)?.name, tokens.find(b.id)?.name]).toEqual(['a', 'b'])
    changeTokenFile(path, () => [b])
    later()
    expect(tokens.find(a.id)).toBeUndefined()
    writeFileSync(path, 'half of')
    later()
    expect(tokens.trouble()).toContain('still hold')
    expect(tokens.find(b.id)?.name).toBe('b')
    rmSync(path)
    later()
    expect(tokens.find(a.id)).toBeUndefined()
    expect(tokens.find(b.id)?.name).toBe('b')
    expect(told).toEqual([expect.stringContaining(path)])
    changeTokenFile(path, () => [a])
    later()
    expect(tokens.trouble()).toBeUndefined()
    expect([tokens.find(a.id)?.name, tokens.find(b.id)]).toEqual(['a', undefined])
  })
})

test('a token ends when it says', () => {
  const { token } = makeToken({ name: 'a', role: 'reader', grants: [], days: 2 }, 1000)
  expect(isExpired(token, 1000 + 2 * 86_400_000 - 1)).toBe(false)
  expect(isExpired(token, 1000 + 2 * 86_400_000)).toBe(true)
  expect(isExpired({}, Number.MAX_SAFE_INTEGER)).toBe(false)
})
