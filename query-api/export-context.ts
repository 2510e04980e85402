/**
 * The formats of an export with context. As grep has it: `--` between groups of txt, ` : ` behind the host of a hit and
 * ` - ` behind that of a line around it. In ndjson and csv each line says its group and whether it is a hit.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { originAt } from '../pipeline/event-batch.ts'
import type { GroupLine } from './context-groups.ts'
import { createFormatWriter, type ExportFormat, type FormatOptions } from './export-formats.ts'
import { chunkBytes, type ExportProgress } from './export-stream.ts'

/** The chunks; `progress.records` counts hits, `around` what comes with them. */
export async function* contextChunks(
  lines: AsyncIterable<GroupLine>,
  format: Exclude<ExportFormat, 'raw'>,
  options: FormatOptions,
  progress: ExportProgress,
): AsyncGenerator<Buffer> {
  const { out, begin, append } = createFormatWriter(format, options)
  begin()
  if (format === 'csv') {
    out.at -= 2
    out.text(',group,hit\r\n')
  }
  let group = 0
  for await (const { batch, i, parts, hit, group: current } of lines) {
    if (format === 'txt' && group !== 0 && current !== group) out.text('--\n')
    group = current
    const start = out.at
    append(batch, i, parts)
    if (format === 'txt') {
      const { host } = originAt(batch, i).source
      if (!hit) out.bytes[start + Buffer.byteLength(host) + 1] = 45
    } else if (format === 'ndjson') {
      // The brace and the line feed go behind what is added.
      out.at -= 2
      out.text(`,"group":${current},"hit":${hit}}\n`)
    } else {
      out.at -= 2
      out.text(`,${current},${hit}\r\n`)
    }
    if (hit) progress.records++
    else progress.around++
    if (out.at < chunkBytes) continue
    yield out.detach()
    await nextTurn()
  }
  if (out.at > 0) yield out.detach()
}
