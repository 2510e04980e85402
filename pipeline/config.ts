/**
 * The one table of everything that can be set: its name, type, unit, default, environment variable and help text.
 * `--help`, the environment names and the configuration file's keys all come from it.
 * A value is taken from the command line, else the environment (`SHIPLOG_<NAME>`), else `--config`, else the default.
 */
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { parse as parseYaml } from 'yaml'
import { messageOf, ShiplogError } from './errors.ts'
import { nearestOf } from './nearest.ts'
import { type PathSettings, readGlob, readPathSettings, readZone } from './path-settings.ts'
import { noQuotas, type QuotaSettings, readQuotaSettings } from './quota-settings.ts'
import { clusterPattern } from './record.ts'
import { type ClusterDays, readClusterDays, retentionDaysMax } from './retention.ts'

export { nearestOf }

interface Option<T> {
  readonly help: string
  /** Shown in `--help` for the value: `DIR`, `MS` … empty for a switch. */
  readonly value: string
  readonly group: 'pipeline' | 'shipper' | 'indexer and store' | 'query API' | 'clients'
  readonly default: T
  /** Turns what was written into the value, or throws with what was expected. */
  readonly read: (written: string) => T
  /** May be given more than once, and as a list in the file; `read` gets all of it, one a line. */
  readonly isList?: boolean
  readonly isSecret?: boolean
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

/** Never shown: not in messages, not in `--help`. */
function secret(group: Group, value: string, help: string): Option<string> {
  return { group, value, default: '', help, read: (written) => written, isSecret: true }
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
  read: readZone,
}

function globs(fallback: readonly string[], help: string): Option<readonly string[]> {
  const read = (written: string): readonly string[] =>
    written
      .split('\n')
      .filter((line) => line !== '')
      .map(readGlob)
  return { group: 'shipper', value: 'GLOB', default: fallback, help, read, isList: true }
}

const paths: Option<readonly PathSettings[]> = {
  group: 'shipper',
  value: 'YAML',
  default: [],
  help: 'settings of single files, a list in --config; see docs/settings.md',
  read: (written) => readPathSettings(parseYaml(written)),
}

const clusterDays: Option<readonly ClusterDays[]> = {
  group: 'indexer and store',
  value: 'CLUSTER=DAYS',
  default: [],
  help: 'the same of one cluster; may be given more than once, a list in --config',
  read: readClusterDays,
  isList: true,
}

const quotas: Option<QuotaSettings> = {
  group: 'shipper',
  value: 'YAML',
  default: noQuotas,
  help: 'lines a second and bytes a day of each app, in --config; see docs/settings.md (default: no limits)',
  read: (written) => readQuotaSettings(parseYaml(written)),
}

/** Lists and tables that only YAML can say. */
const isStructured = (name: OptionName): boolean => name === 'paths' || name === 'quotas'

/** Its errors do not repeat it. */
function readSmtpUrl(written: string): string {
  if (URL.canParse(written) && /^smtps?:\/\/[^/]/.test(written) && new URL(written).hostname !== '') return written
  throw new Error('smtp://HOST:PORT or smtps://HOST:PORT, with USER:PASSWORD@ where it asks for that')
}

/** Never logs, wherever they lie: what editors keep beside an open file, process ids, locks. */
const noLogs = ['.*.sw[a-p]', '*.pid', '*.lck']

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
  include: globs([], 'only files that one of these matches; may be given more than once (default: all)'),
  exclude: globs(noLogs, 'no file that one of these matches; may be given more than once'),
  paths,
  quotas,
  followSymlinks: toggle('shipper', 'also read what links under the root lead to outside of it'),
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
  openFilesMax: whole('shipper', 'FILES', 3000, [4, 100_000], 'files held open at once'),
  deletedOpenBytesMax: whole(
    'shipper',
    'BYTES',
    1024 ** 3,
    [0, 2 ** 50],
    'disk that deleted files may hold until they are read; beyond it the oldest are given up and counted as lost',
  ),
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
  kafkaPassword: secret('pipeline', 'PASSWORD', 'rather as SHIPLOG_KAFKA_PASSWORD, which no list of processes shows'),
  kafkaSasl: text(
    'pipeline',
    'MECHANISM',
    'plain',
    'how to log in: plain, scram-sha-256 or scram-sha-512',
    /^(plain|scram-sha-256|scram-sha-512)$/i,
  ),
  store: text(
    'pipeline',
    'URL',
    '',
    'file:DIR (default: file:<data>/store), or http(s)://host:9200 of Elasticsearch 9; more nodes by commas',
  ),
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

  retentionDays: whole(
    'indexer and store',
    'DAYS',
    30,
    [0, retentionDaysMax],
    'days that events are kept; 0 = for ever',
  ),
  retentionDaysOf: clusterDays,
  storeOpenFilesMax: whole(
    'indexer and store',
    'FILES',
    32,
    [2, 1000],
    'day files of the embedded store held open at once',
  ),
  storeReaders: whole('indexer and store', 'THREADS', 2, [1, 64], 'threads of the embedded store that search'),
  storeApiKey: secret('indexer and store', 'KEY', 'API key for Elasticsearch, best from the environment'),
  storeCa: text(
    'indexer and store',
    'FILE',
    '',
    'PEM file of the authority that signed the certificate of Elasticsearch',
  ),
  storeIndexPrefix: text(
    'indexer and store',
    'NAME',
    'shiplog',
    'what the names of indices begin with: another one keeps two Shiplogs on one Elasticsearch apart',
    /^[a-z][a-z0-9]{0,31}$/,
  ),
  storeShards: whole(
    'indexer and store',
    'SHARDS',
    1,
    [1, 100],
    'of an index: one per 30–50 GB a day; more make every search dearer',
  ),
  storeReplicas: whole(
    'indexer and store',
    'COPIES',
    1,
    [0, 10],
    'of each shard: 0 loses days with a disk, and is for a single node',
  ),
  storeCodec: text(
    'indexer and store',
    'CODEC',
    'default',
    'of an index: default (LZ4), or best_compression (zstd): a third less disk, exports five times slower',
    /^(best_compression|default)$/,
  ),
  storeRefreshMs: whole(
    'indexer and store',
    'MS',
    1000,
    [100, 600_000],
    'until Elasticsearch shows what is written; less costs it more',
  ),

  listen: text(
    'query API',
    'HOST:PORT',
    '127.0.0.1:8080',
    'address of the page and the HTTP API; port 0 = any free one',
    /^(\[[0-9a-f:.]+\]|[^:\s]+):\d{1,5}$/,
  ),
  tokens: text('query API', 'FILE', '', 'only who has a token of this file is answered; shiplog token changes it'),
  insecure: toggle('query API', 'allow --listen beyond loopback without --tokens: everyone there reads everything'),
  searchTimeMsMax: whole(
    'query API',
    'MS',
    15_000,
    [10, 3_600_000],
    'a search that takes longer ends with what it found so far, or with an error that says so',
  ),
  tailsPerClientMax: whole(
    'query API',
    'CLIENTS',
    20,
    [1, 100_000],
    'live tails of one client at once; more are answered with 429',
  ),
  tailBufferBytesMax: whole(
    'query API',
    'BYTES',
    1024 * 1024,
    [1024, 1024 ** 3],
    'kept for a client that follows live and reads slowly; beyond it lines are counted as missed',
  ),
  requestsPerMinuteMax: whole(
    'query API',
    'REQUESTS',
    6000,
    [1, 10_000_000],
    'of one client; more are answered with 429',
  ),
  searchesPerClientMax: whole(
    'query API',
    'REQUESTS',
    32,
    [1, 10_000],
    'searches of one client at the same time; more are answered with 429',
  ),
  exportsPerClientMax: whole(
    'query API',
    'REQUESTS',
    8,
    [1, 10_000],
    'exports of one client at the same time; more are answered with 429',
  ),
  smtpUrl: {
    ...secret(
      'query API',
      'URL',
      'mail server for alerts, smtp://USER:PASSWORD@HOST:587 or smtps://…; rather as SHIPLOG_SMTP_URL, for there is a password in it',
    ),
    read: readSmtpUrl,
  },
  mailFrom: text('query API', 'ADDRESS', 'shiplog@localhost', 'sender of alerts by e-mail', /^[^\r\n]*@[^\r\n]*$/),
  publicUrl: text(
    'query API',
    'URL',
    '',
    'where people reach the page, for the links in alerts: https://logs.example.com',
    /^https?:\/\/[^\s]+$/,
  ),
  auditBytesMax: whole(
    'query API',
    'BYTES',
    64 * 1024 * 1024,
    [0, 1024 ** 4],
    'kept of who has searched what, in <data>/audit.ndjson; 0 = nothing',
  ),

  token: text(
    'clients',
    'TOKEN',
    '',
    'sent to the server; better SHIPLOG_TOKEN or --token-file: ps shows command lines',
  ),
  tokenFile: text('clients', 'FILE', '', 'holds the token that is sent to the server'),
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
    else written.set(name, isList(name) ? lineBehind(written.get(name), value) : value)
  }
  return { written, words, extra: extraWritten }
}

function isList(name: OptionName): boolean {
  const option: Option<unknown> = options[name]
  return option.isList === true
}

function lineBehind(lines: string | undefined, line: string): string {
  return lines === undefined ? line : `${lines}\n${line}`
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
      const { isSecret = false }: Option<unknown> = options[name]
      const shown = isStructured(name) || isSecret ? 'not right' : `“${found.value.replaceAll('\n', ' ')}”`
      throw invalid(`${found.where} is ${shown}, expected ${messageOf(error)}`, options[name].help)
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
    found.set(name, textOf(value, name, `${key} in ${path}`))
  }
  return found
}

/** A value of the file as it would be written on a command line. */
function textOf(value: unknown, name: OptionName, where: string): string {
  if (isStructured(name)) return JSON.stringify(value)
  const isSingle = (item: unknown): boolean => typeof item !== 'object'
  if (isList(name) && value === null) return ''
  if (isList(name) && Array.isArray(value) && value.every(isSingle)) return value.join('\n')
  if (!isSingle(value)) throw invalid(`${where} is no single value`, options[name].help)
  return String(value)
}

/** The options as text for `--help`: flag, default and help, by group. */
export function helpOfOptions(): string {
  const groups: Group[] = ['pipeline', 'shipper', 'indexer and store', 'query API', 'clients']
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
  const shown: string = Array.isArray(option.default) ? option.default.join(' ') : String(option.default)
  const fallback =
    typeof option.default === 'boolean' || shown === '' || option.help.includes('(default') ? '' : ` (${shown})`
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
