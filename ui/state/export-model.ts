/** How large an export will be, told from the lines that are loaded. Pure. */
import type { LogRecord } from '../../pipeline/record.ts'
import type { ExportFormat } from './api-params.ts'

const recordsMax = 500
/** What a format writes beside the message: names and values of the record, or its columns. */
const besideBytes: Readonly<Record<ExportFormat, number>> = { txt: 4, csv: 60, ndjson: 420, raw: 1 }

/** Undefined without a line to tell it from. An estimate: the page says "about". */
export function estimateBytes(
  records: readonly Pick<LogRecord, 'bytes' | 'host' | 'app' | 'instance' | 'dir' | 'file'>[],
  total: number,
  format: ExportFormat,
): number | undefined {
  const sample = records.slice(0, recordsMax)
  if (sample.length === 0) return undefined
  const names = (record: (typeof sample)[number]) =>
    format === 'txt'
      ? record.host.length
      : `${record.host}${record.app}${record.instance}${record.dir}${record.file}`.length
  const sum = sample.reduce((bytes, record) => bytes + record.bytes + besideBytes[format] + names(record), 0)
  return Math.round((sum / sample.length) * total)
}
