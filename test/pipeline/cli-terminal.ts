/** A terminal that remembers what a command wrote. */
import { Writable } from 'node:stream'
import type { Terminal } from '../../pipeline/cli-query.ts'

export interface RecordedTerminal extends Terminal {
  out(): string
  errors(): string
}

export function recordTerminal({
  tty = false,
  environment = {},
}: {
  tty?: boolean
  environment?: Record<string, string>
} = {}): RecordedTerminal {
  const written = { out: [] as Buffer[], errors: [] as Buffer[] }
  const stream = (chunks: Buffer[]): Writable & { isTTY: boolean } => {
    const writable = new Writable({
      write(chunk: Buffer, _encoding, done) {
        chunks.push(Buffer.from(chunk))
        done()
      },
    })
    return Object.assign(writable, { isTTY: tty })
  }
  return {
    stdout: stream(written.out),
    stderr: stream(written.errors),
    environment,
    out: () => Buffer.concat(written.out).toString(),
    errors: () => Buffer.concat(written.errors).toString(),
  }
}
