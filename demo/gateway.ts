/** Lines as pino writes them: one JSON object each. */
import type { Random } from './random.ts'

const messages: readonly (readonly [number, string])[] = [
  [20, '缓存命中'],
  [30, 'request completed'],
  [30, '订单已创建'],
  [30, '用户登录成功'],
  [40, '支付网关超时，稍后重试'],
  [40, 'slow upstream'],
  [50, '数据库连接失败，已切换到备用节点'],
  [50, 'upstream returned 503'],
]

export function gatewayLine(random: Random, at: Date): string {
  const [level, msg] = random.percent(80) ? random.pick(messages.slice(0, 4)) : random.pick(messages.slice(4))
  const line = {
    level,
    time: at.getTime(),
    pid: 1,
    name: 'gateway',
    reqId: `req-${random.below(1_000_000).toString(36)}`,
    req: { method: random.pick(['GET', 'POST']), url: `/api/items/${random.below(400)}` },
    status: level >= 50 ? 503 : 200,
    responseTime: Number((random.fraction() ** 3 * 800).toFixed(2)),
    msg,
  }
  return `${JSON.stringify(line)}\n`
}
