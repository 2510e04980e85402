/** Random numbers that a seed repeats (mulberry32, public domain, Tommy Ettinger). */
export interface Random {
  /** 0 ≤ x < 1 */
  fraction(): number
  /** Whole number from 0 to n - 1. */
  below(n: number): number
  pick<T>(items: readonly T[]): T
  /** True in so many of 100 cases. */
  percent(share: number): boolean
  /** How many events fall into an interval in which `mean` are expected (Knuth). */
  poisson(mean: number): number
}

export function createRandom(seed: number): Random {
  let state = seed >>> 0
  function fraction(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (n: number): number => Math.floor(fraction() * n)
  return {
    fraction,
    below,
    pick: (items) => items[below(items.length)] as (typeof items)[number],
    percent: (share) => fraction() * 100 < share,
    poisson(mean) {
      const limit = Math.exp(-mean)
      let count = 0
      for (let product = fraction(); product > limit; product *= fraction()) count++
      return count
    },
  }
}
