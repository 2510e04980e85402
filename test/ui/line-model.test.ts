import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expressionOf, hitsIn } from '../../ui/state/highlight.ts'
import { foldMessage, headOfMessage, segments, unfoldMessage } from '../../ui/state/line-model.ts'

const trace = 'java.net.SocketException: Connection reset\n\tat a.b.C\n\tat d.e.F: Connection reset\n\tat g'

function hits(query: string, message: string) {
  return hitsIn(expressionOf(query), message)
}

describe('a folded message', () => {
  it('is its first line, with a count of what is behind it', () => {
    const fold = foldMessage(trace, hits('"connection reset"', trace), 600)
    expect(trace.slice(fold.start, fold.end)).toBe('java.net.SocketException: Connection reset')
    expect(fold).toMatchObject({ linesMore: 3, charsMore: 0, hitsMore: 1, clipped: false })
  })

  it('begins near its hit when that would lie beyond what is shown', () => {
    const message = `${'prefix '.repeat(200)}needle and more`
    const fold = foldMessage(message, hits('needle', message), 100)
    expect(fold.clipped).toBe(true)
    expect(message.slice(fold.start, fold.end)).toMatch(/^prefix .*needle and more$/)
  })

  it('keeps its hit in view where there is little room', () => {
    const message = `${'prefix '.repeat(20)}needle and more`
    const fold = foldMessage(message, hits('needle', message), 600, 30)
    expect(message.indexOf('needle') - fold.start).toBeLessThanOrEqual(10)
  })

  it('counts two columns for a Chinese character when it looks how far a hit is', () => {
    const message = `${'数据库'.repeat(30)} needle`
    expect(foldMessage(message, hits('needle', message), 600, 120).clipped).toBe(true)
    expect(foldMessage(message, hits('needle', message), 600, 200).clipped).toBe(false)
  })

  it('counts what it left out in front of a hit, so that there is something to unfold', () => {
    const message = `${JSON.stringify({ text: 'x'.repeat(193) }).slice(0, -1)},"a":"hit"}`
    expect(message).toHaveLength(214)
    const fold = foldMessage(message, hits('hit', message), 600, 120)
    expect(fold).toMatchObject({ clipped: true, linesMore: 0, end: 214 })
    expect(fold.charsMore).toBe(fold.start)
    expect(fold.charsMore).toBeGreaterThan(0)
  })

  it('is bounded, folded or not', () => {
    const message = 'x'.repeat(500_000)
    expect(foldMessage(message, [], 600)).toMatchObject({ start: 0, end: 600, charsMore: 499_400 })
    expect(unfoldMessage(message).end).toBe(40_000)
    expect(headOfMessage(trace, 2, 1_000)).toMatchObject({ end: trace.indexOf('\n\tat d'), linesMore: 2 })
    expect(headOfMessage('one line', 8, 1_000)).toMatchObject({ end: 8, charsMore: 0 })
  })
})

describe('segments', () => {
  it('mark Chinese words inside a sentence', () => {
    const message = '支付网关超时，数据库连接失败，订单稍后重试'
    const marked = segments(message, unfoldMessage(message), hits('连接失败', message))
    expect(marked.filter(({ hit }) => hit).map(({ text }) => text)).toEqual(['连接失败'])
  })

  it('put together give exactly what is shown, whatever the hits', () => {
    const message = fc.string({ maxLength: 60, unit: 'binary' })
    const cuts = fc.uniqueArray(fc.nat(60), { maxLength: 12 })
    fc.assert(
      fc.property(message, cuts, fc.nat(60), fc.nat(60), (text, edges, a, b) => {
        const sorted = edges.filter((edge) => edge <= text.length).sort((x, y) => x - y)
        const ranges = sorted.flatMap((start, index) => {
          const end = sorted[index + 1]
          return index % 2 === 0 && end !== undefined ? [{ start, end }] : []
        })
        const [start, end] = [Math.min(a, b, text.length), Math.min(Math.max(a, b), text.length)]
        const parts = segments(text, { start, end }, ranges)
        expect(parts.map((part) => part.text).join('')).toBe(text.slice(start, end))
      }),
    )
  })
})

describe('a query that is not valid', () => {
  it('marks nothing', () => {
    expect(hits('timeout OR', 'timeout')).toEqual([])
    expect(hits('', 'timeout')).toEqual([])
  })
})
