/** What is wrong with the query, under its box, with the place marked. */
import { useTranslation } from 'react-i18next'
import type { Problem } from '../api.ts'
import { markQuery, queryReason } from '../state/query-problem.ts'

interface KeywordProblemProps {
  readonly id: string
  readonly query: string
  readonly problem: Problem
}

export function KeywordProblem({ id, query, problem }: KeywordProblemProps) {
  const { t } = useTranslation()
  const reason = queryReason(query)
  const marked = problem.position && markQuery(query, problem.position)
  return (
    <div className="keyword-problem" id={id} role="alert">
      {marked && (
        <div className="keyword-problem-query mono">
          {marked.before}
          <span className="keyword-problem-place">{marked.marked}</span>
          {marked.after}
        </div>
      )}
      {reason === undefined ? (
        <>
          <strong>{problem.message || t('keyword.invalid')}</strong>
          {problem.hint && <span className="muted"> {problem.hint}</span>}
        </>
      ) : (
        <strong>{t(`reason.${reason}`)}</strong>
      )}
    </div>
  )
}
