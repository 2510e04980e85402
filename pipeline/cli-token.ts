/** `shiplog token add|list|remove`: the tokens of --tokens. Exit code: 0 done, 1 failed, 2 usage. */
import { processTerminal, showError, type Terminal } from './cli-query.ts'
import { asksForHelp, refuseMissingValues, takeRepeated } from './command-flags.ts'
import { parseCommandLine, readConfig } from './config.ts'
import { ShiplogError } from './errors.ts'
import { grantPattern, isExpired, makeToken, type Role, roles, type Token, tokenNamePattern } from './token.ts'
import { changeTokenFile, readTokenFile } from './token-file.ts'

const help = `shiplog token add|list|remove: who may ask the query API (shiplog up --tokens FILE)

  token add --name NAME --role reader|operator --app PATTERN …
                          makes a token and prints it once
  token list              id, name, role, grants, end
  token remove ID|NAME    the token with this id, or all of this name

  --tokens FILE           the file; also SHIPLOG_TOKENS
  --name NAME             who: a person or a program
  --role ROLE             reader reads logs; operator also sees metrics and details of health
  --cluster PATTERN       may be given several times; * stands for any characters (*)
  --app PATTERN           may be given several times; an operator needs none; cluster/app names its own cluster
  --days N                until it ends; 0 = never (365)

A server that runs sees a change within a second.
`

const daysDefault = 365
const daysMax = 36_500

/** Runs the command; returns the exit code and never throws. */
export async function runToken(args: readonly string[], terminal: Terminal = processTerminal): Promise<number> {
  try {
    const extra = { name: true, role: true, app: true, days: true, help: false }
    refuseMissingValues(args, extra)
    const { taken, rest } = takeRepeated(args, ['cluster', 'app'])
    const commandLine = parseCommandLine(rest, extra)
    if (asksForHelp(args, commandLine.words)) {
      terminal.stdout.write(help)
      return 0
    }
    const [action = '', ...words] = commandLine.words
    const { tokens: path } = readConfig(commandLine, terminal.environment)
    if (path === '') throw usage('it is not said which file', 'Give --tokens FILE, as shiplog up gets it.')
    if (action === 'add') add(path, commandLine.extra, taken, terminal)
    else if (action === 'list') list(path, terminal)
    else if (action === 'remove') remove(path, words, terminal)
    else throw usage(`token knows no “${action}”`, 'See shiplog token --help: add, list, remove.')
    return 0
  } catch (error) {
    showError(error, '', terminal)
    return error instanceof ShiplogError && error.code === 'CONFIG_INVALID' ? 2 : 1
  }
}

function add(
  path: string,
  flags: ReadonlyMap<string, string>,
  taken: readonly (readonly [flag: string, value: string])[],
  { stdout, stderr }: Terminal,
): void {
  const name = flags.get('name') ?? ''
  if (!tokenNamePattern.test(name)) throw usage(`--name is “${name}”`, 'Give a name of letters, digits and . _ @ -')
  const role = roles.find((known) => known === flags.get('role'))
  if (role === undefined) throw usage(`--role is “${flags.get('role') ?? ''}”`, `Give one of ${roles.join(', ')}.`)
  const written = flags.get('days') ?? String(daysDefault)
  const days = /^\d{1,5}$/.test(written) ? Number(written) : Number.NaN
  if (!(days <= daysMax)) throw usage(`--days is “${written}”`, `Give a whole number from 0 to ${daysMax}; 0 = never.`)
  const { token, text } = makeToken({ name, role, grants: grantsOf(role, taken), days }, Date.now())
  changeTokenFile(path, (tokens) => [...tokens, token])
  // On stdout alone, so that it can go into a file without having been on a screen.
  stdout.write(`${text}\n`)
  stderr.write(`Keep it: it is shown this once. It is ${row(token, Date.now())}\n`)
}

function grantsOf(role: Role, taken: readonly (readonly [flag: string, value: string])[]): string[] {
  const of = (flag: string): string[] => taken.filter(([name]) => name === flag).map(([, value]) => value)
  const clusters = of('cluster').length > 0 ? of('cluster') : ['*']
  const grants = of('app').flatMap((app) =>
    app.includes('/') ? [app] : clusters.map((cluster) => `${cluster}/${app}`),
  )
  if (grants.length === 0 && role === 'reader')
    throw usage('a reader without --app could read nothing', "Give --app PATTERN; --app '*' is every app.")
  const bad = grants.find((grant) => !grantPattern.test(grant))
  if (bad !== undefined) throw usage(`“${bad}” is no cluster/app`, 'Each is a name, or has * for any characters.')
  return [...new Set(grants)]
}

function list(path: string, { stdout }: Terminal): void {
  for (const token of readTokenFile(path)) stdout.write(`${row(token, Date.now())}\n`)
}

function row(token: Token, nowMs: number): string {
  const { id, name, role, grants, expiresAt } = token
  const end =
    expiresAt === undefined ? 'never ends' : `${isExpired(token, nowMs) ? 'ended' : 'ends'} ${expiresAt.slice(0, 10)}`
  return `${id}  ${name}  ${role}  ${grants.join(' ') || '(no logs)'}  ${end}`
}

function remove(path: string, words: readonly string[], { stderr }: Terminal): void {
  const [which, more] = words
  if (which === undefined || more !== undefined)
    throw usage('token remove takes one id or name', 'See shiplog token list.')
  const removed: Token[] = []
  changeTokenFile(path, (tokens) => {
    removed.push(...tokens.filter(({ id, name }) => id === which || name === which))
    if (removed.length === 0)
      throw new ShiplogError('NOT_FOUND', `there is no token “${which}”`, { hint: 'See shiplog token list.' })
    return tokens.filter((token) => !removed.includes(token))
  })
  for (const token of removed) stderr.write(`removed: ${row(token, Date.now())}\n`)
}

function usage(message: string, hint: string): ShiplogError {
  return new ShiplogError('CONFIG_INVALID', message, { hint })
}
