import { expect, test } from 'vitest'
import { ShiplogError } from '../../pipeline/errors.ts'
import { compileLayout } from '../../shipper/source.ts'

const defaults = { cluster: 'prod', host: '10.3.11.18' }
const configuration = { ...defaults, data: '/secret', listen: '127.0.0.1:1' }

test.each([
  ['2048/2048-kx2lm/nginx/error.log', { app: '2048', instance: '2048-kx2lm', dir: '/nginx', file: 'error.log' }],
  ['a/b/x/y/z/f', { app: 'a', instance: 'b', dir: '/x/y/z', file: 'f' }],
  ['a/b/f.log', { app: 'a', instance: 'b', dir: '/', file: 'f.log' }],
  ['应用/实例/日志/错误.log', { app: '应用', instance: '实例', dir: '/日志', file: '错误.log' }],
])('the default layout: %s', (path, expected) => {
  const { source, fits } = compileLayout('{app}/{instance}/{dir}', defaults)(path)
  expect(fits).toBe(true)
  expect(source).toEqual({ ...defaults, ...expected })
})

test('a file outside the layout is shipped as app unknown', () => {
  // Whatever else the defaults hold (they are the whole configuration) is none of a record's business.
  const place = compileLayout('{app}/{instance}/{dir}', configuration)
  expect(place('f.log')).toEqual({
    source: { ...defaults, app: 'unknown', instance: '10.3.11.18', dir: '/', file: 'f.log' },
    fits: false,
  })
  expect(place('a/f.log').source).toMatchObject({ app: 'unknown', dir: '/a', file: 'f.log' })
})

test('cluster, host and fixed folders', () => {
  const place = compileLayout('/{cluster}/logs/{app}-{instance}/{host}/{dir}', defaults)
  expect(place('eu-1/logs/shop-3/h7/a/b/f').source).toEqual({
    cluster: 'eu-1',
    app: 'shop',
    instance: '3',
    host: 'h7',
    dir: '/a/b',
    file: 'f',
  })
  expect(place('EU 1/logs/shop-3/h7/f').fits).toBe(false)
})

test.each(['{ap}/{instance}', '{app}/{app}', 'x{dir}'])('a layout that cannot be used says so: %s', (layout) => {
  expect(() => compileLayout(layout, defaults)).toThrow(ShiplogError)
})
