import { lazy, Suspense, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { edgeText, isReversed, parseTyped, type TimeRange } from '../state/time-range.ts'
import { useView } from '../view-context.tsx'

// Dates are seldom picked, and what draws them is large.
const RangeCalendar = lazy(() => import('./range-calendar.tsx').then((module) => ({ default: module.RangeCalendar })))

/** Both edges as text: typing a time is quicker than clicking it together, and takes a pasted one. */
export function RangeForm({ onApply }: { onApply(range: TimeRange): void }) {
  const { t } = useTranslation()
  const { view, zone } = useView()
  const id = useId()
  const [from, setFrom] = useState(() => edgeText(view.from, zone))
  const [to, setTo] = useState(() => edgeText(view.to, zone))

  const first = parseTyped(from, 'from', zone, Date.now())
  const last = parseTyped(to, 'to', zone, Date.now())
  const reversed = first !== undefined && last !== undefined && isReversed({ from: first, to: last })
  const valid = first !== undefined && last !== undefined && !reversed

  const apply = () => {
    if (valid) onApply({ from: first, to: last })
  }
  const edges = [
    {
      name: 'from',
      text: from,
      set: setFrom,
      wrong: from !== '' && first === undefined,
      example: t('range.fromExample'),
    },
    { name: 'to', text: to, set: setTo, wrong: last === undefined || reversed, example: t('range.toExample') },
  ] as const

  return (
    // Not a form of its own: it stands inside the query bar's.
    <fieldset className="range-form">
      <legend>{t('range.absolute')}</legend>
      {edges.map(({ name, text, set, wrong, example }) => (
        <div key={name} className="range-edge">
          <label htmlFor={`${id}-${name}`}>{t(`range.${name}`)}</label>
          <input
            id={`${id}-${name}`}
            className="mono"
            value={text}
            placeholder={example}
            aria-invalid={wrong}
            spellCheck={false}
            autoComplete="off"
            onChange={(event) => set(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Enter') return
              event.preventDefault()
              apply()
            }}
          />
        </div>
      ))}
      {!valid && from !== '' && (
        <p className="range-wrong" role="alert">
          {reversed ? t('range.reversed') : t('range.invalid')}
        </p>
      )}
      <Suspense fallback={<div className="range-calendar" />}>
        <RangeCalendar
          from={first}
          to={last}
          onPick={(firstDay, lastDay) => {
            setFrom(firstDay)
            setTo(lastDay ?? firstDay)
          }}
        />
      </Suspense>
      <button type="button" className="quiet-button" disabled={!valid} onClick={apply}>
        {t('range.apply')}
      </button>
    </fieldset>
  )
}
