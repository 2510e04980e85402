/** Text of logs on a terminal. */
import type { Terminal } from './cli-query.ts'

export function coloured({ stdout, environment }: Terminal): boolean {
  return stdout.isTTY === true && (environment.NO_COLOR ?? '') === '' && environment.TERM !== 'dumb'
}

export const levelColours: Readonly<Record<string, string>> = {
  warn: '\x1b[33m',
  error: '\x1b[31m',
  fatal: '\x1b[1;31m',
}

/** A line must not move the cursor or set the title of the terminal that it is shown on. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}]/gu, (control) => {
    if (control === '\n' || control === '\t') return control
    const code = control.charCodeAt(0)
    return code < 32 ? String.fromCharCode(0x2400 + code) : '\ufffd'
  })
}
