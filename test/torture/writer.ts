/**
 * A program that logs: `node writer.ts FILE LINES_A_SECOND`. SIGHUP makes it end its line and open FILE anew, and make
 * FILE's neighbour `reopened` when it has; SIGTERM makes it end, after it wrote how many lines there are.
 */
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { lineOf } from './lines.ts'

const [path = '', perSecond = '20000'] = process.argv.slice(2)
let file = openSync(path, 'a')
let count = 0
let rest = ''
const beganMs = performance.now()

const timer = setInterval(() => {
  const due = Math.floor(((performance.now() - beganMs) / 1000) * Number(perSecond))
  let text = rest
  while (count < due) text += lineOf(count++)
  // Every other write ends inside a line.
  const cut = count % 2 === 0 ? text.length : Math.max(0, text.length - (count % 60))
  writeSync(file, text.slice(0, cut))
  rest = text.slice(cut)
}, 10)

function endLine(): void {
  writeSync(file, rest)
  rest = ''
}

process.on('SIGHUP', () => {
  endLine()
  closeSync(file)
  file = openSync(path, 'a')
  writeFileSync(join(dirname(path), '../../reopened'), '')
})
process.on('SIGTERM', () => {
  clearInterval(timer)
  endLine()
  process.stdout.write(`${count}\n`)
  process.exit(0)
})
process.stdout.write('writing\n')
