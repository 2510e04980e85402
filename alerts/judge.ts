/** What was counted → does the condition hold? Pure. */
import type { AlertCondition } from '../pipeline/alert-policy.ts'

export interface Measure {
  readonly events: number
  /** Those of level error and fatal. */
  readonly errors: number
}

export type Judgement =
  | { readonly holds: boolean; readonly value: number; readonly detail?: string }
  /** Nothing can be said. `failed`: because the store did not answer; else because there is too little to judge by. */
  | { readonly holds: undefined; readonly failed: boolean; readonly reason: string; readonly value?: number }

/** Of the conditions that counting decides; for new shapes see watch.ts. */
export function judge(
  condition: Exclude<AlertCondition, { kind: 'new-pattern' }>,
  { events, errors }: Measure,
): Judgement {
  switch (condition.kind) {
    case 'count': {
      const holds = condition.comparison === 'over' ? events > condition.events : events < condition.events
      return { holds, value: events }
    }
    case 'no-lines':
      return { holds: events === 0, value: events }
    case 'error-share': {
      if (events < condition.eventsMin) {
        const reason = `${events} events, fewer than ${condition.eventsMin}`
        return { holds: undefined, failed: false, reason, value: events }
      }
      const percent = (errors / events) * 100
      return { holds: percent > condition.percent, value: Math.round(percent * 100) / 100 }
    }
  }
}

/** True for what a pipeline that has just started, and has not caught up, would seem to be. */
export function isOfAbsence(condition: AlertCondition): boolean {
  return condition.kind === 'no-lines' || (condition.kind === 'count' && condition.comparison === 'under')
}
