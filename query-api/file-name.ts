/** Names of downloads. Pure. */
import type { ExportFormat } from './export-formats.ts'

/** What an export is about; several values of a field make no good name. */
export interface ExportNameParts {
  readonly cluster: string
  readonly app?: readonly string[]
  readonly instance?: readonly string[]
  readonly file?: readonly string[]
  /** µs. */
  readonly from: number
}

const nameUnitsMax = 150

/** `prod-2048-error.log-20160516T124710Z.txt`; for raw the file's own name. */
export function exportFileName(
  format: ExportFormat | 'zip',
  { cluster, app, instance, file, from }: ExportNameParts,
): string {
  if (format === 'raw') return safeName(file?.[0] ?? 'export.log')
  const single = [app, instance, file].flatMap((values) => (values?.length === 1 ? values : []))
  const at = new Date(Math.floor(from / 1000)).toISOString().replace(/\.\d+|[-:]/g, '')
  return `${safeName([cluster, ...single].join('-'))}-${at}.${format}`
}

/** Without what a file system, a shell or a careless reader would take for something else. */
function safeName(text: string): string {
  const safe = text
    .toWellFormed()
    // Separators, what Windows forbids, control characters, and marks that turn the direction of writing.
    .replace(/[/\\:*?"<>|\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '_')
    .replace(/^[.\s]+|[.\s]+$/g, '')
  return [...safe].slice(0, nameUnitsMax).join('') || 'export'
}

/**
 * The path of an entry in an archive, which must stay below the folder that it is unpacked in on any system. `taken` are those
 * that were given; two that would be the same are told apart.
 */
export function entryPath(parts: readonly string[], taken: Set<string>): string {
  const safe = parts
    .map((part) => part.toWellFormed().replace(/[/\\:*?"<>|\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '_'))
    // A name of dots alone leads elsewhere; Windows drops dots and blanks at the end.
    .map((part) => part.replace(/^\.+$|[.\s]+$/g, (end) => '_'.repeat(end.length)))
    .filter((part) => part !== '')
  const path = safe.join('/') || 'file'
  let unique = path
  for (let n = 2; taken.has(unique.toLowerCase()); n++) unique = `${path} (${n})`
  taken.add(unique.toLowerCase())
  return unique
}

/** The header value: an ASCII name for old clients (RFC 6266) and the real one (RFC 5987). */
export function contentDisposition(name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/g, '_')
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`
}
