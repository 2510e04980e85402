/** What the stand-in answers to GET /rejects. */
export function mockRejects() {
  const ago = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString()
  const place = { instance: 'order-0', host: '10.3.11.18', dir: '/logs', file: 'order.log' }
  const groups = [
    {
      ...{ id: '5f1c0a9be2d47763', version: 3, cluster: 'prod-sh', app: 'order-service', count: 1_204 },
      reason: 'document_parsing_exception: failed to parse field [offset] of type [byte] in document with id 18233',
      ...{ first: ago(190), last: ago(4) },
      sample: { ...place, time: ago(4), message: '2026-11-24 10:00:00.112 ERROR 支付失败 orderId=AB_12 user=alice' },
    },
    {
      ...{ id: '0123456789abcdef', version: 1, cluster: 'prod-sh', app: '*', count: 1 },
      reason: 'the request is too large',
      ...{ first: ago(3000), last: ago(3000) },
      sample: { ...place, time: ago(3000), message: `${'x'.repeat(600)} …` },
    },
  ]
  return { total: 1_205, groups }
}
