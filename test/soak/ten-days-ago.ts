/** Loaded before a process by `--import`: its clock stands ten days back. What it ships was read then. */
import { agoMs } from './program.ts'

const Now = Date

class Ago extends Now {
  constructor(...given: unknown[]) {
    super(...((given.length === 0 ? [Now.now() - agoMs] : given) as [number]))
  }
  static override now(): number {
    return Now.now() - agoMs
  }
}

globalThis.Date = Ago as unknown as DateConstructor
