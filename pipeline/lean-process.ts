/** Settings of Node and of the C library that only count when a process begins. */

/**
 * The nursery of the main thread's heap, MB, by how much a heap may grow before it is cleared, and the allocator's
 * arenas. By default Node lets the nursery grow to 64 MB, a heap to a multiple of what is alive in it, and glibc gives
 * each of our threads arenas of its own: each costs a quarter of the memory and buys little speed here.
 */
export const leanFlags = ['--max-semi-space-size=4', '--heap-growing-percent=30']
export const leanEnvironment = { MALLOC_ARENA_MAX: '2' }

/**
 * Begins this process anew, as the same process (execve), with the settings; does nothing where they are set already
 * or where the system has no execve. Call it before anything is opened.
 */
export function becomeLean(): void {
  if (process.env.MALLOC_ARENA_MAX !== undefined || typeof process.execve !== 'function') return
  const script = process.argv.slice(1)
  // Node tells that execve is experimental: for what is done here it has done the same since it came.
  process.removeAllListeners('warning')
  process.execve(process.execPath, [process.execPath, ...leanFlags, ...process.execArgv, ...script], {
    ...process.env,
    ...leanEnvironment,
  })
}
