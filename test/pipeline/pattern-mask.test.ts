import { expect, test } from 'vitest'
import { maskLine, shapeText, shapeUnitsMax } from '../../pipeline/pattern-mask.ts'

test.each([
  ['paid order 8812 in 3.5 ms', 'paid order <num> in <num> ms'],
  ['took 12ms, 3kB, 99%', 'took <num>ms, <num>kB, <num>%'],
  ['订单12345支付失败,耗时30毫秒', '订单<num>支付失败,耗时<num>毫秒'],
  ['order_8812 worker-7 exec3 INV-000123', 'order_<num> worker-<num> exec<num> INV-<num>'],
  ['2016/05/16 20:47:10 [info] 9#0: *886 recv()', '<time> [info] <num>#<num>: *<num> recv()'],
  ['2016-05-16T20:47:10.123456+08:00 x', '<time> x'],
  ['2016-05-16 20:47:10,123 x', '<time> x'],
  ['[16/May/2016:20:47:10 +0800] x', '[<time>] x'],
  ['16-May-2016 20:47:10.123 INFO', '<time> INFO'],
  ['May 16 20:47:10 db01 sshd[99]: x', '<time> db<num> sshd[<num>]: x'],
  ['client 10.3.11.20:8080 and 10.3.11.18', 'client <ip>:<num> and <ip>'],
  ['from 2001:db8:0:0:8a2e:370:7334:1 and fe80::1', 'from <ip> and <ip>'],
  ['mac 00:1a:2b:3c:4d:5e', 'mac <mac>'],
  ['std::deque a::b', 'std::deque a::b'],
  ['id 550e8400-e29b-41d4-a716-446655440000 done', 'id <uuid> done'],
  ['at 0xdeadbeef commit 9f86d081884c7d65', 'at <hex> commit <hex>'],
  ['token aB3xZ9kQ2 k8s p2p log4j utf8', 'token <id> k8s p2p log4j utf<num>'],
  ['open "/var/log/app/x.log" failed', 'open "<path>" failed'],
  ['文件/data/a.log不存在', '文件<path>不存在'],
  ['"GET /api/items/3?x=1 HTTP/1.1" 200', '"GET <path> HTTP/<num>" <num>'],
  ['GET /health', 'GET /health'],
  [String.raw`open C:\data\logs\x.log`, 'open <path>'],
  ['"Mozilla/5.0 (X11; Linux x86_64) Gecko"', '"<agent>"'],
  ['see https://example.com/a?b=c#d now', 'see <url> now'],
  ['mail to li.si@example.com.cn sent', 'mail to <email> sent'],
  ['application/json and/or', 'application/json and/or'],
  ['ids [1,2,3,4] and [5, 6, 7]', 'ids [<num>…] and [<num>…]'],
  ['pair 1,2', 'pair <num>,<num>'],
  ['', ''],
])('%s', (line, masked) => {
  expect(maskLine(line)).toBe(masked)
})

test('a mask holds no digit that stood alone, and masking again changes nothing that matters', () => {
  const once = maskLine('a 1 b 22 c 3.3.3')
  expect(once).not.toMatch(/\d/)
  expect(maskLine(once)).toBe(once)
})

test('the text of a JSON object or of logfmt is its message; of all else the first line', () => {
  expect(shapeText('{"level":30,"msg":"paid \\"order\\" 7","id":1}').text).toBe('paid \\"order\\" 7')
  expect(shapeText('ts=1 level=info msg="paid order 7" id=1').text).toBe('paid order 7')
  expect(shapeText('first\n\tat second').text).toBe('first')
  expect(shapeText('{"a":1}').text).toBe('{"a":1}')
  expect(shapeText('x'.repeat(5000))).toEqual({ text: 'x'.repeat(shapeUnitsMax), cut: true })
})

test.each([
  ['a run of digits', '1'.repeat(1024)],
  ['colons', '1:'.repeat(512)],
  ['slashes', '/a'.repeat(512)],
  ['quotes', '"a/1'.repeat(256)],
  ['dots', '1.'.repeat(512)],
  ['hex', 'a1'.repeat(512)],
  ['an address that never ends', `${'a.'.repeat(500)}@`],
  ['question marks', '/?'.repeat(512)],
])('%s cost no more than a few milliseconds', (_, line) => {
  const started = performance.now()
  for (let i = 0; i < 20; i++) maskLine(line)
  expect((performance.now() - started) / 20).toBeLessThan(20)
})
