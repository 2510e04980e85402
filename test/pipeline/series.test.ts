import fc from 'fast-check'
import { expect, test } from 'vitest'
import { filesOfSeries, seriesOf } from '../../pipeline/series.ts'

test.each([
  ['catalina.2024-05-01.log', 'catalina.log'],
  ['localhost_access_log.2026-11-22.txt', 'localhost_access_log.txt'],
  ['app-20240501.log', 'app.log'],
  ['app20240501.log', 'app.log'],
  ['app.log-20240501', 'app.log'],
  ['app.log.2024-05-01', 'app.log'],
  ['app.2024-05-01.3.log', 'app.log'],
  ['app.2024-05-01-13.log', 'app.log'],
  ['app_2024_05.log', 'app.log'],
  ['20240501-app.log', 'app.log'],
  ['2024-05-01.log', '.log'],
  ['kube-agent.worker-3.root.log.INFO.20261123-051328.25359', 'kube-agent.worker-3.root.log.INFO'],
  ['日志.2024-05-01.log', '日志.log'],
  ['app.log.1', 'app.log'],
  ['syslog.12', 'syslog'],
  // Neither a date nor a number of a rotation.
  ['app.log', 'app.log'],
  ['app-v2.log', 'app-v2.log'],
  ['worker-20241301.log', 'worker-20241301.log'],
  ['server.8080', 'server.8080'],
  ['app.120240501.log', 'app.120240501.log'],
  ['20240501', '20240501'],
  ['1.2', '1.2'],
  ['', ''],
])('%s is of the series %s', (file, series) => {
  expect(seriesOf(file).series).toBe(series)
})

test('the files of a series follow each other: by date and number, then from the highest number, then the bare name', () => {
  const inOrder = [
    'app.2023-12-31.log',
    'app.2024-05-01.1.log',
    'app.2024-05-01.2.log',
    'app.2024-05-01.10.log',
    'app.2024-05-02.log',
    'app.log.12',
    'app.log.2',
    'app.log.1',
    'app.log',
  ]
  const others = ['app2.log', 'other.2024-05-01.log', 'app.txt']
  fc.assert(
    fc.property(fc.shuffledSubarray([...inOrder, ...others], { minLength: inOrder.length + 3 }), (files) => {
      expect(filesOfSeries('app.log', files)).toEqual(inOrder)
    }),
  )
})

test('every name has a series, which is one of its own', () => {
  fc.assert(
    fc.property(fc.string(), (file) => {
      const { series, place } = seriesOf(file)
      expect(place).not.toBe('')
      if (file !== '') expect(series).not.toBe('')
    }),
  )
})
