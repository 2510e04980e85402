/** The fields of what is searched, as the API gives them. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getJson, type SampleStatement } from '../api.ts'
import { apiUrl, selectionParams } from '../state/api-params.ts'
import { useView } from '../view-context.tsx'

export interface FieldValue {
  readonly value: string
  readonly count: number
}

export interface Field {
  readonly name: string
  readonly type: 'number' | 'boolean' | 'time' | 'text' | 'mixed'
  readonly count: number
  readonly share: number
  /** Different values among the lines that were looked at; `distinctMore`: there are more. */
  readonly distinct: number
  readonly distinctMore: boolean
  readonly values: readonly FieldValue[]
}

export interface FieldsAnswer {
  readonly total: number
  readonly sample: SampleStatement
  readonly withFields: { readonly count: number; readonly share: number }
  readonly fields: readonly Field[]
  /** Fields beyond the limit. */
  readonly more: number
}

const fieldsMax = 500
const valuesMax = 10

export function useFields() {
  const { view, zone, run } = useView()
  const params = [...selectionParams(view, zone), ['limit', fieldsMax], ['values', valuesMax]] as const
  return useQuery({
    queryKey: ['fields', params, run],
    queryFn: ({ signal }) => getJson<FieldsAnswer>(apiUrl('fields', params), signal),
    placeholderData: keepPreviousData,
  })
}
