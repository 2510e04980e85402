/** Names of topics. Pure. */
import { ShiplogError } from '../../pipeline/errors.ts'
import type { Source } from '../../pipeline/record.ts'

/** Behind a topic's name: what the store refused, and the newest state of each file. */
export const rejectsSuffix = '.rejects'
export const filesSuffix = '.files'

const topicBytesMax = 249
const legal = /^[A-Za-z0-9._-]+$/

export interface TopicTemplate {
  /** The topic of a source's events. */
  topicOf(source: Pick<Source, 'cluster' | 'app'>): string
  /** The one topic, when the template names nothing that differs from source to source. */
  readonly only: string | undefined
  /** True for the topics that events lie in. */
  matches(topic: string): boolean
}

/** `{cluster}` and `{app}` may stand in it. Throws CONFIG_INVALID. */
export function topicTemplate(template: string): TopicTemplate {
  const parts = template.split(/(\{[^}]*\})/)
  for (const part of parts) {
    const isName = part === '' || part === '{cluster}' || part === '{app}' || legal.test(part)
    if (!isName) throw invalid(template, `“${part}” cannot stand in it`)
  }
  const isFixed = parts.length === 1
  if (isFixed && isTaken(template))
    throw invalid(template, `names that end in ${rejectsSuffix} and ${filesSuffix} are taken`)
  if (template.length > topicBytesMax - rejectsSuffix.length) throw invalid(template, 'it is too long')
  const pattern = new RegExp(
    `^${parts.map((part) => (part.startsWith('{') ? '[A-Za-z0-9._-]+' : part.replaceAll('.', '\\.'))).join('')}$`,
  )
  return {
    only: isFixed ? template : undefined,
    topicOf({ cluster, app }) {
      if (isFixed) return template
      const name = parts
        .map((part) => (part === '{cluster}' ? legalName(cluster) : part === '{app}' ? legalName(app) : part))
        .join('')
        .slice(0, topicBytesMax - rejectsSuffix.length - 1)
      // A cluster that is called so must not write among the rejects of another.
      return isTaken(name) ? `${name}_` : name
    },
    matches: (topic) => pattern.test(topic) && !isTaken(topic),
  }
}

function isTaken(topic: string): boolean {
  return topic.endsWith(rejectsSuffix) || topic.endsWith(filesSuffix)
}

/** Two apps whose names become the same share a topic, which does no harm: each record says whose it is. */
function legalName(value: string): string {
  return value.replace(/[^A-Za-z0-9._-]/g, '_') || '_'
}

function invalid(template: string, why: string): ShiplogError {
  return new ShiplogError('CONFIG_INVALID', `--topic ${template} cannot be used: ${why}`, {
    hint: 'Letters, digits, . _ - and {cluster} or {app}, as logs or logs-{cluster}.',
  })
}
