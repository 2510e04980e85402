import { describe, expect, it } from 'vitest'
import { lineLink, searchOf, suggestedName, viewOf } from '../../ui/state/saved-model.ts'
import { emptyView, type View } from '../../ui/state/url-state.ts'

const view: View = {
  ...emptyView,
  page: 'search',
  cluster: 'prod',
  app: ['2048'],
  dir: ['/nginx'],
  level: ['error', 'warn'],
  q: 'timeout OR 连接失败',
  from: 'now-1h',
}

describe('a saved search', () => {
  it('opens as what was saved', () => {
    const body = { name: 'mine', ...searchOf(view, 'prod') }
    expect(body).toEqual({
      name: 'mine',
      cluster: 'prod',
      app: ['2048'],
      dir: ['/nginx'],
      level: ['error', 'warn'],
      q: view.q,
      from: 'now-1h',
    })
    expect({ ...emptyView, ...viewOf(body) }).toEqual(view)
  })

  it('of another client may have single values, and a level that is none', () => {
    expect(viewOf({ name: 'a', cluster: 'prod', app: 'one', level: ['error', 'loud'] })).toMatchObject({
      app: ['one'],
      level: ['error'],
      from: 'now-1d',
      to: '',
    })
  })

  it('gets a name that fits', () => {
    expect(suggestedName(view)).toBe('2048 · timeout OR 连接失败')
    expect(suggestedName({ ...view, q: '' })).toBe('2048 · error warn')
    expect(suggestedName({ ...view, q: 'x'.repeat(500) })).toHaveLength(100)
  })
})

it('a link to a line has its time in microseconds', () => {
  const link = (time: string) => lineLink({ id: '01jd-7', time })
  expect(link('2016-05-16T12:47:10.000001Z')).toBe('l/1463402830000001-01jd-7')
  expect(link('2016-05-16T12:47:10.120000Z')).toBe('l/1463402830120000-01jd-7')
  expect(link('2016-05-16T12:47:10.5Z')).toBe('l/1463402830500000-01jd-7')
})
