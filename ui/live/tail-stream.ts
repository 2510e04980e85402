/** GET /tail as the page reads it: the answer goes on until somebody ends it. */
import { createParser } from 'eventsource-parser'
import { type ApiRecord, getStream } from '../api.ts'

/** A server that is alive says so every 15 seconds. */
const silenceMsMax = 45_000

export interface TailHandlers {
  onOpen(): void
  /** The stream is read on only when it has resolved: what cannot be shown so fast is missed by the server's count. */
  onRecords(records: readonly ApiRecord[]): Promise<void>
  /** Goes on from here. */
  onPosition(id: string): void
  /** Null = some, nobody knows how many. */
  onMissed(events: number | null): void
  /** The session does not hold any more. */
  onSignedOut(): void
}

/** Resolves when the server or the silence has ended it. Throws a Problem when it is refused, else what the signal throws. */
export async function readTail(url: string, signal: AbortSignal, handlers: TailHandlers): Promise<void> {
  const silence = new AbortController()
  const { body } = await getStream(url, AbortSignal.any([signal, silence.signal]))
  handlers.onOpen()
  let records: ApiRecord[] = []
  const parser = createParser({
    onEvent: ({ event, data, id }) => {
      if (event === 'record') records.push(JSON.parse(data) as ApiRecord)
      else if (event === 'missed') handlers.onMissed((JSON.parse(data) as { events: number | null }).events)
      else if (event === 'ended') handlers.onSignedOut()
      if (id !== undefined) handlers.onPosition(id)
    },
  })
  const decoder = new TextDecoder()
  const reader = body.getReader()
  for (;;) {
    const timer = setTimeout(() => silence.abort(), silenceMsMax)
    const { value, done } = await reader.read().finally(() => clearTimeout(timer))
    if (done) return
    parser.feed(decoder.decode(value, { stream: true }))
    if (records.length === 0) continue
    const read = records
    records = []
    await handlers.onRecords(read)
  }
}
