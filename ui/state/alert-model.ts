/** Alert policies as the page shows them and as its form edits them. Pure. */

export type AlertCondition =
  | { readonly kind: 'count'; readonly comparison: 'over' | 'under'; readonly events: number }
  | { readonly kind: 'no-lines' }
  | { readonly kind: 'error-share'; readonly percent: number; readonly eventsMin: number }
  | { readonly kind: 'new-pattern'; readonly learnMs?: number }

export type AlertAction =
  | {
      readonly id?: string
      readonly kind: 'webhook'
      readonly url: string
      readonly body: 'json' | 'dingtalk' | 'wecom' | 'slack'
      readonly secret?: string
    }
  | { readonly id?: string; readonly kind: 'email'; readonly to: readonly string[] }
  | {
      readonly id?: string
      readonly kind: 'zabbix'
      readonly server: string
      readonly host: string
      readonly key: string
    }

/** What is sent to be saved. */
export interface PolicyBody {
  readonly name: string
  readonly cluster: string
  readonly app?: string
  readonly query: string
  readonly windowMs: number
  readonly condition: AlertCondition
  readonly holdMs: number
  readonly clearMs: number
  readonly repeatMs: number
  readonly actions: readonly AlertAction[]
  readonly enabled: boolean
  readonly language: 'en' | 'zh-CN'
}

export const alertStates = ['firing', 'no-data', 'silenced', 'ok', 'off'] as const
export type AlertStateName = (typeof alertStates)[number]

export type NoticeName = 'firing' | 'still-firing' | 'resolved'

export interface Waiting {
  readonly action: string
  readonly kind: NoticeName
  readonly since: string
  readonly attempts: number
  readonly nextAt: string
  /** Why its target did not take it. */
  readonly error?: string
}

export interface AlertRow extends PolicyBody {
  readonly id: string
  readonly version: number
  readonly mayChange: boolean
  readonly state: AlertStateName
  readonly beneath: 'ok' | 'firing' | 'no-data'
  readonly since: string | null
  readonly reason?: string
  readonly value?: number
  readonly detail?: string
  readonly silencedUntil: string | null
  readonly changedAt: string
  readonly changedBy: string
  readonly waiting: readonly Waiting[]
  readonly history?: readonly {
    readonly time: string
    readonly event: 'ok' | 'firing' | 'no-data' | 'told' | 'given-up'
    readonly notice?: NoticeName
    readonly value?: number
    readonly detail?: string
  }[]
}

/** The worst on top; of one state by name. */
export function sortAlerts(alerts: readonly AlertRow[]): AlertRow[] {
  return alerts.toSorted(
    (a, b) => alertStates.indexOf(a.state) - alertStates.indexOf(b.state) || a.name.localeCompare(b.name),
  )
}

/** Every word of the text is somewhere in what is shown of the alert. */
export function filterAlerts(alerts: readonly AlertRow[], text: string, state: string | undefined): AlertRow[] {
  const words = text.toLowerCase().split(/\s+/)
  return alerts.filter((alert) => {
    if (state !== undefined && alert.state !== state) return false
    const shown = [alert.name, alert.app ?? '', alert.query, alert.reason ?? '', alert.detail ?? '']
      .join(' ')
      .toLowerCase()
    return words.every((word) => shown.includes(word))
  })
}

/** The notices of an alert that its targets refuse: what an operator has to look at. */
export function troubleOf({ waiting }: AlertRow): Waiting | undefined {
  return waiting.find(({ error }) => error !== undefined)
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const

/** `90000` → `90s`, `3600000` → `1h`. */
export function durationText(ms: number): string {
  const [unit, size] = units.find(([, size]) => ms >= size && ms % size === 0) ?? ['s', 1000]
  return `${ms / size}${unit}`
}

/** The reverse; undefined = not a duration. */
export function readDuration(text: string): number | undefined {
  const [, amount = '', unit = ''] = /^\s*(\d{1,6})\s*([smhd])\s*$/i.exec(text) ?? []
  const size = units.find(([name]) => name === unit.toLowerCase())?.[1]
  return size === undefined ? undefined : Number(amount) * size
}

/** What stands in the form: texts, as they are typed. */
export interface Draft {
  readonly name: string
  readonly cluster: string
  readonly app: string
  readonly query: string
  readonly window: string
  readonly kind: AlertCondition['kind']
  readonly comparison: 'over' | 'under'
  readonly events: string
  readonly percent: string
  readonly eventsMin: string
  readonly learn: string
  readonly hold: string
  readonly clear: string
  readonly repeat: string
  readonly actions: readonly ActionDraft[]
  readonly enabled: boolean
  readonly language: 'en' | 'zh-CN'
}

export interface ActionDraft {
  /** Of the form, for its rows. */
  readonly row: number
  readonly id?: string
  readonly kind: AlertAction['kind']
  readonly url: string
  readonly body: 'json' | 'dingtalk' | 'wecom' | 'slack'
  readonly secret: string
  readonly to: string
  readonly server: string
  readonly host: string
  readonly key: string
}

export function newAction(kind: AlertAction['kind'], row: number): ActionDraft {
  return { row, kind, url: '', body: 'dingtalk', secret: '', to: '', server: '', host: '', key: '' }
}

export function newDraft(cluster: string, app: string, query: string, language: 'en' | 'zh-CN'): Draft {
  return {
    ...{ name: '', cluster, app, query, language, enabled: true, actions: [] },
    ...{ window: '5m', kind: 'count', comparison: 'over', events: '10', percent: '5', eventsMin: '20', learn: '1h' },
    ...{ hold: '0s', clear: '1m', repeat: '0s' },
  }
}

export function draftOf(policy: PolicyBody): Draft {
  const { name, cluster, app = '', query, condition, actions, enabled, language } = policy
  const draft = newDraft(cluster, app, query, language)
  return {
    ...draft,
    name,
    enabled,
    window: durationText(policy.windowMs),
    kind: condition.kind,
    ...(condition.kind === 'count' && { comparison: condition.comparison, events: String(condition.events) }),
    ...(condition.kind === 'error-share' && {
      percent: String(condition.percent),
      eventsMin: String(condition.eventsMin),
    }),
    ...(condition.kind === 'new-pattern' && { learn: durationText(condition.learnMs ?? 3_600_000) }),
    hold: durationText(policy.holdMs),
    clear: durationText(policy.clearMs),
    repeat: durationText(policy.repeatMs),
    actions: actions.map((action, row) => ({
      ...newAction(action.kind, row),
      ...action,
      to: action.kind === 'email' ? action.to.join(', ') : '',
    })),
  }
}

/** The draft as it is sent, or the name of the first field that is no duration or no number. What else is wrong the server says. */
export function bodyOf(draft: Draft): { readonly body: PolicyBody } | { readonly wrong: keyof Draft } {
  const durations = { window: 0, hold: 0, clear: 0, repeat: 0, learn: 0 }
  for (const name of ['window', 'hold', 'clear', 'repeat', 'learn'] as const) {
    const ms = readDuration(draft[name])
    if (ms === undefined && (name !== 'learn' || draft.kind === 'new-pattern')) return { wrong: name }
    durations[name] = ms ?? 0
  }
  const numbers = { events: Number(draft.events), percent: Number(draft.percent), eventsMin: Number(draft.eventsMin) }
  const asked = {
    count: ['events'],
    'error-share': ['percent', 'eventsMin'],
    'no-lines': [],
    'new-pattern': [],
  } as const
  for (const name of asked[draft.kind]) {
    if (draft[name].trim() === '' || !Number.isFinite(numbers[name])) return { wrong: name }
  }
  const { name, cluster, app, query, enabled, language } = draft
  return {
    body: {
      name: name.trim(),
      cluster,
      ...(app.trim() !== '' && { app: app.trim() }),
      query: query.trim(),
      windowMs: durations.window,
      condition: conditionOf(draft, numbers, durations.learn),
      holdMs: durations.hold,
      clearMs: durations.clear,
      repeatMs: durations.repeat,
      actions: draft.actions.map(actionOf),
      enabled,
      language,
    },
  }
}

function conditionOf(
  { kind, comparison }: Draft,
  { events, percent, eventsMin }: { events: number; percent: number; eventsMin: number },
  learnMs: number,
): AlertCondition {
  if (kind === 'count') return { kind, comparison, events }
  if (kind === 'error-share') return { kind, percent, eventsMin }
  return kind === 'new-pattern' ? { kind, learnMs } : { kind }
}

function actionOf({ id, kind, url, body, secret, to, server, host, key }: ActionDraft): AlertAction {
  const known = id === undefined ? {} : { id }
  switch (kind) {
    case 'webhook':
      return { ...known, kind, url: url.trim(), body, ...(body === 'dingtalk' && secret !== '' && { secret }) }
    case 'email':
      return { ...known, kind, to: to.split(/[\s,;]+/).filter((one) => one !== '') }
    case 'zabbix':
      return { ...known, kind, server: server.trim(), host: host.trim(), key: key.trim() }
  }
}
