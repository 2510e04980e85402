/** Days by click: the first one and the last one, both whole. The clock is typed behind them, where it matters. */
import { DatePicker, type DatesRangeValue } from '@mantine/dates'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { edgeText } from '../state/time-range.ts'
import { localIso } from '../state/zone.ts'
import { useView } from '../view-context.tsx'
import '@mantine/dates/styles.css'
import 'dayjs/locale/zh-cn'

interface RangeCalendarProps {
  /** As the address takes them; undefined while what is typed is no time. */
  readonly from: string | undefined
  readonly to: string | undefined
  /** `2016-05-16`; without a last day while only the first one is chosen. */
  onPick(firstDay: string, lastDay: string | undefined): void
}

export function RangeCalendar({ from, to, onPick }: RangeCalendarProps) {
  const { t, i18n } = useTranslation()
  const { zone } = useView()
  const today = localIso(zone, Date.now()).slice(0, 10)
  // While the first day waits for the last one the calendar holds it: the edges as text are both given already.
  const [begun, setBegun] = useState<string>()
  const days: DatesRangeValue<string> = begun === undefined ? [dayOf(from, zone), lastDayOf(to, zone)] : [begun, null]
  const shown = days[0] === null ? today : days[0]

  return (
    <DatePicker
      className="range-calendar"
      type="range"
      size="xs"
      allowSingleDateInRange
      value={days}
      defaultDate={shown}
      maxDate={today}
      highlightToday
      hideOutsideDates
      locale={i18n.language === 'zh-CN' ? 'zh-cn' : 'en'}
      firstDayOfWeek={1}
      // Red means an error here, not a Sunday.
      weekendDays={[]}
      monthLabelFormat={i18n.language === 'zh-CN' ? 'YYYY年M月' : 'MMMM YYYY'}
      ariaLabels={{ previousMonth: t('range.previousMonth'), nextMonth: t('range.nextMonth') }}
      onChange={([first, last]) => {
        if (first === null) return
        setBegun(last === null ? first : undefined)
        onPick(first, last ?? undefined)
      }}
    />
  )
}

/** The day of an instant on the zone's clock; relative edges are no day. */
function dayOf(edge: string | undefined, zone: string): string | null {
  const day = edge === undefined ? '' : edgeText(edge, zone).slice(0, 10)
  return /^\d{4}-\d\d-\d\d$/.test(day) ? day : null
}

/** The end of a range is not in it: midnight belongs to the day before. */
function lastDayOf(edge: string | undefined, zone: string): string | null {
  if (edge === undefined || dayOf(edge, zone) === null) return null
  return dayOf(new Date(Date.parse(edge) - 1).toISOString(), zone)
}
