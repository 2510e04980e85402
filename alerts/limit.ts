/** No more than so many at the same time; the others wait in their order. */
export type Limit = <T>(work: () => Promise<T>) => Promise<T>

export function limitOf(most: number): Limit {
  let running = 0
  const waiting: (() => void)[] = []
  return async (work) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve))
    else running++
    try {
      return await work()
    } finally {
      // Whoever waits takes the place over: the number stays.
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
}
