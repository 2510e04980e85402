/** A log that is cut by date is one log: for the picker, the filter, context and its bytes. */
import { expect, test } from 'vitest'
import { formatTime } from '../../pipeline/record.ts'
import { firstTime, generationOf, lines, originOf, type StoredEvent } from './memory-store.ts'
import { serve } from './serve.ts'

const day = 86_400_000_000
const names = ['app.2016-05-16.log', 'app.2016-05-17.log', 'app.log', 'other.2016-05-16.log']
/** The names say the order: the incarnations were found the other way round. */
const files = names.map((file, i) =>
  lines([`${file} 1`, `${file} 2`], originOf({ file }, generationOf(9 - i)), { time: firstTime + i * day }),
)
const all = files.flat()
const app = files.slice(0, 3).flat()
const textOf = ({ message }: StoredEvent) => String(message)

const get = async (path: string) => {
  const { api, store } = await serve([...all])
  store.batchEvents = 1
  const answer = await api.inject(`/api/v1/${path}`)
  expect(answer.statusCode, answer.body).toBe(200)
  return answer
}
const wide = 'cluster=prod&from=2016-01-01'
const place = 'app=2048&instance=2048-5f9c&dir=/nginx'

test('a picker can offer the series', async () => {
  const { values } = (await get(`values/series?${wide}`)).json()
  const last = (events: StoredEvent[]) => formatTime(events.at(-1)?.time ?? 0)
  expect(values).toEqual([
    { value: 'app.log', count: 6, last: last(app) },
    { value: 'other.log', count: 2, last: last(all) },
  ])
  expect((await get(`values/series?${wide}&prefix=OTH`)).json().values).toHaveLength(1)
})

test.each([
  ['series=app.log', app],
  ['series=other.log&series=nosuch.log', files[3]],
  ['series=nosuch.log', []],
  ['series=other.log&file=app.log', [...(files[2] ?? []), ...(files[3] ?? [])]],
  ['series=app.log&app=nosuch', []],
])('%s restricts a search and its counts', async (filter, expected = []) => {
  const { records } = (await get(`search?${wide}&order=asc&${filter}`)).json() as { records: { message: string }[] }
  expect(records.map(({ message }) => message).sort()).toEqual(expected.map(textOf).sort())
  const counted = (await get(`histogram?${wide}&to=2020-01-01&buckets=1&${filter}`)).json()
  expect(counted.total).toBe(expected.length)
  expect((await get(`export?${wide}&format=txt&${filter}`)).trailers['shiplog-records']).toBe(String(expected.length))
})

test('raw gives the files of a series one behind the other, also in pieces', async () => {
  const whole = app.map((event) => `${textOf(event)}\n`).join('')
  const path = `export?cluster=prod&format=raw&${place}&series=app.log`
  expect((await get(path)).body).toBe(whole)
  expect((await get(`${path}&from=2016-05-17`)).body).toBe(
    app
      .slice(2)
      .map((event) => `${textOf(event)}\n`)
      .join(''),
  )
  let body = ''
  for (let cursor = ''; ; ) {
    const answer = await get(`${path}&limit=1${cursor}`)
    body += answer.body
    if (answer.trailers['shiplog-next'] === 'end') break
    cursor = `&cursor=${answer.trailers['shiplog-next']}`
  }
  expect(body).toBe(whole)
  const { api } = await serve([...all])
  const both = await api.inject(`/api/v1/${path}&file=app.log`)
  expect(both.statusCode).toBe(400)
})

test('context goes on into the files before and behind', async () => {
  const event = app[2] as StoredEvent
  const id = `${event.origin.generation}-${event.offset}`
  const answer = (await get(`context?cluster=prod&id=${id}&time=${formatTime(event.time)}`)).json()
  const texts = (records: { message: string }[]) => records.map(({ message }) => message)
  expect(texts(answer.before)).toEqual(app.slice(0, 2).map(textOf))
  expect(texts(answer.after)).toEqual(app.slice(3).map(textOf))
})
