/**
 * A real Elasticsearch 9.2 on 127.0.0.1: one node from the jars on Maven Central. They are the server without most of its
 * modules: no `GET /`, no painless, no ILM; the char filters come from elasticsearch/MappingPlugin.java.
 * It can be stopped and started again on the same ports and data.
 */
import { execFile } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { findJdk, freePort, type JavaProcess, type Jdk, resolveJars, startJava } from './java.ts'

const version = '9.2.0'
const artifacts = [
  `org.elasticsearch:elasticsearch:${version}`,
  `org.elasticsearch.plugin:transport-netty4:${version}`,
] as const
const sources = fileURLToPath(new URL('./elasticsearch/', import.meta.url))
const libraryFolders = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib', '/lib64']

export interface ElasticsearchService {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  readonly pid: number
  /** Stops the node; SIGKILL is a crash. Data and ports stay its own. */
  stop(signal?: NodeJS.Signals): Promise<void>
  /** Starts it again where it was. */
  start(): Promise<void>
}

/** `settings` are node settings beside those that are needed, such as `http.max_content_length`. */
export async function startElasticsearch(
  folder: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<ElasticsearchService> {
  const jdk = findJdk()
  if (jdk === undefined) throw new Error('no JDK ≥ 21 was found')
  const classPath = await makeHome(folder, jdk)
  const [port, transportPort] = [await freePort(), await freePort()]
  const all = {
    'http.port': String(port),
    'transport.port': String(transportPort),
    'network.host': '127.0.0.1',
    'discovery.type': 'single-node',
    'cluster.name': 'shiplog-test',
    'node.name': 'one',
    'cluster.routing.allocation.disk.threshold_enabled': 'false',
    ...settings,
  }
  const args = [
    ...['--enable-native-access=ALL-UNNAMED', '--add-modules=jdk.incubator.vector', '-Xms1g', '-Xmx1g'],
    `-Des.nativelibs.path=${join(folder, 'native')}`,
    '-Dorg.elasticsearch.nativeaccess.enableVectorLibrary=false',
    ...['-cp', classPath, join(sources, 'EsNode.java'), join(folder, 'home'), join(folder, 'data')],
    ...Object.entries(all).map(([name, value]) => `${name}=${value}`),
  ]
  const url = `http://127.0.0.1:${port}`
  let node: JavaProcess
  const start = async (): Promise<void> => {
    node = await startJava(jdk.java, args, () => isReady(url), folder)
  }
  await start()
  return {
    url,
    get pid() {
      return node.pid
    },
    stop: (signal) => node.stop(signal),
    start,
  }
}

async function isReady(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/_cluster/health`).catch(() => undefined)
  return answer?.ok === true && ((await answer.json()) as { status: string }).status !== 'red'
}

/** Lays out what a distribution would have; returns the class path. */
async function makeHome(folder: string, jdk: Jdk): Promise<string> {
  const jars = await resolveJars(artifacts)
  const home = join(folder, 'home')
  const transport = join(home, 'modules', 'transport-netty4')
  const mapping = join(home, 'modules', 'analysis-mapping')
  const main = join(folder, 'main')
  const native = join(folder, 'native')
  const services = join(main, 'META-INF', 'services')
  const paths = [join(home, 'config'), join(home, 'plugins'), transport, mapping, native, services]
  for (const path of paths) mkdirSync(path, { recursive: true })
  for (const jar of readdirSync(jars)) {
    copyFileSync(join(jars, jar), join(/^(netty|transport-netty4)-/.test(jar) ? transport : main, jar))
  }
  writeFileSync(
    join(transport, 'plugin-descriptor.properties'),
    descriptor('transport-netty4', 'org.elasticsearch.transport.netty4.Netty4Plugin'),
  )

  // zstd is what `index.codec: best_compression` needs; the stock finder of native libraries is not in the jars.
  copyFileSync(zstdLibrary(), join(native, 'libzstd.so'))
  writeFileSync(
    join(services, 'org.elasticsearch.nativeaccess.lib.NativeLibraryProvider'),
    'org.elasticsearch.nativeaccess.jdk.JdkNativeLibraryProvider\n',
  )

  const classes = join(folder, 'classes')
  await promisify(execFile)(jdk.javac, ['-cp', join(jars, '*'), '-d', classes, join(sources, 'MappingPlugin.java')])
  await promisify(execFile)(join(jdk.javac, '..', 'jar'), ['cf', join(mapping, 'mapping.jar'), '-C', classes, '.'])
  writeFileSync(join(mapping, 'plugin-descriptor.properties'), descriptor('analysis-mapping', 'MappingPlugin'))
  return `${join(main, '*')}:${main}`
}

function descriptor(name: string, classname: string): string {
  return `description=${name}
version=${version}
name=${name}
classname=${classname}
java.version=21
elasticsearch.version=${version}
extended.plugins=
has.native.controller=false
licensed=false
`
}

function zstdLibrary(): string {
  const found = libraryFolders.map((path) => join(path, 'libzstd.so.1')).find((path) => existsSync(path))
  if (found === undefined) throw new Error('libzstd.so.1 was not found: install libzstd1')
  return found
}
