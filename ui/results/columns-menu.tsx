/** Which columns stand in front of the message; any field of the lines can be one. */
import { Popover } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { ApiRecord } from '../api.ts'
import { type Column, columnsOf, fieldsOf, isColumn, ownColumns, toggledColumn } from '../state/column-model.ts'
import { useView } from '../view-context.tsx'
import './columns-menu.css'

const fieldsMax = 40

export function ColumnsMenu({ records }: { readonly records: readonly ApiRecord[] }) {
  const { t } = useTranslation()
  const { view } = useView()
  const [opened, { toggle, close }] = useDisclosure(false)
  return (
    <Popover
      opened={opened}
      onDismiss={close}
      position="bottom-end"
      width={240}
      trapFocus
      returnFocus
      transitionProps={{ duration: 0 }}
    >
      <Popover.Target>
        <button type="button" className="chip" aria-pressed={view.cols.length > 0} onClick={toggle}>
          {t('columns.title')}
        </button>
      </Popover.Target>
      <Popover.Dropdown className="columns">
        <ColumnChoice records={records} />
      </Popover.Dropdown>
    </Popover>
  )
}

function ColumnChoice({ records }: { readonly records: readonly ApiRecord[] }) {
  const { t } = useTranslation()
  const { view, change } = useView()
  const [typed, setTyped] = useState('')
  const chosen = columnsOf(view.cols)
  const fields = fieldsOf(records).map((name): Column => `.${name}`)
  const offered: Column[] = [...new Set([...ownColumns, ...chosen, ...fields])]
  const shown = offered.filter((name) => name.toLowerCase().includes(typed.trim().toLowerCase())).slice(0, fieldsMax)
  const other = `.${typed.trim().replace(/^\./, '')}`
  const choose = (column: Column) => change({ cols: toggledColumn(view.cols, column) }, 'replace')
  return (
    <>
      <input
        className="small-input columns-filter"
        value={typed}
        placeholder={t('columns.filter')}
        aria-label={t('columns.filter')}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
      <fieldset className="columns-list" aria-label={t('columns.title')}>
        {shown.map((column) => (
          <label key={column}>
            <input type="checkbox" checked={chosen.includes(column)} onChange={() => choose(column)} />
            <ColumnName column={column} />
          </label>
        ))}
        {typed.trim() !== '' && !offered.includes(other as Column) && isColumn(other) && !other.includes(',') && (
          <button type="button" className="text-button" onClick={() => choose(other)}>
            {t('columns.add', { name: other })}
          </button>
        )}
      </fieldset>
      <button
        type="button"
        className="text-button"
        disabled={view.cols.length === 0}
        onClick={() => change({ cols: [] }, 'replace')}
      >
        {t('columns.plain')}
      </button>
    </>
  )
}

export function ColumnName({ column }: { readonly column: Column }) {
  const { t } = useTranslation()
  const own = ownColumns.find((name) => name === column)
  return own === undefined ? <span className="mono columns-field">{column}</span> : t(`field.${own}`)
}
