/** Records as real applications write them: Chinese sentences, stack traces, JSON, very long lines, long names. */
import { formatTime, type Level, type LogRecord } from '../../pipeline/record.ts'

export interface MockRecord extends LogRecord {
  readonly fields?: Record<string, string[]>
}

interface Kind {
  readonly app: string
  readonly instances: readonly string[]
  readonly dir: string
  readonly file: string
  readonly stepMs: number
  /** Nothing in the newest part of the range. */
  readonly silentMs?: number
  readonly lines: readonly (readonly [level: Level, message: string, fields?: Record<string, string[]>])[]
}

const trace = `java.net.SocketException: Connection reset
${Array.from({ length: 23 }, (_, n) => `\tat com.acme.order.net.Channel${n}.read(Channel${n}.java:${40 + n * 7})`).join('\n')}
Caused by: java.io.IOException: 连接失败，数据库主库不可达`

const kinds: readonly Kind[] = [
  {
    app: '2048',
    instances: ['2048-7d9c6b5f4-kx2lm', '2048-7d9c6b5f4-zt8qw'],
    dir: '/nginx',
    file: 'error.log',
    stepMs: 160_000,
    lines: [
      [
        'info',
        '[info] 9#0: *886 recv() failed (104: Connection reset by peer) while waiting for request, client: 10.3.11.20, server: 0.0.0.0:80',
      ],
      ['info', '[info] 9#0: *871 client 10.3.11.20 closed keepalive connection'],
      [
        'warn',
        '[warn] 9#0: *902 an upstream response is buffered to a temporary file /var/cache/nginx/0000000012 while reading upstream, client: 10.3.11.41, request: "GET /2048/assets/main.8f3a2c.js HTTP/1.1"',
      ],
      ['info', '[info] 25431#25431: *3 client 127.0.0.1 closed keepalive connection (104: Connection reset by peer)'],
      [
        'error',
        '[error] 9#0: *885 connect() failed (111: Connection refused) while connecting to upstream, upstream: "http://10.3.11.30:8080/score", host: "game.example.com"',
      ],
      [
        'info',
        '[info] 9#0: *866 epoll_wait() reported that client prematurely closed connection, so upstream connection is closed too',
      ],
      ['debug', '[debug] 9#0: *866 http upstream request: "/2048/score?user=8821"'],
      ['warn', '\u001b[33mWARN\u001b[39m (nginx/9): \u001b[1;36mcache is cold\u001b[0m, warming /2048/assets'],
    ],
  },
  {
    app: 'order-service',
    instances: ['order-service-5f6d8c7b9-2x4kp', 'order-service-5f6d8c7b9-9ttcv', 'order-service-5f6d8c7b9-m7qzd'],
    dir: '/logs',
    file: 'order.log',
    stepMs: 92_000,
    lines: [
      [
        'info',
        'INFO [http-nio-8080-exec-1] com.acme.order.api.OrderApplication - GET /api/orders/20261123001 200 35 ms',
      ],
      [
        'warn',
        'WARN [http-nio-8080-exec-3] c.d.order.PaymentClient - 支付网关超时，数据库连接失败，订单 88217 稍后重试',
      ],
      ['error', `ERROR [http-nio-8080-exec-7] com.acme.order.service.OrderService - ${trace}`],
      ['debug', 'DEBUG [http-nio-8080-exec-7] o.a.h.wire - << "HTTP/1.1 200 OK[\\r][\\n]"'],
      ['info', 'INFO [main] com.acme.order.repo.OrderRepository - 订单 20261123002 已创建，金额 19.80 元，等待付款'],
      [
        'info',
        `INFO [main] com.acme.order.audit.AuditWriter - payload=${'9f86d081884c7d659a2feaa0c55ad015'.repeat(120)} done timeout=30`,
      ],
      [
        'fatal',
        'FATAL [main] com.acme.order.Boot - 无法绑定端口 8080：地址已被占用 <script>alert(1)</script> & <b>bold</b>',
      ],
    ],
  },
  {
    app: 'gateway',
    instances: ['gateway-66d5c8f7bd-hj5rt', 'gateway-edge-0'],
    dir: '/logs/http/access',
    file: 'gateway.log',
    stepMs: 47_000,
    lines: [
      [
        'info',
        '{"level":30,"time":1795382192284,"name":"gateway","reqId":"req-4p","res":{"statusCode":200},"responseTime":0.49,"msg":"request completed"}',
        {
          reqId: ['req-4p'],
          'res.statusCode': ['200'],
          responseTime: ['0.49'],
          msg: ['request completed'],
          name: ['gateway'],
          level: ['30'],
          time: ['1795382192284'],
          'req.headers.user-agent': ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15'],
        },
      ],
      [
        'info',
        '{"level":30,"time":1795382193686,"name":"gateway","reqId":"req-4q","req":{"method":"GET","url":"/api/items/179","remoteAddress":"127.0.0.1"},"msg":"incoming request"}',
        { reqId: ['req-4q'], 'req.method': ['GET'], 'req.url': ['/api/items/179'] },
      ],
      [
        'warn',
        '{"level":40,"time":1795382193999,"name":"gateway","reqId":"req-4r","msg":"upstream order-service is slow","responseTime":3004.2}',
        { reqId: ['req-4r'], responseTime: ['3004.2'] },
      ],
    ],
  },
  {
    app: 'a-service-with-a-very-long-name-that-someone-generated-from-a-template',
    instances: ['a-service-with-a-very-long-name-that-someone-generated-from-a-template-6b8f9d-x7x2k'],
    dir: '/var/log/applications/production/region-eu-central-1/zone-b',
    file: 'application-with-a-long-name.2026-11-23.log',
    stepMs: 190_000,
    lines: [
      ['none', 'a line without any level'],
      ['trace', 'TRACE entering ProbabilisticReconciliationStrategyFactoryBean.reconcile()'],
    ],
  },
  {
    app: 'legacy',
    instances: ['legacy-db01'],
    dir: '/',
    file: 'haproxy.log',
    stepMs: 600_000,
    silentMs: 5_400_000,
    lines: [
      [
        'none',
        'localhost haproxy[25588]: 127.0.0.1:43300 [23/Nov/2026:05:13:31.689] web pool/s1 0/0/0/2/2 200 276 - - ---- 1/1/0/0/0 0/0 "GET / HTTP/1.1"',
      ],
      [
        'error',
        'localhost haproxy[25588]: Server pool/s2 is DOWN, reason: Layer4 connection problem, info: "Connection refused", check duration: 0ms.',
      ],
      ['none', `dump of the whole table: ${'row=0123456789abcdef '.repeat(9_524)}`],
    ],
  },
]

/** Everything that is there, oldest first; the newest a few seconds old. */
export function mockRecords(nowMs: number, spanMs = 86_400_000): MockRecord[] {
  const records: MockRecord[] = []
  kinds.forEach((kind, kindIndex) => {
    kind.instances.forEach((instance, instanceIndex) => {
      const generation = `01j${String(kindIndex).padStart(2, '0')}${String(instanceIndex).padStart(2, '0')}`.padEnd(
        26,
        'x',
      )
      const host = kind.app.startsWith('a-service')
        ? 'worker-node-0017.eu-central-1.compute.internal'
        : `10.3.11.${18 + kindIndex * 3 + instanceIndex}`
      let offset = 0
      let count = instanceIndex * 3
      const end = nowMs - (kind.silentMs ?? 2_000)
      for (let ms = nowMs - spanMs + kindIndex * 700 + instanceIndex * 313; ms < end; ms += kind.stepMs) {
        // Quiet nights and one bad hour, so that the histogram has a shape.
        const phase = (ms - nowMs + spanMs) / spanMs
        const bad = phase > 0.62 && phase < 0.66
        const times = bad ? 3 : Math.max(1, Math.round(2 + Math.sin(phase * 9) + noise(count) * 1.4))
        for (let n = 0; n < times; n++) {
          const line = bad && n > 0 ? kind.lines.find(([level]) => level === 'error') : undefined
          const [level, message, fields] = line ?? pick(kind.lines, count)
          const bytes = new TextEncoder().encode(message).length + 1
          const time = formatTime((ms + n * 137) * 1000 + (count % 1000))
          const source = { cluster: 'prod-sh', app: kind.app, instance, host, dir: kind.dir, file: kind.file }
          records.push({
            v: 1,
            id: `${generation}-${offset}`,
            time,
            timeFrom: 'line',
            readAt: time,
            ...source,
            generation,
            offset,
            bytes,
            level,
            message,
            ...(fields && { fields }),
          })
          offset += bytes
          count++
        }
      }
    })
  })
  return records.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : a.offset - b.offset))
}

/** 0 … 1, the same for the same number: a test that fails must fail again. */
function noise(seed: number): number {
  const value = Math.sin(seed * 12.9898) * 43758.5453
  return value - Math.floor(value)
}

/** Errors are rarer than the lines of a good day. */
function pick(lines: Kind['lines'], seed: number): Kind['lines'][number] {
  const at = Math.floor(noise(seed) * lines.length)
  const line = lines[at] ?? (['none', ''] as const)
  const bad = line[0] === 'error' || line[0] === 'fatal'
  return bad && noise(seed + 0.5) > 0.06 ? (lines[0] ?? line) : line
}
