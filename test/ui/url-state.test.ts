import { describe, expect, it } from 'vitest'
import { changeView, emptyView, followChange, formatView, parseView, type View } from '../../ui/state/url-state.ts'

const full: View = {
  page: 'search',
  cluster: 'prod-sh',
  app: ['2048', 'order service'],
  instance: ['2048-5f9c'],
  dir: ['/nginx/日志'],
  file: ['error.log'],
  host: ['10.3.11.18'],
  level: ['error', 'warn'],
  q: '"Connection reset" OR 连接失败 -level:debug & a=b #1 100%',
  from: '2016-05-16T12:00:00.000Z',
  to: '2016-05-16T13:00:00.000Z',
  tz: 'Asia/Shanghai',
  lang: 'zh-CN',
  wrap: true,
  follow: false,
  cols: ['time', 'level', '.http.status'],
  line: { id: '01jd000000000000000000000a-18233', time: '2016-05-16T12:47:10.000001Z' },
  tab: 'patterns',
  sort: 'change',
  compare: false,
  fields: true,
}

describe('the view in the address', () => {
  it('comes back as it was written', () => {
    expect(parseView(formatView(full))).toEqual(full)
    expect(parseView(formatView(emptyView))).toEqual(emptyView)
  })

  it('is empty for the defaults and readable otherwise', () => {
    expect(formatView(emptyView)).toBe('./')
    const view: View = { ...emptyView, page: 'search', cluster: 'prod', app: ['2048'], dir: ['/nginx'], from: 'now-1h' }
    expect(formatView(view)).toBe('./search?cluster=prod&app=2048&dir=/nginx&from=now-1h')
    expect(formatView({ ...view, cols: ['time', '.status'] })).toMatch(/&cols=time,.status$/)
  })

  it('follows only in a range that is open', () => {
    const view: View = { ...emptyView, page: 'search', app: ['a'], to: 'now-1h' }
    const following = changeView(view, followChange(view))
    expect(following).toMatchObject({ follow: true, to: '' })
    expect(parseView(formatView(following))).toEqual(following)
    expect(parseView('/search?app=a&follow=1&to=2016-05-16T13:00:00Z').follow).toBe(false)
    expect(changeView(following, { from: 'now-2h', to: 'now-1h' }).follow).toBe(false)
    expect(changeView(following, { q: 'x' }).follow).toBe(true)
    expect(changeView(following, followChange(following)).follow).toBe(false)
  })

  it('takes what makes no sense as missing', () => {
    expect(parseView('/nosuch?cluster=a')).toEqual({ ...emptyView, cluster: 'a' })
    const view = parseView(
      '/logs/search?level=nosuch&level=error&lang=fr&tz=Mars/Olympus&line=x&app=&app=a&app=a&other=1',
    )
    expect(view).toEqual({ ...emptyView, page: 'search', level: ['error'], app: ['a'] })
  })

  it('is a search when it names an app or a keyword, whatever the page', () => {
    expect(parseView('/?cluster=a&app=2048').page).toBe('search')
    expect(parseView('/?q=timeout').page).toBe('search')
    expect(parseView('/files?app=2048').page).toBe('files')
    expect(parseView('/?cluster=a').page).toBe('apps')
  })

  it('drops with a change what belonged to the old choice', () => {
    const app = changeView(full, { app: ['gateway'] })
    expect(app).toMatchObject({
      app: ['gateway'],
      instance: [],
      dir: [],
      file: [],
      host: [],
      q: full.q,
      line: undefined,
    })
    expect(changeView(full, { cluster: 'other' })).toMatchObject({ app: [], level: [], q: full.q })
    expect(changeView(full, { dir: ['/a'] })).toMatchObject({ instance: ['2048-5f9c'], file: [] })
    expect(changeView(full, { app: ['a'], dir: ['/d'], file: ['f'] })).toMatchObject({ dir: ['/d'], file: ['f'] })
  })

  it('keeps the line open when nothing about the selection changes', () => {
    expect(changeView(full, { wrap: false }).line).toEqual(full.line)
    expect(changeView(full, { q: 'other' }).line).toBeUndefined()
  })
})
