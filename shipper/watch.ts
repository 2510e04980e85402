/** Wakes discovery when a folder changes. Only folders are watched, and losing an event costs nothing but time. */
import type { Stats } from 'node:fs'
import { watch } from 'chokidar'

const calmMs = 50

/** Calls `onChange` soon after names under `root` appeared or went. Returns what stops it. */
export function watchFolders(root: string, onChange: () => void): () => Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const watcher = watch(root, {
    ignoreInitial: true,
    followSymlinks: false,
    ignored: (_path: string, stat?: Stats) => stat?.isFile() ?? false,
  })
  watcher.on('raw', (event) => {
    // `change` is a write into a file that is there already: the tails see that by themselves.
    if (event !== 'change') timer ??= setTimeout(fire, calmMs)
  })
  watcher.on('addDir', () => {
    timer ??= setTimeout(fire, calmMs)
  })
  // For example the limit of inotify watches: the timer still finds everything.
  watcher.on('error', () => {})

  function fire(): void {
    timer = undefined
    onChange()
  }

  return async () => {
    clearTimeout(timer)
    await watcher.close()
  }
}
