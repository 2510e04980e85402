/**
 * The one table of everything that can be set: its name, type, unit, default, environment variable and help text.
 * `--help`, the environment names and the configuration file's keys all come from it.
 * A value is taken from the command line, else the environment (`SHIPLOG_<NAME>`), else `--config`, else the default.
 */
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { parse as parseYaml } from 'yaml'
import { messageOf, ShiplogError } from './errors.ts'
import { clusterPattern } from './record.ts'

interface Option<T> {
  readonly help: string
  /** Shown in `--help` for the value: `DIR`, `MS` … empty for a switch. */
  readonly value: string
  readonly group: 'pipeline' | 'shipper' | 'indexer and store' | 'query API'
  readonly default: T
  /** Turns what was written into the value, or throws with what was expected. */
  readonly read: (written: string) => T
}

type Group = Option<unknown>['group']

function text(group: Group, value: string, fallback: string, help: string, pattern?: RegExp): Option<string> {
  const read = (written: string): string => {
    if (written === '') throw new Error('a value')
    if (pattern !== undefined && !pattern.test(written)) throw new Error(`a value of the form ${pattern.source}`)
    return written
  }
  return { group, value, default: fallback, help, read }
}

function whole(
  group: Group,
  unit: string,
  fallback: number,
  [least, most]: readonly [number, number],
  help: string,
): Option<number> {
  const read = (written: string): number => {
    const amount = /^\d+$/.test(written) ? Number(written) : Number.NaN
    if (!(amount >= least && amount <= most)) throw new Error(`a whole number from ${least} to ${most} (${unit})`)
    return amount
  }
  return { group, value: unit, default: fallback, help, read }
}

function toggle(group: Group, help: string): Option<boolean> {
  const read = (written: string): boolean => {
    if (written === 'true' || written === '') return true
    if (written === 'false') return false
    throw new Error('true or false')
  }
  return { group, value: '', default: false, help, read }
}

const zone: Option<string> = {
  group: 'shipper',
  value: 'ZONE',
  default: Intl.DateTimeFormat().resolvedOptions().timeZone,
  help: 'IANA time zone of stamps that name none (default: the system’s)',
  read: (written) => {
    try {
      return new Intl.DateTimeFormat('en', { timeZone: written }).resolvedOptions().timeZone
    } catch {
      throw new Error('an IANA time zone such as Asia/Shanghai or UTC')
    }
  },
}

export const options = {
  root: text('shipper', 'DIR', './logs', 'folder that holds the containers’ log directories'),
  layout: text(
    'shipper',
    'TEMPLATE',
    '{app}/{instance}/{dir}',
    'what the folders under the root mean; {cluster} and {host} are allowed too',
  ),
  cluster: text('shipper', 'NAME', 'default', 'cluster of the files, unless the layout names it', clusterPattern),
  host: text('shipper', 'NAME', hostname(), 'name of this machine (default: its host name)'),
  timezone: zone,
  rescanIntervalMs: whole(
    'shipper',
    'MS',
    1000,
    [50, 600_000],
    'how often folders are listed again; changes wake it earlier',
  ),
  pollIntervalMs: whole('shipper', 'MS', 40, [5, 60_000], 'how often a file that is being written is looked at'),
  pollIdleIntervalMs: whole('shipper', 'MS', 1000, [5, 600_000], 'how often a file that has been quiet is looked at'),
  lineIdleMs: whole(
    'shipper',
    'MS',
    5000,
    [10, 600_000],
    'a last line without newline is sent after so long without change',
  ),
  eventIdleMs: whole(
    'shipper',
    'MS',
    200,
    [5, 600_000],
    'an event that more lines may belong to is sent after so long without change',
  ),
  eventBytesMax: whole(
    'shipper',
    'BYTES',
    512 * 1024,
    [1024, 16 * 1024 * 1024],
    'a longer line or event is cut into records that are linked',
  ),
  eventLinesMax: whole(
    'shipper',
    'LINES',
    5000,
    [1, 1_000_000],
    'an event of more lines is cut into records that are linked',
  ),
  copyWaitMs: whole(
    'shipper',
    'MS',
    5000,
    [10, 600_000],
    'a file that begins as a known one waits so long for that one to be emptied; an emptied one thrice that for its copy',
  ),
  openFilesMax: whole('shipper', 'FILES', 1000, [4, 100_000], 'files held open at once'),
  readBytesMax: whole('shipper', 'BYTES', 512 * 1024, [4096, 64 * 1024 * 1024], 'read from one file in one turn'),
  inFlightBytesMax: whole(
    'shipper',
    'BYTES',
    16 * 1024 * 1024,
    [1024, 1024 ** 3],
    'read but not acknowledged; reading waits beyond it',
  ),

  bus: text('pipeline', 'URL', 'local:', 'local: (in this process) or kafka://HOST:PORT,HOST:PORT'),
  topic: text(
    'pipeline',
    'NAME',
    'logs',
    'Kafka’s topic of events; {cluster} and {app} may stand in it',
    /^[A-Za-z0-9._{}-]{1,200}$/,
  ),
  topicPartitions: whole('pipeline', 'PARTITIONS', 12, [1, 10_000], 'of a topic that Shiplog makes'),
  topicReplicas: whole('pipeline', 'REPLICAS', 0, [0, 100], 'of a topic that Shiplog makes; 0 = what the brokers say'),
  kafkaTls: toggle('pipeline', 'speak TLS to the brokers'),
  kafkaCa: text(
    'pipeline',
    'FILE',
    '',
    'PEM certificate of the authority that signed the brokers’ (default: the system’s)',
  ),
  kafkaUser: text('pipeline', 'NAME', '', 'log in to the brokers as'),
  kafkaPassword: text('pipeline', 'PASSWORD', '', 'rather as SHIPLOG_KAFKA_PASSWORD, which no list of processes shows'),
  kafkaSasl: text(
    'pipeline',
    'MECHANISM',
    'plain',
    'how to log in: plain, scram-sha-256 or scram-sha-512',
    /^(plain|scram-sha-256|scram-sha-512)$/i,
  ),
  store: text('pipeline', 'URL', '', 'file:DIR (default: file:<data>/store); Elasticsearch comes later'),
  data: text('pipeline', 'DIR', './data', 'folder of the checkpoint, the store and small state'),
  demo: toggle(
    'pipeline',
    'three small demo apps write logs under <data>/demo-logs, which becomes the root unless one is given',
  ),
  config: text('pipeline', 'FILE', '', 'YAML file with any of these keys'),
  logLevel: text(
    'pipeline',
    'LEVEL',
    'info',
    'own log on stderr: debug, info, warn, error or silent',
    /^(debug|info|warn|error|silent)$/,
  ),

  retentionDays: whole('indexer and store', 'DAYS', 30, [0, 36_500], 'days that events are kept; 0 = for ever'),
  storeOpenFilesMax: whole(
    'indexer and store',
    'FILES',
    32,
    [2, 1000],
    'day files of the embedded store held open at once',
  ),
  storeReaders: whole('indexer and store', 'THREADS', 2, [1, 64], 'threads of the embedded store that search'),

  listen: text(
    'query API',
    'HOST:PORT',
    '127.0.0.1:8080',
    'address of the page and the HTTP API; port 0 = any free one',
    /^(\[[0-9a-f:.]+\]|[^:\s]+):\d{1,5}$/,
  ),
  insecure: toggle('query API', 'allow --listen beyond loopback although there is no authentication'),
  searchTimeMsMax: whole(
    'query API',
    'MS',
    15_000,
    [10, 3_600_000],
    'a search that takes longer ends with an error that says so',
  ),
  requestsPerMinuteMax: whole(
    'query API',
    'REQUESTS',
    6000,
    [1, 10_000_000],
    'of one client; more are answered with 429',
  ),
} as const

type Options = typeof options
export type OptionName = keyof Options
export type Config = { readonly [name in OptionName]: Options[name] extends Option<infer T> ? T : never }

/** `rescanIntervalMs` → `rescan-interval-ms` */
export function flagOf(name: OptionName): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** `rescanIntervalMs` → `SHIPLOG_RESCAN_INTERVAL_MS` */
export function environmentOf(name: OptionName): string {
  return `SHIPLOG_${flagOf(name).replaceAll('-', '_').toUpperCase()}`
}

const names = Object.keys(options) as OptionName[]
const nameOfFlag = new Map(names.map((name) => [flagOf(name), name]))

/** What was written on a command line: options by name, and the words that are no flags. */
export interface CommandLine {
  readonly written: ReadonlyMap<OptionName, string>
  readonly words: readonly string[]
  /** Flags that the command knows beside the table, such as `--out`. */
  readonly extra: ReadonlyMap<string, string>
}

/**
 * Takes a command line apart: `--name value`, `--name=value`, `--switch`; `--` ends the flags. `extra` names the flags
 * beside the table with true where they take a value. Throws CONFIG_INVALID for an unknown flag, with the nearest
 * right one.
 */
export function parseCommandLine(args: readonly string[], extra: Readonly<Record<string, boolean>> = {}): CommandLine {
  const written = new Map<OptionName, string>()
  const extraWritten = new Map<string, string>()
  const words: string[] = []
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string
    if (arg === '--') {
      words.push(...args.slice(i + 1))
      break
    }
    if (!arg.startsWith('--')) {
      words.push(arg)
      continue
    }
    const [flag = '', inline] = splitOnce(arg.slice(2), '=')
    const name = nameOfFlag.get(flag)
    if (name === undefined && !Object.hasOwn(extra, flag)) throw unknownOption(`--${flag}`, flag, Object.keys(extra))
    const takesValue = name === undefined ? extra[flag] === true : options[name].value !== ''
    const value = inline ?? (takesValue ? args[++i] : 'true')
    if (value === undefined) throw invalid(`--${flag} needs a value`, `Write --${flag} VALUE.`)
    if (name === undefined) extraWritten.set(flag, value)
    else written.set(name, value)
  }
  return { written, words, extra: extraWritten }
}

/** Kubernetes puts these into each container beside a service that is called shiplog: they are not meant for us. */
const serviceVariable = /^SHIPLOG_(SERVICE_(HOST|PORT)|PORT)(_|$)/

interface Written {
  readonly value: string
  /** Where it was written, for the message when it is bad. */
  readonly where: string
}

/**
 * What was written for each option, wherever that was; an empty variable is none. Throws CONFIG_INVALID for names
 * that are not known.
 */
export function writtenOptions(
  commandLine: Pick<CommandLine, 'written'>,
  environment: Readonly<Record<string, string | undefined>>,
): ReadonlyMap<OptionName, Written> {
  const known = new Set(names.map(environmentOf))
  for (const variable of Object.keys(environment)) {
    if (variable.startsWith('SHIPLOG_') && !known.has(variable) && !serviceVariable.test(variable)) {
      throw unknownOption(variable, variable.slice(8).toLowerCase().replaceAll('_', '-'), [])
    }
  }
  const file = commandLine.written.get('config') ?? environment[environmentOf('config')]
  const fromFile = file === undefined || file === '' ? new Map<OptionName, string>() : readConfigFile(file)
  const written = new Map<OptionName, Written>()
  for (const name of names) {
    const variable = environmentOf(name)
    const fromEnvironment = environment[variable] === '' ? undefined : environment[variable]
    const found = [
      [commandLine.written.get(name), `--${flagOf(name)}`],
      [fromEnvironment, variable],
      [fromFile.get(name), `${flagOf(name)} in ${file}`],
    ].find(([value]) => value !== undefined)
    if (found !== undefined) written.set(name, { value: found[0] as string, where: found[1] as string })
  }
  return written
}

/** The frozen configuration. Throws CONFIG_INVALID naming where the bad value was written. */
export function readConfig(
  commandLine: Pick<CommandLine, 'written'>,
  environment: Readonly<Record<string, string | undefined>>,
): Config {
  const written = writtenOptions(commandLine, environment)
  const entries = names.map((name): [OptionName, unknown] => {
    const found = written.get(name)
    if (found === undefined) return [name, options[name].default]
    try {
      return [name, options[name].read(found.value)]
    } catch (error) {
      throw invalid(`${found.where} is “${found.value}”, expected ${messageOf(error)}`, options[name].help)
    }
  })
  const config = Object.fromEntries(entries) as unknown as Config
  return Object.freeze({ ...config, store: config.store === '' ? `file:${config.data}/store` : config.store })
}

function readConfigFile(path: string): Map<OptionName, string> {
  let parsed: unknown
  try {
    parsed = parseYaml(readFileSync(path, 'utf8'))
  } catch (error) {
    throw invalid(`cannot read --config ${path}: ${messageOf(error)}`, 'Give the path of a YAML file.', error)
  }
  if (parsed === null || parsed === undefined) return new Map()
  if (typeof parsed !== 'object' || Array.isArray(parsed)) throw invalid(`${path} is no list of “key: value” lines`, '')
  const found = new Map<OptionName, string>()
  for (const [key, value] of Object.entries(parsed)) {
    const name = nameOfFlag.get(key) ?? names.find((known) => known === key)
    if (name === undefined) throw unknownOption(`${key} in ${path}`, key, [])
    if (typeof value === 'object') throw invalid(`${key} in ${path} is no single value`, options[name].help)
    found.set(name, String(value))
  }
  return found
}

/** The options as text for `--help`: flag, default and help, by group. */
export function helpOfOptions(): string {
  const groups: Group[] = ['pipeline', 'shipper', 'indexer and store', 'query API']
  return groups
    .map((group) => {
      const rows = names.filter((name) => options[name].group === group).map(helpRow)
      return `${group}\n${rows.join('\n')}`
    })
    .join('\n\n')
}

function helpRow(name: OptionName): string {
  const option = options[name]
  const flag = `  --${flagOf(name)}${option.value === '' ? '' : ` ${option.value}`}`
  const fallback =
    typeof option.default === 'boolean' || option.default === '' || option.help.includes('(default')
      ? ''
      : ` (${option.default})`
  return `${flag.padEnd(34)} ${option.help}${fallback}`
}

function unknownOption(shown: string, written: string, more: readonly string[]): ShiplogError {
  const nearest = nearestOf(written, [...nameOfFlag.keys(), ...more])
  const hint = nearest === undefined ? 'See shiplog --help.' : `Did you mean ${nearest}?`
  return invalid(`${shown} is not known`, hint)
}

function invalid(message: string, hint: string, cause?: unknown): ShiplogError {
  return new ShiplogError('CONFIG_INVALID', message, { hint, ...(cause === undefined ? {} : { cause }) })
}

function splitOnce(value: string, separator: string): [string, string?] {
  const at = value.indexOf(separator)
  return at < 0 ? [value] : [value.slice(0, at), value.slice(at + separator.length)]
}

/** The candidate with the fewest edits, when that is at most a third of its length; source: Levenshtein 1965. */
export function nearestOf(written: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined
  let bestEdits = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const edits = editDistance(written.toLowerCase(), candidate)
    if (edits < bestEdits) [best, bestEdits] = [candidate, edits]
  }
  return best !== undefined && bestEdits <= Math.max(2, best.length / 3) ? best : undefined
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replace, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
