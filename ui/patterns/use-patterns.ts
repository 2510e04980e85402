/** The patterns of what is searched, as the API gives them. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { Level } from '../../pipeline/record.ts'
import { getJson, type SampleStatement } from '../api.ts'
import { apiUrl, selectionParams } from '../state/api-params.ts'
import { useView } from '../view-context.tsx'

interface Counted {
  readonly count: number
  readonly share: number
}

interface Shape {
  readonly pattern: string
  readonly level: Level
  /** Finds all of its lines; null when no word is in all of them. */
  readonly query: string | null
  readonly example?: {
    readonly id: string
    readonly time: string
    readonly app: string
    readonly host: string
    readonly dir: string
    readonly file: string
    readonly message: string
  }
}

export interface Pattern extends Shape, Counted {
  readonly first: string | null
  readonly last: string | null
  readonly new?: boolean
  readonly previous?: Counted
  readonly change?: number
}

export type GonePattern = Shape & Partial<Counted>

export interface PatternsAnswer {
  readonly total: number
  readonly sample: SampleStatement
  readonly patterns: readonly Pattern[]
  readonly more: number
  /** Lines of further shapes, which were counted only together. */
  readonly other: number
  readonly previous?: {
    readonly from: string
    readonly to: string
    readonly total: number
    readonly gone: readonly GonePattern[]
  }
}

export function usePatterns(limit: number) {
  const { view, zone, run } = useView()
  const { sort, compare } = view
  const params = [
    ...selectionParams(view, zone),
    ['limit', limit] as const,
    ...(compare
      ? ([
          ['compare', 'previous'],
          ['sort', sort],
        ] as const)
      : []),
  ]
  return useQuery({
    queryKey: ['patterns', params, run],
    queryFn: ({ signal }) => getJson<PatternsAnswer>(apiUrl('patterns', params), signal),
    placeholderData: keepPreviousData,
  })
}
