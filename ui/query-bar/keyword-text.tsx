/** A query in the colours of its language. */
import { tokenizeQuery } from '../../pipeline/query-colours.ts'

interface KeywordTextProps {
  readonly text: string
  readonly wrong?: { readonly start: number; readonly end: number } | undefined
}

interface Piece {
  readonly start: number
  readonly end: number
  readonly className: string | undefined
}

export function KeywordText({ text, wrong }: KeywordTextProps) {
  return (
    <>
      {piecesOf(text, wrong).map(({ start, end, className }) =>
        className === undefined ? (
          text.slice(start, end)
        ) : (
          <span key={start} className={className}>
            {text.slice(start, end)}
          </span>
        ),
      )}
    </>
  )
}

/** Tokens and the white space between them; what lies in the wrong place is a piece of its own. */
function piecesOf(text: string, wrong: KeywordTextProps['wrong']): Piece[] {
  const pieces: Piece[] = []
  const push = (start: number, end: number, className?: string) => {
    if (end > start) pieces.push({ start, end, className })
  }
  const cut = (start: number, end: number, className?: string) => {
    if (wrong === undefined || wrong.end <= start || wrong.start >= end) return push(start, end, className)
    push(start, Math.max(start, wrong.start), className)
    push(Math.max(start, wrong.start), Math.min(end, wrong.end), `${className ?? ''} query-wrong`)
    push(Math.min(end, wrong.end), end, className)
  }
  let at = 0
  for (const { kind, start, end } of tokenizeQuery(text)) {
    cut(at, start)
    cut(start, end, `query-${kind}`)
    at = end
  }
  cut(at, text.length)
  return pieces
}
