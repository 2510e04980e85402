/**
 * What real Kafka and Elasticsearch need: a JDK, Maven, the jars of a server in a folder that is kept from run to run,
 * and a Java process with a data folder of its own that is waited for and ended by its id.
 */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { waitFor } from '../system/process.ts'

const jvmFolders = ['/usr/lib/jvm', '/Library/Java/JavaVirtualMachines', '/opt/java']
const jarsMs = 300_000
/** How long a server may take to start or to end before its test fails, ms. */
const startMs = 90_000
const stopMs = 30_000

export interface Jdk {
  readonly version: number
  /** The `java` program, and the `javac` beside it. */
  readonly java: string
  readonly javac: string
}

/** The first JDK that is new enough: JAVA_HOME's, one on the PATH, one in the folders where systems keep them. */
export function findJdk(leastVersion = 21, mostVersion = Number.POSITIVE_INFINITY): Jdk | undefined {
  const homes = [process.env.JAVA_HOME ?? '', ...jvmFolders.flatMap(homesIn)].filter((home) => home !== '')
  const programs = [...homes.map((home) => join(home, 'bin', 'java')), ...onPath('java')]
  for (const java of programs) {
    const javac = `${java}c`
    if (!isProgram(java) || !isProgram(javac)) continue
    const version = versionOf(java)
    if (version >= leastVersion && version <= mostVersion) return { version, java, javac }
  }
  return undefined
}

function homesIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder).flatMap((name) => [join(folder, name), join(folder, name, 'Contents', 'Home')])
}

/** 0 when it does not say. */
function versionOf(java: string): number {
  try {
    // `release` stands beside bin/ in every JDK; asking the program takes a second each.
    const release = join(java, '..', '..', 'release')
    const text = existsSync(release)
      ? readFileSync(release, 'utf8')
      : execFileSync(java, ['-XshowSettings:properties', '-version'], { encoding: 'utf8', stdio: 'pipe' })
    return Number(/(?:JAVA_VERSION="|java\.version = )(\d+)/.exec(text)?.[1] ?? 0)
  } catch {
    return 0
  }
}

export function findMaven(): string | undefined {
  return onPath('mvn')[0]
}

export function onPath(name: string): string[] {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .filter(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Why real servers cannot be started here, or undefined when they can. */
export function whyNoServers(): string | undefined {
  if (findJdk() === undefined) return 'no JDK ≥ 21 was found (JAVA_HOME, PATH, the JVM folders)'
  return findMaven() === undefined ? 'mvn is not on the PATH' : undefined
}

/**
 * The jars of Maven artifacts (`group:name:version`) and of what they need, in a folder that holds nothing else.
 * What was there once is not looked up again. Throws with Maven's own words.
 */
export async function resolveJars(artifacts: readonly string[]): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'shiplog', 'jars')
  const name = createHash('sha256').update(artifacts.join('\n')).digest('hex').slice(0, 16)
  const folder = join(cache, name)
  if (existsSync(folder)) return folder
  const maven = findMaven()
  if (maven === undefined) throw new Error('mvn is not on the PATH')
  mkdirSync(cache, { recursive: true })
  const work = mkdtempSync(join(cache, 'new-'))
  try {
    writeFileSync(join(work, 'pom.xml'), pomOf(artifacts))
    const libs = join(work, 'libs')
    const args = ['-q', '-B', '-f', join(work, 'pom.xml'), 'dependency:copy-dependencies', `-DoutputDirectory=${libs}`]
    await promisify(execFile)(maven, args, { timeout: jarsMs })
    try {
      // All of it or nothing: two runs that begin together must not see half a folder.
      renameSync(libs, folder)
    } catch (error) {
      if (!existsSync(folder)) throw error
    }
    return folder
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function pomOf(artifacts: readonly string[]): string {
  const dependencies = artifacts.map((artifact) => {
    const [group, name, version] = artifact.split(':')
    return `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`
  })
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>shiplog.test</groupId><artifactId>jars</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>${dependencies.join('\n')}</dependencies></project>\n`
}

export interface JavaProcess {
  readonly pid: number
  /** What it has printed so far, the last 64 KiB. */
  log(): string
  /** Ends it (SIGTERM unless said otherwise) and waits until it is gone; a process that does not go is killed. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** Starts `java <args>` and waits until `probe` resolves to true; rejects with what it printed when it ends instead. */
export async function startJava(
  java: string,
  args: readonly string[],
  probe: () => Promise<boolean>,
  cwd?: string,
): Promise<JavaProcess> {
  const child = spawn(java, args, { stdio: ['ignore', 'pipe', 'pipe'], ...(cwd === undefined ? {} : { cwd }) })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      printed = (printed + chunk.toString()).slice(-65_536)
    })
  }
  const ended = once(child, 'exit').catch(() => {})
  // Whatever ends this process must not leave the server behind.
  const killAtExit = (): void => void child.kill('SIGKILL')
  process.once('exit', killAtExit)
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => {
    process.removeListener('exit', killAtExit)
    if (hasEnded(child)) return
    const killer = setTimeout(() => child.kill('SIGKILL'), stopMs)
    child.kill(signal)
    await ended
    clearTimeout(killer)
  }
  try {
    await waitFor(async () => hasEnded(child) || (await probe()), startMs, `the probe of ${args.at(-1)}`)
    if (hasEnded(child)) throw new Error(`it ended with ${child.exitCode ?? child.signalCode}`)
  } catch (error) {
    await stop('SIGKILL')
    throw new Error(`${args.at(-1)} did not start: ${String(error)}\n${printed}`, { cause: error })
  }
  return { pid: child.pid as number, log: () => printed, stop }
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null
}

/** A port on 127.0.0.1 that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
